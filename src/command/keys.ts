import { type ReadView, ValueType, type WriteView } from '../base/view.ts';
import type { Args } from './args.ts';
import { type CommandDeclaration, firstKey, type ReadCommand, type WriteCommand } from './command.ts';
import type { ReplyWriter } from './reply.ts';

function del(store: WriteView, args: Args, reply: ReplyWriter): void {
  const grouped = args.count > 1 && store.beginGroup(0, 0);
  let removed = 0;
  for (let index = 0; index < args.count; index++) {
    if (store.remove(args.bytes, args.start(index), args.end(index))) removed++;
  }
  if (grouped) store.endGroup();
  reply.integer(removed);
}

function exists(view: ReadView, args: Args, reply: ReplyWriter): void {
  let count = 0;
  for (let index = 0; index < args.count; index++) {
    if (view.peek(args.bytes, args.start(index), args.end(index))) count++;
  }
  reply.integer(count);
}

function touch(view: ReadView, args: Args, reply: ReplyWriter): void {
  let count = 0;
  for (let index = 0; index < args.count; index++) {
    if (view.lookup(args.bytes, args.start(index), args.end(index))) count++;
  }
  reply.integer(count);
}

/** Redis's word for each type; RedisJSON's for documents. */
export function typeWord(type: ValueType): string {
  return type === ValueType.json ? 'ReJSON-RL' : 'string';
}

function type(view: ReadView, args: Args, reply: ReplyWriter): void {
  if (view.peek(args.bytes, args.start(0), args.end(0))) reply.status(typeWord(view.entry.type));
  else reply.status('none');
}

const manyKeys = { first: 0, last: -1, step: 1 };

const delRow = {
  kind: 'write',
  name: 'del',
  keyFlags: ['RM', 'delete'],
  arity: -2,
  flags: ['write'],
  keys: manyKeys,
  gather: 'sum',
  group: 'generic',
  since: '1.0.0',
  summary: 'Removes keys; returns how many there were. Those of one shard disappear at once for every observer.',
  complexity: 'O(N) where N is the number of keys',
  syntax: 'key [key ...]',
  run: del,
} as const satisfies WriteCommand;

const existsRow = {
  kind: 'read',
  name: 'exists',
  keyFlags: ['RO'],
  arity: -2,
  flags: ['readonly', 'fast'],
  keys: manyKeys,
  gather: 'sum',
  group: 'generic',
  since: '1.0.0',
  summary: 'Returns how many of the keys exist; a key given twice counts twice.',
  complexity: 'O(N) where N is the number of keys',
  syntax: 'key [key ...]',
  run: exists,
} as const satisfies ReadCommand;

export const keyCommands: readonly CommandDeclaration[] = [
  delRow,
  { ...delRow, name: 'delete', since: 'FluxCache 0.1.0', summary: 'Another name of DEL.' },
  {
    ...delRow,
    name: 'unlink',
    keyFlags: ['RM', 'delete'],
    flags: ['write', 'fast'],
    since: '4.0.0',
    summary: 'The same as DEL.',
  },
  existsRow,
  {
    ...existsRow,
    name: 'touch',
    keyFlags: ['RO'],
    since: '3.2.1',
    summary: 'Marks keys as used, which keeps them from eviction; returns how many exist.',
    run: touch,
  },
  {
    kind: 'read',
    name: 'type',
    keyFlags: ['RO'],
    arity: 2,
    flags: ['readonly', 'fast'],
    keys: firstKey,
    gather: 'single',
    group: 'generic',
    since: '1.0.0',
    summary: 'Returns string for text, bytes and numbers, ReJSON-RL for JSON documents, none for no key.',
    complexity: 'O(1)',
    syntax: 'key',
    run: type,
  },
];
