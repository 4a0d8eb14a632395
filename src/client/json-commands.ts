import type { CallOptions } from './call.ts';
import type { Calls } from './calls.ts';
import { type JsonSetOptions, jsonOperations } from './json-operations.ts';
import type { Json, Key, Storable } from './values.ts';

const ROOT = '$';

/**
 * Documents and what is inside them: `client.json`. Paths are those of RFC 9535 (`$.users[0].name`) and may find several
 * values, so that results are arrays; null in them is for what is not of the kind the method works on. A method that
 * changes an absent document is rejected with `no-such-key`.
 */
export class JsonCommands {
  readonly #calls: Calls;

  constructor(calls: Calls) {
    this.#calls = calls;
  }

  /** The whole document; null when there is none. */
  get<T = Json>(key: Key, options: CallOptions = {}): Promise<T | null> {
    return this.#calls.run(jsonOperations.get<T>(key), options);
  }

  /** All that a path finds; null when there is no document. */
  find<T = Json>(key: Key, path: string, options: CallOptions = {}): Promise<T[] | null> {
    return this.#calls.run(jsonOperations.find<T>(key, path), options);
  }

  /** What a path finds in each of several documents. */
  mget<T = Json>(keys: readonly Key[], path: string = ROOT, options: CallOptions = {}): Promise<(T[] | null)[]> {
    return this.#calls.run(jsonOperations.mget<T>(keys, path), options);
  }

  type(key: Key, path: string = ROOT, options: CallOptions = {}): Promise<string[] | null> {
    return this.#calls.run(jsonOperations.type(key, path), options);
  }

  /** Replaces what a path finds, or adds it as a member; false when a condition does not hold or nothing is found. */
  set(key: Key, path: string, value: Storable, options: CallOptions & JsonSetOptions = {}): Promise<boolean> {
    return this.#calls.run(jsonOperations.set(key, path, value, options), options);
  }

  /** Merges a value into what a path finds, as RFC 7396 has it: null removes. */
  merge(key: Key, path: string, value: Storable, options: CallOptions = {}): Promise<void> {
    return this.#calls.run(jsonOperations.merge(key, path, value), options);
  }

  /** Removes what a path finds, the key when that is the whole document; resolves to how many went. */
  del(key: Key, path: string = ROOT, options: CallOptions = {}): Promise<number> {
    return this.#calls.run(jsonOperations.del(key, path), options);
  }

  /** Adds to the numbers a path finds; resolves to the sums. */
  numIncrBy(key: Key, path: string, by: number, options: CallOptions = {}): Promise<(number | null)[]> {
    return this.#calls.run(jsonOperations.numIncrBy(key, path, by), options);
  }

  /** Appends to the strings a path finds; resolves to their new lengths in bytes. */
  strAppend(key: Key, path: string, text: string, options: CallOptions = {}): Promise<(number | null)[]> {
    return this.#calls.run(jsonOperations.strAppend(key, path, text), options);
  }

  /** Appends values to the arrays a path finds; resolves to their new lengths. */
  arrAppend(
    key: Key,
    path: string,
    values: readonly Storable[],
    options: CallOptions = {},
  ): Promise<(number | null)[]> {
    return this.#calls.run(jsonOperations.arrAppend(key, path, values), options);
  }

  arrLen(key: Key, path: string = ROOT, options: CallOptions = {}): Promise<(number | null)[] | null> {
    return this.#calls.run(jsonOperations.arrLen(key, path), options);
  }

  objKeys(key: Key, path: string = ROOT, options: CallOptions = {}): Promise<(string[] | null)[] | null> {
    return this.#calls.run(jsonOperations.objKeys(key, path), options);
  }

  objLen(key: Key, path: string = ROOT, options: CallOptions = {}): Promise<(number | null)[] | null> {
    return this.#calls.run(jsonOperations.objLen(key, path), options);
  }

  /** Lengths in bytes of the strings a path finds. */
  strLen(key: Key, path: string = ROOT, options: CallOptions = {}): Promise<(number | null)[] | null> {
    return this.#calls.run(jsonOperations.strLen(key, path), options);
  }

  /** Empties arrays and objects and sets numbers to 0; resolves to how many changed. */
  clear(key: Key, path: string = ROOT, options: CallOptions = {}): Promise<number> {
    return this.#calls.run(jsonOperations.clear(key, path), options);
  }

  /** Negates the booleans a path finds; resolves to what they are now. */
  toggle(key: Key, path: string, options: CallOptions = {}): Promise<(boolean | null)[]> {
    return this.#calls.run(jsonOperations.toggle(key, path), options);
  }
}
