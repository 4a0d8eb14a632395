import type { Args } from '../args.ts';
import { type AskingCommand, type CommandDeclaration, noKeys } from '../command.ts';
import type { ConnectionPort } from '../connection.ts';
import type { ReplySink, ReplyWriter } from '../reply.ts';

const queuedRow = {
  kind: 'connection',
  arity: 1,
  flags: ['noscript', 'loading', 'stale', 'fast', 'allow_busy'],
  keys: noKeys,
  group: 'transactions',
  complexity: 'O(1)',
  syntax: '',
  place: 'in-order',
} as const satisfies Partial<AskingCommand>;

const row = { ...queuedRow, inTransaction: 'at-once' } as const satisfies Partial<AskingCommand>;

export const transactionCommands: readonly CommandDeclaration[] = [
  {
    ...row,
    name: 'multi',
    keepsCaching: true,
    since: '1.2.0',
    summary: 'Queues the commands that follow, until EXEC runs them at once.',
    run: (connection: ConnectionPort, _args: Args, reply: ReplyWriter) => connection.transaction.begin(reply),
  },
  {
    ...row,
    name: 'exec',
    flags: ['noscript', 'loading', 'stale', 'skip_slowlog'],
    whilePaused: 'as-write',
    since: '1.2.0',
    summary:
      'Runs the commands queued since MULTI such that no one sees a part of their work, and returns their replies; null ' +
      'when a watched key has changed.',
    complexity: 'That of the commands together',
    start: (connection: ConnectionPort, _args: Args, sink: ReplySink) => connection.transaction.execute(sink),
  },
  {
    ...row,
    name: 'discard',
    since: '2.0.0',
    summary: 'Drops the commands queued since MULTI and forgets the watched keys.',
    run: (connection: ConnectionPort, _args: Args, reply: ReplyWriter) => connection.transaction.discard(reply),
  },
  {
    ...row,
    name: 'watch',
    keyFlags: ['RO'],
    arity: -2,
    keys: { first: 0, last: -1, step: 1 },
    since: '2.2.0',
    summary: 'Has the next EXEC run nothing if one of the keys has changed by then.',
    complexity: 'O(N) where N is the number of keys',
    syntax: 'key [key ...]',
    start: (connection: ConnectionPort, args: Args, sink: ReplySink) => connection.transaction.watchKeys(args, sink),
  },
  {
    ...queuedRow,
    name: 'unwatch',
    since: '2.2.0',
    summary: 'Forgets the watched keys.',
    run: (connection: ConnectionPort, _args: Args, reply: ReplyWriter) => connection.transaction.unwatch(reply),
  },
];
