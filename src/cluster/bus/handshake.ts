import { type KeyObject, randomBytes } from 'node:crypto';
import { assert } from '../../base/assert.ts';
import { DecodeError } from '../../base/msgpack-reader.ts';
import type { NodeId } from '../identity.ts';
import { encodeFrame } from '../transport/frame.ts';
import {
  decodeHandshake,
  decodeIntroduction,
  encodeGreeting,
  encodeHello,
  encodeIntroduction,
  encodeRefusal,
  greetingNonce,
  greetingVersion,
  type Introduction,
  NONCE_BYTES,
  PROTOCOL_VERSION,
  RefusalCode,
} from './handshake-codec.ts';
import { FrameOpener, FrameSealer } from './sealed-frames.ts';
import { isProof, otherRole, proofOf, type Role, sessionKey, type Transcript } from './session-keys.ts';

const NOTHING = new Uint8Array(0);

export interface HandshakeHost {
  /** What this end says of itself, to who is at the other. */
  introduce(): Introduction;
  /** Whether who dials with this nonce is this very process. */
  isOwnNonce(nonce: Uint8Array): boolean;
  /** Why the other end, which has shown who it is, cannot be taken; null: it can. */
  objection(introduction: Introduction): RefusalCode | null;
}

export type HandshakeStep =
  | { readonly next: 'wait' }
  | {
      readonly next: 'open';
      readonly introduction: Introduction;
      readonly sealer: FrameSealer;
      readonly opener: FrameOpener;
    }
  | HandshakeEnd;

export interface HandshakeEnd {
  readonly next: 'end';
  /** A clause about the other end. */
  readonly reason: string;
  /** What one end has told the other, when it has. */
  readonly code: RefusalCode | null;
  /** Who is at the other end, when it has shown that. */
  readonly node: NodeId | null;
}

/** What the log says of the other end when this one refuses it. */
const refused: Readonly<Record<RefusalCode, string>> = {
  [RefusalCode.secret]: 'does not know the secret of the cluster',
  [RefusalCode.cluster]: 'is of another cluster',
  [RefusalCode.self]: 'is this very node',
  [RefusalCode.name]: 'has the name of this node: was its data directory copied?',
  [RefusalCode.stale]: 'is an earlier start of a node that is connected',
  [RefusalCode.double]: 'is connected already',
};
/** What the log says of the other end when it refuses this one. */
const refusing: Readonly<Record<RefusalCode, string>> = {
  [RefusalCode.secret]: 'says that this node does not know the secret of the cluster',
  [RefusalCode.cluster]: 'says that this node is of another cluster',
  [RefusalCode.self]: 'is this very node',
  [RefusalCode.name]: 'has the name of this node: was its data directory copied?',
  [RefusalCode.stale]: 'says that a later start of this node is connected',
  [RefusalCode.double]: 'is connected already',
};

/**
 * One end's part in the beginning of a connection: greetings with fresh nonces, then from each end, the dialer first,
 * what it says of itself with a proof that it knows the secret. Nothing is said to who has not greeted, and the acceptor
 * says nothing of itself to who has not shown that it knows the secret.
 */
export class Handshake {
  readonly role: Role;
  readonly nonce: Uint8Array = randomBytes(NONCE_BYTES);
  readonly #secret: KeyObject;
  readonly #host: HandshakeHost;
  readonly #send: (bytes: Uint8Array) => void;
  #otherNonce: Uint8Array | null = null;
  #said: Uint8Array = NOTHING;

  constructor(role: Role, secret: KeyObject, host: HandshakeHost, send: (bytes: Uint8Array) => void) {
    this.role = role;
    this.#secret = secret;
    this.#host = host;
    this.#send = send;
  }

  start(): void {
    if (this.role === 'dialer') this.#send(encodeGreeting(this.nonce));
  }

  /** Takes the other end's greeting, whose beginning is known to be one's. */
  greeted(greeting: Uint8Array): HandshakeStep {
    assert(this.#otherNonce === null, 'an end greets once');
    this.#otherNonce = greetingNonce(greeting);
    // Answered in any case, so that the other end finds out which version is spoken here.
    if (this.role === 'acceptor') this.#send(encodeGreeting(this.nonce));
    const version = greetingVersion(greeting);
    if (version !== PROTOCOL_VERSION) {
      const reason = `speaks version ${version} of the bus, this node version ${PROTOCOL_VERSION}`;
      return ended(reason);
    }
    if (this.role === 'dialer') this.#introduce(NOTHING);
    return { next: 'wait' };
  }

  /** Takes the payload of a frame that came behind the greeting. */
  told(payload: Uint8Array): HandshakeStep {
    const message = decodeHandshake(payload);
    if (message === null) return ended('does not say who it is');
    if (message.kind === 'refusal') return ended(refusing[message.code], message.code);
    const nonce = this.#otherNonce;
    assert(nonce !== null, 'frames come behind the greeting');
    if (this.role === 'acceptor' && this.#host.isOwnNonce(nonce)) return this.#refuse(RefusalCode.self);
    const transcript = this.#transcript(message.said);
    // An acceptor's proof is also of what it has answered to; a dialer's is of its own words only.
    if (!isProof(message.proof, this.#secret, otherRole(this.role), transcript)) {
      return this.#refuse(RefusalCode.secret);
    }
    const introduction = introductionOf(message.said);
    if (introduction === null) return ended('says of itself what cannot be');
    const objection = this.#host.objection(introduction);
    if (objection !== null) return this.#refuse(objection, introduction.hello.node);
    if (this.role === 'acceptor') this.#introduce(message.said);
    return this.#opened(introduction, message.said);
  }

  #introduce(otherSaid: Uint8Array): void {
    this.#said = encodeIntroduction(this.#host.introduce());
    const proof = proofOf(this.#secret, this.role, this.#transcript(otherSaid));
    this.#send(encodeFrame(encodeHello(proof, this.#said)));
  }

  #opened(introduction: Introduction, otherSaid: Uint8Array): HandshakeStep {
    const transcript = this.#transcript(otherSaid);
    return {
      next: 'open',
      introduction,
      sealer: new FrameSealer(sessionKey(this.#secret, this.role, transcript)),
      opener: new FrameOpener(sessionKey(this.#secret, otherRole(this.role), transcript)),
    };
  }

  /** Tells a dialer; an acceptor takes the connection for open already, and finds it closed. */
  #refuse(code: RefusalCode, node: NodeId | null = null): HandshakeStep {
    if (this.role === 'acceptor') this.#send(encodeFrame(encodeRefusal(code)));
    return ended(refused[code], code, node);
  }

  #transcript(otherSaid: Uint8Array): Transcript {
    const other = this.#otherNonce ?? NOTHING;
    return this.role === 'dialer'
      ? { dialerNonce: this.nonce, acceptorNonce: other, dialerSaid: this.#said, acceptorSaid: otherSaid }
      : { dialerNonce: other, acceptorNonce: this.nonce, dialerSaid: otherSaid, acceptorSaid: this.#said };
  }
}

function introductionOf(said: Uint8Array): Introduction | null {
  try {
    return decodeIntroduction(said);
  } catch (error) {
    if (error instanceof DecodeError) return null;
    throw error;
  }
}

function ended(reason: string, code: RefusalCode | null = null, node: NodeId | null = null): HandshakeEnd {
  return { next: 'end', reason, code, node };
}
