import test from 'ava';
import fc from 'fast-check';
import { HotKeys } from '../../../../src/monitoring/access/hot-keys.ts';

test('few keys are counted exactly, the most frequent first', (t) => {
  const keys = new HotKeys(10);
  for (const [text, weight] of [
    ['a', 2],
    ['b', 5],
    ['a', 1],
    ['c', 4],
  ] as const)
    keys.add(text, weight);
  t.deepEqual(keys.top(2), [
    { text: 'b', weight: 5 },
    { text: 'c', weight: 4 },
  ]);
  t.is(keys.missed, 0);
});

test('counts are never too high, and too low by no more than is said, whatever comes', (t) => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat({ max: 60 }), fc.integer({ min: 1, max: 9 })), { maxLength: 600 }), (adds) => {
      const kept = 8;
      const keys = new HotKeys(kept);
      const truth = new Map<string, number>();
      let total = 0;
      for (const [number, weight] of adds) {
        // A few are frequent.
        const text = `k${number < 40 ? number % 4 : number}`;
        keys.add(text, weight);
        truth.set(text, (truth.get(text) ?? 0) + weight);
        total += weight;
      }
      const told = new Map(keys.top(1000).map(({ text, weight }) => [text, weight]));
      for (const [text, weight] of told) {
        const real = truth.get(text) ?? 0;
        if (weight > real || weight < real - keys.missed) return false;
      }
      // Who has clearly more than may have been missed is there.
      for (const [text, real] of truth) if (real > 2 * keys.missed && !told.has(text)) return false;
      return keys.missed <= total / (kept + 1);
    }),
  );
  t.pass();
});

test('keys that nobody asks for any more fade away, and make room', (t) => {
  const keys = new HotKeys(10);
  keys.add('old', 100);
  for (let i = 0; i < 20; i++) keys.fade(0.5, 0.2);
  keys.add('new', 1);
  t.deepEqual(
    keys.top(10).map(({ text }) => text),
    ['new'],
  );
});

test('where all keys are alike, none is said to be hot', (t) => {
  const keys = new HotKeys(100);
  for (let i = 0; i < 50_000; i++) keys.add(`k${(i * 7919) % 5000}`, 1);
  t.deepEqual(keys.top(10), []);
});
