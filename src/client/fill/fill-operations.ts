import { Buffer } from 'node:buffer';
import { decodeArray, decodeFlag, decodeNumber, type Operation, unexpectedResult } from '../operation.ts';
import { type SetOptions, setParams } from '../operations.ts';
import type { Key, Storable, Value } from '../values.ts';

/** What GETFILL found. */
export interface FillAnswer {
  /** `hit`: a fresh value; `stale`: one past its time to live, within its stale window; `miss`: none. */
  readonly state: 'hit' | 'stale' | 'miss';
  /** Null on a miss, or of a document that is null. */
  readonly value: Value;
  /** Who has a token fills; null: there is nothing to fill, or somebody else does. */
  readonly token: string | null;
  /** Of a hit what is left of its time to live, -1 without one; else for how long the token is valid, or somebody else's. */
  readonly ms: number;
}

/** Tags that one INVALIDATE takes, and half the bytes. */
const TAGS_A_CALL_MAX = 1000;
const TAG_BYTES_A_CALL_MAX = 32 * 1024;

/**
 * Operations of those who load values. None of them is a read that a copy could answer, and all are sent again when their
 * answers are lost: a token that nobody got to know runs out, and a second store of what was stored is refused.
 */
export const fillOperations = {
  getFill: (key: Key, fillMs: number | undefined): Operation<FillAnswer> => ({
    method: 'getfill',
    params: fillMs === undefined ? [key] : [key, 'FOR', fillMs],
    key,
    safety: 'idempotent',
    decode: decodeFillAnswer,
  }),

  /** Stores what was loaded; the error `fill-lost` when the token is not that of the key any longer. */
  setFilled: (key: Key, value: Storable, token: string, options: SetOptions): Operation<boolean> => ({
    method: 'set',
    params: setParams(key, value, options, ['FILL', token]),
    key,
    safety: 'idempotent',
    decode: (result) => result !== null,
  }),

  /** Gives a token back, so that the next to ask gets one. */
  cancelFill: (key: Key, token: string): Operation<boolean> => ({
    method: 'cancelfill',
    params: [key, token],
    key,
    safety: 'idempotent',
    decode: decodeFlag,
  }),

  /** Of as many as one of `tagsByCall` has. */
  invalidate: (tags: readonly Key[], isSoft: boolean): Operation<number> => ({
    method: 'invalidate',
    // Always said, since a tag may have either name.
    params: [isSoft ? 'SOFT' : 'HARD', ...tags],
    key: null,
    safety: 'idempotent',
    decode: decodeNumber,
  }),

  deleteMatching: (pattern: Key): Operation<number> => ({
    method: 'delmatch',
    params: [pattern],
    key: null,
    // How many it was is another number the second time.
    safety: 'once',
    decode: decodeNumber,
  }),
} as const;

/** Tags as one INVALIDATE takes them: none are no call at all. */
export function tagsByCall(tags: readonly Key[]): Key[][] {
  const calls: Key[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const tag of tags) {
    const length = typeof tag === 'string' ? Buffer.byteLength(tag) : tag.length;
    if (bytes + length > TAG_BYTES_A_CALL_MAX || calls.at(-1)?.length === TAGS_A_CALL_MAX) {
      calls.push([]);
      bytes = 0;
    }
    calls.at(-1)?.push(tag);
    bytes += length;
  }
  return calls;
}

function decodeFillAnswer(result: unknown): FillAnswer {
  const [state, value = null, token = null, ms] = decodeArray(result);
  if (state !== 'hit' && state !== 'stale' && state !== 'miss') throw unexpectedResult('hit, stale or miss');
  if ((token !== null && typeof token !== 'string') || typeof ms !== 'number') throw unexpectedResult('a token');
  return { state, value: value as Value, token, ms };
}
