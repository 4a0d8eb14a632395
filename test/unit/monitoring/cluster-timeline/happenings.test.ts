import test from 'ava';
import { happenings } from '../../../../src/monitoring/cluster-timeline/happenings.ts';
import type { ClusterNote, ClusterNoteBody } from '../../../../src/server/cluster/cluster-note.ts';
import { lost, noted } from './scripted-notes.ts';

/** Numbered in their order. */
function at(...notes: readonly (readonly [atMs: number, body: ClusterNoteBody])[]): ClusterNote[] {
  return notes.map(([atMs, body], index) => ({ ...body, seq: index + 1, atMs }));
}

test('what several nodes have noted is told once, as the first of them saw it; the latest first', (t) => {
  const joined = { kind: 'joined', node: 'n4', boot: 1 } as const;
  const leader = { kind: 'leader', node: 'n2', term: 7 } as const;
  const all = [
    noted('n2', at([1000, joined], [5000, leader])),
    noted('n3', at([1002, joined], [4990, leader])),
    noted('n5', at([90_000, joined], [95_000, leader])),
  ];
  t.deepEqual(happenings(all), [
    {
      atMs: 4990,
      by: 'n3',
      kind: 'leader',
      node: 'n2',
      partitions: null,
      text: 'n2 was elected leader, in term 7',
    },
    { atMs: 1000, by: 'n2', kind: 'joined', node: 'n4', partitions: null, text: 'n4 joined the cluster' },
  ]);
});

test('what happens again is told again', (t) => {
  const drained = { kind: 'drained', node: 'n4', boot: 1, isDraining: true, isLeaving: false } as const;
  const undrained = { ...drained, isDraining: false } as const;
  const script = (lateMs: number) =>
    at([1000 + lateMs, drained], [2000 + lateMs, undrained], [3000 + lateMs, drained], [40_000 + lateMs, undrained]);
  const told = happenings([noted('n2', script(0)), noted('n3', script(5))]);
  t.deepEqual(
    told.map(({ atMs, text }) => [atMs, text]),
    [
      [40_000, 'n4 is drained no more'],
      [3000, 'n4 is being drained'],
      [2000, 'n4 is drained no more'],
      [1000, 'n4 is being drained'],
    ],
  );
});

test('what concerns one node alone is told by it alone', (t) => {
  const body = { kind: 'handed-over', node: 'n1', partitions: 2 } as const;
  const shard = { kind: 'shard-restarted', shard: 0, partitions: 1 } as const;
  const told = happenings([noted('n2', at([1, body], [3, shard])), noted('n3', at([2, body], [4, shard]))]);
  t.deepEqual(
    told.map(({ node, text }) => [node, text]),
    [
      ['n3', 'shard 0 of n3 was started anew; it was primary of 1 partition'],
      ['n2', 'shard 0 of n2 was started anew; it was primary of 1 partition'],
      ['n1', 'n1 handed 2 partitions over to n3'],
      ['n1', 'n1 handed 2 partitions over to n2'],
    ],
  );
});

test('each kind has its words', (t) => {
  const notes = at(
    [1, { kind: 'left', node: 'n4', boot: 1 }],
    [2, { kind: 'restarted', node: 'n4', boot: 2 }],
    [3, { kind: 'back', node: 'n4', boot: 2 }],
    [4, { kind: 'drained', node: 'n4', boot: 2, isDraining: true, isLeaving: true }],
    [5, { kind: 'offline', node: 'n1', partitions: 1 }],
    [6, { kind: 'offline', node: null, partitions: 2 }],
    [7, { kind: 'reset', node: null, partitions: 2 }],
    [8, { kind: 'online', partitions: 1 }],
    [9, { kind: 'settings', copies: 3, minInSync: 2, onLoss: 'offline' }],
    [10, { kind: 'shard-restarted', shard: 3, partitions: 0 }],
  );
  const told = happenings([noted('n2', [...notes, { ...lost(11, 11) }])]);
  t.deepEqual(told.map(({ text }) => text).reverse(), [
    'n4 left the cluster',
    'n4 was started again',
    'n4 is back: the cluster counts on it again',
    'n4 is being drained, to be removed',
    '1 partition went offline with n1, which had the only copy in sync',
    '2 partitions went offline',
    '2 partitions began empty',
    '1 partition is served again',
    'settings: 3 copies, at least 2 in sync; a partition whose copies are lost stays offline',
    'shard 3 of n2 was started anew',
  ]);
});

test('the latest two hundred are told', (t) => {
  const notes = at(
    ...Array.from({ length: 250 }, (_, index) => [index, { kind: 'online', partitions: index }] as const),
  );
  const told = happenings([noted('n2', notes)]);
  t.is(told.length, 200);
  t.is(told[0]?.atMs, 249);
});
