import { partitionsOf, type ShardPartitions, type Shards } from '../server/dispatch/shards.ts';
import type { StoreMemory } from '../store/arena.ts';
import { readStatistics } from '../store/statistics.ts';
import type { ShardFacts, ShardLoad, StoreFacts } from './facts.ts';

/** Reads what there is to tell of a node's shards. */
export class ShardFactsReader {
  readonly #shards: Pick<Shards, 'threads' | 'supervisor' | 'dispatcher'>;
  readonly #loads: readonly ShardLoad[];
  readonly #partitions: readonly ShardPartitions[];

  /** `loads` stand in the order of the shards, and are read anew each time. */
  constructor(shards: Pick<Shards, 'threads' | 'supervisor' | 'dispatcher' | 'map'>, loads: readonly ShardLoad[]) {
    this.#shards = shards;
    this.#loads = loads;
    this.#partitions = shards.threads.map(({ shard }) => partitionsOf(shard, shards.map));
  }

  read(): ShardFacts[] {
    const { threads, supervisor, dispatcher } = this.#shards;
    return threads.map(({ shard, memory }, index) => {
      const { first, count } = this.#partitions[index] as ShardPartitions;
      const { commands, busyMs } = this.#loads[index] as ShardLoad;
      return {
        isServing: supervisor.serving(shard),
        restarts: supervisor.restarts(shard),
        partitionFirst: first,
        partitionLast: first + count - 1,
        mailboxDepth: dispatcher.mailboxDepth(shard),
        load: { commands, busyMs },
        store: storeFacts(memory),
      };
    });
  }
}

function storeFacts(memory: StoreMemory): StoreFacts {
  const statistics = readStatistics(memory);
  return {
    keys: statistics.keys,
    expiringKeys: statistics.expiringKeys,
    usedBytes: statistics.budgetBytes - statistics.freeBytes,
    budgetBytes: statistics.budgetBytes,
    entryBytes: statistics.liveBytes,
    evictedKeys: statistics.evictedEntries,
    expiredKeys: statistics.expiredEntries,
    hits: statistics.hits,
    misses: statistics.misses,
    staleHits: statistics.staleHits,
    invalidatedTags: statistics.invalidatedTags,
    pendingTags: statistics.pendingTags,
    invalidatedEntries: statistics.invalidatedEntries,
    fills: {
      granted: statistics.fillsGranted,
      filled: statistics.fillsDone,
      lost: statistics.fillsLost,
      cancelled: statistics.fillsCancelled,
      expired: statistics.fillsExpired,
    },
    memory: {
      entries: statistics.liveBytes,
      dead: statistics.deadBytes,
      index: statistics.indexBytes,
      expiry: statistics.heapBytes,
      retired: statistics.retiredBytes,
      control: statistics.controlBytes,
      free: statistics.freeBytes,
      budget: statistics.budgetBytes,
    },
  };
}
