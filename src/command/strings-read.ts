import type { ReadView } from '../base/view.ts';
import type { Args } from './args.ts';
import { type CommandDeclaration, firstKey, type ReadCommand } from './command.ts';
import { integerArg } from './options.ts';
import type { ReplyWriter } from './reply.ts';
import { replyWithValue } from './storing.ts';

function get(view: ReadView, args: Args, reply: ReplyWriter): void {
  if (view.lookup(args.bytes, args.start(0), args.end(0))) replyWithValue(view, reply);
  else reply.null();
}

function mget(view: ReadView, args: Args, reply: ReplyWriter): void {
  reply.array(args.count);
  for (let index = 0; index < args.count; index++) {
    if (view.lookup(args.bytes, args.start(index), args.end(index))) replyWithValue(view, reply);
    else reply.null();
  }
}

function strlen(view: ReadView, args: Args, reply: ReplyWriter): void {
  reply.integer(view.lookup(args.bytes, args.start(0), args.end(0)) ? view.entry.valueBytes : 0);
}

function getrange(view: ReadView, args: Args, reply: ReplyWriter): void {
  let first = integerArg(args, 1, reply);
  if (Number.isNaN(first)) return;
  let last = integerArg(args, 2, reply);
  if (Number.isNaN(last)) return;
  const length = view.lookup(args.bytes, args.start(0), args.end(0)) ? view.entry.valueBytes : 0;
  const backwards = first < 0 && last < 0 && first > last;
  if (first < 0) first = Math.max(length + first, 0);
  if (last < 0) last = Math.max(length + last, 0);
  last = Math.min(last, length - 1);
  if (backwards || length === 0 || first > last) {
    reply.bulkOf(0, 0);
    return;
  }
  const at = reply.bulkOf(view.entry.type, last - first + 1);
  view.copyValueRange(first, last - first + 1, reply.bytes, at);
}

const getrangeRow = {
  kind: 'read',
  name: 'getrange',
  arity: 4,
  flags: ['readonly'],
  keys: firstKey,
  gather: 'single',
  group: 'string',
  since: '2.4.0',
  summary:
    'Returns the bytes of a value from one position to another, both included; negative ones count from the end.',
  complexity: 'O(N) where N is the length returned',
  syntax: 'key start end',
  run: getrange,
} as const satisfies ReadCommand;

export const stringReads: readonly CommandDeclaration[] = [
  {
    kind: 'read',
    name: 'get',
    arity: 2,
    flags: ['readonly', 'fast'],
    keys: firstKey,
    gather: 'single',
    group: 'string',
    since: '1.0.0',
    summary: 'Returns the value of a key.',
    complexity: 'O(1)',
    syntax: 'key',
    run: get,
  },
  {
    kind: 'read',
    name: 'mget',
    arity: -2,
    flags: ['readonly', 'fast'],
    keys: { first: 0, last: -1, step: 1 },
    gather: 'by-key',
    group: 'string',
    since: '1.0.0',
    summary: 'Returns the values of several keys.',
    complexity: 'O(N) where N is the number of keys',
    syntax: 'key [key ...]',
    run: mget,
  },
  {
    kind: 'read',
    name: 'strlen',
    keyFlags: ['RO'],
    arity: 2,
    flags: ['readonly', 'fast'],
    keys: firstKey,
    gather: 'single',
    group: 'string',
    since: '2.2.0',
    summary: 'Returns the length of a value in bytes.',
    complexity: 'O(1)',
    syntax: 'key',
    run: strlen,
  },
  getrangeRow,
  { ...getrangeRow, name: 'substr', since: '1.0.0', summary: 'The old name of GETRANGE.' },
];
