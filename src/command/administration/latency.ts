import type { Args } from '../args.ts';
import { type CommandDeclaration, type NodeCommand, noKeys } from '../command.ts';
import { container, helpOf, helpRow } from '../containers.ts';
import type { DurationHistogram, LatencyEvent } from '../control.ts';
import { asciiText } from '../decimal.ts';
import type { ReplyWriter } from '../reply.ts';

type Run = NodeCommand['run'];

const latest: Run = ({ control }, _args, reply) => {
  const events = [...control.latency.events()];
  reply.array(events.length);
  for (const { name, samples, maxMs } of events) {
    const last = samples.at(-1);
    reply.array(4);
    reply.bulkText(name);
    reply.integer(Math.floor((last?.atMs ?? 0) / 1000));
    reply.integer(last?.latencyMs ?? 0);
    reply.integer(maxMs);
  }
};

const history: Run = ({ control }, args, reply) => {
  const wanted = nameArg(args, 1);
  let samples: LatencyEvent['samples'] = [];
  for (const event of control.latency.events()) if (event.name === wanted) samples = event.samples;
  reply.array(samples.length);
  for (const { atMs, latencyMs } of samples) {
    reply.array(2);
    reply.integer(Math.floor(atMs / 1000));
    reply.integer(latencyMs);
  }
};

const reset: Run = ({ control }, args, reply) => {
  const names: string[] = [];
  for (let index = 1; index < args.count; index++) names.push(nameArg(args, index));
  reply.integer(control.latency.reset(names.length === 0 ? null : names));
};

const doctor: Run = ({ control: { latency } }, _args, reply) => {
  if (latency.thresholdMs === 0) {
    reply.text('Latency is not watched. CONFIG SET latency-monitor-threshold <milliseconds> begins to.\n');
    return;
  }
  const events = [...latency.events()];
  if (events.length === 0) reply.text(`Nothing took longer than ${latency.thresholdMs} ms.\n`);
  else reply.text(events.map(adviceOn).join(''));
};

function adviceOn({ name, samples, maxMs }: LatencyEvent): string {
  const sumMs = samples.reduce((total, { latencyMs }) => total + latencyMs, 0);
  const meanMs = Math.round(sumMs / Math.max(1, samples.length));
  const advice: Readonly<Record<string, string>> = {
    'event-loop': 'The main thread was busy or was not given a processor: look for large batches and busy neighbours.',
    'shard-hang': 'A shard was busy with one command for too long and was restarted: SLOWLOG GET may name it.',
  };
  return `${name}: ${samples.length} times, ${meanMs} ms on average, ${maxMs} ms at most. ${advice[name] ?? ''}\n`;
}

const histogram: Run = ({ control }, args, reply) => {
  const wanted: string[] = [];
  for (let index = 1; index < args.count; index++) wanted.push(nameArg(args, index).toLowerCase());
  const isWanted = (name: string) =>
    wanted.length === 0 || wanted.some((asked) => name === asked || name.startsWith(`${asked}|`));
  const histograms = [...control.latency.histograms()].filter(({ name }) => isWanted(name));
  reply.map(histograms.length);
  for (const one of histograms) writeHistogram(one, reply);
};

function writeHistogram({ name, calls, cumulative }: DurationHistogram, reply: ReplyWriter): void {
  reply.bulkText(name);
  reply.map(2);
  reply.bulkText('calls');
  reply.integer(calls);
  reply.bulkText('histogram_usec');
  reply.map(cumulative.length);
  for (const [boundUs, callsUpTo] of cumulative) {
    reply.integer(boundUs);
    reply.integer(callsUpTo);
  }
}

function nameArg(args: Args, index: number): string {
  return asciiText(args.bytes, args.start(index), args.end(index));
}

const row = {
  kind: 'node',
  flags: ['admin', 'noscript', 'loading', 'stale'],
  keys: noKeys,
  group: 'server',
  since: '2.8.13',
  complexity: 'O(1)',
  syntax: '',
} as const;

export const latencyCommands: readonly CommandDeclaration[] = [
  { ...container, name: 'latency', since: '2.8.13', summary: 'About what took long.' },
  {
    ...row,
    name: 'latency|latest',
    arity: 2,
    summary: 'Returns, for each kind of event, when it was last, how long it took, and the longest ever.',
    run: latest,
  },
  {
    ...row,
    name: 'latency|history',
    arity: 3,
    summary: 'Returns the samples of one kind of event.',
    syntax: 'event',
    run: history,
  },
  {
    ...row,
    name: 'latency|reset',
    arity: -2,
    summary: 'Forgets events, and returns of how many kinds there were some.',
    syntax: '[event [event ...]]',
    run: reset,
  },
  { ...row, name: 'latency|doctor', arity: 2, summary: 'Says in words what the events tell.', run: doctor },
  {
    ...row,
    name: 'latency|histogram',
    arity: -2,
    since: '7.0.0',
    summary: 'Returns how many calls of each command took how long.',
    complexity: 'O(N) where N is the number of commands',
    syntax: '[command [command ...]]',
    run: histogram,
  },
  {
    ...helpRow,
    name: 'latency|help',
    since: '2.8.13',
    run: helpOf('LATENCY', [
      ['LATEST', 'The last event of each kind.'],
      ['HISTORY <event>', 'The samples of one kind.'],
      ['RESET [<event> ...]', 'Forgets events.'],
      ['DOCTOR', 'What the events tell, in words.'],
      ['HISTOGRAM [<command> ...]', 'How long the calls of commands took.'],
      ['HELP', 'This text.'],
    ]),
  },
];
