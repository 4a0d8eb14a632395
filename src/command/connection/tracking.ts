import type { Args } from '../args.ts';
import { type CommandDeclaration, type ConnectionCommand, noKeys } from '../command.ts';
import type { ConnectionPort } from '../connection.ts';
import type { ReplyWriter } from '../reply.ts';
import { ofClient } from './client-row.ts';

const row = {
  kind: 'connection',
  flags: ['noscript', 'loading', 'stale'],
  keys: noKeys,
  group: 'connection',
  complexity: 'O(1)',
  ...ofClient,
} as const satisfies Partial<ConnectionCommand>;

export const trackingCommands: readonly CommandDeclaration[] = [
  {
    ...row,
    name: 'client|tracking',
    arity: -3,
    since: '6.0.0',
    summary: 'Has this connection told when keys that it read change, for a cache of its own.',
    complexity: 'O(1), and O(N) with the number of prefixes',
    syntax:
      '<ON | OFF> [REDIRECT client-id] [PREFIX prefix [PREFIX prefix ...]] [BCAST] [OPTIN] [OPTOUT] [NOLOOP] [SCOPED]',
    run: (connection: ConnectionPort, args: Args, reply: ReplyWriter) => connection.tracking.tracking(args, reply),
  },
  {
    ...row,
    name: 'client|caching',
    arity: 3,
    since: '6.0.0',
    summary: 'Says whether the keys of the next command are tracked, with OPTIN or OPTOUT.',
    syntax: '<YES | NO>',
    run: (connection: ConnectionPort, args: Args, reply: ReplyWriter) => connection.tracking.caching(args, reply),
  },
  {
    ...row,
    name: 'client|trackinginfo',
    arity: 2,
    since: '6.2.0',
    summary: 'Tells how this connection tracks keys.',
    syntax: '',
    run: (connection: ConnectionPort, _args: Args, reply: ReplyWriter) => connection.tracking.info(reply),
  },
  {
    ...row,
    name: 'client|getredir',
    arity: 2,
    since: '6.0.0',
    summary: 'Returns the connection that invalidations are redirected to: 0 for none, -1 without tracking.',
    syntax: '',
    run: (connection: ConnectionPort, _args: Args, reply: ReplyWriter) => connection.tracking.redirect(reply),
  },
];
