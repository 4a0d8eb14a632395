import { batchOf } from '../batch.ts';
import type { CallOptions } from '../call.ts';
import type { ClientEventTarget } from '../events.ts';
import { isKey, type Operation } from '../operation.ts';
import { type Entry, operations } from '../operations.ts';
import { readAs } from '../read-as.ts';
import type { Key, ValueTypeName } from '../values.ts';
import type { NearCache, NearCacheFacts } from './near-cache.ts';
import type { NearFacts } from './near-entries.ts';
import { copyOfValue } from './near-value.ts';

/** Keys that are asked for in one request. */
const KEYS_A_BATCH = 500;

/** What makes calls to the server. */
export interface CallRunner {
  run<T>(operation: Operation<T>, options: CallOptions): Promise<T>;
  observeWrites(observer: (operation: Operation<unknown>) => void): void;
}

/** Reads that are answered from a near cache where it knows the answer, and else by the server. */
export class NearReads {
  readonly #cache: NearCache;
  readonly #calls: CallRunner;

  constructor(cache: NearCache, calls: CallRunner, events: ClientEventTarget) {
    this.#cache = cache;
    this.#calls = calls;
    calls.observeWrites((operation) => cache.onWrite(operation));
    cache.onRefused = (error) => events.emit('error', error);
  }

  get facts(): NearCacheFacts {
    return this.#cache.facts;
  }

  close(): void {
    this.#cache.close();
  }

  get(key: Key, type: ValueTypeName | undefined, options: CallOptions): Promise<unknown> {
    const facts = this.#find(key, options);
    if (facts === null) {
      return this.#load(key, options).then((entry) => (entry === null ? null : readAs(entry.value, type)));
    }
    try {
      return Promise.resolve(readAs(ownValueOf(facts), type));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  entry<T>(key: Key, options: CallOptions): Promise<Entry<T> | null> {
    const facts = this.#find(key, options);
    return facts === null ? this.#load<T>(key, options) : Promise.resolve(entryOf<T>(facts));
  }

  async mget<T>(keys: readonly Key[], options: CallOptions): Promise<(T | null)[]> {
    if (!keys.every(isKey)) return this.#calls.run(operations.mget<T>(keys), options);
    const results = new Map<number, unknown>();
    const missing: number[] = [];
    for (const [index, key] of keys.entries()) {
      const facts = this.#find(key, options);
      if (facts === null) missing.push(index);
      else results.set(index, ownValueOf(facts));
    }
    const parts: Promise<void>[] = [];
    for (let at = 0; at < missing.length; at += KEYS_A_BATCH) {
      parts.push(this.#readMissing(keys, missing.slice(at, at + KEYS_A_BATCH), results, options));
    }
    await Promise.all(parts);
    // The caller's word for its type, as without a near cache.
    return keys.map((_, index) => (results.get(index) ?? null) as T | null);
  }

  /**
   * Runs an operation; GETFILL is answered from memory where there is a value, and before the server is asked to give a
   * token it is asked for the value, so that it is kept.
   */
  async run<T>(operation: Operation<T>, options: CallOptions): Promise<T> {
    const { key, method } = operation;
    if (method !== 'getfill' || key === null) return this.#calls.run(operation, options);
    const facts = this.#find(key, options);
    const entry = facts === null ? await this.#load(key, options) : entryOf(facts);
    if (entry === null) return this.#calls.run(operation, options);
    return operation.decode(['hit', entry.value, null, entry.ttlMs ?? -1]);
  }

  /** What is wrong, or aborted already, is left to those who say so. */
  #find(key: Key, { signal }: CallOptions): NearFacts | null {
    return signal?.aborted === true || !isKey(key) ? null : this.#cache.find(key);
  }

  #load<T>(key: Key, options: CallOptions): Promise<Entry<T> | null> {
    // What is no key is told by whoever would send it.
    if (!isKey(key)) return this.#calls.run(operations.entry<T>(key), options);
    return this.#cache.load<T>(key, (operation) => this.#calls.run(operation, options));
  }

  /** One request for several keys. */
  async #readMissing(
    keys: readonly Key[],
    missing: readonly number[],
    results: Map<number, unknown>,
    options: CallOptions,
  ): Promise<void> {
    const asked: Operation<Entry<unknown> | null>[] = [];
    const outcomes: PromiseWithTrigger<Entry<unknown> | null>[] = [];
    const loads = missing.map((index) =>
      this.#cache.load<unknown>(keys[index] as Key, (operation) => {
        const outcome = promiseWithTrigger<Entry<unknown> | null>();
        asked.push(operation);
        outcomes.push(outcome);
        return outcome.promise;
      }),
    );
    const settled = Promise.all(loads);
    try {
      const answers = await this.#calls.run(batchOf(asked), options);
      for (const [at, answer] of answers.entries()) {
        if (answer.ok) outcomes[at]?.resolve(answer.value);
        else outcomes[at]?.reject(answer.error);
      }
    } catch (error) {
      for (const { reject } of outcomes) reject(error);
    }
    for (const [at, entry] of (await settled).entries()) results.set(missing[at] as number, entry?.value ?? null);
  }
}

interface PromiseWithTrigger<T> {
  readonly promise: Promise<T>;
  readonly resolve: (value: T) => void;
  readonly reject: (error: unknown) => void;
}

function promiseWithTrigger<T>(): PromiseWithTrigger<T> {
  let resolve: (value: T) => void = () => undefined;
  let reject: (error: unknown) => void = () => undefined;
  const promise = new Promise<T>((onValue, onError) => {
    resolve = onValue;
    reject = onError;
  });
  return { promise, resolve, reject };
}

/** A value of the caller's own. */
function ownValueOf({ value }: NearFacts): unknown {
  return typeof value === 'object' ? copyOfValue(value, false) : value;
}

function entryOf<T>(facts: NearFacts): Entry<T> | null {
  const { version, expiresMs, contentType } = facts;
  if (version === 0) return null;
  const ttlMs = expiresMs === Number.POSITIVE_INFINITY ? null : Math.max(1, Math.ceil(expiresMs - performance.now()));
  // The caller's word for its type, as without a near cache.
  return { value: ownValueOf(facts) as T, version, ttlMs, contentType };
}
