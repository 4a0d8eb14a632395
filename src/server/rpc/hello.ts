import { kindOf, skipValue, WireKind } from '../../base/msgpack-wire.ts';
import type { ReplyWriter } from '../../command/reply.ts';
import type { MessageReader } from '../../protocol/msgpack-rpc/message-reader.ts';
import { mapOf } from '../../protocol/msgpack-rpc/option-words.ts';
import { type RpcRefusal, refuse } from '../../protocol/msgpack-rpc/refusal.ts';
import type { RpcShared } from './rpc-shared.ts';

/** What a client says of itself; null where it says nothing. */
export interface Greeting {
  readonly user: string | null;
  readonly password: string | null;
  readonly name: string | null;
}

const fields = ['user', 'password', 'name'] as const;
const form = 'hello takes nothing, or a map of user, password and name, each a str';

/** Reads the params of `hello`, on which the reader stands. */
export function readGreeting(bytes: Uint8Array, { paramsStart, paramCount }: MessageReader): Greeting | RpcRefusal {
  const greeting = { user: null, password: null, name: null } as Record<(typeof fields)[number], string | null>;
  if (paramCount === 0) return greeting;
  if (paramCount > 1 || kindOf(bytes[paramsStart] as number) !== WireKind.map) return refuse('bad-request', form);
  for (const [key, value] of mapOf(bytes, paramsStart, skipValue(bytes, paramsStart))) {
    const field = fields.find((known) => known === key);
    if (field === undefined || !(typeof value === 'string' || value === null)) return refuse('bad-request', form);
    greeting[field] = value;
  }
  if (greeting.user !== null && greeting.password === null) return refuse('bad-request', 'a user needs a password');
  if (greeting.name !== null && !/^[!-~]{0,128}$/.test(greeting.name)) {
    return refuse('invalid-argument', 'a name has up to 128 visible characters and no space');
  }
  return greeting;
}

const features = ['batch', 'entry', 'json', 'pubsub', 'tracking', 'transactions', 'versions'];

/** Writes what `hello` answers. */
export function writeHello({ node, methods }: RpcShared, connectionId: number, user: string, reply: ReplyWriter): void {
  const { keyBytesMax, valueBytesMax, messageBytesMax, batchMax, pipelineMax } = node.limits;
  reply.map(8);
  texts(reply, 'server', 'fluxcache', 'version', node.version, 'user', user);
  reply.bulkText('protocol');
  reply.integer(1);
  reply.bulkText('id');
  reply.integer(connectionId);
  reply.bulkText('methods');
  reply.array(methods.length);
  texts(reply, ...methods);
  reply.bulkText('features');
  reply.array(features.length);
  texts(reply, ...features);
  reply.bulkText('limits');
  const limits = {
    keyBytes: keyBytesMax,
    valueBytes: valueBytesMax,
    messageBytes: messageBytesMax,
    batchOperations: batchMax,
    requestsInFlight: pipelineMax,
  };
  reply.map(Object.keys(limits).length);
  for (const [name, limit] of Object.entries(limits)) {
    reply.bulkText(name);
    reply.integer(limit);
  }
}

function texts(reply: ReplyWriter, ...values: readonly string[]): void {
  for (const value of values) reply.bulkText(value);
}
