import { FluxCacheError } from './errors.ts';
import type { AnswerSource } from './request.ts';
import type { Key } from './values.ts';

/**
 * What sending an operation twice would do.
 *
 * - `read`: nothing.
 * - `idempotent`: the same as once, as long as nobody else writes in between.
 * - `once`: something else.
 */
export type Safety = 'read' | 'idempotent' | 'once';

/** A request that was not sent yet, and how its result is read: what all methods of the client and of a batch make. */
export interface Operation<T> {
  readonly method: string;
  readonly params: readonly unknown[];
  /** The key by which a router finds the node; null when any node will do. */
  readonly key: Key | null;
  readonly safety: Safety;
  /** Of several keys, which different nodes may have. */
  readonly spread?: Spread<T>;
  /**
   * Throws {@link FluxCacheError} when the result is not what the method promises. `from` is the connection that brought
   * it, undefined when none did.
   */
  decode(result: unknown, from?: AnswerSource): T;
}

/** Runs an operation on a part of the keys, as a call of its own. */
export type RunPart = <T>(operation: Operation<T>) => Promise<T>;

/**
 * How an operation over several keys is made of operations on some of them, when nodes share the keys. Parts take effect
 * each for itself.
 */
export interface Spread<T> {
  /** Null: of no key, which can be with any others. */
  readonly keys: readonly (Key | null)[];
  /** Whether it is run in parts even when one node has all keys, to look at what became of each. */
  readonly isAlways: boolean;
  /** Runs a part for each group of indexes of `keys`, and puts the results together. */
  run(groups: readonly (readonly number[])[], runPart: RunPart): Promise<T>;
}

/** Reads an operation's result. What went wrong in reading does not undo what was written, which the error says. */
export function decodeResult<T>(operation: Operation<T>, result: unknown, from: AnswerSource | undefined): T {
  try {
    return operation.decode(result, from);
  } catch (error) {
    if (!(error instanceof FluxCacheError) || operation.safety === 'read') throw error;
    throw new FluxCacheError(error.code, error.message, { maybeApplied: true, cause: error.cause });
  }
}

export function isKey(value: unknown): value is Key {
  return typeof value === 'string' || value instanceof Uint8Array;
}

/** An answer that is not of the form the method has: a server of another make. */
export function unexpectedResult(what: string): FluxCacheError {
  return new FluxCacheError('unexpected-result', `The server answered with something else than ${what}.`);
}

export function decodeNumber(result: unknown): number {
  if (typeof result === 'number') return result;
  if (typeof result === 'bigint') {
    throw new FluxCacheError('overflow', `${result} is beyond the integers a number holds; ask with a bigint.`);
  }
  throw unexpectedResult('a number');
}

export function decodeBigInt(result: unknown): bigint {
  if (typeof result === 'bigint') return result;
  if (typeof result === 'number' && Number.isInteger(result)) return BigInt(result);
  throw unexpectedResult('an integer');
}

/** Of commands that answer 1 and 0, or a boolean. */
export function decodeFlag(result: unknown): boolean {
  return result === 1 || result === true;
}

export function decodeText(result: unknown): string {
  if (typeof result === 'string') return result;
  throw unexpectedResult('text');
}

export function decodeArray(result: unknown): readonly unknown[] {
  if (Array.isArray(result)) return result;
  throw unexpectedResult('an array');
}
