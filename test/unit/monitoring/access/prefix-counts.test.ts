import test from 'ava';
import { PrefixCounts } from '../../../../src/monitoring/access/prefix-counts.ts';

test('hits and misses are told by prefix, the busiest first, and the others as one', (t) => {
  const counts = new PrefixCounts(2);
  counts.add('a:', true, 3);
  counts.add('b:', true, 5);
  counts.add('b:', false, 2);
  counts.add('c:', false, 1);
  counts.add(null, true, 4);
  t.deepEqual(counts.list(), [
    { prefix: 'b:', hits: 5, misses: 2 },
    { prefix: 'a:', hits: 3, misses: 0 },
    { prefix: null, hits: 4, misses: 1 },
  ]);
});

test('any number of prefixes takes bounded memory, loses no lookup, and leaves the busy ones what they are', (t) => {
  const counts = new PrefixCounts(3);
  for (let i = 0; i < 10_000; i++) {
    counts.add(`rare${i}:`, i % 2 === 0, 1);
    if (i % 10 === 0) counts.add('busy:', true, 1);
  }
  const list = counts.list();
  t.is(list.length, 4);
  t.deepEqual(list[0], { prefix: 'busy:', hits: 1000, misses: 0 });
  t.is(
    list.reduce((total, { hits, misses }) => total + hits + misses, 0),
    11_000,
  );
});

test('the past fades, and a prefix that is not used any more is forgotten', (t) => {
  const counts = new PrefixCounts(2);
  counts.add('a:', true, 8);
  counts.fade(0.5, 0.2);
  t.deepEqual(counts.list()[0], { prefix: 'a:', hits: 4, misses: 0 });
  for (let i = 0; i < 6; i++) counts.fade(0.5, 0.2);
  t.deepEqual(counts.list(), [{ prefix: null, hits: 0, misses: 0 }]);
});
