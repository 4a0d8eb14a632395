import test from 'ava';
import { ArgsBuffer } from '../../../../src/command/args-buffer.ts';
import type { ClusterReport } from '../../../../src/command/cluster-report.ts';
import type { SlowLogEntry } from '../../../../src/command/control.ts';
import { DashboardFeed, type ShownSources } from '../../../../src/monitoring/dashboard/dashboard-feed.ts';
import type {
  AccessNews,
  ClusterNews,
  Failover,
  FeedEvents,
  Happening,
  KeyspaceNews,
} from '../../../../src/monitoring/dashboard/feed.ts';
import { NodeSampler } from '../../../../src/monitoring/dashboard/node-sampler.ts';
import type { NodeState } from '../../../../src/monitoring/facts.ts';
import { AccessUser, everybody } from '../../../../src/server/access/rights.ts';
import { SlowLog } from '../../../../src/server/control/slow-log.ts';
import type { DashboardFrame, DashboardViewer } from '../../../../src/server/http/dashboard-port.ts';
import { factsOf } from '../facts-of.ts';

const noPage = { page: { contentType: 'text/html', version: 1, bytes: new Uint8Array(0) }, files: new Map() };

class Viewer implements DashboardViewer {
  readonly frames: DashboardFrame[] = [];
  readonly user: AccessUser;

  constructor(user: AccessUser = everybody) {
    this.user = user;
  }

  tell(frame: DashboardFrame): void {
    this.frames.push(frame);
  }

  /** The names of what came since the last call. */
  take(): string[] {
    return this.frames.splice(0).map(({ name }) => name);
  }

  last<Name extends keyof FeedEvents>(name: Name): FeedEvents[Name] {
    const frame = this.frames.findLast((one) => one.name === name);
    const [, event, data] =
      /^event: (\w+)\ndata: ([^\n\r]*)\n\n$/.exec(Buffer.from(frame?.bytes ?? []).toString()) ?? [];
    if (event !== name || data === undefined) throw new Error(`no frame ${name}`);
    return JSON.parse(data) as FeedEvents[Name];
  }
}

const access: AccessNews = {
  atMs: 1,
  hot: [
    { key: 'user:1', reads: 9, share: 0.5 },
    { key: 'order:1', reads: 5, share: 0.3 },
    {
      key: 'user:\\xff',
      key64: Buffer.from([0x75, 0x73, 0x65, 0x72, 0x3a, 0xff]).toString('base64'),
      reads: 1,
      share: 0.1,
    },
    { key: 'user:long', shortened: true, reads: 1, share: 0.1 },
  ],
  prefixes: [{ prefix: 'secret:', reads: 9, hitRatio: 1 }],
  curve: null,
};
const keyspace: KeyspaceNews = {
  atMs: 1,
  tookMs: 1,
  sampledKeys: 2,
  keys: 2,
  prefixes: [{ prefix: 'secret:', keys: 1, bytes: 1, expiring: 0 }],
  largest: [
    { key: 'user:1', type: 'string', bytes: 9, expiresAtMs: null },
    { key: 'order:1', type: 'string', bytes: 5, expiresAtMs: null },
  ],
  types: { string: 1 },
};

function feedOf(settings: {
  sources?: Partial<ShownSources>;
  slowLog?: { latest(count: number): Iterable<SlowLogEntry> };
}) {
  let state: NodeState = 'serving';
  const defects: unknown[] = [];
  const sources: ShownSources = { access: null, keyspace: null, cluster: null, ...settings.sources };
  const facts = factsOf({ state: () => state });
  const sampler = new NodeSampler(facts, () => ({ p50Ms: 0, p99Ms: 0, maxMs: 0 }));
  sampler.stop();
  const feed = new DashboardFeed({
    facts,
    sources: () => sources,
    sampler,
    slowLog: settings.slowLog ?? { latest: () => [] },
    engine: () => 'engine',
    page: noPage,
    onDefect: (error) => defects.push(error),
  });
  sampler.look();
  return {
    feed,
    sampler,
    defects,
    drain: () => {
      state = 'draining';
    },
  };
}

function newsOf(partitions: number): ClusterNews {
  const table = Array.from({ length: partitions }, (_, partition) => ({
    partition,
    slots: [partition, partition] as const,
    primary: 'a',
    epoch: 1,
    version: 1,
    inSync: ['a', 'b'],
    replicas: ['a', 'b'],
  }));
  const report: ClusterReport = {
    clusterId: 'c',
    self: 'a',
    leader: 'a',
    term: 1,
    leaseLeftMs: 1000,
    settings: null,
    nodes: [],
    partitions: {
      total: partitions,
      online: partitions,
      offline: 0,
      underReplicated: 0,
      soleCopy: 0,
      misplaced: 0,
      epochMax: 1,
      losses: 0,
    },
    rebalance: { moves: 0, isBalanced: true },
    lacks: [],
    table,
  };
  return { report, peers: [] };
}

function failoverOf(node: string): Failover {
  return {
    node,
    suspectedAtMs: 1,
    fencedAtMs: 2,
    promotedAtMs: 3,
    promotedLastAtMs: 4,
    firstWriteAtMs: 5,
    endedAtMs: 6,
    partitions: 1,
    lostPartitions: 0,
    keysLost: 0,
    takenBy: { a: 1 },
  };
}

class ClusterTold {
  watchers = 0;
  told: readonly Failover[] = [];
  news = newsOf(8);
  readonly #happenings: readonly Happening[] = [];

  cluster(): ClusterNews {
    return this.news;
  }

  failovers(): readonly Failover[] {
    return this.told;
  }

  happenings(): readonly Happening[] {
    return this.#happenings;
  }

  watch(): () => void {
    this.watchers++;
    return () => void this.watchers--;
  }
}

test('who comes is told at once who the node is, what was, and how it is', (t) => {
  const { feed, sampler } = feedOf({});
  sampler.look();
  sampler.look();
  const viewer = new Viewer();
  feed.open(viewer);
  const { node, isInCluster, user, intervalMs } = viewer.last('hello');
  t.deepEqual(
    [node, isInCluster, user, intervalMs],
    ['box', false, { name: 'default', rights: ['read', 'write', 'admin'] }, 1000],
  );
  t.is(viewer.last('history').length, 2);
  t.deepEqual(viewer.last('health'), { ready: true, reasons: [] });
  t.deepEqual(viewer.take(), ['hello', 'history', 'health', 'slow', 'keyspace']);
});

test('each sample is told, and what has not changed is not told again', (t) => {
  const { feed, sampler, drain } = feedOf({});
  const viewer = new Viewer();
  feed.open(viewer);
  viewer.take();
  sampler.look();
  t.deepEqual(viewer.take(), ['sample']);
  drain();
  sampler.look();
  t.deepEqual(viewer.last('health'), { ready: false, reasons: ['the node is shutting down'] });
  t.deepEqual(viewer.take(), ['sample', 'health']);
  sampler.look();
  t.deepEqual(viewer.take(), ['sample']);
});

test('a frame is made once for all who look', (t) => {
  const { feed, sampler } = feedOf({ sources: { access: { news: () => access } } });
  const viewers = [new Viewer(), new Viewer(), new Viewer()];
  for (const viewer of viewers) feed.open(viewer);
  for (const viewer of viewers) viewer.take();
  sampler.look();
  sampler.look();
  const [first, ...others] = viewers.map(({ frames }) => frames);
  t.is(first?.length, 3);
  for (const frames of others) {
    t.true(frames.every((frame, at) => frame === first?.[at]));
  }
});

test('while nobody looks nothing is asked of the sources, and they know that somebody does', (t) => {
  let asked = 0;
  const cluster = new ClusterTold();
  const news = () => {
    asked++;
    return null;
  };
  const watched = { news, watch: () => cluster.watch() };
  const { feed, sampler } = feedOf({ sources: { cluster, keyspace: watched } });
  sampler.look();
  t.deepEqual([asked, cluster.watchers], [0, 0]);
  const closeFirst = feed.open(new Viewer());
  const closeSecond = feed.open(new Viewer());
  t.is(cluster.watchers, 2);
  closeFirst();
  closeFirst();
  t.is(cluster.watchers, 2);
  closeSecond();
  t.is(cluster.watchers, 0);
  const before = asked;
  sampler.look();
  t.is(asked, before);
  t.is(feed.viewerCount, 0);
});

test('the cluster is told every second, its failovers and happenings when there are others', (t) => {
  const cluster = new ClusterTold();
  const { feed, sampler } = feedOf({ sources: { cluster } });
  const viewer = new Viewer();
  feed.open(viewer);
  t.deepEqual(viewer.take(), ['hello', 'history', 'health', 'cluster', 'failovers', 'happenings', 'slow', 'keyspace']);
  sampler.look();
  t.deepEqual(viewer.take(), ['sample', 'cluster']);
  cluster.told = [failoverOf('b')];
  sampler.look();
  t.deepEqual(viewer.last('failovers'), [failoverOf('b')]);
  t.deepEqual(viewer.take(), ['sample', 'cluster', 'failovers']);
});

test('of a cluster with many partitions is told less often', (t) => {
  const cluster = new ClusterTold();
  const { feed, sampler } = feedOf({ sources: { cluster } });
  cluster.news = newsOf(3000);
  const viewer = new Viewer();
  feed.open(viewer);
  viewer.take();
  for (let second = 0; second < 9; second++) sampler.look();
  t.is(viewer.take().filter((name) => name === 'cluster').length, 3);
});

test('who comes again after all had gone is told what there is now', (t) => {
  const cluster = new ClusterTold();
  const { feed, sampler } = feedOf({ sources: { cluster } });
  cluster.news = newsOf(3000);
  feed.open(new Viewer())();
  sampler.look();
  cluster.told = [failoverOf('c')];
  const viewer = new Viewer();
  feed.open(viewer);
  t.deepEqual(viewer.last('failovers'), [failoverOf('c')]);
  t.true(viewer.take().includes('cluster'));
});

test('a user of some keys is told of these only, and of prefixes not at all', (t) => {
  const sources = {
    access: { news: () => access },
    keyspace: { news: () => keyspace, watch: () => () => undefined },
  };
  const { feed, sampler } = feedOf({ sources });
  const viewer = new Viewer(new AccessUser('eve', ['read'], ['user:*']));
  feed.open(viewer);
  const isFiltered = () => {
    t.deepEqual(
      viewer.last('access').hot.map(({ key }) => key),
      ['user:1', 'user:\\xff'],
    );
    t.deepEqual(viewer.last('access').prefixes, []);
  };
  isFiltered();
  t.deepEqual(
    viewer.last('keyspace')?.largest.map(({ key }) => key),
    ['user:1'],
  );
  t.deepEqual(viewer.last('keyspace')?.prefixes, []);
  viewer.take();
  sampler.look();
  sampler.look();
  isFiltered();
  t.notRegex(viewer.frames.map(({ bytes }) => Buffer.from(bytes).toString()).join(''), /order|secret|slow/);
});

test('who may not read is told nothing of keys; who is no administrator, of no slow command', (t) => {
  const entry = { id: 0, atMs: 1, durationUs: 20_000, words: [Buffer.from('get')], address: 'a:1', clientName: '' };
  const slow: SlowLogEntry[] = [];
  const sources = {
    access: { news: () => access },
    keyspace: { news: () => keyspace, watch: () => () => undefined },
  };
  const { feed, sampler } = feedOf({ sources, slowLog: { latest: () => slow } });
  const writer = new Viewer(new AccessUser('writer', ['write'], ['*']));
  const reader = new Viewer(new AccessUser('reader', ['read'], ['*']));
  const admin = new Viewer(new AccessUser('admin', ['admin'], ['*']));
  const seenBy = (viewer: Viewer) => [...new Set(viewer.take())].sort();
  for (const viewer of [writer, reader, admin]) feed.open(viewer);
  slow.push(entry);
  sampler.look();
  sampler.look();
  t.deepEqual(seenBy(writer), ['health', 'hello', 'history', 'sample']);
  t.deepEqual(seenBy(reader), ['access', 'health', 'hello', 'history', 'keyspace', 'sample']);
  t.deepEqual(admin.last('slow'), [{ id: 0, atMs: 1, durationMs: 20, words: ['get'], client: 'a:1' }]);
  t.deepEqual(seenBy(admin), ['health', 'hello', 'history', 'sample', 'slow']);
});

test('names that would be markup, breaks of lines, or no text at all survive as they are', (t) => {
  const words = ['<img src=x onerror=alert(1)>', 'a\nevent: sample\ndata: 1\n\n', '\u2028\u0000"\\', 'grün'];
  const slowLog = new SlowLog({ nowMs: () => 1 }, 10);
  const args = new ArgsBuffer().begin();
  for (const word of words) args.text(word);
  args.bytes(Buffer.from([0xff, 0x00, 0x41]));
  slowLog.add('mget', args.args, 30, { protocol: 'resp', address: '[::1]:7', name: 'x\r\n<b>' });
  const { feed } = feedOf({ slowLog });
  const viewer = new Viewer();
  feed.open(viewer);
  const [command] = viewer.last('slow');
  t.deepEqual(command?.words, ['mget', ...words, '\\xff\\x00A']);
  t.is(command?.client, '[::1]:7 x\r\n<b>');
});

test('the slow log is told again when it was emptied', (t) => {
  const slowLog = new SlowLog({ nowMs: () => 1 }, 10);
  const { feed, sampler } = feedOf({ slowLog });
  const viewer = new Viewer();
  feed.open(viewer);
  slowLog.add('get', null, 30, { protocol: 'http', address: 'a', name: '' });
  sampler.look();
  t.is(viewer.last('slow').length, 1);
  slowLog.clear();
  sampler.look();
  t.is(viewer.last('slow').length, 0);
});

test('a source that fails costs nothing but what it would have told', (t) => {
  const cluster = new ClusterTold();
  const { feed, sampler, defects } = feedOf({ sources: { cluster } });
  const viewer = new Viewer();
  feed.open(viewer);
  viewer.take();
  cluster.cluster = () => {
    throw new Error('broken');
  };
  sampler.look();
  t.deepEqual(viewer.take(), ['sample']);
  t.is(defects.length, 1);
});

test('five minutes of samples are kept, and no more', (t) => {
  const { feed, sampler } = feedOf({});
  for (let second = 0; second < 400; second++) sampler.look();
  t.is(sampler.samples.length, 300);
  const viewer = new Viewer();
  feed.open(viewer);
  t.is(viewer.last('history').length, 300);
});
