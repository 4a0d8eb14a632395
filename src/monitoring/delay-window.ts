import type { EventLoopDelay } from './facts.ts';

/** Seconds, where one is added each second. */
const KEPT = 60;

/** So many delays were no longer than `ms`, and longer than those of the step before. */
interface Step {
  readonly count: number;
  readonly ms: number;
}

/**
 * The delays of the last minute, from the distribution of each second. Of a second its percentiles are known where its
 * histogram has them (50, 75, 87.5 … 100): those between two of them are taken to be as long as the upper one, so that a
 * delay is never told too short.
 */
export class DelayWindow {
  /** The oldest first. */
  #seconds: (readonly Step[])[] = [];

  /** Takes up the next second: how many delays, and percentiles of them in milliseconds, ascending. Answers what it was. */
  add(count: number, percentiles: readonly (readonly [percentile: number, ms: number])[]): EventLoopDelay {
    const steps: Step[] = [];
    let below = 0;
    for (const [percentile, ms] of percentiles) {
      if (percentile > below) steps.push({ count: (count * (percentile - below)) / 100, ms });
      below = Math.max(below, percentile);
    }
    this.#seconds.push(steps);
    if (this.#seconds.length > KEPT) this.#seconds.shift();
    return delayOf(steps);
  }

  /** Of all that are kept. */
  delay(): EventLoopDelay {
    return delayOf(this.#seconds.flat().sort((a, b) => a.ms - b.ms));
  }
}

/** `steps`: the shortest first. */
function delayOf(steps: readonly Step[]): EventLoopDelay {
  let total = 0;
  for (const { count } of steps) total += count;
  return { p50Ms: quantile(steps, total * 0.5), p99Ms: quantile(steps, total * 0.99), maxMs: steps.at(-1)?.ms ?? 0 };
}

function quantile(steps: readonly Step[], rank: number): number {
  let below = 0;
  for (const { count, ms } of steps) {
    below += count;
    if (below >= rank) return ms;
  }
  return steps.at(-1)?.ms ?? 0;
}
