/**
 * A sample of a thread's lookups of keys, in shared memory: the thread that looks up writes a ring, another one empties it
 * now and then and decides how much is sampled. A lookup that is not sampled costs a counter and a comparison; one for
 * which the ring has no room is dropped and counted.
 *
 * Two samples are taken at once:
 *   by time  one lookup in `interval`, at random distances: which keys and prefixes are in demand, hits and misses
 *   by hash  every lookup of the keys whose mixed hash has its upper 24 bits below `threshold`: when each of them comes back
 *
 * Layout in int32 words: who writes
 *     0        head: words written so far, wrapping                                     sampler
 *     1        tail: words read so far, wrapping                                        reader
 *     2        threshold, 0 to 2^24: so many of 2^24 keys are followed                  reader
 *     3        interval; 0: nothing is sampled by time                                  reader
 *     4        samples by hash that were dropped, wrapping                              sampler
 *     5        lookups that samples by time stood for which were dropped, wrapping         sampler
 *     16 …     the ring: records of whole words, none over the ring's end
 *
 * A record begins with its length in words (upper bits), whether the key was found (bit 2), and its kind (bits 0 and 1):
 *     skip     nothing: goes on at the ring's start
 *     byTime   lookups it stands for · bytes of the key · its first KEY_SAMPLE_BYTES bytes
 *     byHash   mixed hash · bytes in memory · expiry, low and high 32 bits; of a key that was not found: bytes of
 *              the key · its bytes, unless they are too many
 */
import type { EntryInfo } from './view.ts';

/** Of a longer key, no more is kept in a sample. */
export const KEY_SAMPLE_BYTES = 512;
/** Upper 24 bits of mixed hashes are below this. */
export const HASH_RANGE = 2 ** 24;

const Word = { head: 0, tail: 1, threshold: 2, interval: 3, dropped: 4, untold: 5, ring: 16 } as const;
const RING_WORDS = 1 << 15;
const RING_MASK = RING_WORDS - 1;
const Kind = { skip: 0, byTime: 1, byHash: 2 } as const;
const KIND_MASK = 3;
const FOUND = 4;
const LENGTH_SHIFT = 8;
const KEY_WORDS = KEY_SAMPLE_BYTES / 4;
const RECORD_WORDS_MAX = 8 + KEY_WORDS;
/** While nothing is sampled, it is looked so often whether something is to be. */
const UNSAMPLED = 1024;
/** 2^32 divided by the golden ratio: the high bits of a product with it depend on all bits of the other factor. */
const GOLDEN = 0x9e37_79b1;

/** Memory that the thread which looks up and the one that reads the sample share. */
export interface LookupSampleHandle {
  readonly buffer: SharedArrayBuffer;
}

/** Nothing is sampled at first. */
export function createLookupSample(): LookupSampleHandle {
  return { buffer: new SharedArrayBuffer((Word.ring + RING_WORDS) * 4) };
}

/** The side of the thread that looks up; one a thread. */
export class LookupSampler {
  readonly #words: Int32Array;
  readonly #bytes: Uint8Array;
  /** Lookups up to and with the next one that is sampled by time. */
  #left = 1;
  #interval = 0;
  #seed: number;

  constructor({ buffer }: LookupSampleHandle, seed: number) {
    this.#words = new Int32Array(buffer);
    this.#bytes = new Uint8Array(buffer);
    this.#seed = seed | 1;
    this.#draw();
  }

  /** Counts a lookup of a key of this hash; true when it is to be given to `note`. */
  isDue(hash: number): boolean {
    if (--this.#left <= 0) return true;
    return Math.imul(hash, GOLDEN) >>> 8 < (this.#words[Word.threshold] as number);
  }

  /** Notes the lookup that is due. `entry` is what was found; null: nothing was. */
  note(hash: number, key: Uint8Array, start: number, end: number, entry: EntryInfo | null): void {
    if (this.#left <= 0) {
      const weight = this.#interval;
      this.#draw();
      if (weight > 0) this.#noteByTime(weight, key, start, end, entry !== null);
    }
    const mixed = Math.imul(hash, GOLDEN);
    if (mixed >>> 8 < (this.#words[Word.threshold] as number)) this.#noteByHash(mixed, key, start, end, entry);
  }

  #noteByTime(weight: number, key: Uint8Array, start: number, end: number, found: boolean): void {
    const keyBytes = end - start;
    const kept = Math.min(keyBytes, KEY_SAMPLE_BYTES);
    const at = this.#begin(Kind.byTime, 3 + ((kept + 3) >> 2), found);
    if (at < 0) {
      this.#words[Word.untold] = ((this.#words[Word.untold] as number) + weight) | 0;
      return;
    }
    this.#words[at + 1] = weight;
    this.#words[at + 2] = keyBytes;
    this.#copy(key, start, kept, at + 3);
    this.#publish(3 + ((kept + 3) >> 2));
  }

  #noteByHash(mixed: number, key: Uint8Array, start: number, end: number, entry: EntryInfo | null): void {
    const words = this.#words;
    const kept = entry === null && end - start <= KEY_SAMPLE_BYTES ? end - start : 0;
    const length = 6 + ((kept + 3) >> 2);
    const at = this.#begin(Kind.byHash, length, entry !== null);
    if (at < 0) {
      words[Word.dropped] = ((words[Word.dropped] as number) + 1) | 0;
      return;
    }
    words[at + 1] = mixed;
    words[at + 2] = entry === null ? 0 : entry.memoryBytes;
    words[at + 3] = entry === null ? 0 : entry.expiresAtMs | 0;
    words[at + 4] = entry === null ? 0 : Math.floor(entry.expiresAtMs / 2 ** 32);
    words[at + 5] = kept;
    this.#copy(key, start, kept, at + 6);
    this.#publish(length);
  }

  /** The word at which a record of `length` words begins; -1 when there is no room. */
  #begin(kind: number, length: number, found: boolean): number {
    const words = this.#words;
    const head = words[Word.head] as number;
    const at = head & RING_MASK;
    const skipped = at + length > RING_WORDS ? RING_WORDS - at : 0;
    // Acquires the reader's leaving of the words that are written anew.
    if (((head - Atomics.load(words, Word.tail)) | 0) + skipped + length > RING_WORDS) return -1;
    if (skipped > 0) {
      words[Word.ring + at] = Kind.skip;
      Atomics.store(words, Word.head, (head + skipped) | 0);
    }
    const record = Word.ring + (skipped > 0 ? 0 : at);
    words[record] = (length << LENGTH_SHIFT) | (found ? FOUND : 0) | kind;
    return record;
  }

  /** Releases the record to the reader. */
  #publish(length: number): void {
    Atomics.store(this.#words, Word.head, ((this.#words[Word.head] as number) + length) | 0);
  }

  #copy(key: Uint8Array, start: number, length: number, word: number): void {
    const bytes = this.#bytes;
    const to = word * 4;
    for (let i = 0; i < length; i++) bytes[to + i] = key[start + i] as number;
  }

  /** Draws how many lookups pass until the next sample by time: 1 to twice the interval less one, evenly. */
  #draw(): void {
    const interval = this.#words[Word.interval] as number;
    let seed = this.#seed;
    seed ^= seed << 13;
    seed ^= seed >>> 17;
    seed ^= seed << 5;
    this.#seed = seed;
    this.#interval = interval;
    this.#left = interval === 0 ? UNSAMPLED : 1 + ((seed >>> 0) % (2 * interval - 1));
  }
}

/** Is told of samples. Key bytes are `bytes[start..end)`, valid during the call. */
export interface LookupSink {
  /** `weight`: lookups that this one stands for. `isWhole`: else only the key's first bytes are known. */
  byTime(bytes: Uint8Array, start: number, end: number, isWhole: boolean, weight: number, found: boolean): void;
  /**
   * `hash`: mixed, a signed 32-bit integer; its upper 24 bits are below the threshold. `memoryBytes` and `expiresAtMs` (0: never) are of the entry that was found; of one
   * that was not, `start..end` is the key, empty if it is too long.
   */
  byHash(
    hash: number,
    found: boolean,
    memoryBytes: number,
    expiresAtMs: number,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): void;
}

/** The side that empties the ring; one. */
export class LookupSampleReader {
  readonly #words: Int32Array;
  readonly #bytes: Uint8Array;
  #droppedBefore = 0;
  #untoldBefore = 0;

  constructor({ buffer }: LookupSampleHandle) {
    this.#words = new Int32Array(buffer);
    this.#bytes = new Uint8Array(buffer);
  }

  /** Sets how much is sampled from now on: keys of so many hashes of `HASH_RANGE`, and one lookup in `interval`. */
  sample(threshold: number, interval: number): void {
    this.#words[Word.threshold] = threshold;
    this.#words[Word.interval] = interval;
  }

  /** Hands over all samples that are there, in the order they were taken. */
  drain(sink: LookupSink): void {
    const words = this.#words;
    // Acquires the records before it.
    const head = Atomics.load(words, Word.head);
    let tail = words[Word.tail] as number;
    while (tail !== head) {
      const at = tail & RING_MASK;
      const first = words[Word.ring + at] as number;
      const length = first >>> LENGTH_SHIFT;
      if ((first & KIND_MASK) === Kind.skip) tail = (tail + RING_WORDS - at) | 0;
      else {
        // A sampler that died while it wrote has not published what it wrote.
        if (length === 0 || length > RECORD_WORDS_MAX) break;
        this.#tell(Word.ring + at, first, sink);
        tail = (tail + length) | 0;
      }
    }
    Atomics.store(words, Word.tail, head);
  }

  /** Samples by hash that the ring had no room for since this was asked last. */
  takeDropped(): number {
    const dropped = this.#words[Word.dropped] as number;
    const more = (dropped - this.#droppedBefore) | 0;
    this.#droppedBefore = dropped;
    return more;
  }

  /** Lookups that samples by time stood for which the ring had no room for, since this was asked last. */
  takeUntold(): number {
    const untold = this.#words[Word.untold] as number;
    const more = (untold - this.#untoldBefore) | 0;
    this.#untoldBefore = untold;
    return more;
  }

  #tell(at: number, first: number, sink: LookupSink): void {
    const words = this.#words;
    const found = (first & FOUND) !== 0;
    if ((first & KIND_MASK) === Kind.byTime) {
      const keyBytes = words[at + 2] as number;
      const start = (at + 3) * 4;
      const kept = Math.min(keyBytes, KEY_SAMPLE_BYTES);
      sink.byTime(this.#bytes, start, start + kept, kept === keyBytes, words[at + 1] as number, found);
      return;
    }
    const expiresAtMs = ((words[at + 3] as number) >>> 0) + (words[at + 4] as number) * 2 ** 32;
    const start = (at + 6) * 4;
    const end = start + (words[at + 5] as number);
    sink.byHash(words[at + 1] as number, found, (words[at + 2] as number) >>> 0, expiresAtMs, this.#bytes, start, end);
  }
}
