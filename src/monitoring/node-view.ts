import type { NodeFacts } from './facts.ts';
import { healthOf } from './health.ts';

/** What `/nodes` answers: every node that this one knows, itself first, and what each of them holds. */
export interface NodesDocument {
  readonly nodes: readonly NodeDocument[];
}

interface NodeDocument {
  readonly name: string;
  readonly self: boolean;
  readonly version: string;
  readonly host: string;
  readonly httpPort: number;
  readonly state: string;
  readonly healthy: boolean;
  readonly reasons: readonly string[];
  readonly uptimeSeconds: number;
  readonly keys: number;
  readonly memoryUsedBytes: number;
  readonly memoryMaxBytes: number;
  readonly partitions: number;
  readonly shards: readonly ShardDocument[];
}

interface ShardDocument {
  readonly shard: number;
  readonly serving: boolean;
  readonly restarts: number;
  /** First and last partition, both included. */
  readonly partitions: readonly [number, number];
  readonly keys: number;
  readonly memoryUsedBytes: number;
  readonly mailboxDepth: number;
}

export function nodesDocument(facts: NodeFacts): NodesDocument {
  const { ready, reasons } = healthOf(facts);
  const shards = facts.shards();
  let keys = 0;
  let memoryUsedBytes = 0;
  for (const { store } of shards) {
    keys += store.keys;
    memoryUsedBytes += store.usedBytes;
  }
  const self: NodeDocument = {
    name: facts.nodeName,
    self: true,
    version: facts.version,
    host: facts.host,
    httpPort: facts.httpPort,
    state: facts.state(),
    healthy: ready,
    reasons,
    uptimeSeconds: Math.round((facts.nowMs() - facts.startedAtMs) / 100) / 10,
    keys,
    memoryUsedBytes,
    memoryMaxBytes: facts.memoryBytesMax,
    partitions: facts.partitionCount,
    shards: shards.map((shard, index) => ({
      shard: index,
      serving: shard.isServing,
      restarts: shard.restarts,
      partitions: [shard.partitionFirst, shard.partitionLast],
      keys: shard.store.keys,
      memoryUsedBytes: shard.store.usedBytes,
      mailboxDepth: shard.mailboxDepth,
    })),
  };
  return { nodes: [self] };
}
