import type { KeyObject } from 'node:crypto';
import { DecodeError, ValueReader } from '../../base/msgpack-reader.ts';
import { ValueWriter } from '../../base/msgpack-writer.ts';
import { isProof, otherRole, proofOf, type Role, sessionKey, type Transcript } from '../../cluster/bus/session-keys.ts';
import { isNodeId, type NodeId } from '../../cluster/identity.ts';
import { NODE_ID_BYTES_MAX } from '../../cluster/limits.ts';
import { PEER_FIRST_BYTE } from '../session/session.ts';

/** What an end says of itself once the other one is to be shown that it knows the secret. */
export interface PeerIntroduction {
  readonly node: NodeId;
  /** The node it means to speak to. */
  readonly to: NodeId;
  /** 40 hexadecimal digits. */
  readonly clusterId: string;
  /** The largest frame that it takes. */
  readonly frameBytesMax: number;
}

export interface HandshakeParts {
  readonly role: Role;
  readonly secret: KeyObject;
  /** Unguessable, and never used before. */
  readonly nonce: Uint8Array;
  /** `other` is what the other end has said; null while it has said nothing. */
  introduce(other: PeerIntroduction | null): PeerIntroduction;
  /** Why the other end is not spoken to; null: it is. */
  judge(other: PeerIntroduction): string | null;
}

/** Of this whole protocol, frames and messages included. */
export const PEER_PROTOCOL_VERSION = 1;

const MAGIC = Uint8Array.of(PEER_FIRST_BYTE, 0x46, 0x4c, 0x4b);
const NONCE_BYTES = 32;
const GREETING_BYTES = MAGIC.length + 1 + NONCE_BYTES;
const PROOF_BYTES = 32;
const HELLO_BYTES_MAX = 512;
/** Sets what is said here apart from what is said on the bus, whose secret is the same. */
const PLACE = 'link';

/**
 * How a link begins, at either end; it acts on nothing.
 *
 *     dialer → acceptor     greeting: 0xF1 `FLK`, version, nonce of 32 bytes
 *     acceptor → dialer     greeting
 *     dialer → acceptor     hello: uint16 LE length; proof of 32 bytes; introduction
 *     acceptor → dialer     hello
 *
 * A proof is an HMAC by the secret of all that was said before it, so neither end says who it is to one that has not
 * shown that it may know. From all that was said come the keys of the frames that follow.
 */
export class PeerHandshake {
  /** To be sent now. */
  output: Uint8Array | null = null;
  /** Why it has failed. */
  fault: string | null = null;
  /** Of the other end, once it has shown that it knows the secret. */
  other: PeerIntroduction | null = null;
  readonly #parts: HandshakeParts;
  #state: 'greeting' | 'hello' | 'done' = 'greeting';
  readonly #input = new Uint8Array(2 + HELLO_BYTES_MAX);
  #filled = 0;
  #otherNonce = new Uint8Array(0);
  #dialerSaid = new Uint8Array(0);
  #acceptorSaid = new Uint8Array(0);

  constructor(parts: HandshakeParts) {
    this.#parts = parts;
    if (parts.role === 'dialer') this.output = this.#greeting();
  }

  get isDone(): boolean {
    return this.#state === 'done';
  }

  /** Takes bytes that came and returns how many: fewer when it is done, or has failed. `output` may be set then. */
  take(bytes: Uint8Array): number {
    let at = 0;
    while (at < bytes.length && !this.isDone && this.fault === null) {
      const needed = this.#needed();
      const count = Math.min(needed - this.#filled, bytes.length - at);
      this.#input.set(bytes.subarray(at, at + count), this.#filled);
      this.#filled += count;
      at += count;
      this.#look();
    }
    return at;
  }

  /** The key of the frames that `role` sends. */
  key(role: Role): KeyObject {
    return sessionKey(this.#parts.secret, role, this.#transcript());
  }

  /** How many bytes the message that is coming has, as far as that can be told. */
  #needed(): number {
    if (this.#state === 'greeting') return GREETING_BYTES;
    return this.#filled < 2 ? 2 : 2 + this.#helloBytes();
  }

  #helloBytes(): number {
    return (this.#input[0] as number) | ((this.#input[1] as number) << 8);
  }

  #look(): void {
    if (this.#state === 'greeting') {
      const isOurs = MAGIC.every((byte, at) => at >= this.#filled || this.#input[at] === byte);
      if (!isOurs) this.fault = 'what it says is no greeting';
      else if (this.#filled === GREETING_BYTES) this.#onGreeting();
    } else if (this.#filled >= 2) {
      const count = this.#helloBytes();
      if (count <= PROOF_BYTES || count > HELLO_BYTES_MAX) this.fault = 'what it says is no hello';
      else if (this.#filled === 2 + count) this.#onHello();
    }
  }

  #onGreeting(): void {
    const version = this.#input[MAGIC.length] as number;
    if (version !== PEER_PROTOCOL_VERSION) {
      this.fault = `it speaks version ${version} of the protocol, this node ${PEER_PROTOCOL_VERSION}`;
      return;
    }
    this.#otherNonce = this.#input.slice(MAGIC.length + 1, GREETING_BYTES);
    this.#filled = 0;
    this.#state = 'hello';
    this.output = this.#parts.role === 'dialer' ? this.#hello() : this.#greeting();
  }

  #onHello(): void {
    const { role, secret, judge } = this.#parts;
    const proof = this.#input.subarray(2, 2 + PROOF_BYTES);
    const said = this.#input.slice(2 + PROOF_BYTES, this.#filled);
    if (role === 'dialer') this.#acceptorSaid = said;
    else this.#dialerSaid = said;
    if (!isProof(proof, secret, otherRole(role), this.#transcript())) {
      this.fault = 'it does not know the secret of this cluster';
      return;
    }
    const other = decodeIntroduction(said);
    if (other === null) {
      this.fault = 'what it says is no hello';
      return;
    }
    this.fault = judge(other);
    if (this.fault !== null) return;
    this.other = other;
    if (role === 'acceptor') this.output = this.#hello();
    this.#state = 'done';
  }

  #greeting(): Uint8Array {
    const bytes = new Uint8Array(GREETING_BYTES);
    bytes.set(MAGIC);
    bytes[MAGIC.length] = PEER_PROTOCOL_VERSION;
    bytes.set(this.#parts.nonce, MAGIC.length + 1);
    return bytes;
  }

  #hello(): Uint8Array {
    const { role, secret } = this.#parts;
    const said = encodeIntroduction(this.#parts.introduce(this.other));
    if (role === 'dialer') this.#dialerSaid = said;
    else this.#acceptorSaid = said;
    const bytes = new Uint8Array(2 + PROOF_BYTES + said.length);
    bytes[0] = (PROOF_BYTES + said.length) & 0xff;
    bytes[1] = (PROOF_BYTES + said.length) >>> 8;
    bytes.set(proofOf(secret, role, this.#transcript()), 2);
    bytes.set(said, 2 + PROOF_BYTES);
    return bytes;
  }

  #transcript(): Transcript {
    const { role, nonce } = this.#parts;
    const isDialer = role === 'dialer';
    return {
      dialerNonce: isDialer ? nonce : this.#otherNonce,
      acceptorNonce: isDialer ? this.#otherNonce : nonce,
      dialerSaid: this.#dialerSaid,
      acceptorSaid: this.#acceptorSaid,
    };
  }
}

function encodeIntroduction({ node, to, clusterId, frameBytesMax }: PeerIntroduction): Uint8Array<ArrayBuffer> {
  const writer = new ValueWriter();
  writer.array(5);
  writer.string(PLACE);
  writer.string(node);
  writer.string(to);
  writer.string(clusterId);
  writer.integer(frameBytesMax);
  return new Uint8Array(writer.copy());
}

function decodeIntroduction(bytes: Uint8Array): PeerIntroduction | null {
  try {
    const reader = new ValueReader(bytes);
    reader.array('introduction', 5, 5);
    const place = reader.word('place', PLACE.length);
    const node = reader.word('node', NODE_ID_BYTES_MAX);
    const to = reader.word('to', NODE_ID_BYTES_MAX);
    const clusterId = reader.string('clusterId', 40);
    const frameBytesMax = reader.integer('frameBytesMax');
    reader.end('introduction');
    if (place !== PLACE || !isNodeId(node) || !isNodeId(to) || frameBytesMax < 1) return null;
    return { node, to, clusterId, frameBytesMax };
  } catch (error) {
    if (error instanceof DecodeError) return null;
    throw error;
  }
}
