import { FluxCacheError } from './errors.ts';
import { decodeArray, decodeFlag, decodeNumber, isKey, type Operation, type Safety } from './operation.ts';
import { inOrder, pick, spreadOf } from './spread.ts';
import type { Json, Key, Storable } from './values.ts';

export interface JsonSetOptions {
  /** Only if the path finds nothing. */
  readonly nx?: boolean | undefined;
  /** Only if the path finds something. */
  readonly xx?: boolean | undefined;
}

/** One of what a path finds; null where that is not of the kind the operation works on. */
type PerMatch<T> = (T | null)[];

/**
 * Operations inside JSON documents. Paths are those of RFC 9535 and can find several values, so that results are arrays,
 * one element for each. Values are sent as JSON text, as JSON.stringify writes it, and come back decoded.
 */
export const jsonOperations = {
  get: <T = Json>(key: Key): Operation<T | null> =>
    operation('read', 'json.get', [key], (result) => result as T | null),

  /** Null when there is no such key. */
  find: <T = Json>(key: Key, path: string): Operation<T[] | null> =>
    operation('read', 'json.get', [key, path], listOrNull<T>),

  mget: <T = Json>(keys: readonly Key[], path: string): Operation<(T[] | null)[]> => ({
    ...finding<T>(keys, path),
    spread: spreadOf(keys, (indexes) => finding<T>(pick(keys, indexes), path), inOrder),
  }),

  type: (key: Key, path: string): Operation<string[] | null> =>
    operation('read', 'json.type', [key, path], listOrNull<string>),

  set: (key: Key, path: string, value: Storable, options: JsonSetOptions = {}): Operation<boolean> => {
    const { nx = false, xx = false } = options;
    const words = [...(nx ? ['NX'] : []), ...(xx ? ['XX'] : [])];
    return operation(
      nx || xx ? 'once' : 'idempotent',
      'json.set',
      [key, path, textOf(value), ...words],
      (result) => result !== null,
    );
  },

  merge: (key: Key, path: string, value: Storable): Operation<void> =>
    operation('idempotent', 'json.merge', [key, path, textOf(value)], () => undefined),

  del: (key: Key, path: string): Operation<number> => operation('once', 'json.del', [key, path], decodeNumber),

  // The one answer that is JSON text, as over RESP.
  numIncrBy: (key: Key, path: string, by: number): Operation<PerMatch<number>> =>
    operation('once', 'json.numincrby', [key, path, textOf(by)], (result) =>
      list<number | null>(typeof result === 'string' ? JSON.parse(result) : result),
    ),

  strAppend: (key: Key, path: string, text: string): Operation<PerMatch<number>> =>
    operation('once', 'json.strappend', [key, path, textOf(text)], list<number | null>),

  arrAppend: (key: Key, path: string, values: readonly Storable[]): Operation<PerMatch<number>> =>
    operation('once', 'json.arrappend', [key, path, ...values.map(textOf)], list<number | null>),

  arrLen: (key: Key, path: string): Operation<PerMatch<number> | null> =>
    operation('read', 'json.arrlen', [key, path], listOrNull<number | null>),

  objKeys: (key: Key, path: string): Operation<PerMatch<string[]> | null> =>
    operation('read', 'json.objkeys', [key, path], listOrNull<string[] | null>),

  objLen: (key: Key, path: string): Operation<PerMatch<number> | null> =>
    operation('read', 'json.objlen', [key, path], listOrNull<number | null>),

  strLen: (key: Key, path: string): Operation<PerMatch<number> | null> =>
    operation('read', 'json.strlen', [key, path], listOrNull<number | null>),

  clear: (key: Key, path: string): Operation<number> =>
    operation('idempotent', 'json.clear', [key, path], decodeNumber),

  toggle: (key: Key, path: string): Operation<PerMatch<boolean>> =>
    operation('once', 'json.toggle', [key, path], (result) =>
      decodeArray(result).map((flag) => (flag === null ? null : decodeFlag(flag))),
    ),
} as const;

function finding<T>(keys: readonly Key[], path: string): Operation<(T[] | null)[]> {
  return operation('read', 'json.mget', [...keys, path], (result) =>
    decodeArray(result).map((found) => listOrNull<T>(found)),
  );
}

function operation<T>(
  safety: Safety,
  method: string,
  params: readonly unknown[],
  decode: (result: unknown) => T,
): Operation<T> {
  const [first] = params;
  return { method, params, key: isKey(first) ? first : null, safety, decode };
}

/** The server's answers have the types its reference says; what they are not even arrays of is refused. */
function list<T>(result: unknown): T[] {
  return decodeArray(result) as T[];
}

function listOrNull<T>(result: unknown): T[] | null {
  return result === null ? null : list(result);
}

/** @throws FluxCacheError `invalid-argument` for what JSON has no text of */
function textOf(value: Storable): string {
  let text: string | undefined;
  try {
    text = JSON.stringify(value);
  } catch (error) {
    throw new FluxCacheError('invalid-argument', 'The value cannot be written as JSON.', { cause: error });
  }
  if (text === undefined) throw new FluxCacheError('invalid-argument', 'The value cannot be written as JSON.');
  return text;
}
