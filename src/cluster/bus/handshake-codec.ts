import { ValueReader } from '../../base/msgpack-reader.ts';
import { ValueWriter } from '../../base/msgpack-writer.ts';
import { isNodeId } from '../identity.ts';
import { ADDRESS_BYTES_MAX, NODE_ID_BYTES_MAX } from '../limits.ts';
import type { BusHello } from './bus.ts';

/** How the two ends of a connection begin; the README has the whole. */

export const PROTOCOL_VERSION = 1;
export const NONCE_BYTES = 32;
/** `FLUXBUS`: what anybody who speaks something else is found out by, at its first byte. */
const MAGIC = Uint8Array.of(0x46, 0x4c, 0x55, 0x58, 0x42, 0x55, 0x53);
export const GREETING_BYTES = MAGIC.length + 1 + NONCE_BYTES;

export const PROOF_BYTES = 32;
/** Of a frame of the handshake: kind, proof, and a hello, whose names and addresses are limited. */
export const HANDSHAKE_FRAME_BYTES_MAX = 2048;

const CLUSTER_ID = /^([0-9a-f]{40})?$/;

/** Why a connection is refused, with its number on the wire. */
export const RefusalCode = {
  /** The proof is not one of who knows the secret. */
  secret: 1,
  /** The other end is of another cluster. */
  cluster: 2,
  /** The other end is this very node. */
  self: 3,
  /** Another node has the name of this one. */
  name: 4,
  /** A later start of the same node is connected. */
  stale: 5,
  /** There is such a connection already. */
  double: 6,
} as const;
export type RefusalCode = (typeof RefusalCode)[keyof typeof RefusalCode];
const refusalCodes = new Set<number>(Object.values(RefusalCode));

const HELLO = 1;
const REFUSAL = 2;

/** What an end says when it shows that it knows the secret. */
export interface Introduction {
  readonly hello: BusHello;
  /** The host that this end sees the other one at; '' when it cannot tell. */
  readonly seen: string;
}

export type HandshakeMessage =
  /** `said` is what the proof is of, and holds the introduction. */
  | { readonly kind: 'hello'; readonly proof: Uint8Array; readonly said: Uint8Array }
  | { readonly kind: 'refusal'; readonly code: RefusalCode };

export function encodeGreeting(nonce: Uint8Array, version = PROTOCOL_VERSION): Uint8Array {
  const bytes = new Uint8Array(GREETING_BYTES);
  bytes.set(MAGIC);
  bytes[MAGIC.length] = version;
  bytes.set(nonce, MAGIC.length + 1);
  return bytes;
}

/** Whether `bytes[0..length)` can become a greeting, of whatever version. */
export function isGreetingSoFar(bytes: Uint8Array, length: number): boolean {
  for (let at = 0; at < Math.min(length, MAGIC.length); at++) if (bytes[at] !== MAGIC[at]) return false;
  return true;
}

export function greetingVersion(greeting: Uint8Array): number {
  return greeting[MAGIC.length] as number;
}

export function greetingNonce(greeting: Uint8Array): Uint8Array {
  return greeting.slice(MAGIC.length + 1, GREETING_BYTES);
}

export function encodeHello(proof: Uint8Array, said: Uint8Array): Uint8Array {
  const payload = new Uint8Array(1 + PROOF_BYTES + said.length);
  payload[0] = HELLO;
  payload.set(proof, 1);
  payload.set(said, 1 + PROOF_BYTES);
  return payload;
}

export function encodeRefusal(code: RefusalCode): Uint8Array {
  return Uint8Array.of(REFUSAL, code);
}

/** Null: the payload is neither a hello nor a refusal. */
export function decodeHandshake(payload: Uint8Array): HandshakeMessage | null {
  if (payload[0] === HELLO && payload.length > 1 + PROOF_BYTES) {
    return { kind: 'hello', proof: payload.subarray(1, 1 + PROOF_BYTES), said: payload.subarray(1 + PROOF_BYTES) };
  }
  const code = payload[1] as number;
  if (payload[0] === REFUSAL && payload.length === 2 && isRefusalCode(code)) return { kind: 'refusal', code };
  return null;
}

function isRefusalCode(code: number): code is RefusalCode {
  return refusalCodes.has(code);
}

export function encodeIntroduction({ hello, seen }: Introduction): Uint8Array {
  const writer = new ValueWriter();
  writer.array(5);
  writer.string(hello.node);
  writer.integer(hello.boot);
  writer.string(hello.address);
  writer.string(hello.clusterId);
  writer.string(seen);
  return writer.copy();
}

/** Throws a `DecodeError` for what is no introduction. */
export function decodeIntroduction(bytes: Uint8Array): Introduction {
  const reader = new ValueReader(bytes);
  reader.array('introduction', 5, 5);
  const node = reader.word('node', NODE_ID_BYTES_MAX);
  if (!isNodeId(node)) reader.fail('node', 'must be the name of a node');
  const boot = reader.integer('boot');
  const address = reader.string('address', ADDRESS_BYTES_MAX);
  const clusterId = reader.string('clusterId', 40);
  if (!CLUSTER_ID.test(clusterId)) reader.fail('clusterId', 'must be 40 hexadecimal digits or nothing');
  const seen = reader.string('seen', ADDRESS_BYTES_MAX);
  reader.end('introduction');
  return { hello: { node, boot, address, clusterId }, seen };
}
