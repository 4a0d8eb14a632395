import { assert } from '../base/assert.ts';
import { POLICY_HEADER_WORDS, SKETCH_BLOCK_WORDS } from './policy-layout.ts';

export const FREQUENCY_MAX = 15;
/** Words halved with each addition while the sketch ages: 4 KiB, about a microsecond. */
const AGING_WORDS = 1024;

/**
 * Estimates how often each key was asked for lately, whether it is stored or not: a count-min sketch of 4-bit counters
 * with conservative update. Estimates are at most 15, never below the true count since it was last halved, and above
 * it only where keys collide in both of their counters.
 *
 * All counters are halved after each period of additions, so that the past fades: that is what lets new favourites in.
 * The halving is spread over the additions that follow, a few kilobytes each; the next one waits for its end.
 *
 * Layout, in words from `start` (all written by the store's writer alone; a new sketch is all zeros):
 *
 *     0        additions since the counters were last halved, and half of those before
 *     1        blocks still to be halved, as the word where halving goes on; 0 when none
 *     16 …     blocks of 16 words: 64 counters that the hash's low 6 bits choose from, 64 that the next 6 bits do
 *
 * The hash's high bits choose the block. Hashes must be uniform and secret: who knows them can fake frequencies.
 * Sources: G. Cormode, S. Muthukrishnan, "An improved data stream summary: the count-min sketch" (2005); G. Einziger,
 * R. Friedman, B. Manes, "TinyLFU: a highly efficient cache admission policy" (2017).
 */
export class FrequencySketch {
  readonly #words: Int32Array;
  readonly #start: number;
  readonly #first: number;
  readonly #end: number;
  readonly #blocks: number;

  /** Attaches to `length` words of `words` from `start` on, which are zero or what a sketch before it left there. */
  constructor(words: Int32Array, start: number, length: number) {
    assert(length >= POLICY_HEADER_WORDS + SKETCH_BLOCK_WORDS, 'a sketch without counters');
    this.#words = words;
    this.#start = start;
    this.#first = start + POLICY_HEADER_WORDS;
    this.#blocks = Math.floor((length - POLICY_HEADER_WORDS) / SKETCH_BLOCK_WORDS);
    this.#end = this.#first + this.#blocks * SKETCH_BLOCK_WORDS;
  }

  /** How often the key of this hash was added lately: 0 to 15. */
  estimate(hash: number): number {
    const words = this.#words;
    const block = this.#blockOf(hash);
    const low = (words[block + ((hash >>> 3) & 7)] as number) >>> ((hash & 7) * 4);
    const high = (words[block + 8 + ((hash >>> 9) & 7)] as number) >>> (((hash >>> 6) & 7) * 4);
    return Math.min(low & 15, high & 15);
  }

  /** Counts `times` (1 to 15) uses of the key of this hash. After `period` additions all counts are halved. */
  add(hash: number, times: number, period: number): void {
    const words = this.#words;
    const aging = (words[this.#start + 1] as number) !== 0;
    if (aging) this.#ageOn();
    const count = Math.min(this.estimate(hash) + times, FREQUENCY_MAX);
    const block = this.#blockOf(hash);
    this.#raise(block + ((hash >>> 3) & 7), (hash & 7) * 4, count);
    this.#raise(block + 8 + ((hash >>> 9) & 7), ((hash >>> 6) & 7) * 4, count);
    const additions = (words[this.#start] as number) + times;
    words[this.#start] = additions;
    if (additions >= period && !aging) this.#age();
  }

  #blockOf(hash: number): number {
    return this.#first + Math.floor(((hash >>> 0) * this.#blocks) / 2 ** 32) * SKETCH_BLOCK_WORDS;
  }

  #raise(at: number, shift: number, count: number): void {
    const word = this.#words[at] as number;
    if (((word >>> shift) & 15) < count) this.#words[at] = (word & ~(15 << shift)) | (count << shift);
  }

  #age(): void {
    const words = this.#words;
    words[this.#start] = (words[this.#start] as number) >>> 1;
    words[this.#start + 1] = POLICY_HEADER_WORDS;
  }

  #ageOn(): void {
    const words = this.#words;
    const from = this.#start + (words[this.#start + 1] as number);
    const to = Math.min(from + AGING_WORDS, this.#end);
    for (let at = from; at < to; at++) {
      const counters = words[at] as number;
      // Memory that was never written stays uncommitted.
      if (counters !== 0) words[at] = (counters >>> 1) & 0x7777_7777;
    }
    words[this.#start + 1] = to === this.#end ? 0 : to - this.#start;
  }
}
