import type { Clock } from '../../base/ports.ts';
import { AccessBackoff } from './backoff.ts';
import { type AccessUser, type Denial, everybody } from './rights.ts';
import { digestOf, isPassword, nobodysHash, type PasswordHash, randomSecret, sameDigest } from './secrets.ts';

/** One who may be let in, with the secrets that show it is he. */
export interface Account {
  readonly user: AccessUser;
  readonly password: PasswordHash | null;
  /** SHA-256 digests of secrets that are taken as a bearer token and as a password alike. */
  readonly tokenDigests: readonly string[];
}

export interface AccessRefusal extends Denial {
  /** 0, or how long the client should wait before it tries again. */
  readonly retryAfterMs: number;
}

/** Credentials found right are not checked again, this many of them. */
const VERIFIED_MAX = 1000;
/** Addresses remembered of each. */
const ADDRESSES_MAX = 256;
/** Passwords whose checks may be under way at once; each takes a thread of four for a third of a second, and 16 MiB. */
const CHECKS_MAX = 8;

interface Verified {
  readonly user: AccessUser;
  /** Where they were right while nothing was held back there. */
  readonly addresses: Set<string>;
}

/**
 * Tells who sends a request. Secrets are compared as digests; passwords are hashed slowly, once, after which the digest
 * of the credentials stands for them until the process ends.
 */
export class Access {
  /** No credentials are configured: everybody may do everything, and no headers need to be looked at. */
  readonly isOpen: boolean;
  readonly #accounts: ReadonlyMap<string, Account>;
  readonly #backoff: AccessBackoff;
  /** By salted digest of the credentials. The salt keeps digests, and so the timing of look-ups, from being foreseen. */
  readonly #verified = new Map<string, Verified>();
  readonly #checks = new Map<string, Promise<AccessUser | AccessRefusal>>();
  readonly #salt = randomSecret();
  /** Null when no account has a password. */
  readonly #nobody: PasswordHash | null;

  constructor(accounts: readonly Account[], clock: Clock) {
    this.isOpen = accounts.length === 0;
    this.#accounts = new Map(accounts.map((account) => [account.user.name, account]));
    this.#backoff = new AccessBackoff(clock);
    const some = accounts.find(({ password }) => password !== null)?.password ?? null;
    this.#nobody = some === null ? null : nobodysHash(some);
  }

  /**
   * Who sends a request with this Authorization header ('' when there is none) from this address. A promise only when
   * a password is seen for the first time.
   */
  authenticate(
    authorization: string,
    address: string,
  ): AccessUser | AccessRefusal | Promise<AccessUser | AccessRefusal> {
    if (this.isOpen) return everybody;
    if (authorization === '') return refusal('unauthenticated', 'Authentication required.');
    const known = this.#knownAt(authorization, address);
    if (known !== null) return known;

    const [, scheme = '', credentials = ''] = /^(\w+) +([\x21-\x7e]+) *$/.exec(authorization) ?? [];
    if (scheme.toLowerCase() === 'bearer') return this.#checkToken(authorization, credentials, address);
    if (scheme.toLowerCase() === 'basic') {
      const pair = Buffer.from(credentials, 'base64').toString('utf8');
      const colon = pair.indexOf(':');
      if (colon >= 0) return this.#checkPassword(authorization, pair.slice(0, colon), pair.slice(colon + 1), address);
    }
    return refusal('unauthenticated', 'The Authorization header must be Bearer TOKEN or Basic credentials.');
  }

  /** As `authenticate`, for protocols that send a name and a password by themselves. */
  login(
    name: string,
    password: string,
    address: string,
  ): AccessUser | AccessRefusal | Promise<AccessUser | AccessRefusal> {
    if (this.isOpen) return everybody;
    const identity = `${name.length}:${name}${password}`;
    return this.#knownAt(identity, address) ?? this.#checkPassword(identity, name, password, address);
  }

  /**
   * Whose credentials these are if they were found right before. From an address that is held back they count only if
   * they were right there before it was: else who guesses would be let in as soon as he guesses what others use.
   */
  #knownAt(identity: string, address: string): AccessUser | null {
    const known = this.#verified.get(this.#digest(identity));
    if (known === undefined) return null;
    const { user, addresses } = known;
    if (addresses.has(address)) return user;
    if (this.#backoff.waitMs(address) > 0) return null;
    if (addresses.size === ADDRESSES_MAX) deleteOldest(addresses);
    addresses.add(address);
    return user;
  }

  #checkToken(identity: string, token: string, address: string): AccessUser | AccessRefusal {
    const waitMs = this.#backoff.waitMs(address);
    if (waitMs > 0) return held(waitMs);
    const digest = digestOf(token);
    let found: AccessUser | undefined;
    // All of them are compared, so that the time taken does not tell which came close.
    for (const { user, tokenDigests } of this.#accounts.values()) {
      for (const expected of tokenDigests) if (sameDigest(digest, expected)) found = user;
    }
    return this.#outcome(identity, found, address);
  }

  #checkPassword(
    identity: string,
    name: string,
    password: string,
    address: string,
  ): AccessUser | AccessRefusal | Promise<AccessUser | AccessRefusal> {
    const waitMs = this.#backoff.waitMs(address);
    if (waitMs > 0) return held(waitMs);
    const account = this.#accounts.get(name);
    const digest = digestOf(password);
    if (account?.tokenDigests.some((expected) => sameDigest(digest, expected)) === true) {
      return this.#outcome(identity, account.user, address);
    }
    const hash = account?.password ?? this.#nobody;
    if (hash === null) return this.#outcome(identity, undefined, address);
    // Clients that open a hundred connections at once cause one check.
    const key = this.#digest(identity);
    const underWay = this.#checks.get(key);
    if (underWay !== undefined) return underWay;
    if (this.#checks.size >= CHECKS_MAX) return held(1000);
    const check = isPassword(password, hash)
      .then((isRight) => this.#outcome(identity, isRight ? account?.user : undefined, address))
      .finally(() => this.#checks.delete(key));
    this.#checks.set(key, check);
    return check;
  }

  #outcome(identity: string, user: AccessUser | undefined, address: string): AccessUser | AccessRefusal {
    if (user === undefined) {
      this.#backoff.failed(address);
      return refusal('wrong-password', 'The credentials are not right.');
    }
    this.#backoff.succeeded(address);
    const digest = this.#digest(identity);
    const known = this.#verified.get(digest);
    if (known === undefined && this.#verified.size === VERIFIED_MAX) deleteOldest(this.#verified);
    this.#verified.set(digest, { user, addresses: (known?.addresses ?? new Set<string>()).add(address) });
    return user;
  }

  #digest(identity: string): string {
    return digestOf(this.#salt + identity);
  }
}

function deleteOldest(from: Set<string> | Map<string, unknown>): void {
  for (const oldest of from.keys()) {
    from.delete(oldest);
    return;
  }
}

function refusal(code: AccessRefusal['code'], message: string): AccessRefusal {
  return { code, message, retryAfterMs: 0 };
}

function held(retryAfterMs: number): AccessRefusal {
  return { code: 'too-many-requests', message: 'Too many failed attempts; try again later.', retryAfterMs };
}
