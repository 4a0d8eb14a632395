import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { type ProfileName, profileNames, profiles } from './profiles.ts';

/** What the program is asked for. */
export interface SimulateOptions {
  readonly from: number;
  /** How many; Infinity where only minutes were given. */
  readonly seeds: number;
  readonly minutes: number;
  readonly jobs: number;
  /** One seed to be run alone. */
  readonly seed: number | null;
  readonly trace: boolean;
  readonly profile: ProfileName | null;
  /** Measure so many failovers rather than run seeds. */
  readonly failovers: number | null;
  readonly json: boolean;
}

export const usage = `Usage: npm run simulate -- [options]

Runs the cluster's core in a simulated world of faults, and checks what it promises.

  --seeds N       how many seeds (default 100, or as many as the minutes allow)
  --from S        the first one (default 1)
  --minutes M     stop after so many minutes
  --jobs J        processes side by side (default: one for each processor)
  --profile P     one kind of world for all seeds, rather than all in turn:
${profileNames.map((name) => `                    ${name.padEnd(12)} ${profiles[name].summary}`).join('\n')}
  --seed S        run this one seed, and say what came of it
  --trace         with --seed: print everything that happens
  --failovers N   measure N failovers, from a primary's death to the first acknowledged write
  --json          print the summary as JSON
  --help          print this
`;

/** The options, or what is wrong with them; null: help was asked for. */
export function readSimulateOptions(args: readonly string[]): SimulateOptions | string | null {
  let values: Partial<Record<string, string | boolean>>;
  try {
    ({ values } = parseArgs({
      args: [...args],
      options: {
        seeds: { type: 'string' },
        from: { type: 'string' },
        minutes: { type: 'string' },
        jobs: { type: 'string' },
        seed: { type: 'string' },
        trace: { type: 'boolean' },
        profile: { type: 'string' },
        failovers: { type: 'string' },
        json: { type: 'boolean' },
        help: { type: 'boolean' },
      },
    }));
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  if (values['help'] === true) return null;
  const problems: string[] = [];
  const number = (name: string, low: number, high: number, isWhole = true): number | null => {
    const text = values[name];
    if (typeof text !== 'string') return null;
    const value = text.trim() === '' ? Number.NaN : Number(text);
    if (value >= low && value <= high && (!isWhole || Number.isInteger(value))) return value;
    problems.push(`--${name} must be a ${isWhole ? 'whole ' : ''}number from ${low} to ${high}, not '${text}'`);
    return null;
  };
  const minutes = number('minutes', 0.01, 100_000, false);
  const seeds = number('seeds', 1, 1e12);
  const from = number('from', 0, 2 ** 52);
  const jobs = number('jobs', 1, 256);
  const seed = number('seed', 0, 2 ** 52);
  const failovers = number('failovers', 1, 1e6);
  const profile = values['profile'];
  const isProfile = (name: unknown): name is ProfileName => profileNames.some((known) => known === name);
  if (profile !== undefined && !isProfile(profile)) {
    problems.push(`--profile must be one of ${profileNames.join(', ')}, not '${String(profile)}'`);
  }
  if (values['trace'] === true && seed === null) problems.push('--trace needs --seed: which one to print');
  if (failovers !== null && (seed !== null || values['seeds'] !== undefined)) {
    problems.push('--failovers goes with --from alone');
  }
  if (problems.length > 0) return problems.join('\n');
  return {
    from: from ?? 1,
    seeds: seeds ?? (minutes === null ? 100 : Number.POSITIVE_INFINITY),
    minutes: minutes ?? Number.POSITIVE_INFINITY,
    jobs: jobs ?? availableParallelism(),
    seed,
    trace: values['trace'] === true,
    profile: isProfile(profile) ? profile : null,
    failovers,
    json: values['json'] === true,
  };
}
