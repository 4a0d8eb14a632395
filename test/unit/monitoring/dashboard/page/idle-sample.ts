import type { NodeSample } from '../../../../../src/monitoring/dashboard/feed.ts';

/** A sample of a node that does nothing but what is said. */
export function idleSample(differences: Partial<NodeSample> & Pick<NodeSample, 'atMs'>): NodeSample {
  return {
    spanMs: 1000,
    byProtocol: {},
    byCommand: {},
    latency: null,
    latencyByProtocol: {},
    errors: 0,
    hits: 0,
    misses: 0,
    evicted: 0,
    expired: 0,
    loads: { granted: 0, filled: 0, lost: 0, staleHits: 0, invalidated: 0, pendingTags: 0 },
    receivedBytes: 0,
    sentBytes: 0,
    connections: {},
    keys: 0,
    expiringKeys: 0,
    memory: { entries: 0, dead: 0, index: 0, expiry: 0, retired: 0, control: 0, free: 1, budget: 1 },
    eventLoop: { p50Ms: 0, p99Ms: 0, maxMs: 0 },
    processors: 0,
    disk: null,
    shards: [],
    ...differences,
  };
}
