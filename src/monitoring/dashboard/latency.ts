import { DURATION_BUCKETS } from '../../base/counters.ts';
import type { Latency } from './feed.ts';

/** How long the commands took that are counted in `buckets` (as in a block of counters); null when there are none. */
export function latencyOf(buckets: Float64Array): Latency | null {
  let count = 0;
  for (const inBucket of buckets) count += inBucket;
  if (count <= 0) return null;
  return {
    p50Ms: quantileMs(buckets, count * 0.5),
    p99Ms: quantileMs(buckets, count * 0.99),
    p999Ms: quantileMs(buckets, count * 0.999),
  };
}

/**
 * The time that `rank` of the commands took no longer than, as if those of a bucket were spread evenly over it: so a
 * figure does not jump by a factor of two when it moves on a little. Of the last bucket, which has no bound, it is taken
 * to be as wide as any other: twice as far as it begins.
 */
function quantileMs(buckets: Float64Array, rank: number): number {
  let below = 0;
  for (let index = 0; index < DURATION_BUCKETS; index++) {
    const count = buckets[index] as number;
    if (count > 0 && below + count >= rank) {
      const fromUs = index === 0 ? 0 : 2 ** (index - 1);
      const toUs = 2 ** index;
      // To a tenth of a microsecond: more digits are only text to be sent.
      return Math.round((fromUs + (toUs - fromUs) * ((rank - below) / count)) * 10) / 10_000;
    }
    below += count;
  }
  return 2 ** (DURATION_BUCKETS - 1) / 1000;
}
