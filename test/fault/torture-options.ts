import { parseArgs } from 'node:util';
import { scenarios } from './scenarios.ts';

export interface TortureOptions {
  readonly minutes: number;
  readonly seed: number;
  readonly nodes: number;
  readonly clients: number;
  readonly keys: number;
  readonly leaseMs: number;
  /** Play only this one; null: all in turn. */
  readonly scenario: string | null;
}

export const usage = `Usage: npm run -s torture -- [options]

Starts a cluster of real nodes, puts it under load, lets one thing after the other go wrong, and checks that clients were
never told what cannot be. Exits with 1 when something was wrong, with 2 when it does not understand what it is asked for.

  --minutes M     begin no new round after so many minutes (default 2)
  --seed S        of what is chosen by chance (default: by chance); what nodes and the machine do is chance all the same
  --nodes N       founders of the cluster (default 3)
  --clients C     clients that ask one thing after the other (default 6)
  --keys K        keys they use in a round (default 16)
  --lease MS      lease of nodes (default 700): longer on a machine that is busy with other things
  --scenario NAME play only this one, again and again

Scenarios:
${scenarios.map(({ name, text }) => `  ${name.padEnd(14)}  ${text}`).join('\n')}
`;

/** Null: it is asked for its usage; a text: what is wrong. */
export function readTortureOptions(args: readonly string[]): TortureOptions | string | null {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        minutes: { type: 'string', default: '2' },
        seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 32)) },
        nodes: { type: 'string', default: '3' },
        clients: { type: 'string', default: '6' },
        keys: { type: 'string', default: '16' },
        lease: { type: 'string', default: '700' },
        scenario: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    });
    if (values.help === true) return null;
    const { scenario = null } = values;
    if (scenario !== null && !scenarios.some(({ name }) => name === scenario))
      return `there is no scenario ${scenario}`;
    return {
      minutes: number('minutes', values.minutes, 0.1, 10_000, false),
      seed: number('seed', values.seed, 0, Number.MAX_SAFE_INTEGER),
      nodes: number('nodes', values.nodes, 3, 7),
      clients: number('clients', values.clients, 1, 100),
      keys: number('keys', values.keys, 1, 10_000),
      leaseMs: number('lease', values.lease, 300, 60_000),
      scenario,
    };
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function number(name: string, text: string, least: number, most: number, isWhole = true): number {
  const value = Number(text);
  if (text.trim() !== '' && value >= least && value <= most && (!isWhole || Number.isInteger(value))) return value;
  throw new Error(`--${name} takes a ${isWhole ? 'whole ' : ''}number from ${least} to ${most}`);
}
