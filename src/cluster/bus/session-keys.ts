import { createHmac, createSecretKey, type KeyObject, timingSafeEqual } from 'node:crypto';
import { PROTOCOL_VERSION } from './handshake-codec.ts';

/** An end of a connection: who dialled, or who accepted. */
export type Role = 'dialer' | 'acceptor';

export function otherRole(role: Role): Role {
  return role === 'dialer' ? 'acceptor' : 'dialer';
}

/** What both ends have said, in the order of the roles. */
export interface Transcript {
  readonly dialerNonce: Uint8Array;
  readonly acceptorNonce: Uint8Array;
  /** The introductions; the acceptor's is empty while only the dialer has spoken. */
  readonly dialerSaid: Uint8Array;
  readonly acceptorSaid: Uint8Array;
}

export function secretKeyOf(secret: string): KeyObject {
  return createSecretKey(secret, 'utf8');
}

/**
 * Shows that `role` knows the secret, in this very connection: an HMAC-SHA256 of what was said so far. The role stands in
 * it, so that what one end has shown cannot be sent back to it; the nonces do, so that it is worth nothing elsewhere.
 */
export function proofOf(secret: KeyObject, role: Role, transcript: Transcript): Buffer {
  return digest(secret, `fluxcache bus ${PROTOCOL_VERSION} proof of the ${role}`, transcript);
}

export function isProof(proof: Uint8Array, secret: KeyObject, role: Role, transcript: Transcript): boolean {
  return timingSafeEqual(proof, proofOf(secret, role, transcript));
}

/** The key for frames that `role` sends in this connection. */
export function sessionKey(secret: KeyObject, role: Role, transcript: Transcript): KeyObject {
  return createSecretKey(digest(secret, `fluxcache bus ${PROTOCOL_VERSION} frames of the ${role}`, transcript));
}

function digest(secret: KeyObject, label: string, transcript: Transcript): Buffer {
  const { dialerNonce, acceptorNonce, dialerSaid, acceptorSaid } = transcript;
  const hmac = createHmac('sha256', secret);
  // Lengths first, so that no two different lists of parts are the same bytes.
  for (const part of [Buffer.from(label), dialerNonce, acceptorNonce, dialerSaid, acceptorSaid]) {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(part.length);
    hmac.update(length).update(part);
  }
  return hmac.digest();
}
