import type { Args } from '../args.ts';
import { type CommandDeclaration, noKeys } from '../command.ts';
import type { ConnectionPort } from '../connection.ts';
import { decodeSmallInteger } from '../decimal.ts';
import { isWord, syntaxError } from '../options.ts';
import { quote } from '../quote.ts';
import type { ReplyWriter } from '../reply.ts';
import { redisVersion } from '../versions.ts';
import { clientNameProblem } from './client-name.ts';

/** The user that `AUTH password` and credentials of one secret stand for. */
const defaultUser = 'default';

/** What HELLO asks for, copied out of the arguments, which may be gone when a password has been checked. */
interface Greeting {
  resp: 2 | 3 | null;
  credentials: readonly [name: string, password: string] | null;
  clientName: string | null;
}

function hello(connection: ConnectionPort, args: Args, reply: ReplyWriter): void | Promise<void> {
  const greeting = greetingOf(args, reply);
  if (greeting === null) return;
  if (greeting.credentials === null) {
    greet(connection, greeting, reply);
    return;
  }
  const [name, password] = greeting.credentials;
  return whenIn(logIn(connection, name, password, reply), () => greet(connection, greeting, reply));
}

function greetingOf(args: Args, reply: ReplyWriter): Greeting | null {
  const greeting: Greeting = { resp: null, credentials: null, clientName: null };
  if (args.count > 0) {
    const version = decodeSmallInteger(args.bytes, args.start(0), args.end(0));
    if (Number.isNaN(version)) {
      reply.error('invalid-argument', 'Protocol version is not an integer or out of range');
      return null;
    }
    if (version !== 2 && version !== 3) {
      reply.error('unsupported-protocol', 'unsupported protocol version');
      return null;
    }
    greeting.resp = version;
  }
  for (let index = 1; index < args.count; index++) {
    const after = args.count - 1 - index;
    if (after >= 2 && isWord(args, index, 'AUTH')) {
      greeting.credentials = [textOf(args, index + 1), textOf(args, index + 2)];
      index += 2;
    } else if (after >= 1 && isWord(args, index, 'SETNAME')) {
      const problem = clientNameProblem(args, index + 1);
      if (problem !== null) {
        reply.error('invalid-argument', problem);
        return null;
      }
      greeting.clientName = textOf(args, index + 1);
      index++;
    } else {
      const option = quote(args.bytes, args.start(index), args.end(index), 128);
      reply.error('syntax', `Syntax error in HELLO option '${option}'`);
      return null;
    }
  }
  return greeting;
}

function greet(connection: ConnectionPort, { resp, clientName }: Greeting, reply: ReplyWriter): void {
  if (connection.userName === null) {
    reply.error(
      'unauthenticated',
      'HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH <user> <pass> ' +
        'option can be used to authenticate the client and select the RESP protocol version at the same time',
    );
    return;
  }
  if (clientName !== null) connection.client.name = clientName;
  if (resp !== null) connection.resp = resp;
  reply.map(7);
  reply.bulkText('server');
  // Clients take it for what they may send, so it is Redis's name, as the version is.
  reply.bulkText('redis');
  reply.bulkText('version');
  reply.bulkText(redisVersion);
  reply.bulkText('proto');
  reply.integer(connection.resp);
  reply.bulkText('id');
  reply.integer(connection.client.id);
  reply.bulkText('mode');
  reply.bulkText(connection.node.control.cluster.isEnabled ? 'cluster' : 'standalone');
  reply.bulkText('role');
  reply.bulkText(connection.node.control.cluster.describe().self.primary === null ? 'master' : 'replica');
  reply.bulkText('modules');
  reply.array(0);
}

function auth(connection: ConnectionPort, args: Args, reply: ReplyWriter): void | Promise<void> {
  if (args.count > 2) {
    syntaxError(reply);
    return;
  }
  if (args.count === 1 && connection.node.control.users.isOpen) {
    reply.error(
      'bad-request',
      'AUTH <password> called without any password configured for the default user. Are you sure your ' +
        'configuration is correct?',
    );
    return;
  }
  const name = args.count === 1 ? defaultUser : textOf(args, 0);
  return whenIn(logIn(connection, name, textOf(args, args.count - 1), reply), () => reply.ok());
}

function logIn(
  connection: ConnectionPort,
  name: string,
  password: string,
  reply: ReplyWriter,
): boolean | Promise<boolean> {
  if (connection.node.control.users.isOpen && name !== defaultUser) {
    reply.error('wrong-password', 'invalid username-password pair or user is disabled.');
    return false;
  }
  return connection.login(name, password, reply);
}

function whenIn(isIn: boolean | Promise<boolean>, then: () => void): void | Promise<void> {
  if (isIn === true) then();
  else if (isIn !== false) {
    return isIn.then((isRight) => {
      if (isRight) then();
    });
  }
}

function textOf(args: Args, index: number): string {
  return Buffer.from(args.view(index)).toString('utf8');
}

const row = {
  kind: 'connection',
  flags: ['noscript', 'loading', 'stale', 'fast', 'no_auth', 'allow_busy'],
  keys: noKeys,
  group: 'connection',
} as const;

export const handshakeCommands: readonly CommandDeclaration[] = [
  {
    ...row,
    name: 'hello',
    arity: -1,
    since: '6.0.0',
    summary: 'Chooses the version of the protocol, logs in, names the connection, and tells about the node.',
    complexity: 'O(1)',
    syntax: '[protover [AUTH username password] [SETNAME clientname]]',
    run: hello,
  },
  {
    ...row,
    name: 'auth',
    arity: -2,
    since: '1.0.0',
    summary: "Logs a user in, 'default' when no name is given.",
    complexity: 'O(1)',
    syntax: '[username] password',
    run: auth,
  },
];
