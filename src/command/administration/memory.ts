import type { ReadView } from '../../base/view.ts';
import type { Args } from '../args.ts';
import { type CommandDeclaration, type NodeCommand, noKeys } from '../command.ts';
import { container, helpOf, helpRow } from '../containers.ts';
import type { MemoryPort } from '../control.ts';
import { integerArg, isWord, syntaxError } from '../options.ts';
import type { ReplyWriter } from '../reply.ts';

type Run = NodeCommand['run'];

function usage(view: ReadView, args: Args, reply: ReplyWriter): void {
  for (let index = 2; index < args.count; index += 2) {
    if (!isWord(args, index, 'SAMPLES') || index + 1 === args.count) {
      syntaxError(reply);
      return;
    }
    // Entries are whole: there is nothing to sample, but the number must be one.
    const samples = integerArg(args, index + 1, reply);
    if (Number.isNaN(samples)) return;
    if (samples < 0) {
      syntaxError(reply);
      return;
    }
  }
  if (view.peek(args.bytes, args.start(1), args.end(1))) reply.integer(view.entry.memoryBytes);
  else reply.null();
}

const stats: Run = ({ control: { memory } }, _args, reply) => {
  const { usedBytes, peakBytes, entryBytes, keyCount } = memory;
  reply.map(11);
  const integers = [
    ['peak.allocated', peakBytes],
    ['total.allocated', usedBytes],
    ['overhead.total', usedBytes - entryBytes],
    ['keys.count', keyCount],
    ['keys.bytes-per-key', keyCount === 0 ? 0 : Math.floor(usedBytes / keyCount)],
    ['dataset.bytes', entryBytes],
    ['budget.bytes', memory.budgetBytes],
    ['process.resident', memory.residentBytes],
    ['process.heap', memory.heapBytes],
  ] as const;
  for (const [name, value] of integers) {
    reply.bulkText(name);
    reply.integer(value);
  }
  reply.bulkText('dataset.percentage');
  reply.double(percentage(entryBytes, usedBytes));
  reply.bulkText('peak.percentage');
  reply.double(percentage(usedBytes, peakBytes));
};

function percentage(part: number, whole: number): number {
  return whole === 0 ? 0 : (part / whole) * 100;
}

/** Of the budget; entries begin to leave, or writes to be refused, when it is full. */
const nearlyFull = 0.9;
const overheadLarge = 0.5;
/** With fewer bytes in use, the parts say nothing. */
const adviceBytesMin = 1 << 20;

const doctor: Run = ({ control }, _args, reply) => reply.text(`${adviceOn(control.memory).join('\n')}\n`);

function adviceOn({ usedBytes, budgetBytes, entryBytes }: MemoryPort): string[] {
  if (usedBytes < adviceBytesMin) return ['Too little is stored to say anything about it.'];
  const advice: string[] = [];
  if (usedBytes > budgetBytes * nearlyFull) {
    advice.push('The memory budget is nearly used up: maxMemory says what happens then, INFO memory how often it did.');
  }
  if (usedBytes - entryBytes > usedBytes * overheadLarge) {
    advice.push('More than half of the memory in use is index and bookkeeping: entries are very small, or many left.');
  }
  return advice.length === 0 ? ['Nothing is wrong with the memory.'] : advice;
}

/** The memory of entries is one block a shard, and there is nothing of it to give back. */
const purge: Run = (_node, _args, reply) => reply.ok();

const mallocStats: Run = (_node, _args, reply) => reply.bulkText('Stats not supported for the current allocator');

const row = {
  kind: 'node',
  arity: 2,
  flags: [],
  keys: noKeys,
  group: 'server',
  since: '4.0.0',
  complexity: 'O(1)',
  syntax: '',
} as const;

export const memoryCommands: readonly CommandDeclaration[] = [
  { ...container, name: 'memory', since: '4.0.0', summary: 'About the memory of keys.' },
  {
    kind: 'read',
    name: 'memory|usage',
    arity: -3,
    flags: ['readonly'],
    keys: { first: 1, last: 1, step: 1 },
    keyFlags: ['RO'],
    gather: 'single',
    group: 'server',
    since: '4.0.0',
    summary: 'Returns the bytes of memory an entry takes, its share of the index included.',
    complexity: 'O(1)',
    syntax: 'key [SAMPLES count]',
    run: usage,
  },
  { ...row, name: 'memory|stats', summary: 'Tells what memory is used for.', run: stats },
  { ...row, name: 'memory|doctor', summary: 'Says in words what is wrong with the memory, if anything.', run: doctor },
  { ...row, name: 'memory|purge', summary: 'Answers OK: there is no memory to give back.', run: purge },
  {
    ...row,
    name: 'memory|malloc-stats',
    summary: "Answers that there are none: entries lie in memory of FluxCache's own keeping.",
    run: mallocStats,
  },
  {
    ...helpRow,
    name: 'memory|help',
    since: '4.0.0',
    run: helpOf('MEMORY', [
      ['USAGE <key> [SAMPLES <count>]', 'The bytes an entry takes.'],
      ['STATS', 'What memory is used for.'],
      ['DOCTOR', 'What is wrong, in words.'],
      ['PURGE', 'OK: there is nothing to give back.'],
      ['MALLOC-STATS', 'That there are none.'],
      ['HELP', 'This text.'],
    ]),
  },
];
