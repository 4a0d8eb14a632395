import test from 'ava';
import { DiskMark } from '../../../../src/cluster/replication/disk-mark.ts';

test('records are on the disk up to the first one that is on its way', (t) => {
  const mark = new DiskMark();
  t.is(mark.seq(7), 7);
  mark.handed(11, 8);
  mark.handed(12, 9);
  t.is(mark.seq(9), 7);
  t.true(mark.reached(11));
  t.is(mark.seq(9), 8);
  t.false(mark.reached(11));
  t.true(mark.reached(20));
  t.false(mark.isPending);
  t.is(mark.seq(9), 9);
});

test('what a lower record waits for is waited for by those above it', (t) => {
  const mark = new DiskMark();
  mark.handed(11, 8);
  mark.handed(12, 3);
  t.is(mark.seq(8), 2);
  mark.reached(11);
  t.is(mark.seq(8), 2);
  mark.reached(12);
  t.is(mark.seq(8), 8);
});

test('a record that takes the place of one that was cut off is waited for anew', (t) => {
  const mark = new DiskMark();
  mark.handed(11, 8);
  mark.cut(7);
  t.is(mark.seq(7), 7);
  mark.handed(13, 8);
  mark.reached(11);
  t.is(mark.seq(8), 7);
});

test('where nobody has to wait nothing is on its way', (t) => {
  const mark = new DiskMark();
  mark.handed(0, 1);
  t.false(mark.isPending);
  t.is(mark.seq(1), 1);
});
