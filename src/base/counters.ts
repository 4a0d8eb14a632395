/**
 * What a thread counts, in shared memory: each thread writes a block of its own, and whoever scrapes adds the blocks up.
 *
 * Layout of a block, in float64 words, all written by the block's thread alone:
 *   tallies    per front end, one word for each {@link Tally}
 *   errors     one word per error id
 *   durations  per command row and front end: DURATION_BUCKETS counts, then the sum of milliseconds
 *
 * A float64 counts exactly to 2^53. Words are plain, not atomic: with one writer nothing is lost, and an aligned
 * eight-byte access is one instruction on the 64-bit machines that FluxCache runs on, so a scrape reads a whole number,
 * a moment old at worst. A word is monotonic, so sums of several scrapes never run backwards (`clients`, a level, aside).
 *
 * Counting a command costs 5 to 7 ns; reading the clock for it, 43 ns a call where it was measured. A front end that
 * answers a batch reads the clock between commands, once for each, or spreads the batch's time with `commands`.
 */

/** By which way a command came; `internal` is the node's own doing. */
export const FrontEnd = { http: 0, resp: 1, msgpack: 2, internal: 3 } as const;
export type FrontEnd = (typeof FrontEnd)[keyof typeof FrontEnd];
export const frontEndNames = ['http', 'resp', 'msgpack', 'internal'] as const;

/** What is counted per front end, beside commands. */
export const Tally = {
  /** Connections open now: the one word that also goes down. */
  clients: 0,
  connectionsReceived: 1,
  connectionsRejected: 2,
  /** Of bodies, without request lines and headers. */
  bytesReceived: 3,
  bytesSent: 4,
} as const;
export type Tally = (typeof Tally)[keyof typeof Tally];
const TALLIES = Object.keys(Tally).length;

/** Bucket i counts durations over 2^(i-1) and up to 2^i microseconds; the first all up to 1 µs, the last all above 2^24. */
export const DURATION_BUCKETS = 26;
/** Upper bounds of all buckets but the last, in seconds. */
export const durationBoundsS: readonly number[] = Array.from({ length: DURATION_BUCKETS - 1 }, (_, i) => 2 ** i / 1e6);

/** How many rows a block has; every thread of a process uses the same. */
export interface CounterShape {
  readonly commandCount: number;
  /** One more than the greatest error id. */
  readonly errorCount: number;
}

const FRONT_ENDS = frontEndNames.length;
const TALLY_WORDS = TALLIES * FRONT_ENDS;
const DURATION_WORDS = DURATION_BUCKETS + 1;
const LONGEST_US = 2 ** 24;

export class Counters {
  readonly shape: CounterShape;
  /** Given to `attach` by another thread that reads the block. */
  readonly buffer: SharedArrayBuffer;
  readonly #words: Float64Array;
  readonly #durationsAt: number;

  private constructor(shape: CounterShape, buffer: SharedArrayBuffer) {
    this.shape = shape;
    this.buffer = buffer;
    this.#words = new Float64Array(buffer);
    this.#durationsAt = TALLY_WORDS + shape.errorCount;
  }

  static create(shape: CounterShape): Counters {
    const words = TALLY_WORDS + shape.errorCount + shape.commandCount * FRONT_ENDS * DURATION_WORDS;
    return new Counters(shape, new SharedArrayBuffer(words * Float64Array.BYTES_PER_ELEMENT));
  }

  static attach(shape: CounterShape, buffer: SharedArrayBuffer): Counters {
    return new Counters(shape, buffer);
  }

  /** A new block that holds the sums of `blocks`, all of one shape. */
  static sum(shape: CounterShape, blocks: Iterable<Counters>): Counters {
    const total = Counters.create(shape);
    const sums = total.#words;
    for (const block of blocks) {
      const words = block.#words;
      for (let i = 0; i < sums.length; i++) sums[i] = (sums[i] as number) + (words[i] as number);
    }
    return total;
  }

  /** Takes on what another block of the same shape counts now. */
  copyFrom(other: Counters): void {
    this.#words.set(other.#words);
  }

  /** A new block with what `later` counts more than `earlier`, both of one shape. */
  static difference(later: Counters, earlier: Counters): Counters {
    const more = Counters.create(later.shape);
    for (let i = 0; i < more.#words.length; i++) {
      more.#words[i] = (later.#words[i] as number) - (earlier.#words[i] as number);
    }
    return more;
  }

  /** Counts one command of the table's row, and its time from arrival to the answer's handing over. */
  command(row: number, frontEnd: FrontEnd, elapsedMs: number): void {
    const words = this.#words;
    const at = this.#durationsAt + (row * FRONT_ENDS + frontEnd) * DURATION_WORDS;
    const bucket = at + bucketOf(elapsedMs);
    words[bucket] = (words[bucket] as number) + 1;
    words[at + DURATION_BUCKETS] = (words[at + DURATION_BUCKETS] as number) + elapsedMs;
  }

  /** Counts `count` commands of one row that took `elapsedMs` together, as if each had taken an equal share. */
  commands(row: number, frontEnd: FrontEnd, count: number, elapsedMs: number): void {
    const words = this.#words;
    const at = this.#durationsAt + (row * FRONT_ENDS + frontEnd) * DURATION_WORDS;
    const bucket = at + bucketOf(elapsedMs / count);
    words[bucket] = (words[bucket] as number) + count;
    words[at + DURATION_BUCKETS] = (words[at + DURATION_BUCKETS] as number) + elapsedMs;
  }

  /** Counts a refusal or failure by the id that `errors` gives its code. */
  error(id: number): void {
    const at = TALLY_WORDS + id;
    this.#words[at] = (this.#words[at] as number) + 1;
  }

  /** Adds to a tally; only `clients` takes negative amounts. */
  add(tally: Tally, frontEnd: FrontEnd, amount: number): void {
    const at = tally * FRONT_ENDS + frontEnd;
    this.#words[at] = (this.#words[at] as number) + amount;
  }

  tally(tally: Tally, frontEnd: FrontEnd): number {
    return this.#words[tally * FRONT_ENDS + frontEnd] as number;
  }

  errorCount(id: number): number {
    return this.#words[TALLY_WORDS + id] as number;
  }

  /** Commands of one row that came by one front end, slowest bucket last. */
  durationBuckets(row: number, frontEnd: FrontEnd): Float64Array {
    const at = this.#durationsAt + (row * FRONT_ENDS + frontEnd) * DURATION_WORDS;
    return this.#words.slice(at, at + DURATION_BUCKETS);
  }

  /** Calls `visit` for every bucket that counts more than it did in `earlier`, a block of the same shape. */
  durationsSince(
    earlier: Counters,
    visit: (row: number, frontEnd: FrontEnd, bucket: number, more: number) => void,
  ): void {
    const words = this.#words;
    const before = earlier.#words;
    // Most words are as they were: one pass over all of them, and no arithmetic before one is another.
    for (let at = this.#durationsAt; at < words.length; at++) {
      if (words[at] === before[at]) continue;
      const index = at - this.#durationsAt;
      const bucket = index % DURATION_WORDS;
      if (bucket === DURATION_BUCKETS) continue;
      const series = (index - bucket) / DURATION_WORDS;
      const frontEnd = (series % FRONT_ENDS) as FrontEnd;
      visit((series - frontEnd) / FRONT_ENDS, frontEnd, bucket, (words[at] as number) - (before[at] as number));
    }
  }

  durationSumMs(row: number, frontEnd: FrontEnd): number {
    return this.#words[this.#durationsAt + (row * FRONT_ENDS + frontEnd) * DURATION_WORDS + DURATION_BUCKETS] as number;
  }

  /** Commands of all rows and front ends. */
  commandTotal(): number {
    let total = 0;
    for (let at = this.#durationsAt; at < this.#words.length; at += DURATION_WORDS) {
      for (let bucket = 0; bucket < DURATION_BUCKETS; bucket++) total += this.#words[at + bucket] as number;
    }
    return total;
  }

  commandCount(row: number, frontEnd: FrontEnd): number {
    const at = this.#durationsAt + (row * FRONT_ENDS + frontEnd) * DURATION_WORDS;
    let count = 0;
    for (let bucket = 0; bucket < DURATION_BUCKETS; bucket++) count += this.#words[at + bucket] as number;
    return count;
  }
}

function bucketOf(elapsedMs: number): number {
  const us = elapsedMs * 1000;
  if (us <= 1) return 0;
  return us > LONGEST_US ? DURATION_BUCKETS - 1 : 32 - Math.clz32(Math.ceil(us) - 1);
}
