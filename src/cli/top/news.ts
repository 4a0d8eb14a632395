import type { ClusterReport } from '../../command/cluster-report.ts';
import { clusterReportOf } from '../cluster-report.ts';
import { fields, flag, list, nullable, nullableFields, number, type Reader, record, text } from './told-values.ts';

/**
 * What a node tells of itself, as far as it is shown here: the events of `GET /v1/dashboard`, of which the server's
 * `monitoring/dashboard/feed.ts` is the definition. Times are milliseconds since the Unix epoch by the node's clock, rates a
 * second, sizes bytes. Texts are untrusted.
 */
export interface News {
  readonly hello: Hello;
  readonly history: readonly Sample[];
  readonly sample: Sample;
  readonly health: Health;
  readonly cluster: ClusterNews;
  readonly failovers: readonly Failover[];
  readonly happenings: readonly Happening[];
  readonly access: AccessNews;
  readonly slow: readonly SlowCommand[];
}

export type NewsEvent = {
  readonly [Name in keyof News]: { readonly name: Name; readonly value: News[Name] };
}[keyof News];

export interface Hello {
  readonly node: string;
  readonly version: string;
  readonly startedAtMs: number;
  readonly isInCluster: boolean;
  readonly eviction: string;
  readonly user: { readonly name: string; readonly rights: readonly string[] };
}

export interface Sample {
  readonly atMs: number;
  readonly byProtocol: Readonly<Record<string, number>>;
  readonly byCommand: Readonly<Record<string, number>>;
  readonly latency: Latency | null;
  readonly latencyByProtocol: Readonly<Record<string, Latency>>;
  readonly errors: number;
  readonly hits: number;
  readonly misses: number;
  readonly evicted: number;
  readonly expired: number;
  readonly loads: LoadsSample;
  readonly receivedBytes: number;
  readonly sentBytes: number;
  readonly connections: Readonly<Record<string, number>>;
  readonly keys: number;
  readonly expiringKeys: number;
  readonly memory: { readonly budget: number; readonly free: number };
  readonly eventLoop: { readonly p99Ms: number } | null;
  readonly processors: number;
  readonly shards: readonly ShardSample[];
  readonly disk: DiskSample | null;
}

export interface LoadsSample {
  readonly granted: number;
  readonly filled: number;
  readonly lost: number;
  readonly staleHits: number;
  readonly invalidated: number;
  readonly pendingTags: number;
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
  readonly reads: number;
  readonly commands: number;
  readonly busy: number;
  readonly mailboxDepth: number;
}

export interface DiskSample {
  readonly fsync: string;
  readonly isWell: boolean;
  readonly troubles: readonly string[];
  readonly writtenBytes: number;
  readonly waiting: number;
  readonly unsynced: number;
}

export interface Health {
  readonly ready: boolean;
  readonly reasons: readonly string[];
}

export interface ClusterNews {
  readonly report: ClusterReport;
  readonly peers: readonly PeerNews[];
}

export interface PeerNews {
  readonly node: string;
  readonly heardAtMs: number | null;
  readonly sample: PeerSample | null;
}

export interface PeerSample {
  readonly commands: number;
  readonly hits: number;
  readonly misses: number;
  readonly p99Ms: number | null;
  readonly keys: number;
  readonly usedBytes: number;
  readonly budgetBytes: number;
  readonly connections: number;
  readonly processors: number;
}

export interface Failover {
  readonly node: string;
  readonly suspectedAtMs: number | null;
  readonly fencedAtMs: number | null;
  readonly promotedAtMs: number | null;
  readonly endedAtMs: number | null;
  readonly partitions: number;
  readonly lostPartitions: number;
  readonly takenBy: Readonly<Record<string, number>>;
}

export interface Happening {
  readonly atMs: number;
  readonly by: string;
  readonly kind: string;
  readonly text: string;
}

export interface AccessNews {
  readonly hot: readonly { readonly key: string; readonly reads: number; readonly share: number }[];
  readonly prefixes: readonly {
    readonly prefix: string | null;
    readonly reads: number;
    readonly hitRatio: number | null;
  }[];
}

export interface SlowCommand {
  readonly id: number;
  readonly atMs: number;
  readonly durationMs: number;
  readonly words: readonly string[];
  readonly client: string;
}

const latency: Reader<Latency> = fields({ p50Ms: number, p99Ms: number, p999Ms: number });

const loads: Reader<LoadsSample> = fields({
  granted: number,
  filled: number,
  lost: number,
  staleHits: number,
  invalidated: number,
  pendingTags: number,
});

const shard: Reader<ShardSample> = fields({
  isServing: flag,
  restarts: number,
  keys: number,
  usedBytes: number,
  budgetBytes: number,
  reads: number,
  commands: number,
  busy: number,
  mailboxDepth: number,
});

const disk: Reader<DiskSample> = fields({
  fsync: text,
  isWell: flag,
  troubles: list(text),
  writtenBytes: number,
  waiting: number,
  unsynced: number,
});

const sample: Reader<Sample> = fields({
  atMs: number,
  byProtocol: record(number),
  byCommand: record(number),
  latency: nullableFields(latency),
  latencyByProtocol: record(latency),
  errors: number,
  hits: number,
  misses: number,
  evicted: number,
  expired: number,
  loads,
  receivedBytes: number,
  sentBytes: number,
  connections: record(number),
  keys: number,
  expiringKeys: number,
  memory: fields({ budget: number, free: number }),
  eventLoop: nullableFields(fields({ p99Ms: number })),
  processors: number,
  shards: list(shard),
  disk: nullableFields(disk),
});

const peerSample: Reader<PeerSample> = fields({
  commands: number,
  hits: number,
  misses: number,
  p99Ms: nullable(number),
  keys: number,
  usedBytes: number,
  budgetBytes: number,
  connections: number,
  processors: number,
});

const readers: { readonly [Name in keyof News]: Reader<News[Name]> } = {
  hello: fields({
    node: text,
    version: text,
    startedAtMs: number,
    isInCluster: flag,
    eviction: text,
    user: fields({ name: text, rights: list(text) }),
  }),
  history: list(sample),
  sample,
  health: fields({ ready: flag, reasons: list(text) }),
  cluster: fields({
    report: clusterReportOf,
    peers: list(fields({ node: text, heardAtMs: nullable(number), sample: nullableFields(peerSample) })),
  }),
  failovers: list(
    fields({
      node: text,
      suspectedAtMs: nullable(number),
      fencedAtMs: nullable(number),
      promotedAtMs: nullable(number),
      endedAtMs: nullable(number),
      partitions: number,
      lostPartitions: number,
      takenBy: record(number),
    }),
  ),
  happenings: list(fields({ atMs: number, by: text, kind: text, text })),
  access: fields({
    hot: list(fields({ key: text, reads: number, share: number })),
    prefixes: list(fields({ prefix: nullable(text), reads: number, hitRatio: nullable(number) })),
  }),
  slow: list(fields({ id: number, atMs: number, durationMs: number, words: list(text), client: text })),
};

/** An event of the feed. Null when this version knows no such event. Throws a SyntaxError when its data is no JSON. */
export function newsOf(name: string, data: string): NewsEvent | null {
  return isKnown(name) ? eventOf(name, JSON.parse(data)) : null;
}

function eventOf<Name extends keyof News>(name: Name, told: unknown): NewsEvent {
  // What belongs together by the table of readers is one of the union's members.
  return { name, value: readers[name](told) } as NewsEvent;
}

function isKnown(name: string): name is keyof News {
  return Object.hasOwn(readers, name);
}
