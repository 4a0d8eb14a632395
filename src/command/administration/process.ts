import type { Args } from '../args.ts';
import { type CommandDeclaration, type ConnectionCommand, type NodeCommand, noKeys } from '../command.ts';
import type { ConnectionPort } from '../connection.ts';
import { decodeSmallInteger } from '../decimal.ts';
import { integerArg, isWord, syntaxError } from '../options.ts';
import type { ReplyWriter } from '../reply.ts';
import { wait } from './cluster-changes.ts';
import { save } from './persistence.ts';

type Run = NodeCommand['run'];

/** Without an answer when it stops the node, as in Redis: the connection ends. What is kept has every change either way. */
function shutdown(connection: ConnectionPort, args: Args, reply: ReplyWriter): void | Promise<void> {
  const has = { NOSAVE: false, SAVE: false, NOW: false, FORCE: false, ABORT: false };
  for (let index = 0; index < args.count; index++) {
    const word = (Object.keys(has) as (keyof typeof has)[]).find((option) => isWord(args, index, option));
    if (word === undefined) {
      syntaxError(reply);
      return;
    }
    has[word] = true;
  }
  if ((has.ABORT && (has.NOSAVE || has.SAVE || has.NOW || has.FORCE)) || (has.NOSAVE && has.SAVE)) syntaxError(reply);
  // A node that stops takes no further commands, so this one can only come when it does not.
  else if (has.ABORT) reply.error('bad-request', 'No shutdown in progress.');
  else if (!has.SAVE) stop(connection);
  else {
    return save(connection.node.control, reply, () => stop(connection));
  }
}

function stop(connection: ConnectionPort): void {
  connection.closeAfterReply();
  connection.node.control.shutdown();
}

const role: Run = ({ control }, _args, reply) => {
  const { self, members, ranges } = control.cluster.describe();
  const primary = members.find(({ id }) => id === self.primary);
  if (primary !== undefined) {
    reply.array(5);
    reply.bulkText('slave');
    reply.bulkText(primary.host);
    reply.integer(primary.port);
    reply.bulkText(primary.isFailing ? 'connect' : 'connected');
    reply.integer(0);
    return;
  }
  const replicas = new Set(ranges.flatMap((range) => (range.primary === self ? range.replicas : [])));
  reply.array(3);
  reply.bulkText('master');
  reply.integer(0);
  reply.array(replicas.size);
  for (const { host, port } of replicas) {
    reply.array(3);
    for (const text of [host, String(port), '0']) reply.bulkText(text);
  }
};

const replicaOf: Run = (_node, args, reply) => {
  if (isWord(args, 0, 'NO') && isWord(args, 1, 'ONE')) {
    reply.ok();
    return;
  }
  const port = decodeSmallInteger(args.bytes, args.start(1), args.end(1));
  if (Number.isNaN(port) || port < 0 || port > 65_535) reply.error('invalid-argument', 'Invalid master port');
  else reply.error('bad-request', 'A node cannot be a replica of another yet.');
};

const failover: Run = (_node, args, reply) => {
  let isAbort = false;
  for (let index = 0; index < args.count; index++) {
    const after = args.count - 1 - index;
    if (isWord(args, index, 'ABORT') && args.count === 1) isAbort = true;
    else if (isWord(args, index, 'TIMEOUT') && after >= 1) {
      if (Number.isNaN(integerArg(args, ++index, reply))) return;
    } else if (isWord(args, index, 'TO') && after >= 2) {
      if (Number.isNaN(integerArg(args, index + 2, reply))) return;
      index += 2;
    } else if (!isWord(args, index, 'FORCE')) {
      syntaxError(reply);
      return;
    }
  }
  reply.error('bad-request', isAbort ? 'No failover in progress.' : 'FAILOVER requires connected replicas.');
};

const swapDb: Run = (_node, args, reply) => {
  const indexes = [0, 1].map((at) => decodeSmallInteger(args.bytes, args.start(at), args.end(at)));
  for (const [at, which] of ['first', 'second'].entries()) {
    if (!Number.isNaN(indexes[at])) continue;
    reply.error('invalid-argument', `invalid ${which} DB index`);
    return;
  }
  if (indexes.every((index) => index === 0)) reply.ok();
  else reply.error('invalid-argument', 'DB index is out of range');
};

const move: Run = (_node, args, reply) => {
  const index = decodeSmallInteger(args.bytes, args.start(1), args.end(1));
  if (index === 0) reply.error('invalid-argument', 'source and destination objects are the same');
  else if (!Number.isNaN(integerArg(args, 1, reply))) reply.error('invalid-argument', 'DB index is out of range');
};

const debug: Run = (_node, _args, reply) => reply.error('bad-request', 'DEBUG command not allowed.');

const lolwut: Run = ({ control }, args, reply) => {
  if (args.count > 1 && isWord(args, 0, 'VERSION') && Number.isNaN(integerArg(args, 1, reply))) return;
  const capacitor = ['    |    |', '----|    |----', '    |    |'].join('\n');
  reply.text(`${capacitor}\n\nFluxCache ver. ${control.version}\n`);
};

const row = {
  kind: 'node',
  keys: noKeys,
  group: 'server',
  complexity: 'O(1)',
  syntax: '',
} as const;

export const processCommands: readonly CommandDeclaration[] = [
  {
    ...row,
    kind: 'connection',
    name: 'shutdown',
    arity: -1,
    flags: ['admin', 'noscript', 'loading', 'stale', 'no_multi', 'allow_busy'],
    since: '1.0.0',
    summary: 'Stops the node when what it has accepted is answered.',
    syntax: '[NOSAVE | SAVE] [NOW] [FORCE] [ABORT]',
    run: shutdown satisfies ConnectionCommand['run'],
  },
  {
    ...row,
    name: 'role',
    arity: 1,
    flags: ['noscript', 'loading', 'stale', 'fast'],
    categories: ['admin', 'dangerous'],
    since: '2.8.12',
    summary: 'Returns the part the node plays among its copies, of which there are none.',
    run: role,
  },
  {
    ...row,
    kind: 'connection',
    name: 'wait',
    arity: 3,
    flags: ['noscript'],
    categories: ['connection'],
    since: '3.0.0',
    summary: 'Returns how many replicas have the writes of this connection, once they are so many or the time is over.',
    syntax: 'numreplicas timeout',
    run: wait,
  },
  {
    ...row,
    name: 'replicaof',
    arity: 3,
    flags: ['admin', 'noscript', 'stale', 'no_async_loading'],
    since: '5.0.0',
    summary: 'OK for NO ONE, else an error: a node has no replicas and is none.',
    syntax: 'host port',
    run: replicaOf,
  },
  {
    ...row,
    name: 'slaveof',
    arity: 3,
    flags: ['admin', 'noscript', 'stale', 'no_async_loading'],
    since: '1.0.0',
    summary: 'The same as REPLICAOF.',
    syntax: 'host port',
    run: replicaOf,
  },
  {
    ...row,
    name: 'failover',
    arity: -1,
    flags: ['admin', 'noscript', 'stale'],
    since: '6.2.0',
    summary: 'An error: there are no replicas.',
    syntax: '[TO host port [FORCE]] [ABORT] [TIMEOUT milliseconds]',
    run: failover,
  },
  {
    ...row,
    name: 'swapdb',
    arity: 3,
    flags: ['fast'],
    categories: ['keyspace', 'dangerous'],
    since: '4.0.0',
    summary: 'OK for 0 and 0: there is one database.',
    syntax: 'index1 index2',
    run: swapDb,
  },
  {
    ...row,
    name: 'move',
    arity: 3,
    flags: ['fast'],
    keys: { first: 0, last: 0, step: 1 },
    group: 'generic',
    since: '1.0.0',
    summary: 'An error: there is one database.',
    syntax: 'key db',
    run: move,
  },
  {
    ...row,
    name: 'debug',
    arity: -2,
    flags: ['admin', 'noscript', 'loading', 'stale'],
    since: '1.0.0',
    summary: 'An error: there is nothing that clients may do to find defects.',
    syntax: 'subcommand [argument ...]',
    run: debug,
  },
  {
    ...row,
    name: 'lolwut',
    arity: -1,
    flags: ['fast'],
    since: '5.0.0',
    summary: 'Returns a picture and the version.',
    syntax: '[VERSION version]',
    run: lolwut,
  },
];
