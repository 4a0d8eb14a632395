import {
  AbortError,
  ClosedError,
  ConnectionError,
  FluxCacheError,
  type FluxCacheErrorOptions,
  ReplyError,
  TimeoutError,
} from './errors.ts';
import type { Operation, Spread } from './operation.ts';
import type { Key } from './values.ts';

/** Indexes of keys by their nodes, in order; those of no key are with the first. */
export function groupsOf(keys: readonly (Key | null)[], placeOf: (key: Key) => string): number[][] {
  const groups = new Map<string, number[]>();
  const anywhere: number[] = [];
  for (const [index, key] of keys.entries()) {
    const place = key === null ? undefined : placeOf(key);
    const group = place === undefined ? anywhere : groups.get(place);
    if (group !== undefined) group.push(index);
    else if (place !== undefined) groups.set(place, [index]);
  }
  const [first, ...others] = groups.values();
  if (anywhere.length === 0) return first === undefined ? [] : [first, ...others];
  return [[...(first ?? []), ...anywhere].sort((one, other) => one - other), ...others];
}

/** Keys are all alike to this; what is done to them differs by `part`, which is given their indexes. */
export function spreadOf<P, T>(
  keys: readonly Key[],
  part: (indexes: readonly number[]) => Operation<P>,
  join: (parts: readonly { readonly indexes: readonly number[]; readonly result: P }[]) => T,
): Spread<T> {
  return {
    keys,
    isAlways: false,
    run: async (groups, runPart) => {
      const operations = groups.map(part);
      const isWrite = operations.some(({ safety }) => safety !== 'read');
      const results = await allOf(operations.map(runPart), isWrite);
      return join(results.map((result, group) => ({ indexes: groups[group] ?? [], result })));
    },
  };
}

/** What several parts told of each of their keys, in the order of all keys. */
export function inOrder<T>(
  parts: readonly { readonly indexes: readonly number[]; readonly result: readonly T[] }[],
): T[] {
  const all: T[] = [];
  for (const { indexes, result } of parts) {
    for (const [at, index] of indexes.entries()) all[index] = result[at] as T;
  }
  return all;
}

export function pick<T>(items: readonly T[], indexes: readonly number[]): T[] {
  return indexes.flatMap((index) => (index < items.length ? [items[index] as T] : []));
}

export function sumOf(parts: readonly { readonly result: number }[]): number {
  return parts.reduce((sum, { result }) => sum + result, 0);
}

/**
 * The results of all; else, when none is under way any longer, the error of the first that failed. That says that something
 * may have been applied if that holds for any part of a write.
 */
async function allOf<T>(parts: readonly Promise<T>[], isWrite: boolean): Promise<T[]> {
  const outcomes = await Promise.allSettled(parts);
  const results: T[] = [];
  const errors: unknown[] = [];
  for (const outcome of outcomes) {
    if (outcome.status === 'fulfilled') results.push(outcome.value);
    else errors.push(outcome.reason);
  }
  if (errors.length === 0) return results;
  const [first] = errors;
  if (!(first instanceof FluxCacheError) || !isWrite) throw first;
  const isApplied = results.length > 0 || errors.some((error) => error instanceof FluxCacheError && error.maybeApplied);
  throw isApplied && !first.maybeApplied ? appliedInPart(first) : first;
}

function appliedInPart(cause: FluxCacheError): FluxCacheError {
  const message = `${cause.message} Other keys of the call are on other nodes, where it may have been done.`;
  const options: FluxCacheErrorOptions = { maybeApplied: true, cause };
  if (cause instanceof ReplyError) return new ReplyError(cause.code, message, options);
  if (cause instanceof TimeoutError) return new TimeoutError(message, options);
  if (cause instanceof ConnectionError) return new ConnectionError(cause.code, message, options);
  if (cause instanceof AbortError) return new AbortError({ ...options, cause: cause.cause });
  if (cause instanceof ClosedError) return new ClosedError(options);
  return new FluxCacheError(cause.code, message, options);
}
