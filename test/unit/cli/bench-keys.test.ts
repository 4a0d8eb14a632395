import test from 'ava';
import { keyChooser, randomFrom, zipfRank } from '../../../src/cli/bench-keys.ts';

const KEYS = 1000;
const DRAWS = 200_000;

function countsOf(next: () => number, size = KEYS): Float64Array {
  const counts = new Float64Array(size);
  for (let draw = 0; draw < DRAWS; draw++) {
    const key = next();
    if (!Number.isInteger(key) || key < 0 || key >= size) throw new Error(`not a key: ${key}`);
    counts[key] = (counts[key] as number) + 1;
  }
  return counts;
}

test('uniform: every key comes about as often', (t) => {
  const counts = countsOf(keyChooser({ kind: 'uniform' }, KEYS, randomFrom(7)));
  t.true(Math.min(...counts) > (DRAWS / KEYS) * 0.6);
  t.true(Math.max(...counts) < (DRAWS / KEYS) * 1.4);
});

test('sequential: one after the other from the first, and round again', (t) => {
  const next = keyChooser({ kind: 'sequential' }, 3, Math.random, 2);
  t.deepEqual([next(), next(), next(), next()], [2, 0, 1, 2]);
});

test('zipf: each rank comes in proportion to its power, whatever the exponent', (t) => {
  for (const theta of [0, 0.5, 0.99, 1, 1.5]) {
    const counts = countsOf(zipfRank(KEYS, theta, randomFrom(11)));
    let total = 0;
    for (let rank = 1; rank <= KEYS; rank++) total += rank ** -theta;
    for (const rank of [1, 2, 3, 10, 100]) {
      const expected = (DRAWS * rank ** -theta) / total;
      const got = counts[rank - 1] as number;
      t.true(
        Math.abs(got - expected) < 6 * Math.sqrt(expected) + 1,
        `theta ${theta}, rank ${rank}: ${got}, not ${expected}`,
      );
    }
  }
});

test('zipf keys are spread: the hottest are not neighbours, and every key can come', (t) => {
  const counts = countsOf(keyChooser({ kind: 'zipf', theta: 0.5 }, KEYS, randomFrom(3)));
  const hottest = [...counts.keys()].sort((a, b) => (counts[b] as number) - (counts[a] as number)).slice(0, 3);
  t.is(hottest[0], 0);
  t.true(Math.abs((hottest[0] as number) - (hottest[1] as number)) > 1);
  t.is(countsOf(keyChooser({ kind: 'zipf', theta: 0 }, 12, randomFrom(3)), 12).indexOf(0), -1);
});
