import { clusterReportOf } from '../../../../src/cli/cluster-report.ts';
import type { Hello, NewsEvent, Sample } from '../../../../src/cli/top/news.ts';
import { plainText, type Row } from '../../../../src/cli/top/row.ts';
import { initialState, type Link, type TopState, withLink, withNews } from '../../../../src/cli/top/state.ts';

/** A moment in the middle of the day everywhere. */
export const NOW_MS = new Date(2026, 5, 1, 12, 30, 0).getTime();

export const openByHttp: Link = {
  kind: 'open',
  source: { address: '127.0.0.1:8081', way: 'HTTP', missing: '' },
};

export const hello: Hello = {
  node: 'n1',
  version: '1.2.3',
  startedAtMs: NOW_MS - 3_600_000,
  isInCluster: false,
  eviction: 'flux',
  user: { name: 'default', rights: ['read', 'write', 'admin'] },
};

export function sampleWith(changes: Partial<Sample> = {}): Sample {
  return {
    atMs: NOW_MS,
    byProtocol: { resp: 1000, http: 200 },
    byCommand: { get: 1000, set: 150, other: 50 },
    latency: { p50Ms: 0.25, p99Ms: 1.5, p999Ms: 12 },
    latencyByProtocol: { resp: { p50Ms: 0.25, p99Ms: 1.5, p999Ms: 12 } },
    errors: 0,
    hits: 900,
    misses: 100,
    evicted: 0,
    expired: 3,
    loads: { granted: 0, filled: 0, lost: 0, staleHits: 0, invalidated: 0, pendingTags: 0 },
    receivedBytes: 2048,
    sentBytes: 1_048_576,
    connections: { resp: 50, http: 2 },
    keys: 1_234_567,
    expiringKeys: 1000,
    memory: { budget: 100 * 2 ** 20, free: 40 * 2 ** 20 },
    eventLoop: { p99Ms: 1.2 },
    processors: 0.54,
    shards: [shardWith({ busy: 0.25, reads: 700 }), shardWith({ busy: 0.75, reads: 300 })],
    disk: null,
    ...changes,
  };
}

export function shardWith(changes: Partial<Sample['shards'][number]> = {}): Sample['shards'][number] {
  return {
    isServing: true,
    restarts: 0,
    keys: 100,
    usedBytes: 30 * 2 ** 20,
    budgetBytes: 50 * 2 ** 20,
    reads: 500,
    commands: 75,
    busy: 0.5,
    mailboxDepth: 0,
    ...changes,
  };
}

/** The news of a cluster of three, the last of which is gone. */
export function clusterNews(): NewsEvent {
  const report = clusterReportOf({
    clusterId: 'ab'.repeat(20),
    self: 'n1',
    leader: 'n2',
    nodes: ['n1', 'n2', 'n3'].map((id, at) => ({
      id,
      isSelf: id === 'n1',
      isLeader: id === 'n2',
      tcp: `10.0.0.${at + 1}:7379`,
      http: `10.0.0.${at + 1}:8081`,
      health: id === 'n3' ? 'fenced' : 'up',
      primaries: [22, 42, 0][at],
      replicas: 10,
      lagRecords: id === 'n2' ? 7 : null,
    })),
    partitions: { total: 64, online: 64, offline: 0, underReplicated: 64 },
    lacks: ['64 partitions have fewer than 2 copies in sync'],
  });
  const sample = {
    commands: 500,
    hits: 80,
    misses: 20,
    p99Ms: 2,
    keys: 1000,
    usedBytes: 50,
    budgetBytes: 100,
    connections: 3,
    processors: 0.2,
  };
  const peers = [
    { node: 'n2', heardAtMs: NOW_MS - 500, sample },
    { node: 'n3', heardAtMs: NOW_MS - 60_000, sample },
  ];
  return { name: 'cluster', value: { report, peers } };
}

/** What is on the screen of who was told this. */
export function stateAfter(events: readonly NewsEvent[], changes: Partial<TopState> = {}): TopState {
  const open = withLink(initialState('127.0.0.1:7379'), openByHttp);
  return { ...[{ name: 'hello', value: hello } as const, ...events].reduce(withNews, open), ...changes };
}

export function textOf(rows: readonly Row[]): string[] {
  return rows.map(plainText);
}
