import test from 'ava';
import fc from 'fast-check';
import { planRun } from '../../../../src/monitoring/keyspace/sample-run.ts';

const HASHES = 2 ** 32;

test('runs follow each other without a gap to the end of the index, each about as long as any', (t) => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 10_000_000 }),
      fc.integer({ min: 1, max: 200_000 }),
      // How far runs end behind their end, as slices do.
      fc.integer({ min: 0, max: 1000 }),
      (keys, wanted, overshoot) => {
        fc.pre(keys / wanted < 500);
        const usual = Math.min(1, wanted / keys);
        let cursor = 0;
        let runs = 0;
        do {
          const { start, end } = planRun(cursor, keys, wanted);
          t.is(start, cursor);
          const share = (end - start) / HASHES;
          t.true(share >= usual * 0.49 && share <= usual * 1.51 + 1e-9, `${share} of ${usual}`);
          cursor = Math.min(HASHES, end + overshoot) % HASHES;
          runs++;
        } while (cursor !== 0);
        t.true(runs <= keys / wanted + 1);
      },
    ),
  );
});

test('a store that has become small is looked at whole, wherever the run before ended', (t) => {
  t.deepEqual(planRun(123_456, 100, 100), { start: 0, end: HASHES });
});
