import { HASH_RANGE } from '../../base/lookup-sample.ts';

/** Lookups a second that are sampled for their keys, about. */
export const SAMPLED_PER_S = 4000;
/**
 * How much a second following keys may cost, in lookups of followed keys: about 0.2 microseconds each, so 3 ms at most; a
 * write for which the caches have to make room is so many times as dear.
 */
export const FOLLOWING_PER_S_MAX = 16_000;
export const STORE_COST = 12;
/** It is decided anew after so long, and at once when it is this much more than it may be. */
export const DECIDE_MS = 1000;
export const FAR = 2;
/** For how long no more keys are followed again than proved too many. */
export const CEILING_MS = 300_000;
/** All of them: there is no saying yet how many there are, and a full ring drops what is too much. */
const INTERVAL_FIRST = 1;
const INTERVAL_MAX = 1 << 16;
/** Shorter spans are not told apart. */
const SPAN_MS_MIN = 250;

/** What was done since the last time. */
export interface SampledSpan {
  readonly nowMs: number;
  readonly spanMs: number;
  /** All lookups, sampled or not. */
  readonly lookups: number;
  /** What following keys cost: see `FOLLOWING_PER_S_MAX`. */
  readonly cost: number;
  /** Of the keys that are followed now. */
  readonly threshold: number;
  /** Whether keys may be added now. */
  readonly mayAdd: boolean;
}

/** How much is sampled: lookups by time so that they are about 4000 a second, and as many keys as cost no more than they may. */
export class SamplingRate {
  /** One lookup in so many is sampled for its key. */
  interval = INTERVAL_FIRST;
  #lookups = 0;
  #cost = 0;
  #spanMs = 0;
  #ceiling = HASH_RANGE;
  #ceilingUntilMs = 0;

  /** Takes in a span; returns the threshold of the keys to follow from now on. */
  next({ nowMs, spanMs, lookups, cost, threshold, mayAdd }: SampledSpan): number {
    this.#lookups += lookups;
    this.#cost += cost;
    this.#spanMs += spanMs;
    const seconds = Math.max(spanMs, SPAN_MS_MIN) / 1000;
    const isFarTooMuch =
      cost > FAR * FOLLOWING_PER_S_MAX * seconds || lookups > FAR * this.interval * SAMPLED_PER_S * seconds;
    if (this.#spanMs < DECIDE_MS && !isFarTooMuch) return threshold;
    return this.#decide(nowMs, threshold, mayAdd);
  }

  #decide(nowMs: number, threshold: number, mayAdd: boolean): number {
    const seconds = Math.max(this.#spanMs, SPAN_MS_MIN) / 1000;
    const costPerS = this.#cost / seconds;
    const wanted = 2 ** Math.ceil(Math.log2(Math.max(1, this.#lookups / seconds / SAMPLED_PER_S)));
    this.interval = Math.min(INTERVAL_MAX, wanted);
    this.#lookups = 0;
    this.#cost = 0;
    this.#spanMs = 0;
    if (costPerS > FOLLOWING_PER_S_MAX) {
      this.#ceiling = Math.max(1, Math.floor((threshold * FOLLOWING_PER_S_MAX) / costPerS));
      this.#ceilingUntilMs = nowMs + CEILING_MS;
      return this.#ceiling;
    }
    if (!mayAdd || costPerS >= FOLLOWING_PER_S_MAX / 4) return threshold;
    const ceiling = nowMs < this.#ceilingUntilMs ? this.#ceiling : HASH_RANGE;
    return Math.max(threshold, Math.min(ceiling, threshold * 2));
  }
}
