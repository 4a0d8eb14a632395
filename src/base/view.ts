/**
 * What the commands see of a store: the read side, which any thread may hold, and the write side, which only the
 * owning shard actor holds.
 */

/** How a value's bytes are to be read. */
export const ValueType = {
  /** Text or bytes of unknown kind, as clients of the Redis protocol write them. */
  string: 0,
  /** Bytes that are no text. */
  bytes: 1,
  /** Canonical decimal text of a signed 64-bit integer or of a finite double. */
  number: 2,
  /** One JSON text, UTF-8. */
  json: 3,
} as const;
export type ValueType = (typeof ValueType)[keyof typeof ValueType];

/** The entry a lookup found. One record a view, refilled by the next lookup. */
export interface EntryInfo {
  type: ValueType;
  valueBytes: number;
  /** Changes with every write of the key and is never used again by the same store: 1 to 2^48 - 1. */
  version: number;
  /** Milliseconds since the Unix epoch; 0 when the entry does not expire. */
  expiresAtMs: number;
  /** 0 when no content type was stored. */
  contentTypeBytes: number;
  /** Bytes of memory the entry takes, its share of the index and the expiry heap included. */
  memoryBytes: number;
}

/** Called by `scan` for one live entry; key bytes are `keys[start..end)`, valid during the call. */
export type VisitKey = (keys: Uint8Array, start: number, end: number, entry: EntryInfo) => void;

export interface ReadView {
  readonly entry: EntryInfo;
  nowMs(): number;
  /** Finds the key `source[start..end)`; false when absent or expired. On true, `entry` and the copies describe it. */
  lookup(source: Uint8Array, start: number, end: number): boolean;
  /** As `lookup`, without marking the entry as used (for TTL, TYPE, OBJECT and other looks that are no use). */
  peek(source: Uint8Array, start: number, end: number): boolean;
  /** Copies the found entry's value to `target[at..at + entry.valueBytes)`. */
  copyValue(target: Uint8Array, at: number): void;
  /** Copies `length` bytes of the found entry's value from offset `from`. */
  copyValueRange(from: number, length: number, target: Uint8Array, at: number): void;
  copyContentType(target: Uint8Array, at: number): void;
  /**
   * Visits about `count` live entries from `cursor` on and returns the next cursor, 0 when done. Cursors are integers
   * from 0 to 2^32 - 1; start with 0. Whatever is present from the first call to the last is visited exactly once.
   */
  scan(cursor: number, count: number, visit: VisitKey): number;
  /** Picks a live key at random, copies it to `target` at 0 and returns its length; -1 when the store is empty. */
  randomKey(target: Uint8Array, random: number): number;
  /** Entries present, those included that have expired and are not yet removed. */
  readonly keyCount: number;
  readonly expiringKeyCount: number;
}

export const PutStatus = { created: 0, replaced: 1, outOfMemory: 2, tooLarge: 3 } as const;
export type PutStatus = (typeof PutStatus)[keyof typeof PutStatus];

/** What `put` writes; a record that callers refill. */
export interface PutRequest {
  key: Uint8Array;
  keyStart: number;
  keyEnd: number;
  value: Uint8Array;
  valueStart: number;
  valueEnd: number;
  type: ValueType;
  /** 0: does not expire. */
  expiresAtMs: number;
  /** Range of `contentType`; equal bounds when there is none. */
  contentType: Uint8Array;
  contentTypeStart: number;
  contentTypeEnd: number;
  /** The expiry is that of the entry replaced. Changes nothing but what listeners are told. */
  keepsExpiry?: boolean;
}

export interface WriteView extends ReadView {
  /** Writes an entry, replacing one of the same key. The new version is `lastVersion`. */
  put(request: PutRequest): PutStatus;
  readonly lastVersion: number;
  /** The largest value `put` takes, so that a command can refuse one before it builds it. */
  readonly valueBytesMax: number;
  /** Removes the key; false when it was absent or expired. */
  remove(source: Uint8Array, start: number, end: number): boolean;
  /** Changes when the entry expires (0: never), keeping its version; false when absent; outOfMemory as `put`. */
  setExpiry(source: Uint8Array, start: number, end: number, expiresAtMs: number): boolean;
  /**
   * Makes the writes up to `endGroup` appear at once to every observer. `entryBytesTotal` is the sum over the group's
   * puts of key, value and content-type bytes, `entries` their number: false (nothing begun) when there is no room. A
   * put beyond that makes room as any other does.
   *
   * Within a group, a further one is a part of it that can be taken back alone. It is not promised room.
   */
  beginGroup(entries: number, entryBytesTotal: number): boolean;
  /** Makes the group's writes stand. */
  endGroup(): void;
  /** Takes the group's writes back, for when one of them was refused: all is as it was when it began. */
  abandonGroup(): void;
  /**
   * Removes every entry. Within a group (not within one of a group) that can be taken back no more, nor can what came
   * before it: only what follows.
   */
  clear(): void;
}
