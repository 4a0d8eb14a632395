import test from 'ava';
import { FrequencySketch } from '../../../src/store/frequency-sketch.ts';
import { POLICY_HEADER_WORDS, policyLayoutFor, SKETCH_BLOCK_WORDS } from '../../../src/store/policy-layout.ts';

const NEVER = 2 ** 30;

function sketchOf(blocks: number): FrequencySketch {
  const length = POLICY_HEADER_WORDS + blocks * SKETCH_BLOCK_WORDS;
  return new FrequencySketch(new Int32Array(length), 0, length);
}

test('a key that was never added counts for nothing', (t) => {
  const sketch = sketchOf(4);
  for (const hash of [0, 1, -1, 0x7fff_ffff, -0x8000_0000]) t.is(sketch.estimate(hash), 0);
});

test('a key counts as often as it was added, up to 15', (t) => {
  const sketch = sketchOf(1);
  for (let count = 1; count <= 20; count++) {
    sketch.add(-12345, 1, NEVER);
    t.is(sketch.estimate(-12345), Math.min(count, 15));
  }
});

test('several uses are added in one go', (t) => {
  const sketch = sketchOf(1);
  sketch.add(77, 3, NEVER);
  sketch.add(77, 2, NEVER);
  t.is(sketch.estimate(77), 5);
  sketch.add(77, 15, NEVER);
  t.is(sketch.estimate(77), 15);
});

test('keys that share one of their two counters are told apart', (t) => {
  const sketch = sketchOf(1);
  const lowBitsEqual = 0b000001_000011;
  const other = 0b000010_000011;
  sketch.add(lowBitsEqual, 9, NEVER);
  t.is(sketch.estimate(other), 0);
  sketch.add(other, 1, NEVER);
  t.is(sketch.estimate(lowBitsEqual), 9);
  t.is(sketch.estimate(other), 1);
});

test('all counts are halved after a period, wherever they lie', (t) => {
  const sketch = sketchOf(400);
  const hashes = Array.from({ length: 300 }, (_, i) => Math.imul(i + 1, 0x9e37_79b1));
  for (const hash of hashes) sketch.add(hash, 12, NEVER);
  const before = hashes.map((hash) => sketch.estimate(hash));
  // Ends the period; the next additions halve 4 KiB each, and 400 blocks are 25 KiB.
  for (let i = 0; i < 10; i++) sketch.add(5, 1, i === 0 ? 1 : NEVER);
  const halved = hashes.map((hash) => sketch.estimate(hash));
  t.deepEqual(
    halved,
    before.map((count) => count >> 1),
  );
});

test('a halving is finished before the next begins, however short the period', (t) => {
  const sketch = sketchOf(400);
  const hashes = Array.from({ length: 50 }, (_, i) => Math.imul(i + 1, 0x9e37_79b1));
  for (const hash of hashes) sketch.add(hash, 14, NEVER);
  const counts = () => hashes.map((hash) => sketch.estimate(hash));
  const before = counts();
  // The first addition begins a halving, which 7 more bring to its end: 400 blocks are 25 KiB.
  for (let i = 0; i < 8; i++) sketch.add(5, 1, 1);
  t.deepEqual(
    counts(),
    before.map((count) => count >> 1),
  );
});

test('what a sketch counted is there for the next one on the same memory', (t) => {
  const length = POLICY_HEADER_WORDS + 8 * SKETCH_BLOCK_WORDS;
  const words = new Int32Array(length + 5);
  new FrequencySketch(words, 5, length).add(99, 4, NEVER);
  t.is(new FrequencySketch(words, 5, length).estimate(99), 4);
  t.deepEqual([...words.subarray(0, 5)], [0, 0, 0, 0, 0]);
});

test("the policy takes between 2.3 and 2.5 percent of a store's memory", (t) => {
  for (const mebibytes of [8, 100, 1024, 4095]) {
    const share = (policyLayoutFor(mebibytes * 2 ** 20).words * 4) / (mebibytes * 2 ** 20);
    t.true(share > 0.023 && share < 0.025, `${share} of ${mebibytes} MiB`);
  }
});
