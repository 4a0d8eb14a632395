import { LookupSampleReader } from './base/lookup-sample.ts';
import { systemClock } from './base/ports.ts';
import type { Config } from './config/options.ts';
import { AccessWatch, type StoreTotals } from './monitoring/access/access-watch.ts';
import type { Shards } from './server/dispatch/shards.ts';
import { readStatistics } from './store/statistics.ts';

/** What entries take of a full store, about, as long as it is not full. */
const ENTRY_SHARE = 0.93;

/** Has lookups sampled from now on, and tells what keys are in demand. */
export function watchAccess(config: Config, shards: Shards): AccessWatch {
  return new AccessWatch({
    clock: systemClock,
    samples: shards.lookups.map((handle) => new LookupSampleReader(handle)),
    store: { find: (key) => shards.peek(key), totals: () => totalsOf(shards) },
    separator: config.prefixSeparator,
    prefixesMax: config.maxPrefixes,
    metricsPrefixes: config.metricsPrefixes,
  });
}

function totalsOf(shards: Shards): StoreTotals {
  const totals = { hits: 0, misses: 0, evicted: 0, capacityBytes: 0 };
  let keys = 0;
  for (const { memory } of shards.threads) {
    const store = readStatistics(memory);
    totals.hits += store.hits;
    totals.misses += store.misses;
    totals.evicted += store.evictedEntries;
    totals.capacityBytes +=
      store.evictedEntries > 0 ? store.liveBytes + store.indexBytes + store.heapBytes : store.budgetBytes * ENTRY_SHARE;
    keys += store.keys;
  }
  // Copies of other nodes' keys take their part.
  if (keys > 0) totals.capacityBytes *= Math.min(1, shards.ownKeyCount / keys);
  return totals;
}
