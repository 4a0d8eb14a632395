import { FluxCacheError } from './errors.ts';
import { jsonOperations } from './json-operations.ts';
import { decodeArray, decodeResult, type Operation, type RunPart, type Safety, unexpectedResult } from './operation.ts';
import { operations } from './operations.ts';
import { replyErrorOf } from './reply-error.ts';
import type { AnswerSource } from './request.ts';
import { NestedRequest } from './request-encoder.ts';
import { pick } from './spread.ts';

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

/** One request for several operations, which run in order, each with an outcome of its own; for each node one. */
export function batchOf<Operations extends readonly Operation<unknown>[]>(
  list: Operations,
): Operation<BatchResults<Operations>> {
  // One result for each operation, in its place and of its type: what a mapped tuple cannot be built up as.
  const typed = (results: readonly BatchResult<unknown>[]) => results as BatchResults<Operations>;
  const whole = requestFor(list);
  return {
    ...whole,
    decode: (result, from) => typed(whole.decode(result, from)),
    spread: {
      keys: list.map(({ key }) => key),
      isAlways: true,
      run: async (groups, runPart) => {
        const parts = await Promise.allSettled(groups.map((indexes) => runPart(requestFor(pick(list, indexes)))));
        const failures = parts.flatMap((part) => (part.status === 'rejected' ? [part.reason] : []));
        if (failures.length === parts.length && failures.length > 0) throw failures[0];
        const results: Promise<BatchResult<unknown>>[] = [];
        for (const [group, indexes] of groups.entries()) {
          for (const [at, index] of indexes.entries()) {
            const operation = list[index];
            if (operation !== undefined) results[index] = outcomeOf(operation, parts[group], at, runPart);
          }
        }
        return typed(await Promise.all(results));
      },
    },
  };
}

function requestFor(list: readonly Operation<unknown>[]): Operation<BatchResult<unknown>[]> {
  return {
    method: 'batch',
    params: list.map(({ method, params }) => new NestedRequest(method, params)),
    key: list.find(({ key }) => key !== null)?.key ?? null,
    safety: worst(list),
    decode: (result, from) => {
      const answers = decodeArray(result);
      if (answers.length !== list.length) throw unexpectedResult('one result an operation');
      return list.map((operation, index) => resultOf(operation, answers[index], from));
    },
  };
}

/** What became of one operation of several nodes' batches. One that is elsewhere by now was not run, and is run by itself. */
async function outcomeOf(
  operation: Operation<unknown>,
  part: PromiseSettledResult<BatchResult<unknown>[]> | undefined,
  at: number,
  runPart: RunPart,
): Promise<BatchResult<unknown>> {
  try {
    if (part?.status === 'rejected') throw part.reason;
    const result = part?.value[at];
    if (result !== undefined && (result.ok || result.error.code !== 'moved')) return result;
    return { ok: true, value: await runPart(operation) };
  } catch (error) {
    if (error instanceof FluxCacheError) return { ok: false, error };
    throw error;
  }
}

function resultOf<T>(operation: Operation<T>, answer: unknown, from: AnswerSource | undefined): BatchResult<T> {
  const [error = null, result = null] = decodeArray(answer);
  if (error !== null) return { ok: false, error: replyErrorOf(error, operation.safety !== 'read') };
  try {
    return { ok: true, value: decodeResult(operation, result, from) };
  } catch (fault) {
    if (fault instanceof FluxCacheError) return { ok: false, error: fault };
    throw fault;
  }
}

function worst(list: readonly Operation<unknown>[]): Safety {
  if (list.some(({ safety }) => safety === 'once')) return 'once';
  return list.some(({ safety }) => safety === 'idempotent') ? 'idempotent' : 'read';
}
