import type { Counters, frontEndNames } from '../base/counters.ts';
import type { ClusterFacts } from '../server/cluster/cluster-watch.ts';
import type { LoadingFacts } from '../server/persistence/loading-watch.ts';
import type { MemoryKinds } from './memory-kinds.ts';
import type { PersistenceFacts } from './persistence-facts.ts';
import type { Sources } from './sources.ts';

/** What monitoring is told of the node it runs in: asked anew for every page, so all of it is cheap to answer. */
export interface NodeFacts {
  readonly nodeName: string;
  readonly version: string;
  readonly startedAtMs: number;
  /** Where HTTP is served. */
  readonly host: string;
  readonly httpPort: number;
  /** Clients are to connect with TLS. */
  readonly isTls: boolean;
  /** Where RESP and MessagePack-RPC are. */
  readonly tcpPort: number;
  readonly partitionCount: number;
  readonly memoryBytesMax: number;
  /** What leaves when memory is full, by the name the option has. */
  readonly eviction: string;
  /** By row id of the command table. */
  readonly commandNames: readonly string[];
  /** 40 hexadecimal digits, chosen anew whenever the process starts. */
  readonly runId: string;
  nowMs(): number;
  /** Connections that may be open at once. */
  connectionsMax(): number;
  channels(): ChannelFacts;
  tracking(): TrackingFacts;
  rates(): Rates;
  /** The most bytes of the budget that were in use. */
  memoryPeakBytes(): number;
  /** The ways to the node that are open. */
  protocols(): readonly ProtocolFacts[];
  state(): NodeState;
  /** Null: nothing is being read from the disk. */
  loading(): LoadingFacts | null;
  /** What is wrong with the disk that keys are kept on. */
  diskTroubles(): readonly string[];
  /** Null: no keys are kept on the disk. */
  persistence(): PersistenceFacts | null;
  /** The sums over all threads. */
  counters(): Counters;
  shards(): readonly ShardFacts[];
  /** Of the last minute. */
  eventLoopDelay(): EventLoopDelay;
  /** Null: the node is by itself. */
  cluster(): ClusterFacts | null;
  /** Who knows more of the node's keys and of the cluster. */
  readonly sources: Sources;
}

/**
 *     starting -> serving     every shard attached to its memory, and the port is open
 *     starting | serving -> draining     asked to stop
 */
export type NodeState = 'starting' | 'serving' | 'draining';

/** Names that anybody is subscribed to, each counted once. */
export interface ChannelFacts {
  readonly channelCount: number;
  readonly patternCount: number;
  readonly shardChannelCount: number;
}

/** Connections that are told of changes, the keys these are told of, each pair of both, and prefixes of keys. */
export interface TrackingFacts {
  readonly clientCount: number;
  readonly keyCount: number;
  readonly itemCount: number;
  readonly prefixCount: number;
}

/** Of about the last two seconds. */
export interface Rates {
  readonly commandsPerS: number;
  readonly inputBytesPerS: number;
  readonly outputBytesPerS: number;
}

export interface ProtocolFacts {
  readonly name: (typeof frontEndNames)[number];
  /** False where the engine does not tell of connections: then nothing is said of them. */
  readonly tellsConnections: boolean;
}

export interface ShardFacts {
  /** False while its actor is being started or replaced: reads go on, writes wait. */
  readonly isServing: boolean;
  readonly restarts: number;
  /** Partitions it owns: from the first, inclusive, to the last. */
  readonly partitionFirst: number;
  readonly partitionLast: number;
  /** Commands sent to its actor and not yet answered. */
  readonly mailboxDepth: number;
  readonly load: ShardLoad;
  readonly store: StoreFacts;
}

/** What a shard's actor has done since its node started; both never go back. */
export interface ShardLoad {
  /** Commands it ran. */
  readonly commands: number;
  /** Time in which it was not asleep. */
  readonly busyMs: number;
}

/** Counts and bytes of one store, as its writer keeps them in shared memory. */
export interface StoreFacts {
  readonly keys: number;
  readonly expiringKeys: number;
  /** All bytes in use of the budget: entries, index, expiry heap, bookkeeping. */
  readonly usedBytes: number;
  readonly budgetBytes: number;
  /** Bytes of live entries, part of `usedBytes`. */
  readonly entryBytes: number;
  readonly evictedKeys: number;
  readonly expiredKeys: number;
  readonly hits: number;
  readonly misses: number;
  /** Among the hits. */
  readonly staleHits: number;
  /** Tags invalidated, and those of them whose entries are still being removed; and entries that went for it. */
  readonly invalidatedTags: number;
  readonly pendingTags: number;
  readonly invalidatedEntries: number;
  readonly fills: FillFacts;
  readonly memory: MemoryKinds;
}

/** Fill tokens by what became of them. */
export interface FillFacts {
  readonly granted: number;
  readonly filled: number;
  readonly lost: number;
  readonly cancelled: number;
  readonly expired: number;
}

/** How late timers of the main thread ran in a while, in milliseconds. */
export interface EventLoopDelay {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}
