import test from 'ava';
import { monotonicMs } from '../../../src/base/monotonic.ts';
import type { ClusterState } from '../../../src/cluster/controller/cluster-state.ts';
import { clusterMetrics } from '../../../src/monitoring/cluster-metrics.ts';
import { healthOf } from '../../../src/monitoring/health.ts';
import { infoSections } from '../../../src/monitoring/info.ts';
import { Metrics } from '../../../src/monitoring/metrics.ts';
import { nodesDocument } from '../../../src/monitoring/node-view.ts';
import { ClusterControl } from '../../../src/server/cluster/cluster-control.ts';
import { ClusterNoter } from '../../../src/server/cluster/cluster-noter.ts';
import { ClusterWatch } from '../../../src/server/cluster/cluster-watch.ts';
import { copyOf, FakeClusterView, linkTo } from '../../fake-cluster-view.ts';
import {
  after,
  alter,
  created,
  drain,
  entryOf,
  fence,
  handOver,
  member,
  place,
  register,
  settings,
  unfence,
} from '../cluster/controller/configuration.ts';
import { viewOf } from '../server/cluster/cluster-stories.ts';
import { factsOf } from './facts-of.ts';

const placement = [
  ['a', 'b'],
  ['a', 'c'],
  ['b', 'a'],
];

const noted = { failovers: 0, handOvers: 0, lastTakeoverMs: 1234 };

function watched(
  view: FakeClusterView,
  noter: Pick<ClusterNoter, 'failovers' | 'handOvers' | 'lastTakeoverMs'> = noted,
): { facts: ReturnType<typeof factsOf>; watch: ClusterWatch } {
  const control = new ClusterControl(view, () => ({ host: '127.0.0.1', tcpPort: 1, busPort: 2 }));
  const forwards = [{ node: 'b', isUp: true, forwarded: 12, refused: 3, inFlight: 2 }];
  const routing = () => ({ forwards, waitingCommands: 4, waitingReplies: 5 });
  const watch = new ClusterWatch(view, control, routing, noter);
  // It has held its lease for a while.
  watch.facts(monotonicMs() - 10_000);
  return { facts: factsOf({ cluster: () => watch.facts() }), watch };
}

function running(): FakeClusterView {
  const view = viewOf('a', ['a', 'b', 'c'], placement);
  view.gates.setLease(monotonicMs() + 60_000);
  view.tell({ leader: 'b', term: 3, links: [linkTo('b', { sentBytes: 10 }), linkTo('c', { isConnected: false })] });
  return view;
}

function section(facts: ReturnType<typeof factsOf>, name: string): Record<string, string | number> {
  const found = infoSections(facts).find((candidate) => candidate.name === name);
  return Object.fromEntries(found?.fields() ?? []);
}

async function samples(facts: ReturnType<typeof factsOf>): Promise<ReadonlyMap<string, number>> {
  const lines = (await new Metrics(facts).text()).split('\n').filter((line) => line.startsWith('fluxcache_'));
  return new Map(
    lines.map((line) => [line.slice(10, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ')))]),
  );
}

test('a node of a cluster is ready while it holds a lease and is not drained', (t) => {
  const view = running();
  const { facts } = watched(view);
  t.deepEqual(healthOf(facts), { ready: true, reasons: [] });
  view.gates.setLease(monotonicMs() - 1);
  t.deepEqual(healthOf(facts), {
    ready: false,
    reasons: ['the node is cut off from the cluster: it holds no lease'],
  });
  view.gates.setLease(monotonicMs() + 60_000);
  view.become(after(view.state, drain('a')));
  t.is(healthOf(facts).ready, false);
  t.is(healthOf(facts).reasons[0], 'the node is being drained');
});

test('a node that has only just got its lease is ready when it has held leases for as long as one lasts', (t) => {
  const view = running();
  const { watch } = watched(view);
  const { leaseMs = 0 } = watch.facts();
  let nowMs = monotonicMs() - 5000;
  const fresh = new ClusterWatch(
    view,
    new ClusterControl(view, () => ({ host: '127.0.0.1', tcpPort: 1, busPort: 2 })),
    () => ({ forwards: [], waitingCommands: 0, waitingReplies: 0 }),
    noted,
  );
  const health = (): ReturnType<typeof healthOf> => healthOf(factsOf({ cluster: () => fresh.facts(nowMs) }));
  t.deepEqual(health(), { ready: false, reasons: ['the node has only just got its lease'] });
  nowMs += Number(leaseMs) - 1;
  t.false(health().ready);
  // It lapses, and comes back.
  view.gates.setLease(nowMs - 1);
  t.regex(health().reasons.join(), /holds no lease/);
  view.gates.setLease(nowMs + 60_000);
  t.false(health().ready);
  nowMs += Number(leaseMs);
  t.true(health().ready);
  view.gates.setLease(nowMs - 1);
  t.false(health().ready);
  view.gates.setLease(nowMs + 60_000);
  t.true(health().ready, 'only a start is waited for');
});

test('a node that has started again is ready once each of its copies has been in sync, and stays so', (t) => {
  const view = running();
  view.become(after(view.state, { ...register('a', 2), address: 'a:7000' }));
  view.boot = 2;
  const { facts } = watched(view);
  const health = healthOf(facts);
  t.false(health.ready);
  t.is(health.reasons[0], 'the copies of the node are being filled: 0 of 3 are in sync');
  for (const partition of [0, 1, 2]) {
    t.false(healthOf(facts).ready);
    const join = (state: ClusterState) => {
      const inSync = state.partitions[partition]?.inSync ?? [];
      return { ...alter(state, partition, ...inSync, member('a', 0, 2)), partition };
    };
    view.become(after(view.state, join));
  }
  t.true(healthOf(facts).ready);
  view.become(
    after(view.state, (state) => alter(state, 0, ...entryOf(state, 0).inSync.filter(({ node }) => node !== 'a'))),
  );
  t.true(healthOf(facts).ready, 'what is copied later keeps nobody waiting');
});

test('a node whose copies are of partitions that are offline does not wait for them', (t) => {
  const view = viewOf('a', ['a', 'b', 'c'], [['b', 'a']]);
  view.gates.setLease(monotonicMs() + 60_000);
  view.become(after(view.state, register('a', 2), register('b', 2)));
  view.boot = 2;
  t.true(healthOf(watched(view).facts).ready);
});

test('a node of a cluster that is only being created is not ready', (t) => {
  const view = new FakeClusterView('a', 1);
  view.gates.setLease(monotonicMs() + 60_000);
  view.become(created(settings(1, 1), 'a'));
  const { facts } = watched(view);
  t.is(healthOf(facts).reasons[0], 'the node waits for the first partitions to begin');
  view.become(after(view.state, (state) => place(state, 0, 'a')));
  t.true(healthOf(facts).ready);
});

test('a node that gives its primaries away is not ready', (t) => {
  const view = running();
  view.become(after(view.state, { type: 'stop', node: 'a', boot: 1, isOver: false }));
  t.deepEqual(healthOf(watched(view).facts), { ready: false, reasons: ['the node is giving its primaries away'] });
});

test('what the cluster lacks is told, and keeps no node from being ready', (t) => {
  const view = running();
  view.become(after(view.state, fence('c')));
  const health = healthOf(watched(view).facts);
  t.true(health.ready);
  t.true(health.reasons.some((reason) => reason.startsWith('node c is down')));
});

test('a node that waits for its cluster, or is not taken in, is not ready and says why', (t) => {
  const view = new FakeClusterView('a', 3);
  const { facts } = watched(view);
  t.deepEqual(healthOf(facts), { ready: false, reasons: ['the node waits for the cluster'] });
  view.tell({ waitsFor: 'the node waits for two others' });
  t.deepEqual(healthOf(facts), { ready: false, reasons: ['the node waits for two others'] });
  view.tell({ registrationRefusal: 'it was removed' });
  t.deepEqual(healthOf(facts), { ready: false, reasons: ['the cluster does not take this node in: it was removed'] });
});

test('the node view tells of all nodes, this one first', (t) => {
  const [self, b, c, ...others] = nodesDocument(watched(running()).facts).nodes;
  t.is(others.length, 0);
  t.like(self, { name: 'box', self: true, id: 'a', healthy: true, primaries: 2, replicas: 1, health: 'up' });
  t.like(b, { name: 'b', self: false, healthy: true, leader: true, tcp: '10.0.0.2:6379', primaries: 1, replicas: 1 });
  t.like(c, { name: 'c', healthy: false, health: 'down', primaries: 0 });
});

test('failovers and hand-overs are counted apart', (t) => {
  const view = running();
  const noter = new ClusterNoter(view);
  const { watch } = watched(view, noter);
  view.become(after(view.state, (state) => handOver(state, 0, 'b')));
  t.like(watch.facts(), { failovers: 0, handOvers: 1 });
  view.become(after(view.state, fence('b')));
  t.like(watch.facts(), { failovers: 2, handOvers: 1 });
  watch.stop();
  noter.stop();
  t.is(view.listenerCount, 0);
});

test('a partition that was offline has failed over when it is served again', (t) => {
  const view = viewOf('a', ['a', 'b'], [['b'], ['a']]);
  const { watch } = watched(view, new ClusterNoter(view));
  view.become(after(view.state, fence('b')));
  t.is(watch.facts().failovers, 0);
  view.become(after(view.state, unfence('b')));
  t.is(watch.facts().failovers, 1);
});

test('the metrics page tells of the cluster, and on a node by itself nothing', async (t) => {
  const view = running();
  view.tell({ copies: [copyOf(0, { last: 100, followers: [{ node: 'b', acked: 97, isFilling: false }] })] });
  const found = await samples(watched(view).facts);
  t.is(found.get('node_health{node="a"}'), 1);
  t.is(found.get('node_health{node="c"}'), 0);
  t.is(found.get('cluster_nodes{health="up"}'), 2);
  t.is(found.get('cluster_partitions{role="primary"}'), 2);
  t.is(found.get('replica_lag_records{node="b"}'), 3);
  t.is(found.get('failovers_total'), 0);
  t.is(found.get('cluster_leader{node="b"}'), 1);
  t.is(found.get('cluster_term'), 3);
  t.is(found.get('cluster_bus_sent_bytes_total{node="b"}'), 10);
  t.is(found.get('cluster_forwards_total{node="b"}'), 12);
  t.is(found.get('cluster_waiting_replies'), 5);
  t.true((found.get('cluster_lease_seconds') ?? 0) > 50);
  t.is(found.get('cluster_lease_max_seconds'), 1);
  t.is(found.get('cluster_partitions_sole_copy'), 0);
  t.is(found.get('ready'), 1);
  t.is(found.get('node_info{node="a",zone="",url="http://10.0.0.1:8080/"}'), 1);
  t.false(found.has('replica_lag_seconds'), 'nobody has told how current the copies here are');
  for (const { name } of clusterMetrics)
    t.true(name === 'replica_lag_seconds' || [...found.keys()].some((key) => key.replace(/\{.*/, '') === name), name);
  t.deepEqual(
    [...(await samples(factsOf({}))).keys()].filter((name) => name.startsWith('cluster_')),
    [],
  );
});

test('INFO tells the role of the node and the state of the cluster', (t) => {
  const view = running();
  view.tell({ copies: [copyOf(0, { last: 100, followers: [{ node: 'b', acked: 97, isFilling: false }] })] });
  const { facts } = watched(view);
  t.like(section(facts, 'Replication'), {
    role: 'master',
    connected_slaves: 2,
    slave0: 'ip=10.0.0.2,port=6379,state=online,offset=97,lag=0',
    master_repl_offset: 100,
  });
  t.like(section(facts, 'Cluster'), {
    cluster_enabled: 1,
    cluster_node: 'a',
    cluster_state: 'ok',
    cluster_leader: 'b',
  });
  t.is(section(facts, 'Server')['redis_mode'], 'cluster');
  t.is(section(facts, 'Clients')['cluster_connections'], 1);
  const ofC = watched(viewOf('c', ['a', 'b', 'c'], placement)).facts;
  t.like(section(ofC, 'Replication'), {
    role: 'slave',
    master_host: '10.0.0.1',
    master_port: 6379,
    connected_slaves: 0,
  });
});
