import { FluxCacheError } from './errors.ts';
import { jsonOperations } from './json-operations.ts';
import { decodeArray, decodeResult, type Operation, type Safety, unexpectedResult } from './operation.ts';
import { operations } from './operations.ts';
import { replyErrorOf } from './reply-error.ts';
import { NestedRequest } from './request-encoder.ts';

/** What became of one operation of a batch. */
export type BatchResult<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly error: FluxCacheError };

/** The results of a tuple of operations, each of its own type. */
export type BatchResults<Operations extends readonly Operation<unknown>[]> = {
  -readonly [Index in keyof Operations]: Operations[Index] extends Operation<infer T> ? BatchResult<T> : never;
};

/** What operations of a batch are made with: the client's methods, each of which returns an operation. */
export const batchBuilder = { ...operations, json: jsonOperations } as const;
export type BatchBuilder = typeof batchBuilder;

/** One request for several operations, which run in order, each with an outcome of its own. */
export function batchOf<Operations extends readonly Operation<unknown>[]>(
  list: Operations,
): Operation<BatchResults<Operations>> {
  return {
    method: 'batch',
    params: list.map(({ method, params }) => new NestedRequest(method, params)),
    key: list[0]?.key ?? null,
    safety: worst(list),
    decode: (result) => {
      const answers = decodeArray(result);
      if (answers.length !== list.length) throw unexpectedResult('one result an operation');
      // One result for each operation, in its place and of its type: what a mapped tuple cannot be built up as.
      return list.map((operation, index) => resultOf(operation, answers[index])) as BatchResults<Operations>;
    },
  };
}

function resultOf<T>(operation: Operation<T>, answer: unknown): BatchResult<T> {
  const [error = null, result = null] = decodeArray(answer);
  if (error !== null) return { ok: false, error: replyErrorOf(error, operation.safety !== 'read') };
  try {
    return { ok: true, value: decodeResult(operation, result) };
  } catch (fault) {
    if (fault instanceof FluxCacheError) return { ok: false, error: fault };
    throw fault;
  }
}

function worst(list: readonly Operation<unknown>[]): Safety {
  if (list.some(({ safety }) => safety === 'once')) return 'once';
  return list.some(({ safety }) => safety === 'idempotent') ? 'idempotent' : 'read';
}
