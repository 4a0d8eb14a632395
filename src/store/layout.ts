/**
 * Where everything in a store's arena lies. One SharedArrayBuffer holds a whole store:
 *
 *     control words · reader slots · segment table · heap page table · directory · policy words · partition table ·
 *     tag notes · segments
 *
 * Offsets are in 32-bit words unless the name says otherwise. A *reference* is an arena offset in units of 8 bytes,
 * so that 32 bits address 4 GiB with room to spare and a reference times two is a word offset.
 */

export const MAGIC = 0x46_4c_58_31;
export const LAYOUT_VERSION = 2;

/** Words of the control region; written at creation, read by everyone, unless said otherwise. */
export const Control = {
  magic: 0,
  layoutVersion: 1,
  segmentShift: 2,
  segmentCount: 3,
  firstSegmentRef: 4,
  readersMax: 5,
  directoryDepthMax: 6,
  eviction: 7,
  hashKeyLow: 8,
  hashKeyHigh: 9,
  readerSlots: 10,
  segmentTable: 11,
  heapTable: 12,
  heapPagesMax: 13,
  directory: 14,
  policy: 15,
  arenaKibibytes: 16,
  budgetKibibytes: 17,
  /** Of the longest value that is taken; 0 where only the memory limits it. */
  valueBytesMax: 18,
  /** The partitions whose keys it takes, by their numbers; a count of 0: it knows of none and takes any key. */
  partitionFirst: 19,
  partitionCount: 20,
  /** Of the cluster. */
  partitionsTotal: 21,
  /** Two words a partition: entries, and those of them that expire. Writer: the store's writer. */
  partitionTable: 22,
  /** The tag notes (tag-notes.ts): where their buckets begin, with the ring behind them, and the words of the ring. */
  tagNotes: 23,
  tagRingWords: 24,
  /**
   * Odd while a group of writes is being published or the store is being cleared. Writer: the store's writer. A cache
   * line read by all readers.
   */
  sequence: 32,
  /** The epoch readers announce. Writer: the store's writer. Never 0. */
  epoch: 33,
  /** Which level of the directory is in force. Writer: the store's writer. */
  directoryDepth: 34,
  /**
   * Positions in the ring of tag notes: of the first whose sweep is not done, and behind the last. Equal: none. Writer: the
   * store's writer.
   */
  notesHead: 35,
  notesTail: 36,
  /** Pages whose publication in the directory must be finished by whoever attaches next; 0 when none. */
  redoFirst: 48,
  redoSecond: 49,
  /** The newest undo page and the number of undo records of the group under way. */
  undoPage: 50,
  undoCount: 51,
  /** The age of the youngest log segment. */
  segmentAge: 52,
  /** How often writes of groups were taken back, or entries removed without a trace. Writer: the store's writer. */
  undone: 53,
  /** Position of the oldest tag note that is remembered: its sweep may be long done. */
  notesKept: 54,
  words: 128,
} as const;

/** Counters of the control region, as indices of the arena's Float64Array. Writer: the store's writer. */
export const Counter = {
  /** The version given last. */
  version: 32,
  keys: 33,
  expiringKeys: 34,
  /** Bytes of live records in log segments. */
  liveBytes: 35,
  /** Bytes of log segments filled so far, the tails of sealed ones included. */
  logBytes: 36,
  indexPages: 37,
  heapPages: 38,
  pagesInUse: 39,
  logSegments: 40,
  pageSegments: 41,
  retiredSegments: 42,
  evictedEntries: 43,
  expiredEntries: 44,
  evictedBytes: 45,
  compactedBytes: 46,
  outOfMemory: 47,
  /** Lookups by commands that read, made by the writer. */
  hits: 48,
  misses: 49,
  /** Lookups, by the writer, that found what is stale. */
  staleHits: 50,
  /** Entries that went, or went stale, because a tag of theirs was invalidated. */
  invalidatedEntries: 51,
  /** Tags invalidated, and those of them whose entries are still being swept out. */
  invalidatedTags: 52,
  pendingTags: 53,
  /** Fill tokens: given, used, refused, given back; and run out, as far as anybody noticed. */
  fillsGranted: 54,
  fillsDone: 55,
  fillsLost: 56,
  fillsCancelled: 57,
  fillsExpired: 58,
  /** Hollow entries that a write has taken the place of, whoever wrote. */
  fillsEnded: 59,
  first: 32,
  end: 60,
} as const;

/** One slot a reader, on a cache line of its own. */
export const ReaderSlot = {
  /** The epoch the reader announced; 0 when it is outside the store. Writer: the reader. */
  epoch: 0,
  /** Float64 counters, in words from the slot's start. Writer: the reader. */
  hits: 2,
  misses: 4,
  staleHits: 6,
  words: 16,
} as const;

/** One row a segment. Writer: the store's writer. */
export const SegmentRow = {
  state: 0,
  /** Bytes filled from the segment's start: always whole records. */
  used: 1,
  /** Bytes of live records; in a page segment, pages in use. */
  live: 2,
  /** Log segments: order of opening, wrapping. */
  age: 3,
  /** Retired segments: the epoch they were retired in. */
  epoch: 4,
  /** The next segment of the free or the retired list; -1 ends it. */
  next: 5,
  /** Page segments: one bit a page. */
  pageBits: 8,
  words: 16,
} as const;

export const SegmentState = { free: 0, small: 1, main: 2, pages: 3, retired: 4 } as const;
export type SegmentState = (typeof SegmentState)[keyof typeof SegmentState];

/** A log is named by the state of its segments. */
export type Log = typeof SegmentState.small | typeof SegmentState.main;

/** Pages hold the index and the expiry heap. */
export const PAGE_SHIFT = 13;
export const PAGE_BYTES = 1 << PAGE_SHIFT;
export const PAGE_WORDS = PAGE_BYTES >> 2;

/**
 * An index page: slots of two words (hash, reference), then four words that only the writer uses. A reference of 0 is
 * an empty slot, 1 one whose entry was removed.
 */
export const IndexPage = {
  slots: 1022,
  localDepth: 2044,
  used: 2045,
  tombstones: 2046,
  /** The lowest hash the page may hold. */
  hashFirst: 2047,
} as const;
export const EMPTY_SLOT = 0;
export const TOMBSTONE = 1;

/**
 * A record of a log begins with four words:
 *
 *     0  bytes of the value
 *     1  bytes of the key (17 bits) · flags (7 bits) · access count (8 bits, written by readers as a byte)
 *     2  version, low 32 bits
 *     3  version, high 16 bits · expiry, high 16 bits
 *
 * Entries that expire add two: 4 expiry in Unix milliseconds, low 32 bits; 5 position in the expiry heap (writer's).
 * Then the key, padded with zeros to a word; then the value, or the references of its chunks; then, if flagged, the
 * attributes (attributes.ts), which are never changed in place. Records are aligned to 8 bytes.
 *
 * A chunk record has its bytes in word 0, only flags in word 1, the owner's hash in 2, its ordinal in 3, then bytes.
 */
export const RECORD_WORDS = 4;
export const EXPIRY_WORDS = 2;
export const RECORD_BYTES = 16;
export const KEY_BYTES_MASK = 0x1_ffff;
export const KEY_BYTES_MAX = 65_536;
export const TYPE_SHIFT = 17;
export const TYPE_MASK = 3;
export const FLAG_EXPIRES = 1 << 19;
export const FLAG_CHUNKED = 1 << 20;
/** Something of what most entries have nothing of stands behind the value. */
export const FLAG_ATTRIBUTES = 1 << 21;
/** Set by the writer when a record leaves the index: spares walks a lookup; the index alone is the truth. */
export const FLAG_DEAD = 1 << 22;
export const FLAG_CHUNK = 1 << 23;
export const ACCESS_SHIFT = 24;
export const ACCESS_MAX = 3;
export const CONTENT_TYPE_BYTES_MAX = 255;
export const EXPIRES_AT_MS_MAX = 2 ** 48 - 1;

/** Of an entry that expires: its position in the heap, and what says that it is not there. Positions begin at 3. */
export const HEAP_POSITION_WORD = 5;
export const NOT_IN_HEAP = 0;

/** A record is at most this share of a segment unless its key alone is longer, so that tails waste little. */
export const CHUNKS_PER_SEGMENT = 16;

/** An undo page: the page before it, then records of three words: hash, old reference, new reference. */
export const UndoPage = { previous: 0, records: 2, recordWords: 3, recordsMax: 682 } as const;
