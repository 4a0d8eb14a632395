import test from 'ava';
import { clusterReport } from '../../../../src/server/cluster/cluster-report.ts';
import { nodeHexId } from '../../../../src/server/cluster/node-hex-id.ts';
import { copyOf, FakeClusterView, linkTo } from '../../../fake-cluster-view.ts';
import { after, drain, fence, place } from '../../cluster/controller/configuration.ts';
import { viewOf } from './cluster-stories.ts';

const nodes = ['a', 'b', 'c'];
const placement = [
  ['a', 'b'],
  ['a', 'c'],
  ['b', 'a'],
];
const NOW_MS = 50_000;

test('a report counts what each node holds, and tells its health', (t) => {
  const view = viewOf('a', nodes, placement);
  view.tell({
    leader: 'b',
    term: 4,
    voters: ['a', 'b'],
    learners: ['c'],
    links: [linkTo('b'), linkTo('c', { isConnected: false })],
  });
  view.gates.setLease(NOW_MS + 400);
  const report = clusterReport(view, false, NOW_MS);
  t.like(report, { clusterId: view.clusterId, self: 'a', leader: 'b', term: 4, leaseLeftMs: 400 });
  t.deepEqual(report.partitions, {
    total: 3,
    online: 3,
    offline: 0,
    underReplicated: 0,
    soleCopy: 0,
    misplaced: 0,
    epochMax: 1,
    losses: 0,
  });
  t.deepEqual(report.rebalance, { moves: 0, isBalanced: true });
  const [a, b, c] = report.nodes;
  t.like(a, {
    id: 'a',
    redisId: nodeHexId('a'),
    isSelf: true,
    health: 'up',
    primaries: 2,
    replicas: 1,
    placed: 3,
    filling: 0,
  });
  t.like(b, { id: 'b', isSelf: false, health: 'up', isLeader: true, isVoter: true, primaries: 1, replicas: 1 });
  t.like(c, { id: 'c', health: 'down', isVoter: false, primaries: 0, replicas: 1, tcp: '10.0.0.3:6379' });
  t.deepEqual(report.lacks, []);
});

test('what is fenced, drained, moved and lacking is told', (t) => {
  const view = viewOf('a', nodes, placement);
  view.become(
    after(
      view.state,
      fence('c'),
      drain('b'),
      (state) => place(state, 0, 'a', 'c'),
      (state) => place(state, 2, 'a'),
    ),
  );
  const report = clusterReport(view, true, NOW_MS);
  t.is(report.leaseLeftMs, null);
  t.is(report.nodes.find(({ id }) => id === 'c')?.health, 'fenced');
  t.true(report.nodes.find(({ id }) => id === 'b')?.isDraining);
  t.like(report.partitions, { underReplicated: 1, soleCopy: 1, misplaced: 3 });
  // Of partition 0 b is to go (c is dead, so it gets nothing now); of partition 2 b is.
  t.deepEqual(report.rebalance, { moves: 2, isBalanced: false });
  t.true(report.lacks.some((text) => text.includes('node c is fenced')));
  t.like(report.table?.[1], { partition: 1, slots: [5462, 10_922], primary: 'a', inSync: ['a'], replicas: ['a', 'c'] });
});

test('a partition that nobody serves is counted as offline', (t) => {
  const view = viewOf('a', nodes, [['b'], ['a']]);
  view.become(after(view.state, fence('b')));
  const report = clusterReport(view, true, NOW_MS);
  t.like(report.partitions, { total: 2, online: 1, offline: 1 });
  t.is(report.table?.[0]?.primary, null);
});

test('lags are those of the copy furthest behind, as far as this node knows them', (t) => {
  const view = viewOf('a', nodes, placement);
  view.tell({
    copies: [
      copyOf(0, { last: 100, followers: [{ node: 'b', acked: 97, isFilling: false }] }),
      copyOf(1, {
        last: 50,
        followers: [
          { node: 'b', acked: 41, isFilling: false },
          { node: 'c', acked: -1, isFilling: true },
        ],
      }),
      copyOf(2, { role: 'replica', last: 7, followers: [{ node: 'b', acked: 0, isFilling: false }] }),
    ],
  });
  view.gates.setFresh(2, NOW_MS - 30);
  const lags = clusterReport(view, false, NOW_MS).nodes.map(({ id, lagRecords, lagMs }) => [id, lagRecords, lagMs]);
  t.deepEqual(lags, [
    ['a', null, 30],
    ['b', 9, null],
    ['c', 50, null],
  ]);
});

test('a node that waits for its cluster tells so', (t) => {
  const report = clusterReport(new FakeClusterView('a', 3), true, NOW_MS);
  t.like(report, { settings: null, nodes: [], table: [], leaseLeftMs: null });
  t.is(report.lacks.length, 1);
});
