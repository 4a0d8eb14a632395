/// <reference lib="esnext.disposable" preserve="true" />
import { type BatchBuilder, type BatchResults, batchBuilder, batchOf } from './batch.ts';
import type { CallOptions } from './call.ts';
import { Calls } from './calls.ts';
import type { Codec } from './codec.ts';
import type { Engine } from './engine.ts';
import { ClosedError } from './errors.ts';
import { type ClientEventName, type ClientEvents, ClientEventTarget, type ClientListener } from './events.ts';
import type { GetOrSetOptions, Loader } from './fill/fill-options.ts';
import { Fills } from './fill/fills.ts';
import { type WrapOptions, type Wrapped, wrapped } from './fill/wrap.ts';
import { invalidateOperations } from './invalidate-operations.ts';
import { JsonCommands } from './json-commands.ts';
import { namesOf, onlyKnown } from './known-options.ts';
import { LongCalls } from './long-calls.ts';
import { NearCache, type NearCacheFacts } from './near-cache/near-cache.ts';
import { NearReads } from './near-cache/near-reads.ts';
import { openRouter } from './open-router.ts';
import type { Operation } from './operation.ts';
import {
  type Entries,
  type Entry,
  type ExpireOptions,
  expireNames,
  operations,
  type SetOptions,
  type SetResult,
  setNames,
} from './operations.ts';
import { type ClientOptions, embeddedIn, resolveOptions } from './options.ts';
import type { Router } from './router.ts';
import { type ScanOptions, scanKeys } from './scan.ts';
import type { MessageListener, SubscribeOptions, Subscription, SubscriptionTarget } from './subscription.ts';
import { Subscriptions } from './subscriptions.ts';
import { tagsByCall } from './tags-by-call.ts';
import type { Key, Storable, Value, ValueTypeName, ValueTypes } from './values.ts';

const callNames = namesOf<CallOptions>({ signal: true, timeoutMs: true, retryable: true });
const getNames = new Set(['type', ...callNames]);
const setCallNames = new Set([...setNames, ...callNames]);
const invalidateNames = new Set(['soft', ...callNames]);
const expireCallNames = new Set([...expireNames, ...callNames]);

/** How `invalidateTags` ends what bears a tag. */
export interface InvalidateOptions {
  /** Ends times to live only: the values are given as stale ones as long as their windows last. Default: false. */
  readonly soft?: boolean | undefined;
}

/** A client of the node at a URL (`fluxcache://user:password@host:port`, `fluxcaches://` for TLS), or as the options say. */
export function createClient(options: string | ClientOptions = {}): FluxClient {
  return new FluxClient(options);
}

/**
 * A client of a node, or of the cluster that it is in, whose nodes it then asks for what each of them has. Connections are
 * opened with the first call and made again when they are lost. Calls may be made at any time without waiting for others:
 * those of one turn of the event loop leave together, and with one connection to a node (the default) they take effect
 * there in the order they are made.
 *
 * Every call resolves to its result or is rejected with a {@link FluxCacheError}, whose `code` tells what happened,
 * `retryable` whether trying again can help and do no harm, and `maybeApplied` whether a write may have taken effect though
 * its answer is not known. Times are in milliseconds.
 */
export class FluxClient {
  /** Documents, and what is inside them. */
  readonly json: JsonCommands;
  readonly #events = new ClientEventTarget();
  readonly #router: Router;
  readonly #calls: Calls;
  readonly #longCalls: LongCalls;
  readonly #subscriptions: Subscriptions;
  readonly #codec: Codec;
  readonly #near: NearReads | null;
  readonly #engine: Engine | null;
  /** Null until something is to be filled. */
  #fills: Fills | null = null;
  #ended: Promise<void> | null = null;
  #isDestroyed = false;

  /**
   * @param engine of an embedded client; see `FluxCache.embedded`
   * @throws FluxCacheError `invalid-argument` for an option or a URL that is not right
   */
  constructor(options: string | ClientOptions = {}, engine: Engine | null = null) {
    const resolved = engine === null ? resolveOptions(options) : embeddedIn(engine, resolveOptions(options));
    this.#engine = engine;
    const near = resolved.nearCache === null ? null : new NearCache(resolved.nearCache);
    this.#router = openRouter(resolved, this.#events, near);
    this.#calls = new Calls(resolved, this.#router);
    this.#longCalls = new LongCalls(resolved, this.#events, this.#calls);
    this.#near = near === null ? null : new NearReads(near, this.#calls, this.#events);
    this.#subscriptions = new Subscriptions(this.#router, this.#events, resolved.reconnect);
    this.#codec = resolved.codec;
    this.json = new JsonCommands(this.#calls);
  }

  /** Resolves once a connection is made and logged in. Not needed before other calls; rejects if the first try fails. */
  connect(): Promise<void> {
    return this.#ended === null ? this.#router.ready() : Promise.reject(new ClosedError());
  }

  /** The value of a key, null when there is none. With `type`, as a value of that type; else as it was stored. */
  get<Name extends ValueTypeName>(
    key: Key,
    options: CallOptions & { readonly type: Name },
  ): Promise<ValueTypes[Name] | null>;
  get<T = Value>(key: Key, options?: CallOptions): Promise<T | null>;
  get(key: Key, options: CallOptions & { readonly type?: ValueTypeName } = {}): Promise<unknown> {
    try {
      onlyKnown(options, getNames);
      if (this.#near !== null) return this.#near.get(key, options.type, options);
      return this.#calls.run(operations.get(key, options.type), options);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** The value of a key with its version and time to live; null when there is none. */
  entry<T = Value>(key: Key, options: CallOptions = {}): Promise<Entry<T> | null> {
    if (this.#near !== null) return this.#near.entry<T>(key, options);
    return this.#calls.run(operations.entry<T>(key), options);
  }

  /**
   * Stores a value: text, bytes, a number, or what JSON.stringify takes as a document. Resolves to whether it was written,
   * which without conditions it is; with `returnOld` or `returnVersion`, to more.
   */
  set<T = Value>(
    key: Key,
    value: Storable,
    options: CallOptions & SetOptions & ({ readonly returnOld: true } | { readonly returnVersion: true }),
  ): Promise<SetResult<T>>;
  set(key: Key, value: Storable, options?: CallOptions & SetOptions): Promise<boolean>;
  set(key: Key, value: Storable, options: CallOptions & SetOptions = {}): Promise<boolean | SetResult> {
    const { signal, timeoutMs, retryable, ...words } = options;
    const call = { signal, timeoutMs, retryable };
    try {
      onlyKnown(options, setCallNames);
      return words.returnOld || words.returnVersion
        ? this.#calls.run(operations.setWithResult(key, value, words), call)
        : this.#calls.run(operations.set(key, value, words), call);
    } catch (error) {
      // Of a misspelt option; a promise is told of it as of every other error.
      return Promise.reject(error);
    }
  }

  /**
   * The value of a key; if there is none, what the loader resolves to, which is stored. However many ask at once, in
   * whichever processes, one of them loads, and the others wait for it, or are given a value that is past its time to live
   * (`stale`). Those who ask in one process share the outcome, errors of the loader included; nothing of these is stored.
   *
   * What a loader may resolve to is what can be stored, or what the codec takes; not undefined. Its caller is given it as it
   * is, later ones as it comes back: a Date as text. Rejects with what the loader throws, or a {@link LoadError}.
   */
  getOrSet<T = Value>(key: Key, loader: Loader<T>, options: GetOrSetOptions<T> = {}): Promise<T> {
    if (this.#ended !== null) return Promise.reject(new ClosedError());
    this.#fills ??= this.#openFills();
    return this.#fills.getOrSet(key, loader, options);
  }

  /** A function that answers from the cache what `fn` answers, by a key made of its arguments. */
  wrap<Args extends readonly unknown[], T>(
    fn: (...args: Args) => T | Promise<T>,
    options: WrapOptions<Args, T>,
  ): Wrapped<Args, T> {
    return wrapped(this, fn, options);
  }

  /**
   * Ends all entries that bear one of the tags, however many: nobody reads them once this resolves, and their memory comes
   * back by and by. With `soft`, their time to live ends, and their stale windows begin. Resolves to how many tags it was.
   */
  async invalidateTags(tags: Key | readonly Key[], options: CallOptions & InvalidateOptions = {}): Promise<number> {
    const { soft = false, ...call } = options;
    onlyKnown(options, invalidateNames);
    const list = typeof tags === 'string' || tags instanceof Uint8Array ? [tags] : tags;
    let count = 0;
    for (const part of tagsByCall(list))
      count += await this.#calls.run(invalidateOperations.invalidate(part, soft), call);
    return count;
  }

  /**
   * Removes the keys that match a pattern (`*`, `?`, `[a-z]`, `\`), in steps between which the server does other work;
   * resolves to how many. It takes the longer the more keys there are, whatever they are called: see `timeoutMs`. It has a
   * connection of its own, so that other calls neither wait for it nor keep an order with it.
   */
  deleteMatching(pattern: Key, options: CallOptions = {}): Promise<number> {
    return this.#longCalls.run(invalidateOperations.deleteMatching(pattern), options);
  }

  /** Removes keys; resolves to how many there were. */
  delete(...keys: [...Key[], CallOptions] | Key[]): Promise<number> {
    const [names, options] = withOptions(keys);
    return this.#calls.run(operations.delete(names), options);
  }

  /** Removes a key if its entry has this version; resolves to whether it did. */
  deleteIfVersion(key: Key, version: number, options: CallOptions = {}): Promise<boolean> {
    return this.#calls.run(operations.deleteIfVersion(key, version), options);
  }

  /** How many of the keys exist. */
  exists(...keys: [...Key[], CallOptions] | Key[]): Promise<number> {
    const [names, options] = withOptions(keys);
    return this.#calls.run(operations.exists(names), options);
  }

  /** The values of several keys, null for those there are not. */
  mget<T = Value>(keys: readonly Key[], options: CallOptions = {}): Promise<(T | null)[]> {
    if (this.#near !== null) return this.#near.mget<T>(keys, options);
    return this.#calls.run(operations.mget<T>(keys), options);
  }

  /** Stores several values, given as an object, a Map or pairs. */
  mset(entries: Entries, options: CallOptions = {}): Promise<void> {
    return this.#calls.run(operations.mset(entries), options);
  }

  /**
   * Adds to a number, an absent one counting as 0; resolves to the sum. Beyond 2^53 give a bigint: a sum that a number
   * cannot hold is rejected with `overflow`, `maybeApplied` being true. Never sent twice unless `retryable` says so.
   */
  incr(key: Key, by: bigint, options?: CallOptions): Promise<bigint>;
  incr(key: Key, by?: number, options?: CallOptions): Promise<number>;
  incr(key: Key, by: number | bigint = 1, options: CallOptions = {}): Promise<number | bigint> {
    return typeof by === 'bigint'
      ? this.#calls.run(operations.incrBigInt(key, by), options)
      : this.#calls.run(operations.incr(key, by), options);
  }

  /** As `incr`, the other way. */
  decr(key: Key, by: bigint, options?: CallOptions): Promise<bigint>;
  decr(key: Key, by?: number, options?: CallOptions): Promise<number>;
  decr(key: Key, by: number | bigint = 1, options: CallOptions = {}): Promise<number | bigint> {
    return typeof by === 'bigint'
      ? this.#calls.run(operations.incrBigInt(key, -by), options)
      : this.#calls.run(operations.incr(key, -by), options);
  }

  /** Lets a key expire after so many milliseconds; false when it does not exist or a condition does not hold. */
  expire(key: Key, ttlMs: number, options: CallOptions & ExpireOptions = {}): Promise<boolean> {
    const { signal, timeoutMs, retryable, ...words } = options;
    try {
      onlyKnown(options, expireCallNames);
      return this.#calls.run(operations.expire(key, ttlMs, words), { signal, timeoutMs, retryable });
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Lets a key expire at a time: a Date, or milliseconds since the Unix epoch. */
  expireAt(key: Key, time: number | Date, options: CallOptions & ExpireOptions = {}): Promise<boolean> {
    const { signal, timeoutMs, retryable, ...words } = options;
    try {
      onlyKnown(options, expireCallNames);
      return this.#calls.run(operations.expireAt(key, time, words), { signal, timeoutMs, retryable });
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Lets a key not expire; false when it would not have. */
  persist(key: Key, options: CallOptions = {}): Promise<boolean> {
    return this.#calls.run(operations.persist(key), options);
  }

  /** Milliseconds until a key expires: Infinity when it does not, null when there is none. */
  ttl(key: Key, options: CallOptions = {}): Promise<number | null> {
    return this.#calls.run(operations.ttl(key), options);
  }

  /**
   * All keys, or those that match; text when they are UTF-8, else bytes. Those that are there from beginning to end are
   * told once each. A time-out is that of each request.
   */
  scan(options: ScanOptions = {}): AsyncGenerator<string | Uint8Array, void, undefined> {
    return scanKeys(this.#calls, options);
  }

  /**
   * Sends several operations in one request. They run in order, are no transaction, and each has an outcome of its own:
   * `const [a, n] = await client.batch((b) => [b.get<string>('a'), b.incr('n')])`.
   */
  batch<const Operations extends readonly Operation<unknown>[]>(
    build: (builder: BatchBuilder) => Operations,
    options: CallOptions = {},
  ): Promise<BatchResults<Operations>> {
    return this.#calls.run(batchOf(build(batchBuilder)), options);
  }

  /**
   * Subscribes to channels, or to patterns of them; resolves once the server has agreed. Messages go to the listener if one
   * is given, else to whoever iterates the subscription, and wait for it within the limits of the options.
   */
  subscribe(target: SubscriptionTarget, options?: SubscribeOptions): Promise<Subscription>;
  subscribe(target: SubscriptionTarget, listener: MessageListener, options?: SubscribeOptions): Promise<Subscription>;
  subscribe(
    target: SubscriptionTarget,
    first: MessageListener | SubscribeOptions = {},
    options: SubscribeOptions = {},
  ): Promise<Subscription> {
    return typeof first === 'function'
      ? this.#subscriptions.subscribe(target, first, options)
      : this.#subscriptions.subscribe(target, null, first);
  }

  /** Publishes to a channel; resolves to how many subscriptions it reached. */
  publish(channel: Key, payload: Key, options: CallOptions = {}): Promise<number> {
    return this.#calls.run(operations.publish(channel, payload), options);
  }

  /** Any command or method, with its parameters as the server's reference has them; a result as it was sent. */
  call<T = unknown>(method: string, ...params: readonly unknown[]): Promise<T> {
    // The caller's word, as with `get<T>`.
    return this.#calls.run(operations.call(method, params) as Operation<T>, {});
  }

  /** Resolves to PONG once the server has answered. */
  ping(options: CallOptions = {}): Promise<string> {
    return this.#calls.run(operations.ping(), options);
  }

  /** What the node tells of itself, in the lines of Redis's INFO. */
  info(sections: readonly string[] = [], options: CallOptions = {}): Promise<string> {
    return this.#calls.run(operations.info(sections), options);
  }

  /** What the near cache has done, and holds; null without the option `nearCache`. */
  get nearCache(): NearCacheFacts | null {
    return this.#near?.facts ?? null;
  }

  /** Runs an operation made by hand: a method with params, and how its result is read. */
  run<T>(operation: Operation<T>, options: CallOptions = {}): Promise<T> {
    return this.#calls.run(operation, options);
  }

  /** Has the listener told of what happens to the client from now on. */
  on<Name extends ClientEventName>(name: Name, listener: ClientListener<Name>): this {
    this.#events.on(name, listener);
    return this;
  }

  /** Takes a listener off again. */
  off<Name extends ClientEventName>(name: Name, listener: ClientListener<Name>): this {
    this.#events.off(name, listener);
    return this;
  }

  /** Ends subscriptions, takes no more calls, waits for those there are, and closes the connections. */
  close(): Promise<void> {
    this.#ended ??= this.#close();
    return this.#ended;
  }

  /** Closes the connections at once: unsettled calls are rejected with a {@link ClosedError}. */
  destroy(): void {
    if (this.#isDestroyed) return;
    this.#isDestroyed = true;
    const isFirst = this.#ended === null;
    this.#ended ??= Promise.resolve();
    this.#subscriptions.close();
    this.#fills?.destroy();
    this.#near?.close();
    this.#calls.destroy();
    this.#longCalls.destroy();
    this.#router.destroy(new ClosedError());
    // What it fails of is logged by itself, and nobody waits for it.
    void this.#engine?.stop();
    if (isFirst) this.#events.emit('close', undefined);
  }

  /** For `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    this.#subscriptions.close();
    // They ask and store until they have what is waited for.
    if (this.#fills !== null && !this.#fills.isIdle) await this.#fills.close();
    await Promise.all([this.#calls.close(), this.#longCalls.close()]);
    this.#near?.close();
    this.#router.end();
    await this.#engine?.stop();
    this.#events.emit('close', undefined);
  }

  #openFills(): Fills {
    const port = {
      run: <T>(operation: Operation<T>, options: CallOptions) => (this.#near ?? this.#calls).run(operation, options),
      placeOf: (key: Key) => this.#router.placeOf(key),
      tell: (event: ClientEvents['fillError']) => this.#events.emit('fillError', event),
    };
    const fills = new Fills(port, this.#codec);
    this.#calls.observeWrites((operation) => fills.noteWrite(operation));
    this.#events.on('connect', () => fills.noteConnected());
    return fills;
  }
}

/** Keys, and the options that may stand behind them. */
function withOptions(words: readonly (Key | CallOptions)[]): [Key[], CallOptions] {
  const last = words.at(-1);
  const isOptions = typeof last === 'object' && !(last instanceof Uint8Array);
  // What is left are keys, by the types of whoever calls this.
  return [(isOptions ? words.slice(0, -1) : words) as Key[], isOptions ? last : {}];
}
