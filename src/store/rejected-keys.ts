import { assert } from '../base/assert.ts';
import { POLICY_HEADER_WORDS, REJECTED_BUCKET_WORDS } from './policy-layout.ts';

/** The clock counts rejected bytes in these units. */
const CLOCK_UNIT_BYTES = 64;
/** How long a rejection is remembered: while so much of the budget is rejected after it. */
const WINDOW_SHARE = 1 / 4;
const CONTEST_MASK = 0xff_ffff;

/**
 * Remembers which keys were let go lately, and in which contest each lost: the ghost of the small log.
 *
 * A hash table of two-slot buckets. It forgets what lies further back than a quarter of the store's budget in rejected
 * bytes, or when its bucket needs the place. Tags of 8 bits tell the keys of a bucket apart, so about one new key in a
 * hundred is taken for one that returns.
 *
 * Layout, in words from `start` (all written by the store's writer alone; a new table is all zeros):
 *
 *     0        clock: rejected bytes so far in units of 64, wrapping; 0 is skipped
 *     16 …     buckets of two slots: clock at the rejection (0: empty), then tag (8 bits) · contest (24 bits)
 *
 * Source: the ghost queue of Yang et al., "FIFO queues are all you need for cache eviction" (SOSP 2023).
 */
export class RejectedKeys {
  readonly #words: Int32Array;
  readonly #start: number;
  readonly #first: number;
  readonly #buckets: number;
  readonly #window: number;

  /** Attaches to `length` words of `words` from `start` on, which are zero or what a table before it left there. */
  constructor(words: Int32Array, start: number, length: number, budgetBytes: number) {
    assert(length >= POLICY_HEADER_WORDS + REJECTED_BUCKET_WORDS, 'a table without buckets');
    this.#words = words;
    this.#start = start;
    this.#first = start + POLICY_HEADER_WORDS;
    this.#buckets = Math.floor((length - POLICY_HEADER_WORDS) / REJECTED_BUCKET_WORDS);
    this.#window = Math.floor((budgetBytes * WINDOW_SHARE) / CLOCK_UNIT_BYTES);
  }

  /** Notes that an entry of `bytes` was let go in the contest of this number (its low 24 bits are kept). */
  put(hash: number, bytes: number, contest: number): void {
    const words = this.#words;
    const clock = ((words[this.#start] as number) + Math.ceil(bytes / CLOCK_UNIT_BYTES)) | 0 || 1;
    words[this.#start] = clock;
    const bucket = this.#bucketOf(hash);
    // An empty slot's clock is 0: older than any, but for a clock about to wrap.
    const firstIsOlder = (clock - (words[bucket] as number)) >>> 0 >= (clock - (words[bucket + 2] as number)) >>> 0;
    const slot = firstIsOlder ? bucket : bucket + 2;
    words[slot] = clock;
    words[slot + 1] = (hash << 24) | (contest & CONTEST_MASK);
  }

  /** Forgets the key of this hash and returns the contest it lost in (24 bits), or -1 if it was not let go lately. */
  take(hash: number): number {
    const words = this.#words;
    const bucket = this.#bucketOf(hash);
    for (let slot = bucket; slot < bucket + REJECTED_BUCKET_WORDS; slot += 2) {
      const clock = words[slot] as number;
      const mark = words[slot + 1] as number;
      if (clock === 0 || mark >>> 24 !== (hash & 0xff)) continue;
      words[slot] = 0;
      if (((words[this.#start] as number) - clock) >>> 0 <= this.#window) return mark & CONTEST_MASK;
    }
    return -1;
  }

  #bucketOf(hash: number): number {
    return this.#first + Math.floor(((hash >>> 0) * this.#buckets) / 2 ** 32) * REJECTED_BUCKET_WORDS;
  }
}
