import { keyOfCall } from './key-of-call.ts';
import { namesOf, onlyKnown } from './known-options.ts';
import {
  decodeArray,
  decodeBigInt,
  decodeFlag,
  decodeNumber,
  decodeText,
  isKey,
  type Operation,
  type Safety,
  unexpectedResult,
} from './operation.ts';
import { readAs } from './read-as.ts';
import { isRecord } from './reply-error.ts';
import { inOrder, pick, spreadOf, sumOf } from './spread.ts';
import { tagsGiven } from './tag-option.ts';
import type { Key, Storable, Value, ValueTypeName } from './values.ts';

/** A value with what is known of it. */
export interface Entry<T = Value> {
  readonly value: T;
  /** Changes with every write; what `ifVersion` compares. */
  readonly version: number;
  /** Milliseconds until it expires; null when it does not. */
  readonly ttlMs: number | null;
  /** As HTTP clients stored it. */
  readonly contentType: string | null;
}

/** Of a `set` that was asked for more than whether it wrote. */
export interface SetResult<T = Value> {
  readonly written: boolean;
  /** Whether there was no such key before. */
  readonly created: boolean;
  /** Of the entry written; null when it was not. */
  readonly version: number | null;
  /** What was there before, when `returnOld` asked for it; else null. */
  readonly old: T | null;
}

export interface SetOptions {
  /** Milliseconds until it expires. */
  readonly ttl?: number | undefined;
  /** When it expires: a Date, or milliseconds since the Unix epoch. */
  readonly expiresAt?: number | Date | undefined;
  /** Keeps the time to live that the key has. */
  readonly keepTtl?: boolean | undefined;
  /** Only if the key is absent. */
  readonly nx?: boolean | undefined;
  /** Only if the key exists. */
  readonly xx?: boolean | undefined;
  /** Only if the entry has this version; 0: only if there is none. */
  readonly ifVersion?: number | undefined;
  /** Milliseconds behind its time to live during which it is still given to those who ask for stale values (`getOrSet`). */
  readonly stale?: number | undefined;
  /** Shortens the time to live by a random part of up to so many milliseconds, so that what was stored together does not end together. */
  readonly jitter?: number | undefined;
  /** By which it can be invalidated together with others: up to 64, of up to 255 bytes each. */
  readonly tags?: readonly Key[] | undefined;
  /** For HTTP clients. */
  readonly contentType?: string | undefined;
  /** Asks for a {@link SetResult} with what was there before. */
  readonly returnOld?: boolean | undefined;
  /** Asks for a {@link SetResult}. */
  readonly returnVersion?: boolean | undefined;
}

export interface ExpireOptions {
  /** Only if the key does not expire yet; if it does; if it would expire later than it does; or earlier. */
  readonly nx?: boolean | undefined;
  readonly xx?: boolean | undefined;
  readonly gt?: boolean | undefined;
  readonly lt?: boolean | undefined;
}

export type Entries = Readonly<Record<string, Storable>> | Iterable<readonly [Key, Storable]>;

export const setNames = namesOf<SetOptions>({
  ttl: true,
  expiresAt: true,
  keepTtl: true,
  nx: true,
  xx: true,
  ifVersion: true,
  stale: true,
  jitter: true,
  tags: true,
  contentType: true,
  returnOld: true,
  returnVersion: true,
});
export const expireNames = namesOf<ExpireOptions>({ nx: true, xx: true, gt: true, lt: true });

/** Every operation on keys, as data: the client runs them one by one, a batch together. */
export const operations = {
  get: <T = Value>(key: Key, type?: ValueTypeName): Operation<T | null> =>
    operation('read', 'get', [key], (result) => readAs<T>(result, type)),

  entry: <T = Value>(key: Key): Operation<Entry<T> | null> =>
    operation('read', 'entry', [key], (result) => decodeEntry<T>(result)),

  set: (key: Key, value: Storable, options: SetOptions = {}): Operation<boolean> =>
    operation(safetyOfSet(options), 'set', setParams(key, value, options), (result) => result !== null),

  setWithResult: <T = Value>(key: Key, value: Storable, options: SetOptions): Operation<SetResult<T>> =>
    operation(safetyOfSet(options), 'set', setParams(key, value, options), (result) =>
      decodeSetResult<T>(result, options.returnOld === true),
    ),

  delete: (keys: readonly Key[]): Operation<number> =>
    keys.length === 0 ? nothing(0) : counting('idempotent', 'del', keys),

  /** True: removed. False: it has another version, or there is none. */
  deleteIfVersion: (key: Key, version: number): Operation<boolean> =>
    operation('once', 'del', [key, { ifVersion: version }], decodeFlag),

  exists: (keys: readonly Key[]): Operation<number> =>
    keys.length === 0 ? nothing(0) : counting('read', 'exists', keys),

  mget: <T = Value>(keys: readonly Key[]): Operation<(T | null)[]> =>
    keys.length === 0
      ? nothing<(T | null)[]>([])
      : { ...reading<T>(keys), spread: spreadOf(keys, (indexes) => reading<T>(pick(keys, indexes)), inOrder) },

  mset: (entries: Entries): Operation<void> => {
    const pairs = isIterable(entries) ? [...entries] : Object.entries(entries);
    if (pairs.length === 0) return nothing(undefined);
    const keys = pairs.map(([key]) => key);
    return {
      ...storing(pairs),
      spread: spreadOf(
        keys,
        (indexes) => storing(pick(pairs, indexes)),
        () => undefined,
      ),
    };
  },

  incr: (key: Key, by = 1): Operation<number> =>
    Number.isInteger(by)
      ? operation('once', 'incrby', [key, by], decodeNumber)
      : operation('once', 'incrbyfloat', [key, by], (result) => Number(result)),

  incrBigInt: (key: Key, by: bigint): Operation<bigint> => operation('once', 'incrby', [key, by], decodeBigInt),

  expire: (key: Key, ttlMs: number, options: ExpireOptions = {}): Operation<boolean> =>
    // GT, LT and NX compare with what the first time left behind.
    operation(hasOptions(options) ? 'once' : 'idempotent', 'pexpire', withOptions([key, ttlMs], options), decodeFlag),

  expireAt: (key: Key, time: number | Date, options: ExpireOptions = {}): Operation<boolean> =>
    operation(
      hasOptions(options) ? 'once' : 'idempotent',
      'pexpireat',
      withOptions([key, Number(time)], options),
      decodeFlag,
    ),

  persist: (key: Key): Operation<boolean> => operation('once', 'persist', [key], decodeFlag),

  ttl: (key: Key): Operation<number | null> =>
    operation('read', 'pttl', [key], (result) => {
      const ms = decodeNumber(result);
      if (ms === -2) return null;
      return ms === -1 ? Number.POSITIVE_INFINITY : ms;
    }),

  type: (key: Key): Operation<string> => operation('read', 'type', [key], decodeText),

  publish: (channel: Key, payload: Key): Operation<number> =>
    anywhere('once', 'publish', [channel, payload], decodeNumber),

  ping: (): Operation<string> => anywhere('read', 'ping', [], decodeText),

  info: (sections: readonly string[]): Operation<string> => anywhere('read', 'info', sections, decodeText),

  /** Any method; sent again only when the caller says that this does no harm. */
  call: (method: string, params: readonly unknown[]): Operation<unknown> => ({
    method,
    params,
    key: keyOfCall(method, params),
    safety: 'once',
    decode: (result) => result,
  }),
} as const;

function operation<T>(
  safety: Safety,
  method: string,
  params: readonly unknown[],
  decode: (result: unknown) => T,
): Operation<T> {
  const first = params[0];
  return { method, params, key: isKey(first) ? first : null, safety, decode };
}

function counting(safety: Safety, method: string, keys: readonly Key[]): Operation<number> {
  const onThese = (some: readonly Key[]) => operation(safety, method, some, decodeNumber);
  return { ...onThese(keys), spread: spreadOf(keys, (indexes) => onThese(pick(keys, indexes)), sumOf) };
}

function reading<T>(keys: readonly Key[]): Operation<(T | null)[]> {
  return operation('read', 'mget', keys, (result) => decodeArray(result).map((value) => readAs<T>(value, undefined)));
}

function storing(pairs: readonly (readonly [Key, Storable])[]): Operation<void> {
  return operation('idempotent', 'mset', pairs.flat(), () => undefined);
}

function anywhere<T>(
  safety: Safety,
  method: string,
  params: readonly unknown[],
  decode: (result: unknown) => T,
): Operation<T> {
  return { method, params, key: null, safety, decode };
}

/** What no key is needed for still makes its way to the server and back, so that order and errors stay what they are. */
function nothing<T>(result: T): Operation<T> {
  return anywhere('read', 'ping', [], () => result);
}

/** Parameters of SET; `words` are put in front of the options. */
export function setParams(key: Key, value: Storable, options: SetOptions, words: readonly Key[] = []): unknown[] {
  onlyKnown(options, setNames);
  if (words.length === 0 && !hasOptions(options)) return [key, value];
  const { ttl, expiresAt, stale, jitter, tags: given, returnOld, returnVersion, ...others } = options;
  const tags = tagsGiven(given);
  const isInMs = ttl !== undefined || expiresAt !== undefined;
  const window = stale || undefined;
  return [
    key,
    value,
    // Words rather than options, since tags may be bytes, which options cannot.
    ...(tags.length === 0 ? [] : ['TAGS', tags.length, ...tags]),
    ...words,
    {
      ...others,
      ttlMs: ttl,
      expiresAtMs: expiresAt === undefined ? undefined : Number(expiresAt),
      // They are in the unit of the expiry, which without one is seconds.
      stale: window === undefined || isInMs ? window : Math.ceil(window / 1000),
      jitter: jitter || undefined,
      get: returnOld,
      // What was there before does not say whether something was written; the version does.
      returnVersion: returnOld === true || returnVersion === true ? true : undefined,
    },
  ];
}

/** Conditions, and what was there before, are other ones the second time. */
function safetyOfSet({ nx, xx, ifVersion, returnOld, returnVersion }: SetOptions): Safety {
  return nx || xx || ifVersion !== undefined || returnOld || returnVersion ? 'once' : 'idempotent';
}

function withOptions(params: unknown[], options: ExpireOptions): unknown[] {
  onlyKnown(options, expireNames);
  if (hasOptions(options)) params.push(options);
  return params;
}

function hasOptions(options: object): boolean {
  for (const value of Object.values(options)) if (value !== undefined && value !== false) return true;
  return false;
}

function isIterable(entries: Entries): entries is Iterable<readonly [Key, Storable]> {
  return Symbol.iterator in entries;
}

function decodeEntry<T>(result: unknown): Entry<T> | null {
  if (result === null) return null;
  if (!isRecord(result) || typeof result['version'] !== 'number') throw unexpectedResult('an entry');
  const { value, version, ttlMs, contentType } = result;
  return {
    value: value as T,
    version,
    ttlMs: typeof ttlMs === 'number' ? ttlMs : null,
    contentType: typeof contentType === 'string' ? contentType : null,
  };
}

function decodeSetResult<T>(answer: unknown, isOldAsked: boolean): SetResult<T> {
  if (!isRecord(answer)) throw unexpectedResult('the version written');
  const { result, version, created } = answer;
  return {
    written: typeof version === 'number',
    created: created === true,
    version: typeof version === 'number' ? version : null,
    old: isOldAsked ? (result as T | null) : null,
  };
}
