import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { nearest } from '../../src/base/nearest.ts';
import { faultKinds } from './fault-kinds.ts';
import { type ProfileName, profileNames, profiles } from './profiles.ts';
import { summaryWords } from './simulate-report.ts';

/** What the program is asked for. */
export interface SimulateOptions {
  readonly from: number;
  /** How many; Infinity where only minutes were given. */
  readonly seeds: number;
  readonly minutes: number;
  readonly jobs: number;
  /** One seed to be run alone. */
  readonly seed: number | null;
  readonly trace: 'decisions' | 'messages' | null;
  readonly profile: ProfileName | null;
  /** Measure so many failovers rather than run seeds. */
  readonly failovers: number | null;
  /** Break the core on purpose and count the seeds it takes to see it, rather than run seeds of it as it is. */
  readonly mutations: boolean;
  readonly json: boolean;
}

/** What it can be asked to do: run many seeds, or what the option of that name says. */
type Mode = 'many' | 'seed' | 'failovers' | 'mutations';

interface Option {
  /** What its value is called in the usage; null: it has none. */
  readonly value: string | null;
  readonly modes: readonly Mode[];
  readonly text: string;
}

/** Which option goes with what, and all of the usage. */
const options = {
  seeds: {
    value: 'N',
    modes: ['many', 'mutations'],
    text: 'how many seeds (default 100, or as many as the minutes allow); for each mutation (1500)',
  },
  from: {
    value: 'S',
    modes: ['many', 'failovers'],
    text: 'the first one (default 1); for --failovers: of their worlds',
  },
  minutes: { value: 'M', modes: ['many'], text: 'start no more seeds after so many minutes' },
  jobs: { value: 'J', modes: ['many'], text: 'processes side by side (default: one for each processor)' },
  profile: { value: 'P', modes: ['many', 'seed'], text: 'this kind of world, rather than all in turn' },
  seed: { value: 'S', modes: ['seed'], text: 'run this one seed, and say what came of it' },
  trace: {
    value: null,
    modes: ['seed'],
    text: 'print faults, decisions and operations; --trace=messages: messages too',
  },
  failovers: {
    value: 'N',
    modes: ['failovers'],
    text: "measure N failovers, from a primary's death to the first acknowledged write",
  },
  mutations: {
    value: null,
    modes: ['mutations'],
    text: 'count the seeds it takes to see each of the ways in which the core is broken on purpose',
  },
  json: { value: null, modes: ['many', 'seed', 'failovers'], text: 'print what came of it as JSON' },
  help: { value: null, modes: ['many', 'seed', 'failovers', 'mutations'], text: 'print this; also -h' },
} as const satisfies Record<string, Option>;

type OptionName = keyof typeof options;

const optionNames = Object.keys(options) as OptionName[];
const modeNames = { many: 'many seeds', seed: '--seed', failovers: '--failovers', mutations: '--mutations' } as const;

export const usage = `Usage: npm run -s simulate -- [options]

Runs the cluster's core in a simulated world of faults, and checks what it promises. Exits with 1 when a promise was
broken, with 2 when it does not understand what it is asked for, and with 130 or 143 when a signal stopped it.

${(['many', 'seed', 'failovers', 'mutations'] as const).map(usageOf).join('\n\n')}

Profiles:
${listOf(Object.fromEntries(profileNames.map((name) => [name, profiles[name].summary])))}

Faults:
${listOf(faultKinds)}

Words of the summary:
${listOf(summaryWords)}
`;

function usageOf(mode: Mode): string {
  const title = { many: 'Many seeds:', seed: 'One seed:', failovers: 'Failovers:', mutations: 'Mutations:' }[mode];
  const texts = optionNames.flatMap((name) => {
    const { value, modes, text } = options[name];
    return isOneOf(mode, modes) ? [[value === null ? `--${name}` : `--${name} ${value}`, text]] : [];
  });
  return `${title}\n${listOf(Object.fromEntries(texts))}`;
}

function listOf(entries: Readonly<Record<string, string>>): string {
  return Object.entries(entries)
    .map(([name, text]) => `  ${name.padEnd(18)} ${text}`)
    .join('\n');
}

/** The options, or in one line what is wrong with them; null: help was asked for. */
export function readSimulateOptions(args: readonly string[]): SimulateOptions | string | null {
  const values = readValues(args);
  if (typeof values === 'string') return values;
  if (values.has('help')) return null;
  const mode = modeOf(values);
  if (typeof mode !== 'object') return mode;
  return checked(values);
}

type Values = ReadonlyMap<OptionName, string>;

function readValues(args: readonly string[]): Values | string {
  const { tokens } = parseArgs({
    args: [...args],
    // What is wrong is said here, in other words.
    strict: false,
    tokens: true,
    allowPositionals: true,
    options: Object.fromEntries([
      ...optionNames.map((name) => [name, { type: options[name].value === null ? 'boolean' : 'string' }] as const),
      ['h', { type: 'boolean', short: 'h' }] as const,
    ]),
  });
  const values = new Map<OptionName, string>();
  for (const token of tokens) {
    if (token.kind === 'option-terminator') continue;
    if (token.kind === 'positional') return `'${token.value}' is no option, and nothing but options is taken`;
    const name = token.name === 'h' ? 'help' : token.name;
    if (!isOneOf(name, optionNames)) return `there is no option ${token.rawName}${hint(name, optionNames, '--')}`;
    if (values.has(name)) return `--${name} is given twice`;
    const isTrace = name === 'trace' && token.value === 'messages';
    if (options[name].value === null && token.value !== undefined && !isTrace) {
      return `--${name} takes ${name === 'trace' ? "no value but 'messages'" : 'no value'}, not '${token.value}'`;
    }
    if (options[name].value !== null && (token.value === undefined || token.value.startsWith('--'))) {
      return `--${name} needs a value: --${name} ${options[name].value}`;
    }
    values.set(name, token.value ?? '');
  }
  return values;
}

/** What is asked for, or which options contradict each other. */
function modeOf(values: Values): { readonly mode: Mode } | string {
  const [mode = 'many', second] = (['seed', 'failovers', 'mutations'] as const).filter((name) => values.has(name));
  if (second !== undefined) return `--${mode} and --${second} exclude each other`;
  for (const name of values.keys()) {
    const modes: readonly Mode[] = options[name].modes;
    if (modes.includes(mode)) continue;
    if (mode === 'many') return `--${name} needs ${modes.map((other) => modeNames[other]).join(' or ')}`;
    const others = optionNames.filter((other) => other !== mode && isOneOf(mode, options[other].modes));
    return `--${name} does not go with --${mode}; allowed are ${others.map((other) => `--${other}`).join(', ')}`;
  }
  return { mode };
}

function checked(values: Values): SimulateOptions | string {
  const problems: string[] = [];
  const number = (name: OptionName, low: number, high: number, isWhole = true): number | null => {
    const text = values.get(name);
    if (text === undefined) return null;
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
  const profile = values.get('profile') ?? null;
  if (profile !== null && !isOneOf(profile, profileNames)) {
    return `--profile must be one of ${profileNames.join(', ')}, not '${profile}'${hint(profile, profileNames)}`;
  }
  if (problems[0] !== undefined) return problems[0];
  const trace = values.get('trace');
  return {
    from: from ?? 1,
    seeds: seeds ?? (values.has('mutations') ? 1500 : minutes === null ? 100 : Number.POSITIVE_INFINITY),
    minutes: minutes ?? Number.POSITIVE_INFINITY,
    jobs: jobs ?? availableParallelism(),
    seed,
    trace: trace === undefined ? null : trace === 'messages' ? 'messages' : 'decisions',
    profile,
    failovers,
    mutations: values.has('mutations'),
    json: values.has('json'),
  };
}

function hint(name: string, candidates: readonly string[], prefix = ''): string {
  const meant = nearest(name, candidates);
  return meant === undefined ? '' : `; did you mean ${prefix}${meant}?`;
}

function isOneOf<T extends string>(name: string, names: readonly T[]): name is T {
  return names.some((known) => known === name);
}
