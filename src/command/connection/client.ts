import type { Args } from '../args.ts';
import {
  type CommandDeclaration,
  type CommandFlag,
  type ConnectionCommand,
  type NodeCommand,
  noKeys,
} from '../command.ts';
import type { ConnectionPort } from '../connection.ts';
import { container, helpOf, helpRow } from '../containers.ts';
import { asciiText, decodeInt64, decodeSmallInteger } from '../decimal.ts';
import { integerArg, isWord, syntaxError } from '../options.ts';
import type { ReplyWriter } from '../reply.ts';
import { clientKill, clientTypeArg, isOfType } from './client-kill.ts';
import { clientLine } from './client-line.ts';
import { clientNameProblem, isPlain } from './client-name.ts';
import { ofClient } from './client-row.ts';

type Run = (connection: ConnectionPort, args: Args, reply: ReplyWriter) => void;

const id: Run = ({ client }, _args, reply) => reply.integer(client.id);

const info: Run = ({ client, node }, _args, reply) => reply.text(clientLine(client, node.clock.nowMs()));

const getName: Run = ({ client }, _args, reply) => {
  if (client.name === '') reply.null();
  else reply.bulkText(client.name);
};

const setName: Run = ({ client }, args, reply) => {
  const problem = clientNameProblem(args, 1);
  if (problem !== null) {
    reply.error('invalid-argument', problem);
    return;
  }
  client.name = asciiText(args.bytes, args.start(1), args.end(1));
  reply.ok();
};

const setInfo: Run = ({ client }, args, reply) => {
  const isName = isWord(args, 1, 'LIB-NAME');
  if (!isName && !isWord(args, 1, 'LIB-VER')) {
    const option = asciiText(args.bytes, args.start(1), args.end(1));
    reply.error('syntax', `Unrecognized option '${option.slice(0, 128).replaceAll(/[\r\n]/g, ' ')}'`);
    return;
  }
  if (!isPlain(args, 2)) {
    const option = isName ? 'lib-name' : 'lib-ver';
    reply.error('invalid-argument', `${option} cannot contain spaces, newlines or special characters.`);
    return;
  }
  const value = asciiText(args.bytes, args.start(2), args.end(2));
  if (isName) client.libraryName = value;
  else client.libraryVersion = value;
  reply.ok();
};

const list: Run = ({ clients, node }, args, reply) => {
  const nowMs = node.clock.nowMs();
  let text = '';
  if (args.count === 3 && isWord(args, 1, 'TYPE')) {
    const type = clientTypeArg(args, 2, reply);
    if (type === null) return;
    for (const client of clients.all()) if (isOfType(client, type)) text += clientLine(client, nowMs);
  } else if (args.count > 2 && isWord(args, 1, 'ID')) {
    for (let index = 2; index < args.count; index++) {
      const wanted = decodeInt64(args.bytes, args.start(index), args.end(index));
      if (wanted === null) {
        reply.error('invalid-argument', 'Invalid client ID');
        return;
      }
      const client = clients.byId(Number(wanted));
      if (client !== undefined) text += clientLine(client, nowMs);
    }
  } else if (args.count === 1) {
    for (const client of clients.all()) text += clientLine(client, nowMs);
  } else {
    syntaxError(reply);
    return;
  }
  reply.text(text);
};

/** Without an answer when answers are turned off. */
const replyMode: Run = ({ client }, args, reply) => {
  if (client.protocol === 'msgpack' && !isWord(args, 1, 'ON')) {
    reply.error('bad-request', 'every request is answered; a notification gets no reply');
  } else if (isWord(args, 1, 'ON')) {
    client.replyMode = 'on';
    reply.ok();
  } else if (isWord(args, 1, 'OFF')) client.replyMode = 'off';
  else if (!isWord(args, 1, 'SKIP')) syntaxError(reply);
  else if (client.replyMode === 'on') client.replyMode = 'skip';
};

/** The argument as ON or OFF; null, with the error written, when it is neither. */
function switchArg(args: Args, reply: ReplyWriter): boolean | null {
  const isOn = isWord(args, 1, 'ON');
  if (isOn || isWord(args, 1, 'OFF')) return isOn;
  syntaxError(reply);
  return null;
}

const noEvict: Run = ({ client }, args, reply) => {
  const isOn = switchArg(args, reply);
  if (isOn === null) return;
  client.isNoEvict = isOn;
  reply.ok();
};

const noTouch: Run = ({ client }, args, reply) => {
  const isOn = switchArg(args, reply);
  if (isOn === null) return;
  client.isNoTouch = isOn;
  reply.ok();
};

const pause: Run = ({ clients, node }, args, reply) => {
  if (hasTooMany('PAUSE', args, 3, reply)) return;
  const writesOnly = args.count === 3 && isWord(args, 2, 'WRITE');
  if (args.count === 3 && !writesOnly && !isWord(args, 2, 'ALL')) {
    reply.error('syntax', 'CLIENT PAUSE mode must be WRITE or ALL');
    return;
  }
  const timeout = decodeInt64(args.bytes, args.start(1), args.end(1));
  if (timeout === null) reply.error('invalid-argument', 'timeout is not an integer or out of range');
  else if (timeout < 0n) reply.error('invalid-argument', 'timeout is negative');
  else {
    clients.pause(node.clock.nowMs() + Number(timeout), writesOnly);
    reply.ok();
  }
};

const unpause: Run = ({ clients }, _args, reply) => {
  clients.unpause();
  reply.ok();
};

/** No command blocks, so there is never anybody to unblock. */
const unblock: Run = (_connection, args, reply) => {
  if (hasTooMany('UNBLOCK', args, 3, reply)) return;
  if (args.count === 3 && !isWord(args, 2, 'TIMEOUT') && !isWord(args, 2, 'ERROR')) {
    reply.error('syntax', 'CLIENT UNBLOCK reason should be TIMEOUT or ERROR');
    return;
  }
  if (!Number.isNaN(integerArg(args, 1, reply))) reply.integer(0);
};

function hasTooMany(name: string, args: Args, countMax: number, reply: ReplyWriter): boolean {
  if (args.count <= countMax) return false;
  reply.error('arity', `unknown subcommand or wrong number of arguments for '${name}'. Try CLIENT HELP.`);
  return true;
}

const select: NodeCommand['run'] = (_node, args, reply) => {
  const index = decodeSmallInteger(args.bytes, args.start(0), args.end(0));
  if (index === 0) reply.ok();
  else if (Number.isNaN(integerArg(args, 0, reply))) return;
  else if (isInt32(index)) reply.error('invalid-argument', 'DB index is out of range');
  else reply.error('invalid-argument', `value is out of range, value must between ${int32Min} and ${int32Max}`);
};

/** Redis reads the number of a database as a C int. */
const int32Min = -(2 ** 31);
const int32Max = 2 ** 31 - 1;

function isInt32(value: number): boolean {
  return value >= int32Min && value <= int32Max;
}

const readOnly: Run = (connection, _args, reply) => {
  connection.wantsRedirects = true;
  connection.readsReplicas = true;
  reply.ok();
};

const readWrite: Run = (connection, _args, reply) => {
  connection.wantsRedirects = true;
  connection.readsReplicas = false;
  reply.ok();
};

const asking: Run = (connection, _args, reply) => {
  connection.wantsRedirects = true;
  reply.ok();
};

/** What is not known is passed over: whoever tells of it does without an answer. */
const capabilities: Run = (connection, args, reply) => {
  for (let index = 1; index < args.count; index++) {
    if (isWord(args, index, 'REDIRECT')) connection.wantsRedirects = true;
  }
  reply.ok();
};

const quit: Run = (connection, _args, reply) => {
  connection.closeAfterReply();
  reply.ok();
};

const reset: Run = (connection, _args, reply) => {
  connection.reset();
  reply.status('RESET');
};

const clientFlags: readonly CommandFlag[] = ['noscript', 'loading', 'stale'];

function subcommand(
  name: string,
  arity: number,
  since: string,
  syntax: string,
  summary: string,
  run: Run,
  isAdministrative = false,
): ConnectionCommand {
  return {
    kind: 'connection',
    name: `client|${name}`,
    arity,
    flags: isAdministrative ? ['admin', ...clientFlags] : clientFlags,
    keys: noKeys,
    group: 'connection',
    since,
    summary,
    complexity: ['list', 'kill'].includes(name) ? 'O(N) where N is the number of connections' : 'O(1)',
    syntax,
    run,
    ...ofClient,
  };
}

/** Commands of a front end that neither look at a shard nor at the connection: they may come by any way. */
const statelessRow = {
  kind: 'node',
  flags: ['loading', 'stale', 'fast'],
  keys: noKeys,
  group: 'connection',
  complexity: 'O(1)',
  syntax: '',
} as const;

/** How a connection wants its commands to find their nodes. Without a cluster it makes no difference. */
const routingRow = {
  ...statelessRow,
  kind: 'connection',
  arity: 1,
  place: 'in-order',
} as const;

const leavingRow = {
  kind: 'connection',
  flags: ['noscript', 'loading', 'stale', 'fast', 'no_auth', 'allow_busy'],
  keys: noKeys,
  group: 'connection',
  complexity: 'O(1)',
  syntax: '',
  inTransaction: 'at-once',
  whileSubscribed: 'runs',
} as const;

export const clientCommands: readonly CommandDeclaration[] = [
  {
    ...statelessRow,
    name: 'select',
    arity: 2,
    since: '1.0.0',
    summary: 'Chooses a database, of which there is one: 0.',
    syntax: 'index',
    run: select,
  },
  {
    ...routingRow,
    name: 'readonly',
    since: '3.0.0',
    summary: 'Lets reads of this connection be answered by replicas, which may be a little behind.',
    run: readOnly,
  },
  {
    ...routingRow,
    name: 'readwrite',
    since: '3.0.0',
    summary: 'Ends what READONLY began.',
    run: readWrite,
  },
  {
    ...routingRow,
    name: 'asking',
    flags: ['fast'],
    since: '3.0.0',
    summary: 'Answers OK: slots go from node to node as wholes, and none is asked for on two.',
    run: asking,
  },
  { ...leavingRow, name: 'quit', arity: -1, since: '1.0.0', summary: 'Closes the connection.', run: quit },
  {
    ...leavingRow,
    name: 'reset',
    arity: 1,
    since: '6.2.0',
    summary: 'Brings the connection to the state it was accepted in.',
    run: reset,
  },
  {
    ...container,
    name: 'client',
    group: 'connection',
    since: '2.4.0',
    summary: 'About connections.',
  },
  subcommand('id', 2, '5.0.0', '', 'Returns the number of this connection.', id),
  subcommand('info', 2, '6.2.0', '', 'Tells about this connection.', info),
  subcommand('getname', 2, '2.6.9', '', 'Returns the name of this connection, null when it has none.', getName),
  subcommand('setname', 3, '2.6.9', 'connection-name', 'Names this connection; no name takes it away.', setName),
  subcommand(
    'setinfo',
    4,
    '7.2.0',
    '<LIB-NAME libname | LIB-VER libver>',
    "Tells the client library's name or version, which CLIENT LIST shows.",
    setInfo,
  ),
  subcommand(
    'capa',
    -3,
    '8.0.0',
    'capability [capability ...]',
    'Tells what the client can do; redirect: it follows MOVED, and is told it.',
    capabilities,
  ),
  subcommand(
    'list',
    -2,
    '2.4.0',
    '[TYPE <NORMAL | MASTER | REPLICA | PUBSUB>] [ID client-id [client-id ...]]',
    'Tells about all connections, a line each.',
    list,
    true,
  ),
  subcommand(
    'kill',
    -3,
    '2.4.0',
    '<ip:port | [ID client-id] [TYPE <NORMAL | MASTER | REPLICA | PUBSUB>] [USER username] [ADDR ip:port] ' +
      '[LADDR ip:port] [SKIPME yes/no]>',
    'Closes the connections that match.',
    clientKill,
    true,
  ),
  {
    ...subcommand(
      'reply',
      3,
      '3.2.0',
      '<ON | OFF | SKIP>',
      'Turns the answers of this connection on or off.',
      replyMode,
    ),
    // EXEC tells how many replies follow: with less of them, what comes next would be taken for the rest.
    inTransaction: 'refused',
  },
  subcommand(
    'no-evict',
    3,
    '7.0.0',
    '<ON | OFF>',
    'Marks the connection; none is closed to save memory anyway.',
    noEvict,
    true,
  ),
  subcommand('no-touch', 3, '7.2.0', '<ON | OFF>', 'Marks the connection in CLIENT LIST; reads count as use.', noTouch),
  subcommand(
    'pause',
    -3,
    '2.9.50',
    'timeout [WRITE | ALL]',
    'Holds back the commands of all connections, or only those that write, for some milliseconds.',
    pause,
    true,
  ),
  subcommand('unpause', 2, '6.2.0', '', 'Ends what CLIENT PAUSE began.', unpause, true),
  subcommand(
    'unblock',
    -3,
    '5.0.0',
    'client-id [TIMEOUT | ERROR]',
    'Returns 0: there are no commands that block.',
    unblock,
    true,
  ),
  {
    ...helpRow,
    ...ofClient,
    name: 'client|help',
    group: 'connection',
    since: '5.0.0',
    run: helpOf('CLIENT', [
      ['ID', 'The number of this connection.'],
      ['INFO', 'What CLIENT LIST tells, of this connection only.'],
      ['GETNAME', 'The name of this connection.'],
      ['SETNAME <name>', 'Names this connection.'],
      ['SETINFO LIB-NAME|LIB-VER <value>', 'Tells which client library is used.'],
      ['CAPA <capability> ...', 'What the client can do: redirect.'],
      ['LIST [TYPE <type>] [ID <id> ...]', 'A line for each connection.'],
      ['KILL <ip:port>', 'Closes the connection from that address.'],
      ['KILL ID|TYPE|USER|ADDR|LADDR|SKIPME <value> ...', 'Closes all connections that match.'],
      ['REPLY ON|OFF|SKIP', 'Whether commands are answered.'],
      ['PAUSE <milliseconds> [WRITE|ALL]', 'Holds commands back.'],
      ['UNPAUSE', 'Lets them go on.'],
      ['UNBLOCK <id> [TIMEOUT|ERROR]', 'Always 0: nothing blocks.'],
      ['NO-EVICT ON|OFF', 'Marks this connection.'],
      ['NO-TOUCH ON|OFF', 'Marks this connection.'],
      ['TRACKING ON|OFF [<option> ...]', 'Tells when keys that were read change.'],
      ['CACHING YES|NO', 'Whether the keys of the next command are tracked.'],
      ['TRACKINGINFO', 'How this connection tracks.'],
      ['GETREDIR', 'The connection that is told in place of this one.'],
      ['HELP', 'This text.'],
    ]),
  },
];
