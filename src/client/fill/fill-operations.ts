import { decodeArray, decodeFlag, type Operation, unexpectedResult } from '../operation.ts';
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

/** All that `setFilled` made. */
const stores = new WeakSet<object>();

/** Whether an operation stores what was loaded: the server refuses that when it is no longer what is to be there. */
export function isStoreOfFill(operation: object): boolean {
  return stores.has(operation);
}

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
  setFilled: (key: Key, value: Storable, token: string, options: SetOptions): Operation<boolean> => {
    const operation: Operation<boolean> = {
      method: 'set',
      params: setParams(key, value, options, ['FILL', token]),
      key,
      safety: 'idempotent',
      decode: (result) => result !== null,
    };
    stores.add(operation);
    return operation;
  },

  /** Gives a token back, so that the next to ask gets one. */
  cancelFill: (key: Key, token: string): Operation<boolean> => ({
    method: 'cancelfill',
    params: [key, token],
    key,
    safety: 'idempotent',
    decode: decodeFlag,
  }),
} as const;

function decodeFillAnswer(result: unknown): FillAnswer {
  const [state, value = null, token = null, ms] = decodeArray(result);
  if (state !== 'hit' && state !== 'stale' && state !== 'miss') throw unexpectedResult('hit, stale or miss');
  if ((token !== null && typeof token !== 'string') || typeof ms !== 'number') throw unexpectedResult('a token');
  return { state, value: value as Value, token, ms };
}
