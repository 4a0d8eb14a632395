import type { Args } from '../args.ts';
import type { ClientPort, ConnectionPort } from '../connection.ts';
import { asciiText, decodeRoughInteger } from '../decimal.ts';
import { isWord, syntaxError } from '../options.ts';
import { quote } from '../quote.ts';
import type { ReplyWriter } from '../reply.ts';
import { isSubscribed } from './client-line.ts';

/** Kinds of connections by the names CLIENT LIST and CLIENT KILL take; there are no replicas, hence none of these. */
const clientTypes = ['normal', 'master', 'replica', 'slave', 'pubsub'] as const;
export type ClientType = (typeof clientTypes)[number];

/** The type argument `index` names; null, with the error written, when there is none of that name. */
export function clientTypeArg(args: Args, index: number, reply: ReplyWriter): ClientType | null {
  const text = asciiText(args.bytes, args.start(index), args.end(index)).toLowerCase();
  const type = clientTypes.find((name) => name === text);
  if (type !== undefined) return type;
  const shown = quote(args.bytes, args.start(index), args.end(index), 128);
  reply.error('invalid-argument', `Unknown client type '${shown}'`);
  return null;
}

export function isOfType(client: ClientPort, type: ClientType): boolean {
  return type === (isSubscribed(client) ? 'pubsub' : 'normal');
}

/** Which connections to close: those that match all that is given. */
interface Filter {
  id: number | null;
  type: ClientType | null;
  address: string | null;
  localAddress: string | null;
  user: string | null;
  skipsItself: boolean;
}

/** `CLIENT KILL address`, or `CLIENT KILL option value …`; a connection that closes itself is answered first. */
export function clientKill(connection: ConnectionPort, args: Args, reply: ReplyWriter): void {
  const isOldForm = args.count === 2;
  const filter = isOldForm ? addressFilter(args) : filterOf(connection, args, reply);
  if (filter === null) return;
  let killed = 0;
  for (const client of [...connection.clients.all()]) {
    if (!matches(client, filter)) continue;
    if (filter.skipsItself && client.id === connection.client.id) continue;
    killed++;
    if (client.id === connection.client.id) connection.closeAfterReply();
    else connection.clients.kill(client);
  }
  if (!isOldForm) reply.integer(killed);
  else if (killed === 0) reply.error('bad-request', 'No such client');
  else reply.ok();
}

function addressFilter(args: Args): Filter {
  const address = asciiText(args.bytes, args.start(1), args.end(1));
  return { id: null, type: null, address, localAddress: null, user: null, skipsItself: false };
}

function filterOf(connection: ConnectionPort, args: Args, reply: ReplyWriter): Filter | null {
  const filter: Filter = { id: null, type: null, address: null, localAddress: null, user: null, skipsItself: true };
  for (let index = 1; index < args.count; index += 2) {
    if (index + 1 === args.count || !takeOption(connection, args, index, filter, reply)) {
      if (reply.length === 0) syntaxError(reply);
      return null;
    }
  }
  return filter;
}

/** False when the option is unknown or its value is wrong; only of the latter an error is written. */
function takeOption(
  connection: ConnectionPort,
  args: Args,
  index: number,
  filter: Filter,
  reply: ReplyWriter,
): boolean {
  const [start, end] = [args.start(index + 1), args.end(index + 1)];
  const value = asciiText(args.bytes, start, end);
  if (isWord(args, index, 'ID')) {
    filter.id = decodeRoughInteger(args.bytes, start, end);
    if (filter.id > 0) return true;
    reply.error('invalid-argument', 'client-id should be greater than 0');
    return false;
  }
  if (isWord(args, index, 'TYPE')) {
    filter.type = clientTypeArg(args, index + 1, reply);
    return filter.type !== null;
  }
  if (isWord(args, index, 'USER')) {
    filter.user = Buffer.from(args.view(index + 1)).toString('utf8');
    if (connection.node.control.users.names.includes(filter.user)) return true;
    reply.error('invalid-argument', `No such user '${quote(args.bytes, start, end, 128)}'`);
    return false;
  }
  if (isWord(args, index, 'ADDR')) filter.address = value;
  else if (isWord(args, index, 'LADDR')) filter.localAddress = value;
  else if (isWord(args, index, 'SKIPME')) {
    const word = value.toLowerCase();
    filter.skipsItself = word === 'yes';
    return word === 'yes' || word === 'no';
  } else return false;
  return true;
}

function matches(client: ClientPort, { id, type, address, localAddress, user }: Filter): boolean {
  if (id !== null && client.id !== id) return false;
  if (type !== null && !isOfType(client, type)) return false;
  if (address !== null && client.address !== address) return false;
  if (localAddress !== null && client.localAddress !== localAddress) return false;
  return user === null || client.userName === user;
}
