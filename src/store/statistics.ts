import { Arena, type StoreMemory } from './arena.ts';
import { Control, Counter, PAGE_BYTES, ReaderSlot } from './layout.ts';

/** A store's counts, all of bytes of its arena or of events since it was created. */
export interface StoreStatistics {
  /** All memory the store has; the sum of the seven kinds of bytes below. */
  budgetBytes: number;
  /** Records that the index refers to. */
  liveBytes: number;
  /** Records that were replaced or removed, and tails of segments: room that compaction or a walk wins back. */
  deadBytes: number;
  /** The directory and the pages of the index. */
  indexBytes: number;
  /** The expiry heap. */
  heapBytes: number;
  /** Segments emptied that a reader may still see. */
  retiredBytes: number;
  /** Bookkeeping of fixed size. */
  controlBytes: number;
  /** What is left, pages on their way back included. */
  freeBytes: number;
  keys: number;
  expiringKeys: number;
  evictedEntries: number;
  evictedBytes: number;
  expiredEntries: number;
  compactedBytes: number;
  /** Writes refused because memory was full. */
  outOfMemory: number;
  /** Lookups by readers, and by the writer for commands that read. */
  hits: number;
  misses: number;
}

/** Reads a store's counters from any thread; under change they may be of slightly different moments. */
export function readStatistics(memory: StoreMemory): StoreStatistics {
  return statisticsOf(new Arena(memory));
}

export function statisticsOf(arena: Arena): StoreStatistics {
  const liveBytes = arena.counter(Counter.liveBytes);
  const deadBytes = arena.counter(Counter.logBytes) - liveBytes;
  const directoryBytes = 8 * 2 ** arena.directoryDepthMax;
  const indexBytes = arena.counter(Counter.indexPages) * PAGE_BYTES + directoryBytes;
  const heapBytes = arena.counter(Counter.heapPages) * PAGE_BYTES + arena.heapPagesMax * 4;
  const retiredBytes = arena.counter(Counter.retiredSegments) * arena.segmentBytes;
  const controlBytes = arena.firstSegmentRef * 8 - directoryBytes - arena.heapPagesMax * 4;
  const budgetBytes = arena.word(Control.arenaKibibytes) * 1024;
  let hits = arena.counter(Counter.hits);
  let misses = arena.counter(Counter.misses);
  for (let reader = 0; reader < arena.readersMax; reader++) {
    const slot = arena.readerSlots + reader * ReaderSlot.words;
    hits += arena.counter((slot + ReaderSlot.hits) / 2);
    misses += arena.counter((slot + ReaderSlot.misses) / 2);
  }
  return {
    budgetBytes,
    liveBytes,
    deadBytes,
    indexBytes,
    heapBytes,
    retiredBytes,
    controlBytes,
    freeBytes: budgetBytes - liveBytes - deadBytes - indexBytes - heapBytes - retiredBytes - controlBytes,
    keys: arena.counter(Counter.keys),
    expiringKeys: arena.counter(Counter.expiringKeys),
    evictedEntries: arena.counter(Counter.evictedEntries),
    evictedBytes: arena.counter(Counter.evictedBytes),
    expiredEntries: arena.counter(Counter.expiredEntries),
    compactedBytes: arena.counter(Counter.compactedBytes),
    outOfMemory: arena.counter(Counter.outOfMemory),
    hits,
    misses,
  };
}
