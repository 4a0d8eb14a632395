import { Counters } from '../../../src/base/counters.ts';
import type { NodeFacts, ShardFacts, StoreFacts } from '../../../src/monitoring/facts.ts';

export function shardOf(parts: Partial<ShardFacts> = {}, store: Partial<StoreFacts> = {}): ShardFacts {
  return {
    isServing: true,
    restarts: 0,
    partitionFirst: 0,
    partitionLast: 63,
    mailboxDepth: 0,
    load: { commands: 0, busyMs: 0 },
    ...parts,
    store: {
      keys: 0,
      expiringKeys: 0,
      usedBytes: 0,
      budgetBytes: 1 << 20,
      entryBytes: 0,
      evictedKeys: 0,
      staleHits: 0,
      invalidatedTags: 0,
      pendingTags: 0,
      invalidatedEntries: 0,
      fills: { granted: 0, filled: 0, lost: 0, cancelled: 0, expired: 0 },
      expiredKeys: 0,
      hits: 0,
      misses: 0,
      memory: { entries: 0, dead: 0, index: 0, expiry: 0, retired: 0, control: 0, free: 1 << 20, budget: 1 << 20 },
      ...store,
    },
  };
}

/** A node that serves with one empty shard, with the given parts replaced. */
export function factsOf(parts: Partial<NodeFacts>): NodeFacts {
  const counters = Counters.create({ commandCount: 1, errorCount: 100 });
  return {
    loading: () => null,
    diskTroubles: () => [],
    persistence: () => null,
    nodeName: 'box',
    version: '1.2.3',
    startedAtMs: 1_700_000_000_000,
    host: '127.0.0.1',
    httpPort: 8081,
    tcpPort: 7379,
    isTls: false,
    partitionCount: 64,
    memoryBytesMax: 1 << 20,
    eviction: 'flux',
    commandNames: ['get'],
    runId: '0123456789'.repeat(4),
    connectionsMax: () => 10_000,
    channels: () => ({ channelCount: 0, patternCount: 0, shardChannelCount: 0 }),
    tracking: () => ({ clientCount: 0, keyCount: 0, itemCount: 0, prefixCount: 0 }),
    memoryPeakBytes: () => 5 << 20,
    rates: () => ({ commandsPerS: 0, inputBytesPerS: 0, outputBytesPerS: 0 }),
    nowMs: () => 1_700_000_012_345,
    protocols: () => [{ name: 'http', tellsConnections: true }],
    state: () => 'serving',
    counters: () => counters,
    shards: () => [shardOf()],
    cluster: () => null,
    sources: { access: null, keyspace: null, cluster: null },
    eventLoopDelay: () => ({ p50Ms: 0.1, p99Ms: 1, maxMs: 2 }),
    ...parts,
  };
}
