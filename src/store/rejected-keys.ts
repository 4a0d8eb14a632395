import { assert } from '../base/assert.ts';
import { POLICY_HEADER_WORDS, REJECTED_BUCKET_WORDS } from './policy-layout.ts';

/** How long a rejection is remembered: while so much of the budget is rejected after it. */
export const WINDOW_SHARE = 1 / 2;
/** The clock ticks so often in that time; of 24 bits, it wraps after 4096 such times. */
const WINDOW_TICKS = 4096;
const CLOCK_MASK = 0xff_ffff;

/**
 * Remembers which keys were let go lately, and to whom each lost: the ghost of the small log.
 *
 * A hash table of two-slot buckets. It forgets what lies further back than half of the store's budget in rejected bytes,
 * or when its bucket needs the place. Tags of 8 bits tell the keys of a bucket apart, so about one new key in a hundred
 * is taken for one that returns.
 *
 * Layout, in words from `start` (all written by the store's writer alone; a new table is all zeros):
 *
 *     0        clock: rejected bytes so far, in ticks of the window's 4096th part
 *     1        rejected bytes since the last tick
 *     16 …     buckets of two slots: clock at the rejection (24 bits) · tag (8 bits), then the winner's mark; 0: empty
 *
 * Source: the ghost queue of Yang et al., "FIFO queues are all you need for cache eviction" (SOSP 2023).
 */
export class RejectedKeys {
  readonly #words: Int32Array;
  readonly #start: number;
  readonly #first: number;
  readonly #buckets: number;
  readonly #tickBytes: number;

  /** Attaches to `length` words of `words` from `start` on, which are zero or what a table before it left there. */
  constructor(words: Int32Array, start: number, length: number, budgetBytes: number) {
    assert(length >= POLICY_HEADER_WORDS + REJECTED_BUCKET_WORDS, 'a table without buckets');
    this.#words = words;
    this.#start = start;
    this.#first = start + POLICY_HEADER_WORDS;
    this.#buckets = Math.floor((length - POLICY_HEADER_WORDS) / REJECTED_BUCKET_WORDS);
    this.#tickBytes = Math.ceil((budgetBytes * WINDOW_SHARE) / WINDOW_TICKS);
  }

  /** Notes that an entry of `bytes` was let go in favour of the one of this mark (32 bits, not 0). */
  put(hash: number, bytes: number, winner: number): void {
    const words = this.#words;
    const sinceTick = (words[this.#start + 1] as number) + bytes;
    const clock = ((words[this.#start] as number) + Math.floor(sinceTick / this.#tickBytes)) & CLOCK_MASK;
    words[this.#start] = clock;
    words[this.#start + 1] = sinceTick % this.#tickBytes;
    const first = this.#bucketOf(hash);
    const second = first + REJECTED_BUCKET_WORDS / 2;
    const slot = this.#ticksSince(first) >= this.#ticksSince(second) ? first : second;
    words[slot] = (clock << 8) | (hash & 0xff);
    words[slot + 1] = winner;
  }

  /** Forgets the key of this hash and returns the mark of whom it lost to; 0 if it was not let go lately. */
  take(hash: number): number {
    const words = this.#words;
    const bucket = this.#bucketOf(hash);
    for (let slot = bucket; slot < bucket + REJECTED_BUCKET_WORDS; slot += 2) {
      const winner = words[slot + 1] as number;
      if (winner === 0 || ((words[slot] as number) & 0xff) !== (hash & 0xff)) continue;
      const isLate = this.#ticksSince(slot) > WINDOW_TICKS;
      words[slot + 1] = 0;
      if (!isLate) return winner;
    }
    return 0;
  }

  #ticksSince(slot: number): number {
    if (this.#words[slot + 1] === 0) return CLOCK_MASK;
    return ((this.#words[this.#start] as number) - ((this.#words[slot] as number) >>> 8)) & CLOCK_MASK;
  }

  #bucketOf(hash: number): number {
    return this.#first + Math.floor(((hash >>> 0) * this.#buckets) / 2 ** 32) * REJECTED_BUCKET_WORDS;
  }
}
