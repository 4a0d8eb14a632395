import { createClient, FluxClient } from '../client/client.ts';
import { FluxCacheError } from '../client/errors.ts';
import { namesOf, onlyKnown } from '../client/known-options.ts';
import type { ClientOptions } from '../client/options.ts';
import type { Storable } from '../client/values.ts';
import { escapedPattern } from './escaped-pattern.ts';

/** Entries of one request; what it has to hold grows with them. */
const ENTRIES_A_CALL = 250;
const SEPARATOR = '::';

/** Options of the adapter, beside those of its client. */
export interface KeyvFluxCacheOptions {
  /** What all keys of this store begin with; Keyv sets it to its own. */
  readonly namespace?: string | undefined;
  /** Whether `clear` of a store without a namespace removes every key of the server. Default: it is refused. */
  readonly clearsAll?: boolean | undefined;
}

/** What Keyv asks to be stored. */
export interface KeyvFluxCacheEntry {
  readonly key: string;
  readonly value: unknown;
  /** Milliseconds. */
  readonly ttl?: number | undefined;
}

const names = namesOf<KeyvFluxCacheOptions>({ namespace: true, clearsAll: true });

/**
 * A storage adapter for Keyv (5 and later) and what is built on it, such as cache-manager: `new Keyv(new
 * KeyvFluxCache('fluxcache://…'), { namespace: 'users', useKeyPrefix: false })`.
 *
 * Keys are stored as `namespace::key`, values as what Keyv makes of them: text when it serialises them, else documents.
 * Expiry is the server's. Operations reject with a FluxCacheError; lost connections are events `error` of the store.
 */
export class KeyvFluxCache {
  /** What does the work; for all that Keyv does not know. */
  readonly client: FluxClient;
  /** What Keyv looks at: it has an iterator for stores that it takes for one of those it knows. */
  readonly opts: Record<string, unknown> = { dialect: 'redis', url: '' };
  /** What keys begin with, in front of `::`; Keyv sets it. */
  namespace: string | undefined;
  readonly #isOwn: boolean;
  readonly #clearsAll: boolean;

  /** @param source a client, which stays its owner's; else where the server is, for a client that `disconnect` closes */
  constructor(source: FluxClient | string | ClientOptions = {}, options: KeyvFluxCacheOptions = {}) {
    onlyKnown(options, names);
    this.#isOwn = !(source instanceof FluxClient);
    this.client = source instanceof FluxClient ? source : createClient(source);
    this.namespace = options.namespace;
    this.#clearsAll = options.clearsAll ?? false;
  }

  /** The value of a key; undefined when there is none. */
  async get<Value>(key: string): Promise<Value | undefined> {
    return presentOr<Value>(await this.client.get(this.#keyOf(key)));
  }

  /** The values of keys, in their order; undefined for those there are not. */
  async getMany<Value>(keys: readonly string[]): Promise<(Value | undefined)[]> {
    const values = await this.client.mget(keys.map((key) => this.#keyOf(key)));
    return values.map((value) => presentOr<Value>(value));
  }

  /** Stores a value, for `ttl` milliseconds if that is given; one of 0 or less removes the key. Resolves to true. */
  async set(key: string, value: unknown, ttl?: number): Promise<boolean> {
    const own = this.#keyOf(key);
    const ttlMs = wholeMs(ttl);
    if (ttlMs !== undefined && ttlMs <= 0) await this.client.delete(own);
    else await this.client.set(own, value as Storable, { ttl: ttlMs });
    return true;
  }

  /**
   * Each for itself. It resolves to whether each was stored, which Keyv passes on, though its type of adapters says that there
   * is nothing; rejects when none was.
   */
  setMany(entries: readonly KeyvFluxCacheEntry[]): Promise<void>;
  async setMany(entries: readonly KeyvFluxCacheEntry[]): Promise<unknown> {
    const results: boolean[] = [];
    let fault: FluxCacheError | null = null;
    for (const part of partsOf(entries)) {
      const outcomes = await this.client.batch((batch) =>
        part.map(({ key, value, ttl }) => {
          const own = this.#keyOf(key);
          const ttlMs = wholeMs(ttl);
          if (ttlMs !== undefined && ttlMs <= 0) return batch.delete([own]);
          return batch.set(own, value as Storable, { ttl: ttlMs });
        }),
      );
      for (const outcome of outcomes) {
        results.push(outcome.ok);
        if (!outcome.ok) fault ??= outcome.error;
      }
    }
    if (fault !== null && !results.includes(true)) throw fault;
    return results;
  }

  /** Removes a key; resolves to whether it was there. */
  async delete(key: string): Promise<boolean> {
    return (await this.client.delete(this.#keyOf(key))) > 0;
  }

  /** Removes keys; resolves to whether any of them was there. */
  async deleteMany(keys: readonly string[]): Promise<boolean> {
    let count = 0;
    for (const part of partsOf(keys)) count += await this.client.delete(...part.map((key) => this.#keyOf(key)));
    return count > 0;
  }

  /** Whether a key is there. */
  async has(key: string): Promise<boolean> {
    return (await this.client.exists(this.#keyOf(key))) > 0;
  }

  /** Of each key whether it is there. */
  async hasMany(keys: readonly string[]): Promise<boolean[]> {
    const results: boolean[] = [];
    for (const part of partsOf(keys)) {
      const outcomes = await this.client.batch((batch) => part.map((key) => batch.exists([this.#keyOf(key)])));
      for (const outcome of outcomes) {
        if (!outcome.ok) throw outcome.error;
        results.push(outcome.value > 0);
      }
    }
    return results;
  }

  /** Removes the keys of the namespace, however many. */
  async clear(): Promise<void> {
    if (!this.namespace && !this.#clearsAll) {
      throw new FluxCacheError(
        'invalid-argument',
        'clear() of a store without a namespace would remove every key of the server. Give it a namespace, or the option clearsAll.',
      );
    }
    await this.client.deleteMatching(this.#pattern(this.namespace), { timeoutMs: 0 });
  }

  /** The entries of a namespace, as `[key, value]`: those that are there from beginning to end, each once. */
  async *iterator<Value>(
    namespace: string | undefined = this.namespace,
  ): AsyncGenerator<[string, Value | undefined], void> {
    const prefix = namespace ? namespace + SEPARATOR : '';
    let keys: string[] = [];
    for await (const key of this.client.scan({ match: this.#pattern(namespace), count: ENTRIES_A_CALL })) {
      // Whoever stored a key that is no text was not Keyv.
      if (typeof key === 'string') keys.push(key);
      if (keys.length < ENTRIES_A_CALL) continue;
      yield* this.#entriesOf<Value>(keys, prefix);
      keys = [];
    }
    yield* this.#entriesOf<Value>(keys, prefix);
  }

  /** Closes the client, unless it was given. */
  async disconnect(): Promise<void> {
    if (this.#isOwn) await this.client.close();
  }

  /** `error`: a connection was lost, and is made again. */
  on(event: string, listener: (...args: unknown[]) => void): this {
    if (event === 'error') this.client.on('error', listener);
    return this;
  }

  async *#entriesOf<Value>(keys: readonly string[], prefix: string): AsyncGenerator<[string, Value], void> {
    if (keys.length === 0) return;
    const values = await this.client.mget(keys);
    for (const [index, key] of keys.entries()) {
      const value = presentOr<Value>(values[index]);
      // It may have gone meanwhile.
      if (value !== undefined) yield [key.slice(prefix.length), value];
    }
  }

  #keyOf(key: string): string {
    return this.namespace ? this.namespace + SEPARATOR + key : key;
  }

  #pattern(namespace: string | undefined): string {
    return namespace ? `${escapedPattern(namespace + SEPARATOR)}*` : '*';
  }
}

/** What there is of a value; undefined, as Keyv has it, when there is none. */
function presentOr<Value>(value: unknown): Value | undefined {
  return value === null || value === undefined ? undefined : (value as Value);
}

/** Keyv's times may be fractions. */
function wholeMs(ttl: number | undefined): number | undefined {
  return ttl === undefined ? undefined : Math.ceil(ttl);
}

function* partsOf<T>(list: readonly T[]): Generator<T[], void> {
  for (let at = 0; at < list.length; at += ENTRIES_A_CALL) yield list.slice(at, at + ENTRIES_A_CALL);
}
