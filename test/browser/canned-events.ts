import type { ClusterReport, NodeReport, PartitionReport } from '../../src/command/cluster-report.ts';
import type {
  AccessNews,
  FeedEvents,
  KeyspaceNews,
  NodeSample,
  PeerSample,
} from '../../src/monitoring/dashboard/feed.ts';

/** A name that would be markup, were it taken for markup. */
export const hostileKey = '<img src=x onerror=alert(1)>';

/** All events of a node of three, of which one was lost a while ago: with something to see in every panel. */
export function cannedEvents(nowMs = Date.now(), partitions = 128): FeedEvents {
  return {
    hello: {
      node: 'n1',
      version: '0.1.0',
      engine: 'uws',
      nodeVersion: 'v22.22.2',
      startedAtMs: nowMs - 3_600_000,
      isInCluster: true,
      user: { name: 'default', rights: ['read', 'write', 'admin'], keyPatterns: null },
      eviction: 'flux',
      shards: 2,
      keepsKeys: true,
      budgetBytes: 2 ** 28,
    },
    history: Array.from({ length: 120 }, (_, at) => cannedSample(nowMs - (120 - at) * 1000)),
    sample: cannedSample(nowMs),
    health: { ready: true, reasons: [] },
    cluster: { report: cannedReport(partitions), peers: cannedPeers(nowMs) },
    failovers: [
      {
        node: 'n3',
        suspectedAtMs: nowMs - 95_000,
        fencedAtMs: nowMs - 95_000 + 812,
        promotedAtMs: nowMs - 95_000 + 851,
        promotedLastAtMs: nowMs - 95_000 + 868,
        firstWriteAtMs: nowMs - 95_000 + 1013,
        endedAtMs: nowMs - 95_000 + 1240,
        partitions: 43,
        lostPartitions: 0,
        keysLost: 0,
        takenBy: { n1: 22, n2: 21 },
      },
      {
        node: 'n2',
        suspectedAtMs: nowMs - 900_000,
        fencedAtMs: nowMs - 900_000 + 1405,
        promotedAtMs: nowMs - 900_000 + 1460,
        promotedLastAtMs: nowMs - 900_000 + 1460,
        firstWriteAtMs: null,
        endedAtMs: nowMs - 900_000 + 1460,
        partitions: 1,
        lostPartitions: 2,
        keysLost: null,
        takenBy: { n1: 1 },
      },
    ],
    happenings: [
      happening(nowMs - 20_000, 'joined', 'n4', null, 'n4 joined the cluster'),
      happening(nowMs - 60_000, 'restarted', 'n3', null, 'n3 was started again'),
      happening(nowMs - 94_000, 'leader', 'n1', null, 'n1 was elected leader in term 7'),
      happening(nowMs - 400_000, 'handed-over', 'n2', 42, 'n2 handed over 42 partitions before it stopped'),
      happening(nowMs - 880_000, 'reset', null, 2, '2 partitions began empty: nobody had a copy in sync'),
      happening(nowMs - 3_000_000, 'settings', null, null, 'copies: 2, in sync needed: 1'),
    ],
    access: cannedAccess(nowMs),
    keyspace: cannedKeyspace(nowMs),
    slow: [
      slow(3, nowMs - 3000, 61.7, ['KEYS', '*'], '10.0.3.7:51544'),
      slow(2, nowMs - 64_000, 24.25, ['SET', hostileKey, 'x'.repeat(40)], '10.0.3.9:40112'),
      slow(
        1,
        nowMs - 86_400_000,
        10.2,
        ['DEL', ...Array.from({ length: 12 }, (_, at) => `session:${at}`)],
        '10.0.3.7:1',
      ),
    ],
  };
}

function happening(
  atMs: number,
  kind: FeedEvents['happenings'][number]['kind'],
  node: string | null,
  partitions: number | null,
  text: string,
): FeedEvents['happenings'][number] {
  return { atMs, by: 'n1', kind, node, partitions, text };
}

function slow(
  id: number,
  atMs: number,
  durationMs: number,
  words: string[],
  client: string,
): FeedEvents['slow'][number] {
  return { id, atMs, durationMs, words, client };
}

export function cannedSample(atMs: number): NodeSample {
  const wave = 1 + Math.sin(atMs / 9000) / 4;
  const budget = 2 ** 28;
  const kinds = { entries: 0.61 * budget, dead: 0.04 * budget, index: 0.09 * budget, expiry: 0.02 * budget };
  const rest = { retired: 0.01 * budget, control: 0.005 * budget };
  const used = [...Object.values(kinds), ...Object.values(rest)].reduce((sum, bytes) => sum + bytes, 0);
  return {
    atMs,
    spanMs: 1000,
    byProtocol: { http: 8200 * wave, resp: 41_000 * wave },
    byCommand: { get: 39_000 * wave, set: 9000 * wave, other: 1200 },
    latency: { p50Ms: 0.08 * wave, p99Ms: 0.6 * wave, p999Ms: 2.1 * wave },
    latencyByProtocol: {},
    errors: 2,
    hits: 36_000 * wave,
    misses: 3000 * wave,
    evicted: 120 * wave,
    expired: 40,
    loads: { granted: 12, filled: 11, lost: 1, staleHits: 30, invalidated: 0, pendingTags: 0 },
    receivedBytes: 4e6 * wave,
    sentBytes: 2.2e7 * wave,
    connections: { http: 64, resp: 210 },
    keys: 1_204_331,
    expiringKeys: 402_000,
    memory: { ...kinds, ...rest, free: budget - used, budget },
    disk: {
      fsync: 'everysec',
      isWell: true,
      troubles: [],
      writtenBytes: 1_400_000,
      syncs: 1,
      syncMs: 4.2,
      waiting: 3,
      unsynced: 5210,
      snapshots: {
        isRunning: false,
        runningEntries: 0,
        lastAtMs: atMs - 600_000,
        isLastDone: true,
        lastTookMs: 2100,
        entries: 48_000,
        bytes: 6_000_000,
        logBytes: 31_000_000,
        changes: 260_000,
      },
    },
    eventLoop: { p50Ms: 0.4, p99Ms: 3.1, maxMs: 7.9 },
    processors: 1.4,
    shards: [0, 1].map((shard) => ({
      isServing: true,
      restarts: 0,
      keys: 602_000,
      usedBytes: used / 2,
      budgetBytes: budget / 2,
      reads: 19_000 * wave,
      commands: 4500 * wave,
      busy: 0.31 + shard / 10,
      mailboxDepth: 2 + shard,
    })),
  };
}

const nodes = ['n1', 'n2', 'n3', 'n4'];

/** n4 is being filled, n3 is gone, and two partitions are nobody's. */
export function cannedReport(count: number): ClusterReport {
  const table = Array.from({ length: count }, (_, partition) => cannedPartition(partition, count));
  const online = table.filter(({ primary }) => primary !== null).length;
  const rows = nodes.map((id) => cannedNode(id, table));
  const underReplicated = table.filter(({ inSync }) => inSync.length < 2).length;
  return {
    clusterId: '5f3a9c0e77d14b02a8',
    self: 'n1',
    leader: 'n1',
    term: 7,
    leaseLeftMs: 1840,
    settings: { partitions: count, copies: 2, minInSync: 1, onLoss: 'wait', leaseMs: 2000 },
    nodes: rows,
    partitions: {
      total: count,
      online,
      offline: count - online,
      underReplicated,
      soleCopy: underReplicated - (count - online),
      misplaced: 31,
      epochMax: 12,
      losses: 2,
    },
    rebalance: { moves: 31, isBalanced: false },
    lacks: [
      '2 partitions are offline: no copy in sync is on a node that is up',
      '9 partitions have fewer copies than 2',
    ],
    table,
  };
}

function cannedPartition(partition: number, count: number): PartitionReport {
  const perPartition = 16_384 / count;
  const order = [nodes[partition % 2] ?? 'n1', nodes[(partition + 1) % 2] ?? 'n2'];
  const primary = partition % 61 === 7 ? null : (order[0] ?? null);
  const isMoving = partition % 4 === 1;
  const isAlone = partition % 14 === 3;
  return {
    partition,
    slots: [partition * perPartition, (partition + 1) * perPartition - 1],
    primary,
    epoch: 3 + (partition % 10),
    version: 1,
    inSync: primary === null ? [] : isAlone ? order.slice(0, 1) : order,
    replicas: isMoving ? ['n4', ...order.slice(0, 1)] : order,
  };
}

function cannedNode(id: string, table: readonly PartitionReport[]): NodeReport {
  const number = Number(id.slice(1));
  const holds = table.filter(({ inSync }) => inSync.includes(id));
  return {
    id,
    redisId: id.repeat(20),
    isSelf: id === 'n1',
    tcp: `10.0.3.${number}:7379`,
    http: `10.0.3.${number}:8081`,
    bus: `10.0.3.${number}:17379`,
    zone: `zone-${String.fromCharCode(96 + number)}`,
    weight: 1,
    boot: number,
    health: id === 'n3' ? 'fenced' : 'up',
    isDraining: id === 'n2',
    isLeaving: false,
    isVoter: true,
    isLeader: id === 'n1',
    primaries: table.filter(({ primary }) => primary === id).length,
    replicas: holds.filter(({ primary }) => primary !== id).length,
    filling: id === 'n4' ? 32 : 0,
    placed: holds.length,
    lagRecords: id === 'n2' ? 14 : null,
    lagMs: id === 'n1' ? 12 : null,
  };
}

function cannedPeers(nowMs: number): FeedEvents['cluster']['peers'] {
  const sample: PeerSample = {
    commands: 51_200,
    hits: 31_000,
    misses: 2400,
    p99Ms: 0.81,
    keys: 1_190_220,
    usedBytes: 0.9 * 2 ** 28,
    budgetBytes: 2 ** 28,
    connections: 188,
    eventLoopMaxMs: 4.4,
    processors: 1.2,
  };
  return [
    { node: 'n2', heardAtMs: nowMs, sample },
    { node: 'n3', heardAtMs: nowMs - 95_000, sample: { ...sample, commands: 48_000 } },
    { node: 'n4', heardAtMs: null, sample: null },
  ];
}

function cannedAccess(atMs: number): AccessNews {
  const hot = ['user:1', hostileKey, 'session:af03', 'page:/', 'rtl\u202ekey', 'x'.repeat(400)].map((key, at) => ({
    key,
    reads: 4000 / (at + 1),
    share: 0.1 / (at + 1),
  }));
  const shares = [0.62, 0.71, 0.78, 0.84, 0.9, 0.923, 0.947, 0.958];
  return {
    atMs,
    hot: [...hot, { key: '\\x00\\xff\\x10abc', key64: 'AP8QYWJj', reads: 301, share: 0.008 }],
    prefixes: [
      { prefix: 'user:', reads: 21_000, hitRatio: 0.953 },
      { prefix: 'session:', reads: 9100, hitRatio: 0.884 },
      { prefix: `${hostileKey}:`, reads: 310, hitRatio: 0.2 },
      { prefix: 'idle:', reads: 0, hitRatio: null },
      { prefix: null, reads: 4200, hitRatio: 0.71 },
    ],
    curve: {
      points: [0.25, 0.5, 0.75, 1, 1.5, 2, 3, 4].map((memory, at) => ({ memory, hitRatio: shares[at] ?? 0 })),
      sampledLookups: 312_000,
      samplingRate: 0.0071,
    },
  };
}

function cannedKeyspace(atMs: number): KeyspaceNews {
  return {
    atMs,
    tookMs: 212,
    sampledKeys: 200_000,
    keys: 1_204_331,
    prefixes: [
      { prefix: 'session:', keys: 402_000, bytes: 1.1e8, expiring: 1 },
      { prefix: 'user:', keys: 610_000, bytes: 5.4e7, expiring: 0 },
      { prefix: 'blob:', keys: 1200, bytes: 3.1e7, expiring: 0.25 },
      { prefix: null, keys: 191_131, bytes: 2.2e7, expiring: 0.04 },
    ],
    largest: [
      { key: 'blob:movie', type: 'bytes', bytes: 8_388_700, expiresAtMs: null },
      { key: hostileKey, type: 'string', bytes: 1_048_800, expiresAtMs: atMs + 61_000 },
      { key: 'report:2026', type: 'json', bytes: 600_112, expiresAtMs: atMs + 86_400_000 },
      { key: '\\x00\\xff\\x10abc', key64: 'AP8QYWJj', type: 'bytes', bytes: 91_000, expiresAtMs: null },
    ],
    types: { string: 0.71, json: 0.2, number: 0.06, bytes: 0.03 },
  };
}
