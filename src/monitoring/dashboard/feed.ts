/**
 * What a node streams to its dashboard, as server-sent events of JSON: the name of the event is a key of
 * {@link FeedEvents}, its data the value. Key names in it are untrusted text. Times are milliseconds since the Unix epoch
 * by the node's clock, durations milliseconds, rates a second, sizes bytes.
 */
import type { NamedKey } from '../../base/named-key.ts';
import type { AccessNews, HotKey, MissRatioCurve, PrefixAccess } from '../access/access-news.ts';
import type { ClusterNews, Failover, Happening, PeerNews, PeerSample } from '../cluster-timeline/cluster-news.ts';
import type { KeyspaceNews, LargeKey, PrefixSize } from '../keyspace/keyspace-news.ts';
import type { MemoryKinds } from '../memory-kinds.ts';

/** What the page is written against, whoever makes it. */
export type {
  AccessNews,
  ClusterNews,
  Failover,
  Happening,
  HotKey,
  KeyspaceNews,
  LargeKey,
  MemoryKinds,
  MissRatioCurve,
  NamedKey as KeyName,
  PeerNews,
  PeerSample,
  PrefixAccess,
  PrefixSize,
};

export interface FeedEvents {
  /** First. */
  readonly hello: Hello;
  /** Second: the samples that the node has kept, the oldest first. */
  readonly history: readonly NodeSample[];
  /** One a second. */
  readonly sample: NodeSample;
  /** When it changes. */
  readonly health: { readonly ready: boolean; readonly reasons: readonly string[] };
  /** Of nodes in a cluster: one a second, or of large clusters, whose news are long, one in several seconds. */
  readonly cluster: ClusterNews;
  /** The failovers that are known, the latest first, when they change. */
  readonly failovers: readonly Failover[];
  /** Other things that happened to the cluster, the latest first, when they change. */
  readonly happenings: readonly Happening[];
  /** Every two seconds, to users who may read. */
  readonly access: AccessNews;
  /** After each analysis, to users who may read: null while there was none. */
  readonly keyspace: KeyspaceNews | null;
  /** When it changes, to administrators: the latest first. */
  readonly slow: readonly SlowCommand[];
}

export interface Hello {
  readonly node: string;
  readonly version: string;
  readonly engine: string;
  readonly nodeVersion: string;
  readonly startedAtMs: number;
  readonly isInCluster: boolean;
  readonly user: {
    readonly name: string;
    readonly rights: readonly ('read' | 'write' | 'admin')[];
    /** Of the keys that he may name; null: all. */
    readonly keyPatterns: readonly string[] | null;
  };
  readonly eviction: string;
  readonly shards: number;
  readonly budgetBytes: number;
  /** Keys are kept on the disk. */
  readonly keepsKeys: boolean;
}

export type Protocol = 'http' | 'resp' | 'msgpack' | 'internal';

/** What a node did in about a second. */
export interface NodeSample {
  readonly atMs: number;
  /** The time it covers; rates are already divided by it. */
  readonly spanMs: number;
  /** Commands a second. Those of 0 are left out. */
  readonly byProtocol: Partial<Record<Protocol, number>>;
  /** Commands a second, of the busiest by name; `other`: all others. */
  readonly byCommand: Readonly<Record<string, number>>;
  /** How long commands took, all together, and by protocol; left out or null when there were none. */
  readonly latency: Latency | null;
  readonly latencyByProtocol: Partial<Record<Protocol, Latency>>;
  /** Requests refused or failed for reasons of the node; those that were wrong are none. */
  readonly errors: number;
  readonly hits: number;
  readonly misses: number;
  readonly evicted: number;
  readonly expired: number;
  readonly loads: LoadsSample;
  readonly receivedBytes: number;
  readonly sentBytes: number;
  /** Open now; protocols whose connections are not counted are left out. */
  readonly connections: Partial<Record<Protocol, number>>;
  readonly keys: number;
  readonly expiringKeys: number;
  readonly memory: MemoryKinds;
  readonly eventLoop: { readonly p50Ms: number; readonly p99Ms: number; readonly maxMs: number };
  /** Processors in use by the whole process: 1.5 is one and a half. */
  readonly processors: number;
  readonly shards: readonly ShardSample[];
  /** Null: the node keeps no keys on the disk. */
  readonly disk: DiskSample | null;
}

/** Values that are loaded anew: fill tokens, stale values, tags. */
export interface LoadsSample {
  /** Fill tokens that were given, and those by which a value was stored, or was not to be any more. */
  readonly granted: number;
  readonly filled: number;
  readonly lost: number;
  /** Stale values that were read: among the hits. */
  readonly staleHits: number;
  /** Entries that went, or became stale, because a tag of theirs was invalidated; and such tags that have entries left. */
  readonly invalidated: number;
  readonly pendingTags: number;
}

/** The logs of all shards together, and their snapshots. */
export interface DiskSample {
  readonly fsync: 'always' | 'everysec' | 'no';
  /** All logs are written as they should be. */
  readonly isWell: boolean;
  /** What is wrong, for people. */
  readonly troubles: readonly string[];
  /** Bytes written to the logs, a second. */
  readonly writtenBytes: number;
  /** Times a second that what was written was made sure to be on the disk, and how long that took on average; null: it was not done. */
  readonly syncs: number;
  readonly syncMs: number | null;
  /** Changes that the log does not have yet; replies wait for it, unless writes go on without. */
  readonly waiting: number;
  /** Changes that are written and not yet sure to be on the disk. */
  readonly unsynced: number;
  /** Null: what was kept is being read. */
  readonly snapshots: SnapshotsSample | null;
}

export interface SnapshotsSample {
  readonly isRunning: boolean;
  readonly runningEntries: number;
  /** 0: some shard has none. */
  readonly lastAtMs: number;
  readonly isLastDone: boolean;
  readonly lastTookMs: number;
  readonly entries: number;
  readonly bytes: number;
  /** Of the logs since then, and the changes in them. */
  readonly logBytes: number;
  readonly changes: number;
}

export interface Latency {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
}

export interface ShardSample {
  readonly isServing: boolean;
  readonly restarts: number;
  readonly keys: number;
  readonly usedBytes: number;
  readonly budgetBytes: number;
  /** Lookups in its memory a second: those of front ends, and those its own actor made for reads. */
  readonly reads: number;
  /** Commands that its actor ran, a second. */
  readonly commands: number;
  /** Share of the time in which its actor was not asleep: 0 to 1. */
  readonly busy: number;
  /** Commands sent to it and not yet answered. */
  readonly mailboxDepth: number;
}

export interface SlowCommand {
  readonly id: number;
  readonly atMs: number;
  readonly durationMs: number;
  /** Words, shortened. */
  readonly words: readonly string[];
  readonly client: string;
}
