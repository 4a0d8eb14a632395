import test from 'ava';
import { HASH_RANGE } from '../../../../src/base/lookup-sample.ts';
import {
  CEILING_MS,
  FOLLOWING_PER_S_MAX,
  SAMPLED_PER_S,
  type SampledSpan,
  SamplingRate,
} from '../../../../src/monitoring/access/sampling-rate.ts';

const FIRST = HASH_RANGE / 64;

/** A rate, and a load of so many lookups a second of which each followed key has its share, gone through second by second. */
class Bench {
  readonly rate = new SamplingRate();
  threshold = FIRST;
  nowMs = 0;
  /** What following keys cost a second, by the last quarter of one. */
  costPerS = 0;

  seconds(count: number, lookupsPerS: number, span: Partial<SampledSpan> = {}): void {
    for (let i = 0; i < count * 4; i++) {
      this.nowMs += 250;
      const lookups = lookupsPerS / 4;
      const { nowMs, threshold } = this;
      const cost = (lookups * threshold) / HASH_RANGE;
      this.costPerS = cost * 4;
      this.threshold = this.rate.next({ nowMs, spanMs: 250, lookups, cost, threshold, mayAdd: true, ...span });
    }
  }
}

test('of lookups by time about as many are sampled however many there are, and all of few', (t) => {
  const bench = new Bench();
  for (const lookupsPerS of [100, 4000, 50_000, 2_000_000]) {
    bench.seconds(3, lookupsPerS);
    const sampled = lookupsPerS / bench.rate.interval;
    t.true(sampled <= SAMPLED_PER_S && sampled > Math.min(lookupsPerS, SAMPLED_PER_S) / 2 - 1, `${sampled}`);
  }
});

test('a load that comes at once is sampled less at once, before a second is over', (t) => {
  const bench = new Bench();
  bench.seconds(10, 10);
  t.is(bench.threshold, HASH_RANGE);
  bench.seconds(0.25, 4_000_000);
  t.true(4_000_000 / bench.rate.interval <= SAMPLED_PER_S);
  t.true((4_000_000 * bench.threshold) / HASH_RANGE <= FOLLOWING_PER_S_MAX);
});

test('following keys costs no more than it may, whatever the load is', (t) => {
  for (const lookupsPerS of [20_000, 200_000, 2_000_000]) {
    const bench = new Bench();
    bench.seconds(20, lookupsPerS);
    t.true(bench.costPerS <= FOLLOWING_PER_S_MAX && bench.costPerS > FOLLOWING_PER_S_MAX / 5, `${bench.costPerS}`);
  }
});

test('what proved too much is not tried again for a while, though there is little to do', (t) => {
  const bench = new Bench();
  bench.seconds(10, 10);
  bench.seconds(2, 200_000);
  const proved = bench.threshold;
  t.true(proved < HASH_RANGE / 8);
  bench.seconds(CEILING_MS / 1000 - 5, 10);
  t.is(bench.threshold, proved);
  bench.seconds(20, 10);
  t.is(bench.threshold, HASH_RANGE);
});

test('no keys are added while there is no need, or their past is not known', (t) => {
  const bench = new Bench();
  bench.seconds(20, 10, { mayAdd: false });
  t.is(bench.threshold, FIRST);
});
