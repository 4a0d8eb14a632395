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
  /** In a cluster: it follows `moved`, and takes answers of replicas. */
  readonly redirects: boolean | null;
  readonly readsReplicas: boolean | null;
}

const words = ['user', 'password', 'name'] as const;
const switches = ['redirects', 'readsReplicas'] as const;
const form =
  'hello takes nothing, or a map of user, password and name, each a str, and of redirects and readsReplicas, each a bool';

/** Reads the params of `hello`, on which the reader stands. */
export function readGreeting(bytes: Uint8Array, { paramsStart, paramCount }: MessageReader): Greeting | RpcRefusal {
  const said = { user: null, password: null, name: null } as Record<(typeof words)[number], string | null>;
  const wanted = { redirects: null, readsReplicas: null } as Record<(typeof switches)[number], boolean | null>;
  if (paramCount === 0) return { ...said, ...wanted };
  if (paramCount > 1 || kindOf(bytes[paramsStart] as number) !== WireKind.map) return refuse('bad-request', form);
  for (const [key, value] of mapOf(bytes, paramsStart, skipValue(bytes, paramsStart))) {
    const word = words.find((known) => known === key);
    const choice = switches.find((known) => known === key);
    if (word !== undefined && (typeof value === 'string' || value === null)) said[word] = value;
    else if (choice !== undefined && (typeof value === 'boolean' || value === null)) wanted[choice] = value;
    else return refuse('bad-request', form);
  }
  if (said.user !== null && said.password === null) return refuse('bad-request', 'a user needs a password');
  if (said.name !== null && !/^[!-~]{0,128}$/.test(said.name)) {
    return refuse('invalid-argument', 'a name has up to 128 visible characters and no space');
  }
  return { ...said, ...wanted };
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
  const all = node.port.control.cluster.isEnabled ? ['cluster', ...features] : features;
  reply.array(all.length);
  texts(reply, ...all);
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
