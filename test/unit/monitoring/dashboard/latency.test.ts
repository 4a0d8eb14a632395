import test from 'ava';
import { Counters, DURATION_BUCKETS, FrontEnd } from '../../../../src/base/counters.ts';
import { latencyOf } from '../../../../src/monitoring/dashboard/latency.ts';

function bucketsOf(durationsMs: readonly number[]): Float64Array {
  const counters = Counters.create({ commandCount: 1, errorCount: 1 });
  for (const ms of durationsMs) counters.command(0, FrontEnd.http, ms);
  return counters.durationBuckets(0, FrontEnd.http);
}

test('where no command ran, nothing is said', (t) => {
  t.is(latencyOf(new Float64Array(DURATION_BUCKETS)), null);
});

test('within a bucket, commands are taken to be spread evenly', (t) => {
  // All between 512 and 1024 µs.
  const latency = latencyOf(bucketsOf(Array.from({ length: 1000 }, () => 0.7)));
  t.deepEqual(latency, { p50Ms: 0.768, p99Ms: 1.0189, p999Ms: 1.0235 });
});

test('one slow command in a hundred shows in the last percentile and not in the middle one', (t) => {
  const latency = latencyOf(bucketsOf([...Array.from({ length: 990 }, () => 0.05), ...Array(10).fill(50)]));
  t.true(latency !== null && latency.p50Ms <= 0.064 && latency.p99Ms <= 0.064);
  t.true(latency !== null && latency.p999Ms > 32.768 && latency.p999Ms <= 65.536);
});

test('percentiles are within a factor of two of the exact ones, whatever the durations', (t) => {
  let seed = 1;
  const random = () => {
    seed = (seed * 48_271) % 2_147_483_647;
    return seed / 2_147_483_647;
  };
  for (let round = 0; round < 20; round++) {
    const durations = Array.from({ length: 2000 }, () => 0.001 * 10 ** (random() * 5)).sort((a, b) => a - b);
    const latency = latencyOf(bucketsOf(durations));
    if (latency === null) return t.fail();
    for (const [share, ms] of [
      [0.5, latency.p50Ms],
      [0.99, latency.p99Ms],
      [0.999, latency.p999Ms],
    ] as const) {
      const exact = durations[Math.ceil(durations.length * share) - 1] as number;
      t.true(ms <= exact * 2 && ms >= exact / 2, `${share}: ${ms} for ${exact}`);
    }
    t.true(latency.p50Ms <= latency.p99Ms && latency.p99Ms <= latency.p999Ms);
  }
});

test('what took longer than the last bound is told as at most twice that', (t) => {
  t.deepEqual(latencyOf(bucketsOf([60_000])), {
    p50Ms: 25_165.824,
    p99Ms: 33_386.6598,
    p999Ms: 33_537.6548,
  });
});
