import type { ReplyWriter } from '../../command/reply.ts';
import { type RpcRefusal, refuse } from '../../protocol/msgpack-rpc/refusal.ts';
import { readGreeting, writeHello } from './hello.ts';
import type { RpcConnection } from './rpc-connection.ts';
import type { RpcShared } from './rpc-shared.ts';

/** What is done when all requests before it are answered; writes the reply by the time it is settled. */
export type Work = (reply: ReplyWriter) => void | Promise<void>;

export const notLoggedIn = refuse('unauthenticated', 'Authentication required.');

/** `auth`, whose params the reader stands on. */
export function authWork(shared: RpcShared, connection: RpcConnection, bytes: Uint8Array): Work | RpcRefusal {
  const { request } = shared;
  if (!request.readArgs(bytes)) return refuse('invalid-argument', 'auth takes a user and a password, each a str');
  const words = Array.from({ length: request.args.count }, (_, at) => Buffer.from(request.args.view(at)).toString());
  const [first = '', second] = words;
  if (words.length === 0 || words.length > 2) {
    return refuse('arity', "wrong number of arguments for 'auth' command");
  }
  const [user, password] = second === undefined ? ['default', first] : [first, second];
  return loginWork(connection, user, password, (reply) => reply.ok());
}

/** `hello`, likewise. */
export function helloWork(shared: RpcShared, connection: RpcConnection, bytes: Uint8Array): Work | RpcRefusal {
  const greeting = readGreeting(bytes, shared.reader);
  if ('code' in greeting) return greeting;
  const { user, password, name, redirects, readsReplicas } = greeting;
  const answer = (reply: ReplyWriter): void => {
    if (name !== null) connection.client.name = name;
    if (redirects !== null) connection.wantsRedirects = redirects;
    if (readsReplicas !== null) connection.readsReplicas = readsReplicas;
    writeHello(shared, connection.id, connection.userName ?? '', reply);
  };
  if (password !== null) return loginWork(connection, user ?? 'default', password, answer);
  return connection.user === null ? notLoggedIn : answer;
}

function loginWork(
  connection: RpcConnection,
  user: string,
  password: string,
  answer: (reply: ReplyWriter) => void,
): Work {
  return (reply) => {
    const outcome = connection.login(user, password, reply);
    if (outcome === true) answer(reply);
    if (typeof outcome === 'boolean') return;
    return outcome.then((isAdmitted) => {
      if (isAdmitted) answer(reply);
    });
  };
}
