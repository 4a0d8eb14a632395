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
  /** Lookups that found what is stale; they are among the hits. */
  staleHits: number;
  /** Tags invalidated since the store was created; and those of them whose entries are still being swept out. */
  invalidatedTags: number;
  pendingTags: number;
  /** Entries that went, or went stale, because a tag of theirs was invalidated. */
  invalidatedEntries: number;
  /** Fill tokens given; used; refused; given back; and run out, as far as that was noticed. */
  fillsGranted: number;
  fillsDone: number;
  fillsLost: number;
  fillsCancelled: number;
  fillsExpired: number;
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
  let staleHits = arena.counter(Counter.staleHits);
  for (let reader = 0; reader < arena.readersMax; reader++) {
    const slot = arena.readerSlots + reader * ReaderSlot.words;
    hits += arena.counter((slot + ReaderSlot.hits) / 2);
    misses += arena.counter((slot + ReaderSlot.misses) / 2);
    staleHits += arena.counter((slot + ReaderSlot.staleHits) / 2);
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
    staleHits,
    invalidatedTags: arena.counter(Counter.invalidatedTags),
    pendingTags: arena.counter(Counter.pendingTags),
    invalidatedEntries: arena.counter(Counter.invalidatedEntries),
    fillsGranted: arena.counter(Counter.fillsGranted),
    fillsDone: arena.counter(Counter.fillsDone),
    fillsLost: arena.counter(Counter.fillsLost),
    fillsCancelled: arena.counter(Counter.fillsCancelled),
    fillsExpired: arena.counter(Counter.fillsExpired),
  };
}
