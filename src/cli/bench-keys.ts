import type { KeyOrder } from './bench-options.ts';

/** xorshift32 over a seed of its own: numbers from 0 up to, not including, 1. */
export function randomFrom(seed: number): () => number {
  let state = seed | 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

/** Chooses key after key, each a number from 0 up to `keys`. `first` is where a sequence begins. */
export function keyChooser(order: KeyOrder, keys: number, random: () => number, first = 0): () => number {
  switch (order.kind) {
    case 'uniform':
      return () => Math.floor(random() * keys);
    case 'sequential': {
      let next = first % keys;
      return () => {
        const key = next;
        next = next + 1 === keys ? 0 : next + 1;
        return key;
      };
    }
    case 'zipf': {
      const rank = zipfRank(keys, order.theta, random);
      // Spread over the keys, so that the hot ones are not neighbours; exact up to 10^8 keys.
      const factor = coprimeNear(keys);
      return () => (rank() * factor) % keys;
    }
  }
}

/**
 * Ranks from 0 on, rank r with probability in proportion to 1 / (r + 1)^theta. Rejection-inversion, so that it takes no
 * memory however many ranks there are: W. Hörmann and G. Derflinger, Rejection-inversion to generate variates from
 * monotone discrete distributions (1996).
 */
export function zipfRank(ranks: number, theta: number, random: () => number): () => number {
  // The integral of x^-theta, and its inverse, both exact where theta is near 1.
  const integral = (x: number) => expRatio((1 - theta) * Math.log(x)) * Math.log(x);
  const inverse = (y: number) => Math.exp(logRatio(Math.max(-1, y * (1 - theta))) * y);
  const density = (x: number) => Math.exp(-theta * Math.log(x));
  const low = integral(1.5) - 1;
  const high = integral(ranks + 0.5);
  const squeeze = 2 - inverse(integral(2.5) - density(2));
  return () => {
    for (;;) {
      const y = high + random() * (low - high);
      const x = inverse(y);
      const rank = Math.max(1, Math.min(ranks, Math.round(x)));
      if (rank - x <= squeeze || y >= integral(rank + 0.5) - density(rank)) return rank - 1;
    }
  };
}

/** (e^x - 1) / x. */
function expRatio(x: number): number {
  return Math.abs(x) > 1e-8 ? Math.expm1(x) / x : 1 + x / 2;
}

/** ln(1 + x) / x. */
function logRatio(x: number): number {
  return Math.abs(x) > 1e-8 ? Math.log1p(x) / x : 1 - x / 2;
}

/** A number that shares no factor with `count`, at the golden section of it. */
function coprimeNear(count: number): number {
  let candidate = Math.max(1, Math.floor(count * 0.618));
  while (greatestCommonDivisor(candidate, count) !== 1) candidate++;
  return candidate;
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
