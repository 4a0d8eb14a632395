import test from 'ava';
import fc from 'fast-check';
import { MEMORY_FACTORS } from '../../../../src/monitoring/access/followed-keys.ts';
import { type CurveInput, hitRatioCurve } from '../../../../src/monitoring/access/hit-ratio-curve.ts';

const count = MEMORY_FACTORS.length;
const input = (changes: Partial<CurveInput>): CurveInput => ({
  hits: MEMORY_FACTORS.map((_, i) => 1000 + 1000 * i),
  counted: 10_000,
  sampled: 10_000,
  expected: 10_000,
  foundInStore: 40_000,
  missedInStore: 60_000,
  samplingRate: 0.1,
  ...changes,
});
const at = (given: CurveInput, memory: number) =>
  hitRatioCurve(given)?.points.find((point) => point.memory === memory)?.hitRatio ?? -1;

test('nothing is said of few lookups', (t) => {
  t.is(hitRatioCurve(input({ counted: 999 })), null);
  t.is(hitRatioCurve(input({ foundInStore: 0, missedInStore: 0 })), null);
});

test('at the memory that there is it is what was measured, whatever was simulated', (t) => {
  t.is(at(input({ foundInStore: 90_000, missedInStore: 10_000 }), 1), 0.9);
});

test('a simulation that is right is told as it is', (t) => {
  for (const [i, memory] of MEMORY_FACTORS.entries()) t.true(Math.abs(at(input({}), memory) - (1 + i) / 10) < 1e-9);
});

test('lookups of frequent keys that are not followed are hits everywhere', (t) => {
  // Half of all lookups are of keys that happen not to be followed.
  const given = input({ counted: 5000, sampled: 5000, hits: MEMORY_FACTORS.map((_, i) => 500 * i) });
  const measured = { ...given, foundInStore: 65_000, missedInStore: 35_000 };
  t.true(Math.abs(at(measured, 0.25) - 0.5) < 1e-9);
  t.true(Math.abs(at(measured, 4) - 0.85) < 1e-9);
});

test('whatever comes, ratios are from 0 to 1 and rise with memory', (t) => {
  const amount = fc.double({ min: 0, max: 1e6, noNaN: true });
  fc.assert(
    fc.property(
      fc.array(amount, { minLength: count, maxLength: count }),
      amount,
      amount,
      amount,
      amount,
      (...given) => {
        const [hits, counted, expected, foundInStore, missedInStore] = given;
        const curve = hitRatioCurve({
          hits: hits.map((value) => Math.min(value, counted)),
          counted,
          sampled: counted,
          expected,
          foundInStore,
          missedInStore,
          samplingRate: 1,
        });
        let before = 0;
        for (const { hitRatio } of curve?.points ?? []) {
          if (!(hitRatio >= before && hitRatio <= 1)) return false;
          before = hitRatio;
        }
        return true;
      },
    ),
  );
  t.pass();
});
