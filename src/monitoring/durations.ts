import { type Counters, DURATION_BUCKETS, durationBoundsS, FrontEnd } from '../base/counters.ts';
import type { DurationHistogram } from '../command/control.ts';

/** How long the calls of one command took, over all front ends. */
export interface Durations {
  readonly name: string;
  readonly calls: number;
  readonly sumMs: number;
  /** As in a block of counters. */
  readonly buckets: Float64Array;
}

/** Of every command that was run. */
export function* durations(counters: Counters, commandNames: readonly string[]): Iterable<Durations> {
  for (const [row, name] of commandNames.entries()) {
    const buckets = new Float64Array(DURATION_BUCKETS);
    let calls = 0;
    let sumMs = 0;
    for (const frontEnd of Object.values(FrontEnd)) {
      for (const [index, count] of counters.durationBuckets(row, frontEnd).entries()) {
        buckets[index] = (buckets[index] as number) + count;
        calls += count;
      }
      sumMs += counters.durationSumMs(row, frontEnd);
    }
    if (calls > 0) yield { name, calls, sumMs, buckets };
  }
}

export function* durationHistograms(counters: Counters, commandNames: readonly string[]): Iterable<DurationHistogram> {
  for (const { name, calls, buckets } of durations(counters, commandNames)) {
    const cumulative: (readonly [boundUs: number, calls: number])[] = [];
    let below = 0;
    for (const [index, count] of buckets.entries()) {
      if (count === 0) continue;
      below += count;
      cumulative.push([boundUs(index), below]);
    }
    yield { name, calls, cumulative };
  }
}

/** The bound in microseconds that a share of the calls (0.99) took no longer than. */
export function percentileUs({ calls, buckets }: Durations, share: number): number {
  let below = 0;
  for (const [index, count] of buckets.entries()) {
    below += count;
    if (below >= calls * share) return boundUs(index);
  }
  return boundUs(DURATION_BUCKETS - 1);
}

/** Of the last bucket, which has no bound, twice the one in front of it. */
function boundUs(index: number): number {
  const boundS = durationBoundsS[index] ?? 2 * (durationBoundsS[DURATION_BUCKETS - 2] as number);
  return Math.round(boundS * 1e6);
}
