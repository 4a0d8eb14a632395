import { hash, randomBytes, scrypt, timingSafeEqual } from 'node:crypto';

/**
 * A password's hash: `scrypt$N$r$p$SALT$KEY`, salt and key in base64. The costs are those that OWASP's password storage
 * sheet gives for 16 MiB of memory.
 */
export interface PasswordHash {
  readonly cost: number;
  readonly blockSize: number;
  readonly parallelization: number;
  readonly salt: Buffer;
  readonly key: Buffer;
}

const COST = 2 ** 14;
const BLOCK_SIZE = 8;
const PARALLELIZATION = 5;
const SALT_BYTES = 16;
const KEY_BYTES = 32;
/** Hashes that ask for more are refused: checking one takes 128 × N × r bytes. */
const MEMORY_BYTES_MAX = 128 * 2 ** 20;

/** Undefined when `text` is no hash, or one that would cost too much to check. */
export function parsePasswordHash(text: string): PasswordHash | undefined {
  const match = /^scrypt\$(\d{1,8})\$(\d{1,3})\$(\d{1,3})\$([\w+/]+=*)\$([\w+/]+=*)$/.exec(text);
  if (match === null) return undefined;
  const [cost = 0, blockSize = 0, parallelization = 0] = match.slice(1, 4).map(Number);
  const salt = Buffer.from(match[4] as string, 'base64');
  const key = Buffer.from(match[5] as string, 'base64');
  const isCost = cost >= 2 && Number.isInteger(Math.log2(cost));
  const isSane =
    blockSize >= 1 && parallelization >= 1 && parallelization <= 16 && salt.length >= 8 && key.length >= 16;
  if (!isCost || !isSane || 128 * cost * blockSize > MEMORY_BYTES_MAX) return undefined;
  return { cost, blockSize, parallelization, salt, key };
}

/** The hash of a password under a salt of its own; `cost`, a power of two, is for tests that have no time. */
export async function hashPassword(password: string, cost = COST): Promise<string> {
  const salt = randomBytes(SALT_BYTES);
  const costs = { cost, blockSize: BLOCK_SIZE, parallelization: PARALLELIZATION };
  const key = await derive(password, { ...costs, salt, key: Buffer.alloc(KEY_BYTES) });
  return `scrypt$${cost}$${BLOCK_SIZE}$${PARALLELIZATION}$${salt.toString('base64')}$${key.toString('base64')}`;
}

/** Takes about a third of a second of one of libuv's threads, on purpose. */
export async function isPassword(password: string, expected: PasswordHash): Promise<boolean> {
  return timingSafeEqual(await derive(password, expected), expected.key);
}

/**
 * A hash as costly as `like` that no password has: checked in place of an unknown user's, so that names cannot be told
 * by the time an answer takes.
 */
export function nobodysHash(like: PasswordHash): PasswordHash {
  return { ...like, salt: randomBytes(SALT_BYTES), key: randomBytes(like.key.length) };
}

function derive(password: string, { cost, blockSize, parallelization, salt, key }: PasswordHash): Promise<Buffer> {
  const options = { cost, blockSize, parallelization, maxmem: 2 * MEMORY_BYTES_MAX };
  return new Promise((resolve, reject) => {
    scrypt(password.normalize('NFC'), salt, key.length, options, (error, derived) => {
      if (error === null) resolve(derived);
      else reject(error);
    });
  });
}

/** SHA-256 in hexadecimal: what tokens, which are random and long, are kept and compared as. Half a microsecond. */
export function digestOf(text: string): string {
  return hash('sha256', text, 'hex');
}

/** Compares two digests in a time that does not tell where they differ. */
export function sameDigest(a: string, b: string): boolean {
  return timingSafeEqual(Buffer.from(a, 'latin1'), Buffer.from(b, 'latin1'));
}

export function randomSecret(): string {
  return randomBytes(32).toString('hex');
}
