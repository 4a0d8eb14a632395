import test from 'ava';
import fc from 'fast-check';
import { FrequencySketch } from '../../../src/store/frequency-sketch.ts';
import { POLICY_HEADER_WORDS, SKETCH_BLOCK_WORDS } from '../../../src/store/policy-layout.ts';
import { testScale } from '../../scale.ts';

const addition = fc.record({ key: fc.nat(200), times: fc.integer({ min: 1, max: 4 }) });

/** Spreads small numbers over all 32 bits, as a store's hash does. */
function hashOf(key: number): number {
  let hash = Math.imul(key ^ 0x5bd1_e995, 0x85eb_ca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2_ae35);
  return hash ^ (hash >>> 16);
}

test('an estimate is never below the true count, capped at 15, and rarely above', (t) => {
  fc.assert(
    fc.property(fc.array(addition, { maxLength: 400 }), fc.integer({ min: 1, max: 32 }), (additions, blocks) => {
      const length = POLICY_HEADER_WORDS + blocks * SKETCH_BLOCK_WORDS;
      const sketch = new FrequencySketch(new Int32Array(length), 0, length);
      const counts = new Map<number, number>();
      for (const { key, times } of additions) {
        sketch.add(hashOf(key), times, 2 ** 30);
        counts.set(key, (counts.get(key) ?? 0) + times);
      }
      let above = 0;
      for (const [key, count] of counts) {
        const estimate = sketch.estimate(hashOf(key));
        if (estimate < Math.min(count, 15)) return false;
        if (estimate > Math.min(count, 15)) above++;
      }
      // With 32 blocks, 200 keys share 4096 counters: hardly one has both of its own taken.
      return blocks < 32 || above <= 4;
    }),
    { numRuns: 200 * testScale },
  );
  t.pass();
});

test('a count that is no longer fed fades away, whatever else is added', (t) => {
  fc.assert(
    fc.property(
      fc.nat(200),
      fc.integer({ min: 1, max: 64 }),
      fc.integer({ min: 50, max: 500 }),
      (key, blocks, period) => {
        const length = POLICY_HEADER_WORDS + blocks * SKETCH_BLOCK_WORDS;
        const sketch = new FrequencySketch(new Int32Array(length), 0, length);
        sketch.add(hashOf(key), 15, period);
        // Five halvings take 15 to 0; the key that is added shares no counter with it.
        const other = hashOf(key) ^ 0b111_111_111_111;
        for (let i = 0; i < period * 6; i++) sketch.add(other, 1, period);
        return sketch.estimate(hashOf(key)) === 0;
      },
    ),
    { numRuns: 100 * testScale },
  );
  t.pass();
});
