/**
 * What a node streams to its dashboard, as server-sent events of JSON: the name of the event is a key of
 * {@link FeedEvents}, its data the value. Key names in it are untrusted text. Times are milliseconds since the Unix epoch
 * by the node's clock, durations milliseconds, rates a second, sizes bytes.
 */
import type { ClusterReport } from '../../command/cluster-report.ts';

export interface FeedEvents {
  /** First. */
  readonly hello: Hello;
  /** Second: the samples that the node has kept, the oldest first. */
  readonly history: readonly NodeSample[];
  /** One a second. */
  readonly sample: NodeSample;
  /** When it changes. */
  readonly health: { readonly ready: boolean; readonly reasons: readonly string[] };
  /** One a second, of nodes in a cluster. */
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
  readonly user: { readonly name: string; readonly rights: readonly ('read' | 'write' | 'admin')[] };
  readonly eviction: string;
  readonly shards: number;
  readonly budgetBytes: number;
  /** Between two samples. */
  readonly intervalMs: number;
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
  /** Requests refused or failed. What only tells how things stand (no such key, a condition that does not hold) is none. */
  readonly errors: number;
  readonly hits: number;
  readonly misses: number;
  readonly evicted: number;
  readonly expired: number;
  readonly receivedBytes: number;
  readonly sentBytes: number;
  /** Open now; protocols whose connections are not counted are left out. */
  readonly connections: Partial<Record<Protocol, number>>;
  readonly keys: number;
  readonly expiringKeys: number;
  readonly memory: MemoryKinds;
  readonly residentBytes: number;
  readonly eventLoop: { readonly p50Ms: number; readonly p99Ms: number; readonly maxMs: number };
  /** Processors in use by the whole process: 1.5 is one and a half. */
  readonly processors: number;
  readonly shards: readonly ShardSample[];
}

export interface Latency {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
}

/** The budget, over all shards, by what it is used for: they add up to `budget`. */
export interface MemoryKinds {
  readonly entries: number;
  readonly dead: number;
  readonly index: number;
  readonly expiry: number;
  readonly retired: number;
  readonly control: number;
  readonly free: number;
  readonly budget: number;
}

export interface ShardSample {
  readonly isServing: boolean;
  readonly restarts: number;
  readonly keys: number;
  readonly usedBytes: number;
  readonly budgetBytes: number;
  /** Lookups that front ends made in its memory, a second. */
  readonly reads: number;
  /** Commands that its actor ran, a second. */
  readonly commands: number;
  /** Share of the time in which its actor was not asleep: 0 to 1. */
  readonly busy: number;
  /** Commands sent to it and not yet answered. */
  readonly mailboxDepth: number;
}

/** The cluster, as this node sees it. */
export interface ClusterNews {
  /** With its table of partitions. */
  readonly report: ClusterReport;
  /** What other nodes say of themselves. */
  readonly peers: readonly PeerNews[];
}

export interface PeerNews {
  readonly node: string;
  /** When this node had it from there; null: it never had. */
  readonly heardAtMs: number | null;
  readonly sample: PeerSample | null;
}

/** The little of a node's sample that others are told. */
export interface PeerSample {
  readonly commands: number;
  readonly hits: number;
  readonly misses: number;
  readonly p99Ms: number | null;
  readonly keys: number;
  readonly usedBytes: number;
  readonly budgetBytes: number;
  readonly connections: number;
  readonly eventLoopMaxMs: number;
  readonly processors: number;
  readonly ready: boolean;
}

/**
 * A node was lost, and others took over what it was primary of. Put together from what all nodes have noted, each by its own
 * clock. Null: not seen yet, or by nobody who is still there.
 */
export interface Failover {
  readonly node: string;
  /** A node lost its connection to it, or it was not heard of in time. */
  readonly suspectedAtMs: number | null;
  /** Its lease is over by every clock: the cluster no longer counts on it. */
  readonly fencedAtMs: number | null;
  /** The first and the last partition got another primary. */
  readonly promotedAtMs: number | null;
  readonly promotedLastAtMs: number | null;
  /** The first write that one of the new primaries acknowledged. */
  readonly firstWriteAtMs: number | null;
  /** Every partition it was primary of is served again. */
  readonly endedAtMs: number | null;
  /** Partitions that got another primary. */
  readonly partitions: number;
  /** Partitions of which it had the only copy in sync: nobody serves them, or they began empty. */
  readonly lostPartitions: number;
  /** 0 when every new primary was in sync; null: copies were lost, and nobody can say how many keys they held. */
  readonly keysLost: number | null;
  /** By new primary, how many of the partitions it took. */
  readonly takenBy: Readonly<Record<string, number>>;
}

/** A node joined or left, a leader was elected, partitions moved: one line for people. */
export interface Happening {
  readonly atMs: number;
  /** Who noted it. */
  readonly by: string;
  readonly kind:
    | 'joined'
    | 'left'
    | 'drained'
    | 'restarted'
    | 'back'
    | 'leader'
    | 'handed-over'
    | 'offline'
    | 'online'
    | 'reset'
    | 'settings'
    | 'shard-restarted';
  /** Whom it concerns. */
  readonly node: string | null;
  /** How many partitions, where it is about partitions. */
  readonly partitions: number | null;
  readonly text: string;
}

/** A key as text; where its bytes are no UTF-8, they are in `key64` in base64 and `key` shows them with \xNN. */
export interface KeyName {
  readonly key: string;
  readonly key64?: string;
  /** It is longer than 512 bytes, and this is its beginning only. */
  readonly shortened?: true;
}

/** What keys are looked up, from a sample of the lookups. */
export interface AccessNews {
  readonly atMs: number;
  /** The hottest keys, the hottest first. */
  readonly hot: readonly HotKey[];
  /** By prefix, the busiest first; the last, of prefix null, is all others. */
  readonly prefixes: readonly PrefixAccess[];
  /** Null: too little was looked up to say. */
  readonly curve: MissRatioCurve | null;
}

export interface HotKey extends KeyName {
  /** Lookups a second, estimated. */
  readonly reads: number;
  /** Of all lookups: 0 to 1. */
  readonly share: number;
}

export interface PrefixAccess {
  /** Null: no prefix of its own. */
  readonly prefix: string | null;
  /** Lookups a second, estimated. */
  readonly reads: number;
  /** 0 to 1; null: no lookups. */
  readonly hitRatio: number | null;
}

/** What share of lookups would find their key if there were more or less memory. */
export interface MissRatioCurve {
  /** By how much memory, as a multiple of what there is (0.5, 1, 2, 4 are among them), ascending. */
  readonly points: readonly { readonly memory: number; readonly hitRatio: number }[];
  /** Lookups that the estimate is from, and the share of keys that was followed. */
  readonly sampledLookups: number;
  readonly samplingRate: number;
}

/** What keys there are, from a sample of them. */
export interface KeyspaceNews {
  readonly atMs: number;
  readonly tookMs: number;
  /** Keys looked at, and keys there were. */
  readonly sampledKeys: number;
  readonly keys: number;
  /** By prefix, the largest first, scaled up to all keys; the last, of prefix null, is all others. */
  readonly prefixes: readonly PrefixSize[];
  /** Of the keys looked at since the first analysis that are still there, the largest first. */
  readonly largest: readonly LargeKey[];
  /** Share of keys by type of value: 0 to 1. */
  readonly types: Readonly<Record<string, number>>;
}

export interface PrefixSize {
  readonly prefix: string | null;
  readonly keys: number;
  readonly bytes: number;
  /** Share of its keys that expire: 0 to 1. */
  readonly expiring: number;
}

export interface LargeKey extends KeyName {
  readonly type: string;
  readonly bytes: number;
  /** Null: it does not expire. */
  readonly expiresAtMs: number | null;
}

export interface SlowCommand {
  readonly id: number;
  readonly atMs: number;
  readonly durationMs: number;
  /** Words, shortened. */
  readonly words: readonly string[];
  readonly client: string;
}
