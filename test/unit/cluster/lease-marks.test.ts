import test from 'ava';
import { LeaseMarks } from '../../../src/cluster/lease-marks.ts';

const alteration = {
  type: 'alter-in-sync',
  partition: 0,
  by: { node: 'a', boot: 1, generation: 0 },
  epoch: 1,
  version: 1,
  members: [],
} as const;

test('a fencing must be seen by whoever is fenced', (t) => {
  const marks = new LeaseMarks();
  marks.note({ type: 'fence', node: 'a', boot: 1 }, 7);
  t.deepEqual([marks.of('a'), marks.of('b')], [7, 0]);
});

test('what takes no primary from anybody need not be seen, and hides nothing that does', (t) => {
  const marks = new LeaseMarks();
  marks.note(alteration, 5);
  t.is(marks.of('a'), 0);
  marks.note({ type: 'hand-over', partition: 0, by: alteration.by, epoch: 1, version: 1, to: 'b' }, 6);
  marks.note(alteration, 7);
  t.deepEqual([marks.of('a'), marks.of('b')], [6, 6]);
});

test('marks are of one term', (t) => {
  const marks = new LeaseMarks();
  marks.note({ type: 'remove', node: 'a' }, 7);
  marks.note({ type: 'fence', node: 'a', boot: 1 }, 8);
  marks.clear();
  t.is(marks.of('a'), 0);
});
