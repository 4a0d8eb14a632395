import test from 'ava';
import type { PartitionReport } from '../../../../src/command/cluster-report.ts';
import { nodeRows } from '../../../../src/monitoring/dashboard/page/node-rows.js';
import { Owners } from '../../../../src/monitoring/dashboard/page/owners.js';
import {
  copiesWanted,
  partitionFacts,
  partitionState,
} from '../../../../src/monitoring/dashboard/page/partition-state.js';
import { RebalanceProgress } from '../../../../src/monitoring/dashboard/page/rebalance-progress.js';
import { cannedEvents, cannedReport } from '../../../browser/canned-events.ts';

const nowMs = 1_700_000_000_000;

function partition(primary: string | null, inSync: string[], replicas: string[]): PartitionReport {
  return { partition: 3, slots: [96, 127], primary, epoch: 5, version: 1, inSync, replicas };
}

test('a node tells its own load from its sample, and others theirs from what they said last', (t) => {
  const { cluster, sample } = cannedEvents(nowMs);
  const [n1, n2, n3, n4] = nodeRows(cluster, sample, nowMs);
  t.is(n1?.load?.keys, sample.keys);
  t.is(n1?.load?.usedBytes, sample.memory.budget - sample.memory.free);
  t.deepEqual(n1?.marks, ['this node', 'leader']);
  t.is(n2?.load?.commands, 51_200);
  t.is(n2?.level, 'warn', 'it is draining');
  t.is(n2?.lag, '14 writes');
  t.is(n3?.level, 'bad');
  t.regex(n3?.stale ?? '', /^load of .* ago$/);
  t.is(n4?.load, null);
  t.is(n4?.hitRatio, null);
});

test('of copies no more are wanted than there are nodes that stay', (t) => {
  const report = cannedReport(64);
  t.is(copiesWanted(report), 2);
  t.is(copiesWanted({ ...report, nodes: report.nodes.slice(0, 1) }), 1);
  t.is(copiesWanted({ ...report, settings: null }), 0);
});

test('the state of a partition is the worst that can be said of it', (t) => {
  t.is(partitionState(partition(null, [], ['n1', 'n2']), 2), 'offline');
  t.is(partitionState(partition('n1', ['n1'], ['n1', 'n2']), 2), 'few-copies');
  t.is(partitionState(partition('n1', ['n1', 'n2'], ['n3', 'n1']), 2), 'moving');
  t.is(partitionState(partition('n2', ['n1', 'n2'], ['n1', 'n2']), 2), 'moving', 'another is to be primary');
  t.is(partitionState(partition('n1', ['n2', 'n1'], ['n1', 'n2']), 2), 'well');
});

test('of a partition are told the copies beside its primary, and those on their way', (t) => {
  const facts = partitionFacts(partition('n1', ['n1', 'n2'], ['n3', 'n1']), 2);
  t.deepEqual([facts.slots, facts.primary, facts.others, facts.filling], ['slots 96–127', 'n1', ['n2'], ['n3']]);
});

test('a node keeps its colour when others come, and no two have the same', (t) => {
  const owners = new Owners();
  owners.learn(['n3', 'n1']);
  const before = owners.colorOf('n3');
  owners.learn(Array.from({ length: 30 }, (_, at) => `n${at}`));
  t.is(owners.colorOf('n3'), before);
  const colors = Array.from({ length: 30 }, (_, at) => owners.colorOf(`n${at}`));
  t.is(new Set(colors).size, 30);
  t.false(colors.includes(owners.colorOf('stranger')));
});

test('rebalancing is told by what was left at most since the cluster was balanced', (t) => {
  const progress = new RebalanceProgress();
  t.is(progress.observe({ moves: 0, isBalanced: true }, 0), null);
  t.like(progress.observe({ moves: 40, isBalanced: false }, 0), { done: 0, total: 40, leftMs: null });
  t.like(progress.observe({ moves: 30, isBalanced: false }, 1000), { done: 10, total: 40, share: 0.25, leftMs: 3000 });
  t.like(progress.observe({ moves: 60, isBalanced: false }, 2000), { done: 0, total: 60 }, 'there is another plan');
  t.is(progress.observe({ moves: 0, isBalanced: true }, 3000), null);
  t.like(progress.observe({ moves: 8, isBalanced: false }, 4000), { done: 0, total: 8 });
});
