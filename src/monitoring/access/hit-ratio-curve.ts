import type { MissRatioCurve } from '../dashboard/feed.ts';
import { MEMORY_FACTORS } from './followed-keys.ts';

/** What the estimate is made from; all of the same, fading time. */
export interface CurveInput {
  /** Hits of the caches, in the order of MEMORY_FACTORS, of so many lookups. */
  readonly hits: ArrayLike<number>;
  readonly counted: number;
  /** Lookups of followed keys, and how many would be expected of that share of the keys. */
  readonly sampled: number;
  readonly expected: number;
  /** Lookups that the whole store found, and those it did not. */
  readonly foundInStore: number;
  readonly missedInStore: number;
  readonly samplingRate: number;
}

/** With fewer lookups nothing is said. */
const LOOKUPS_MIN = 1000;

/**
 * The hit ratio by memory. Null: too little was looked up.
 *
 * Lookups that the share of keys has too few or too many are those of the most frequent keys, which are in it or are not;
 * they count as hits everywhere: the adjustment of SHARDS (Waldspurger et al., FAST 2015). What the simulation of what there is errs against what
 * the store did find, it errs likewise elsewhere: with less memory its hits, with more its misses are scaled.
 */
export function hitRatioCurve(input: CurveInput): MissRatioCurve | null {
  const { counted, sampled, expected, foundInStore, missedInStore } = input;
  if (counted < LOOKUPS_MIN || foundInStore + missedInStore < 1) return null;
  const measured = foundInStore / (foundInStore + missedInStore);
  const ratios = MEMORY_FACTORS.map((_, i) => adjusted(input.hits[i] as number, counted, expected - sampled));
  const simulated = ratios[MEMORY_FACTORS.indexOf(1)] as number;
  let before = 0;
  const points = MEMORY_FACTORS.map((memory, i) => {
    const hitRatio = anchored(ratios[i] as number, simulated, measured, memory);
    // More memory does no harm to speak of: what would say so is the error of a sample.
    before = Math.max(before, hitRatio);
    return { memory, hitRatio: memory === 1 ? measured : before };
  });
  return { points, sampledLookups: Math.round(sampled), samplingRate: input.samplingRate };
}

function adjusted(hits: number, counted: number, lacking: number): number {
  const surplus = Math.max(lacking, -hits);
  return counted + surplus <= 0 ? 0 : share((hits + surplus) / (counted + surplus));
}

function anchored(ratio: number, simulated: number, measured: number, memory: number): number {
  if (memory === 1) return measured;
  if (memory < 1) return simulated === 0 ? 0 : Math.min(measured, share((measured * ratio) / simulated));
  if (simulated === 1) return measured;
  return Math.max(measured, share(1 - ((1 - measured) * (1 - ratio)) / (1 - simulated)));
}

function share(value: number): number {
  return Math.min(1, Math.max(0, value));
}
