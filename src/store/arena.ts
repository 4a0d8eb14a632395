import { assert } from '../base/assert.ts';
import { SLOT_COUNT } from '../base/slot.ts';
import {
  CHUNKS_PER_SEGMENT,
  Control,
  Counter,
  KEY_BYTES_MAX,
  LAYOUT_VERSION,
  MAGIC,
  PAGE_BYTES,
  RECORD_BYTES,
  ReaderSlot,
  SegmentRow,
} from './layout.ts';
import { PARTITION_ROW_WORDS, Partitions } from './partitions.ts';
import { policyLayoutFor } from './policy-layout.ts';
import { RING_WORDS_PER_BUCKET, ringWordsFor } from './tag-ring.ts';

/** What a store does when its memory is full. */
export const EvictionName = {
  /** Keeps what is used: see eviction.ts. */
  flux: 'flux',
  /** Refuses writes and keeps everything. */
  noeviction: 'noeviction',
  /** Gives up what expires soonest; refuses writes when nothing expires. */
  volatileTtl: 'volatile-ttl',
} as const;
export type EvictionName = (typeof EvictionName)[keyof typeof EvictionName];

export const EVICTION_NAMES: readonly EvictionName[] = ['flux', 'noeviction', 'volatile-ttl'];

export const BUDGET_BYTES_MIN = 1 << 20;
/** Uint8Array ends one byte short of 4 GiB on Node 20. */
export const BUDGET_BYTES_MAX = 2 ** 32 - 2 ** 20;
const READERS_MAX = 128;

/** A store's memory as it travels between threads: structured cloning shares it. */
export interface StoreMemory {
  readonly arena: SharedArrayBuffer;
}

export interface StoreMemoryOptions {
  /** All the memory the store ever takes, its index and bookkeeping included; 1 MiB to 4 GiB - 1 MiB. */
  budgetBytes: number;
  /** Threads that may read at once: indices 0 to readersMax - 1. */
  readersMax: number;
  eviction: EvictionName;
  /** 64 secret bits as two 32-bit integers. Two stores with equal keys place equal keys alike. */
  hashKey: readonly [number, number];
  /** The store's first version is one more: start high to tell versions of an earlier process apart. Default 0. */
  versionBase?: number;
  /** No longer value is taken, nor made by a command; default: what the memory has room for. */
  valueBytesMax?: number;
  /**
   * Parts the entries by the partition of their key's slot: those from `first` on, `count` of the cluster's `total`, all
   * keys being of one of them. Default: no partitions.
   */
  partitions?: { readonly first: number; readonly count: number; readonly total: number };
}

/**
 * Reserves a store's memory and lays it out. The operating system commits pages only when they are first written.
 * @throws {RangeError} when an option is out of its bounds; the message names it.
 */
export function createStoreMemory(options: StoreMemoryOptions): StoreMemory {
  const { budgetBytes, readersMax } = options;
  requireRange('budgetBytes', budgetBytes, BUDGET_BYTES_MIN, BUDGET_BYTES_MAX);
  requireRange('readersMax', readersMax, 1, READERS_MAX);
  requireRange('versionBase', options.versionBase ?? 0, 0, 2 ** 48 - 2);
  requireRange('valueBytesMax', options.valueBytesMax ?? 0, 0, 2 ** 31 - 1);
  const { first = 0, count = 0, total = 0 } = options.partitions ?? {};
  if (options.partitions !== undefined) {
    requireRange('partitions.total', total, 1, SLOT_COUNT);
    requireRange('partitions.first', first, 0, total - 1);
    requireRange('partitions.count', count, 1, total - first);
  }
  const eviction = EVICTION_NAMES.indexOf(options.eviction);
  if (eviction < 0) throw new RangeError(`eviction must be one of ${EVICTION_NAMES.join(', ')}: ${options.eviction}`);

  const segmentShift = segmentShiftFor(budgetBytes);
  const segmentsMax = Math.floor(budgetBytes / 2 ** segmentShift);
  const directoryDepthMax = Math.max(4, Math.ceil(Math.log2(budgetBytes / PAGE_BYTES)));
  // The smallest entry that expires takes 24 + 8 bytes in the log, as many again in the index at worst, 8 in the heap.
  const heapPagesMax = Math.ceil(budgetBytes / 40 / (PAGE_BYTES / 8)) + 1;
  const budgetKibibytes = Math.floor(budgetBytes / 1024);
  const policyWords = options.eviction === EvictionName.flux ? policyLayoutFor(budgetKibibytes * 1024).words : 0;

  const readerSlots = Control.words;
  const segmentTable = readerSlots + readersMax * ReaderSlot.words;
  const heapTable = segmentTable + segmentsMax * SegmentRow.words;
  const directory = heapTable + heapPagesMax;
  const policy = (directory + 2 ** (directoryDepthMax + 1) + 15) & ~15;
  const partitionTable = policy + policyWords;
  const tagNotes = partitionTable + count * PARTITION_ROW_WORDS;
  const tagRingWords = ringWordsFor(budgetBytes);
  const controlWords = tagNotes + tagRingWords / RING_WORDS_PER_BUCKET + tagRingWords;
  const controlBytes = Math.ceil((controlWords * 4) / PAGE_BYTES) * PAGE_BYTES;
  const segmentCount = Math.floor((budgetBytes - controlBytes) / 2 ** segmentShift);

  const arena = new SharedArrayBuffer(controlBytes + segmentCount * 2 ** segmentShift);
  const words = new Int32Array(arena);
  words[Control.layoutVersion] = LAYOUT_VERSION;
  words[Control.segmentShift] = segmentShift;
  words[Control.segmentCount] = segmentCount;
  words[Control.firstSegmentRef] = controlBytes / 8;
  words[Control.readersMax] = readersMax;
  words[Control.directoryDepthMax] = directoryDepthMax;
  words[Control.eviction] = eviction;
  words[Control.hashKeyLow] = options.hashKey[0];
  words[Control.hashKeyHigh] = options.hashKey[1];
  words[Control.readerSlots] = readerSlots;
  words[Control.segmentTable] = segmentTable;
  words[Control.heapTable] = heapTable;
  words[Control.heapPagesMax] = heapPagesMax;
  words[Control.directory] = directory;
  words[Control.policy] = policy;
  words[Control.arenaKibibytes] = arena.byteLength / 1024;
  words[Control.budgetKibibytes] = budgetKibibytes;
  words[Control.valueBytesMax] = options.valueBytesMax ?? 0;
  words[Control.partitionFirst] = first;
  words[Control.partitionCount] = count;
  words[Control.partitionsTotal] = total;
  words[Control.partitionTable] = partitionTable;
  words[Control.tagNotes] = tagNotes;
  words[Control.tagRingWords] = tagRingWords;
  // Above what an empty bucket says.
  words[Control.notesKept] = 1;
  words[Control.notesHead] = 1;
  words[Control.notesTail] = 1;
  words[Control.epoch] = 1;
  new Float64Array(arena, 0, Counter.end)[Counter.version] = options.versionBase ?? 0;
  // The magic comes last and marks the layout as whole.
  Atomics.store(words, Control.magic, MAGIC);
  return { arena };
}

function requireRange(name: string, value: number, min: number, max: number): void {
  if (!Number.isSafeInteger(value) || value < min || value > max) {
    throw new RangeError(`${name} must be an integer from ${min} to ${max}: ${value}`);
  }
}

/** Segments of a power of two near 1/256 of the budget, 16 KiB to 1 MiB. */
function segmentShiftFor(budgetBytes: number): number {
  const shift = Math.round(Math.log2(budgetBytes / 256));
  return Math.min(20, Math.max(14, shift));
}

/** A thread's view of a store's memory: typed arrays over the arena, and the geometry as plain fields. */
export class Arena {
  readonly words: Int32Array;
  readonly bytes: Uint8Array;
  readonly doubles: Float64Array;
  readonly segmentShift: number;
  readonly segmentBytes: number;
  readonly segmentCount: number;
  readonly firstSegmentRef: number;
  readonly readersMax: number;
  readonly readerSlots: number;
  readonly segmentTable: number;
  readonly heapTable: number;
  readonly heapPagesMax: number;
  readonly directory: number;
  readonly directoryDepthMax: number;
  readonly policy: number;
  /** The budget in whole KiB; the arena is at most as large. */
  readonly budgetBytes: number;
  readonly eviction: EvictionName;
  readonly hashKeyLow: number;
  readonly hashKeyHigh: number;
  /** Bytes of a value that one chunk record holds, and the longest value that is kept whole. */
  readonly chunkBytes: number;
  readonly keyBytesMax: number;
  /** Null: it knows of none. */
  readonly partitions: Partitions | null;

  constructor(memory: StoreMemory) {
    const words = new Int32Array(memory.arena);
    assert(Atomics.load(words, Control.magic) === MAGIC, 'not the memory of a store');
    const word = (at: number): number => words[at] as number;
    assert(word(Control.layoutVersion) === LAYOUT_VERSION, 'a store of another layout');
    assert(word(Control.arenaKibibytes) * 1024 === memory.arena.byteLength, 'a store cut short');
    this.words = words;
    this.bytes = new Uint8Array(memory.arena);
    this.doubles = new Float64Array(memory.arena);
    this.segmentShift = word(Control.segmentShift);
    this.segmentBytes = 2 ** this.segmentShift;
    this.segmentCount = word(Control.segmentCount);
    this.firstSegmentRef = word(Control.firstSegmentRef);
    this.readersMax = word(Control.readersMax);
    this.readerSlots = word(Control.readerSlots);
    this.segmentTable = word(Control.segmentTable);
    this.heapTable = word(Control.heapTable);
    this.heapPagesMax = word(Control.heapPagesMax);
    this.directory = word(Control.directory);
    this.directoryDepthMax = word(Control.directoryDepthMax);
    this.policy = word(Control.policy);
    this.budgetBytes = word(Control.budgetKibibytes) * 1024;
    this.eviction = EVICTION_NAMES[word(Control.eviction)] as EvictionName;
    this.hashKeyLow = word(Control.hashKeyLow);
    this.hashKeyHigh = word(Control.hashKeyHigh);
    this.chunkBytes = this.segmentBytes / CHUNKS_PER_SEGMENT - RECORD_BYTES;
    this.keyBytesMax = Math.min(KEY_BYTES_MAX, this.segmentBytes / 4);
    const count = word(Control.partitionCount);
    this.partitions = count === 0 ? null : new Partitions(words, count);
  }

  word(at: number): number {
    return this.words[at] as number;
  }

  /** The segment that holds `ref`. */
  segmentOf(ref: number): number {
    return (ref - this.firstSegmentRef) >> (this.segmentShift - 3);
  }

  segmentStart(segment: number): number {
    return this.firstSegmentRef + (segment << (this.segmentShift - 3));
  }

  /** The first word of a segment's row. */
  segmentRow(segment: number): number {
    return this.segmentTable + segment * SegmentRow.words;
  }

  counter(at: number): number {
    return this.doubles[at] as number;
  }

  count(at: number, by: number): void {
    this.doubles[at] = (this.doubles[at] as number) + by;
  }
}
