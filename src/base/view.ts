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
  /** Milliseconds since the Unix epoch; 0 when the entry does not expire. From then on plain reads take it for absent. */
  expiresAtMs: number;
  /** 0 when no content type was stored. */
  contentTypeBytes: number;
  /** Milliseconds behind the expiry in which those who ask for stale values still see the entry; 0: it is gone at once. */
  staleMs: number;
  /** Tags of the entry, and the bytes of their list as `copyTags` gives it. */
  tagCount: number;
  tagBytes: number;
  /**
   * The token of whoever was given the right to fill the entry anew, 1 to 2^48 - 1; 0: nobody was. It counts until
   * `fillUntilMs` (Unix milliseconds). `fillVersion` is the store's version when it was given: what was invalidated
   * behind that, the token's holder may have read before.
   */
  fillToken: number;
  fillUntilMs: number;
  fillVersion: number;
  /** There is no value: the entry is there for its token only. */
  isHollow: boolean;
  /** Bytes of memory the entry takes, its share of the index and the expiry heap included. */
  memoryBytes: number;
}

/** Called by `scan` for one live entry; key bytes are `keys[start..end)`, valid during the call. */
export type VisitKey = (keys: Uint8Array, start: number, end: number, entry: EntryInfo) => void;

/** What those find who ask for stale values, too. */
export const Freshness = {
  /** Nothing that anybody may see. */
  none: 0,
  /** What a plain read finds as well. */
  fresh: 1,
  /** A value past its expiry, and within its stale window. */
  stale: 2,
  /** No value, but the key is being filled: `entry` tells by which token and until when. */
  hollow: 3,
} as const;
export type Freshness = (typeof Freshness)[keyof typeof Freshness];

export interface ReadView {
  readonly entry: EntryInfo;
  nowMs(): number;
  /** Finds the key `source[start..end)`; false when absent or expired. On true, `entry` and the copies describe it. */
  lookup(source: Uint8Array, start: number, end: number): boolean;
  /** As `lookup`, without marking the entry as used (for TTL, TYPE, OBJECT and other looks that are no use). */
  peek(source: Uint8Array, start: number, end: number): boolean;
  /** As `lookup`, of stale and hollow entries as well. Stale ones count as hits, hollow ones as misses. */
  lookupStale(source: Uint8Array, start: number, end: number): Freshness;
  /** As `lookupStale`, without marking the entry as used or counting the lookup. */
  peekStale(source: Uint8Array, start: number, end: number): Freshness;
  /**
   * Counts what `peekStale` has just found of that key as a lookup, whatever command runs, and marks the entry as used: for
   * a look that may turn out to be for somebody else to answer, who looks, and counts, himself.
   */
  noteLookup(source: Uint8Array, start: number, end: number, freshness: Freshness): void;
  /** Copies the found entry's value to `target[at..at + entry.valueBytes)`. */
  copyValue(target: Uint8Array, at: number): void;
  /** Copies `length` bytes of the found entry's value from offset `from`. */
  copyValueRange(from: number, length: number, target: Uint8Array, at: number): void;
  copyContentType(target: Uint8Array, at: number): void;
  /** Copies the found entry's tags, `entry.tagBytes` in all: each a byte with its length, and its bytes. */
  copyTags(target: Uint8Array, at: number): void;
  /**
   * Visits about `count` live entries from `cursor` on and returns the next cursor, 0 when done. Cursors are integers
   * from 0 to 2^32 - 1; start with 0. Whatever is present from the first call to the last is visited exactly once.
   * `withStale`: stale and hollow entries are visited, too.
   */
  scan(cursor: number, count: number, visit: VisitKey, withStale?: boolean): number;
  /** Picks a live key at random, copies it to `target` at 0 and returns its length; -1 when the store is empty. */
  randomKey(target: Uint8Array, random: number): number;
  /** Entries present, those included that have expired and are not yet removed. */
  readonly keyCount: number;
  readonly expiringKeyCount: number;
}

export const PutStatus = { created: 0, replaced: 1, outOfMemory: 2, tooLarge: 3 } as const;
export type PutStatus = (typeof PutStatus)[keyof typeof PutStatus];

/** What most entries have nothing of; a record that callers refill. */
export interface EntryAttributes {
  /** As `EntryInfo` has it; of an entry that does not expire it counts from when a tag of it is invalidated softly. */
  staleMs: number;
  /** The tags' list is `tags[tagsStart..tagsEnd)`: each a byte with its length, and its bytes; no tag twice. */
  tags: Uint8Array;
  tagsStart: number;
  tagsEnd: number;
  /** As `EntryInfo` has them; commands leave them at 0, and use `putHollow` and `setFill`. */
  fillToken: number;
  fillUntilMs: number;
  fillVersion: number;
  /** The entry has no value and is there for its token only. */
  isHollow: boolean;
}

/** What became of a fill token, as it is counted. */
export const FillOutcome = {
  /** The value was stored. */
  filled: 0,
  /** It was refused: late, overtaken, or never given. */
  lost: 1,
  /** It was given back. */
  cancelled: 2,
} as const;
export type FillOutcome = (typeof FillOutcome)[keyof typeof FillOutcome];

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
  /** Null, or absent: a plain entry. */
  attributes?: EntryAttributes | null;
}

export interface WriteView extends ReadView {
  /** Writes an entry, replacing one of the same key. The new version is `lastVersion`. */
  put(request: PutRequest): PutStatus;
  readonly lastVersion: number;
  /** The largest value `put` takes, so that a command can refuse one before it builds it. */
  readonly valueBytesMax: number;
  /** Removes the key; false when it was absent or expired. A stale or hollow entry is removed, too. */
  remove(source: Uint8Array, start: number, end: number): boolean;
  /**
   * Changes when the entry expires (0: never), keeping its version, its stale window and its tags; false when absent;
   * outOfMemory as `put`.
   */
  setExpiry(source: Uint8Array, start: number, end: number, expiresAtMs: number): boolean;
  /** 32 random bits that nobody can foresee. */
  randomUint32(): number;
  /** A token that nobody can foresee. */
  newFillToken(): number;
  /**
   * Puts a hollow entry in the place of a key that is absent: gone by itself at `untilMs`, absent to plain reads, and no
   * change that anybody is told of, but replicated and logged as any write.
   */
  putHollow(source: Uint8Array, start: number, end: number, token: number, untilMs: number): PutStatus;
  /** Gives the stale entry a token in the place of any it had; false when it is not there, or when memory is full. */
  setFill(source: Uint8Array, start: number, end: number, token: number, untilMs: number): boolean;
  /** Takes the token back: a hollow entry goes, a stale one stays without it; false when there was none. */
  clearFill(source: Uint8Array, start: number, end: number): boolean;
  /** Counts what became of a token; that it was given, or that its time was over, the store counts by itself. */
  countFill(outcome: FillOutcome): void;
  /**
   * Whether a value with these tags (a list as `EntryAttributes` has it) may have been read before one of them was
   * invalidated: by the holder of the token that the entry found last bears. True also where the store cannot know.
   */
  isOvertaken(tags: Uint8Array, start: number, end: number): boolean;
  /** Likewise of a value to be written under the key `source[start..end)`, since `version` was the store's last. */
  isOvertakenSince(
    version: number,
    source: Uint8Array,
    start: number,
    end: number,
    tags: Uint8Array,
    tagsStart: number,
    tagsEnd: number,
  ): boolean;
  /**
   * Makes every entry that bears one of the tags (a list as above, of any length) and was written before invalid, for
   * every reader at once: absent; or, when `isSoft`, stale from now on. Memory comes back by and by, in `maintain`.
   * Takes a version. False, with nothing done, when too many tags are being swept. Cannot be taken back with a group.
   */
  invalidateTags(tags: Uint8Array, start: number, end: number, isSoft: boolean): boolean;
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
