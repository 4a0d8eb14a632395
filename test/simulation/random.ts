import type { Random } from '../../src/base/ports.ts';

/**
 * A seeded source of randomness: the same seed gives the same numbers on every machine. Chris Doty-Humphrey's sfc32,
 * its state filled by splitmix32.
 */
export class SeededRandom implements Random {
  #a = 0;
  #b = 0;
  #c = 0;
  #counter = 1;

  constructor(seed: number, stream = 0) {
    let state = (seed ^ Math.imul(Math.floor(seed / 2 ** 32) + 1, 0x9e3779b9) ^ Math.imul(stream + 1, 0x85ebca6b)) | 0;
    const next = () => {
      state = (state + 0x9e3779b9) | 0;
      let mixed = state ^ (state >>> 16);
      mixed = Math.imul(mixed, 0x21f0aaad);
      mixed ^= mixed >>> 15;
      mixed = Math.imul(mixed, 0x735a2d97);
      return mixed ^ (mixed >>> 15);
    };
    this.#a = next();
    this.#b = next();
    this.#c = next();
    for (let round = 0; round < 12; round++) this.nextUint32();
  }

  nextUint32(): number {
    const sum = (((this.#a + this.#b) | 0) + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0;
    return sum >>> 0;
  }

  /** 0 up to, but without, 1. */
  fraction(): number {
    return this.nextUint32() / 2 ** 32;
  }

  /** A whole number from `low` to `high`, both included. */
  integer(low: number, high: number): number {
    return low + Math.floor(this.fraction() * (high - low + 1));
  }

  between(low: number, high: number): number {
    return low + this.fraction() * (high - low);
  }

  /** Between `low` and `high`, every order of magnitude as likely as any other. */
  logBetween(low: number, high: number): number {
    return low * (high / low) ** this.fraction();
  }

  chance(probability: number): boolean {
    return this.fraction() < probability;
  }

  /** Waiting time of a Poisson process of this mean. */
  exponential(mean: number): number {
    return -Math.log(1 - this.fraction()) * mean;
  }

  pick<T>(items: readonly T[]): T {
    const picked = items[Math.floor(this.fraction() * items.length)];
    if (picked === undefined) throw new RangeError('nothing to pick from');
    return picked;
  }

  /** In a new order (Fisher and Yates). */
  shuffled<T>(items: readonly T[]): T[] {
    const left = [...items];
    const taken: T[] = [];
    while (left.length > 0) taken.push(...left.splice(this.integer(0, left.length - 1), 1));
    return taken;
  }
}
