import type { NodeReport } from '../command/cluster-report.ts';
import type { NodeFacts } from './facts.ts';
import { healthOf } from './health.ts';

/** What `/nodes` answers: every node that this one knows, itself first, and what each of them holds. */
export interface NodesDocument {
  readonly nodes: readonly (NodeDocument | OtherNodeDocument)[];
}

/** What a node of a cluster is in it. */
interface MemberDocument {
  readonly id: string;
  /** As this node sees it: up, down, fenced, stopping, stopped. */
  readonly health: string;
  readonly draining: boolean;
  readonly leader: boolean;
  readonly zone: string | null;
  /** `host:port` as clients reach it; '' where it is not known. */
  readonly tcp: string;
  readonly http: string;
  /** Partitions it is primary of, in-sync copies beside them, and copies that are being made. */
  readonly primaries: number;
  readonly replicas: number;
  readonly filling: number;
  /** Writes that its copy furthest behind has not confirmed, where this node knows; of this node: how old its copies are. */
  readonly lagRecords: number | null;
  readonly lagSeconds: number | null;
}

interface OtherNodeDocument extends MemberDocument {
  readonly name: string;
  readonly self: false;
  readonly healthy: boolean;
}

interface NodeDocument extends Partial<MemberDocument> {
  readonly name: string;
  readonly self: true;
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
  const members = facts.cluster()?.nodes ?? [];
  const own = members.find((node) => node.isSelf);
  const self: NodeDocument = {
    name: facts.nodeName,
    self: true,
    version: facts.version,
    host: facts.host,
    httpPort: facts.httpPort,
    state: facts.state(),
    healthy: ready,
    reasons,
    ...(own === undefined ? undefined : memberOf(own)),
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
  const others = members.filter((node) => !node.isSelf);
  return { nodes: [self, ...others.map(otherNode)] };
}

function otherNode(node: NodeReport): OtherNodeDocument {
  return { name: node.id, self: false, healthy: node.health === 'up', ...memberOf(node) };
}

function memberOf(node: NodeReport): MemberDocument {
  const { id, health, isDraining, isLeader, zone, tcp, http, primaries, replicas, filling, lagRecords, lagMs } = node;
  return {
    id,
    health,
    draining: isDraining,
    leader: isLeader,
    zone,
    tcp,
    http,
    primaries,
    replicas,
    filling,
    lagRecords,
    lagSeconds: lagMs === null ? null : lagMs / 1000,
  };
}
