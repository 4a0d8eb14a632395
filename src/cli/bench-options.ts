import { type CliOption, choice, count, flag, seconds, size } from './option-kinds.ts';
import { connectionOptions } from './options.ts';

const load = 'Load';

export type KeyOrder =
  | { readonly kind: 'uniform' }
  | { readonly kind: 'sequential' }
  | { readonly kind: 'zipf'; readonly theta: number };

const order: CliOption<KeyOrder> = {
  flags: ['--distribution'],
  group: load,
  doc: 'Which keys are asked for: each as often (uniform), one after the other (sequential), or some far more often (zipf:THETA, 0.99 when left out). Default: uniform.',
  default: { kind: 'uniform' },
  placeholder: 'NAME',
  allowed: 'uniform, sequential, zipf, or zipf:THETA with THETA from 0 to 5',
  secret: false,
  read: (text) => {
    if (text === 'uniform' || text === 'sequential') return { kind: text };
    const match = /^zipf(?:[:(](\d*\.?\d+)\)?)?$/.exec(text);
    if (match === null) return undefined;
    const theta = Number(match[1] ?? 0.99);
    return theta <= 5 ? { kind: 'zipf', theta } : undefined;
  },
};

/** The share of reads among the requests. */
const ratio: CliOption<number> = {
  flags: ['--ratio'],
  group: load,
  doc: 'Reads to writes. Default: 9:1.',
  default: 0.9,
  placeholder: 'R:W',
  allowed: 'two whole numbers that are not both 0, such as 9:1',
  secret: false,
  read: (text) => {
    const match = /^(\d{1,6}):(\d{1,6})$/.exec(text);
    const reads = Number(match?.[1]);
    const all = reads + Number(match?.[2]);
    return all > 0 ? reads / all : undefined;
  },
};

/** Every option of `fluxcache bench`. */
export const benchOptions = {
  ...connectionOptions,
  protocol: choice({
    flags: ['--protocol'],
    group: load,
    doc: 'What to speak; http is POST /set and GET /get, at port 8081 unless -p says otherwise. Default: resp.',
    of: ['resp', 'msgpack', 'http'],
    default: 'resp',
  }),
  connections: count({
    flags: ['-c', '--connections'],
    group: load,
    doc: 'Connections over all threads. Default: 50.',
    default: 50,
    min: 1,
    max: 10_000,
  }),
  depth: count({
    flags: ['-P', '--depth'],
    group: load,
    doc: 'Requests under way on each connection. Default: 1.',
    default: 1,
    min: 1,
    max: 10_000,
  }),
  requests: count({
    flags: ['-n', '--requests'],
    group: load,
    doc: 'Requests in all. Default: 100000.',
    default: 100_000,
    min: 1,
    max: 1e12,
  }),
  duration: seconds({
    flags: ['--duration'],
    group: load,
    doc: 'Go on for so long instead of -n.',
    default: undefined,
    minMs: 1,
  }),
  valueBytes: size({
    flags: ['-d', '--value-size'],
    group: load,
    doc: 'Bytes of a value. Default: 64.',
    default: 64,
    min: 1,
    max: 2 ** 28,
  }),
  keys: count({
    flags: ['--keys'],
    group: load,
    doc: 'Different keys. Default: 100000.',
    default: 100_000,
    min: 1,
    max: 100_000_000,
  }),
  order,
  ratio,
  fill: flag({
    flags: ['--fill'],
    group: load,
    doc: 'Write every key once before measuring, so that reads find them.',
  }),
  ttl: seconds({
    flags: ['--ttl'],
    group: load,
    doc: 'Written entries expire after so long, in whole seconds.',
    default: undefined,
    minMs: 1000,
  }),
  threads: count({
    flags: ['--threads'],
    group: load,
    doc: 'Threads that send. Default: 1.',
    default: 1,
    min: 1,
    max: 256,
  }),
  rate: count({
    flags: ['--rate'],
    group: load,
    doc: 'Requests a second in all, evenly spaced. Latency then counts from when a request was due, so that a server that stalls is not spared (coordinated omission).',
    default: 0,
    min: 1,
    max: 100_000_000,
  }),
  json: flag({ flags: ['--json'], group: load, doc: 'Print JSON instead of a table.' }),
} as const;
