import type { Args } from '../args.ts';
import { type CommandDeclaration, type ConnectionCommand, noKeys } from '../command.ts';
import type { ConnectionPort } from '../connection.ts';
import type { ReplyWriter } from '../reply.ts';

const row = {
  kind: 'connection',
  arity: 1,
  flags: ['noscript', 'loading', 'stale', 'fast', 'allow_busy'],
  keys: noKeys,
  group: 'transactions',
  complexity: 'O(1)',
  syntax: '',
} as const satisfies Partial<ConnectionCommand>;

export const transactionCommands: readonly CommandDeclaration[] = [
  {
    ...row,
    name: 'multi',
    since: '1.2.0',
    summary: 'Queues the commands that follow, until EXEC runs them at once.',
    run: (connection: ConnectionPort, _args: Args, reply: ReplyWriter) => connection.transaction.begin(reply),
  },
  {
    ...row,
    name: 'exec',
    flags: ['noscript', 'loading', 'stale', 'skip_slowlog'],
    since: '1.2.0',
    summary:
      'Runs the commands queued since MULTI such that no one sees a part of their work, and returns their replies; null ' +
      'when a watched key has changed.',
    complexity: 'That of the commands together',
    run: (connection: ConnectionPort, _args: Args, reply: ReplyWriter) => connection.transaction.exec(reply),
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
    run: (connection: ConnectionPort, args: Args, reply: ReplyWriter) => connection.transaction.watch(args, reply),
  },
  {
    ...row,
    name: 'unwatch',
    since: '2.2.0',
    summary: 'Forgets the watched keys.',
    run: (connection: ConnectionPort, _args: Args, reply: ReplyWriter) => connection.transaction.unwatch(reply),
  },
];
