import type { StoreMemory } from '../../store/arena.ts';
import { readStatistics } from '../../store/statistics.ts';

/** Of all shards' stores together, since they began. */
export interface StoreTotals {
  readonly hits: number;
  readonly misses: number;
  readonly evicted: number;
  /** Entries that came, but for those that were removed since. */
  readonly came: number;
  readonly keys: number;
  /** Bytes of entries of this node's own keys, with index and heap, that all of the memory holds. */
  readonly capacityBytes: number;
}

/** What entries take of a full store, about, as long as it is not full. */
const ENTRY_SHARE = 0.93;

/** `ownKeys`: how many are no copies of other nodes' keys; the memory of those counts as not there. Left out: all. */
export function storeTotalsOf(memories: readonly StoreMemory[], ownKeys?: () => number): StoreTotals {
  const totals = { hits: 0, misses: 0, evicted: 0, came: 0, keys: 0, capacityBytes: 0 };
  for (const memory of memories) {
    const store = readStatistics(memory);
    totals.hits += store.hits;
    totals.misses += store.misses;
    totals.evicted += store.evictedEntries;
    totals.came += store.keys + store.evictedEntries + store.expiredEntries;
    totals.keys += store.keys;
    const isFull = store.evictedEntries > 0 || store.outOfMemory > 0;
    totals.capacityBytes += isFull
      ? store.liveBytes + store.indexBytes + store.heapBytes
      : store.budgetBytes * ENTRY_SHARE;
  }
  if (ownKeys !== undefined && totals.keys > 0) totals.capacityBytes *= Math.min(1, ownKeys() / totals.keys);
  return totals;
}
