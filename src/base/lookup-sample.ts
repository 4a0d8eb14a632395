/**
 * A sample of what a thread does with keys, in shared memory: that thread writes a ring, another one empties it now and
 * then and decides how much is sampled. A lookup that is not sampled costs a counter and a comparison, a write one
 * comparison; what the ring has no room for is dropped and counted.
 *
 * Two samples are taken at once:
 *   by time  one lookup in `interval`, at random distances: which keys and prefixes are in demand, hits and misses
 *   by hash  every lookup and every write of the keys whose mixed hash has its upper 24 bits below `threshold`
 *
 * Those by hash are numbered by all threads of a node together, so that a key's come in their order whoever did what.
 *
 * Layout in int32 words: who writes
 *     0        head: words written so far, wrapping                                     sampler
 *     1        tail: words read so far, wrapping                                        reader
 *     2        threshold, 0 to 2^24: so many of 2^24 keys are followed                  reader
 *     3        interval; 0: nothing is sampled by time                                  reader
 *     4        lookups by hash that were dropped, wrapping                              sampler
 *     5        lookups that dropped samples by time stood for, wrapping                 sampler
 *     6        writes by hash that were dropped, wrapping                               sampler
 *     16 …     the ring: records of whole words, none over the ring's end
 *
 * Head and tail order what the ring holds. The other words are read and written plainly: each stands for itself, and it
 * does not matter when a change of one is seen.
 *
 * A record begins with its length in words (from bit 8 on), whether the key was found (bit 7), and its kind:
 *     skip      nothing: goes on at the ring's start
 *     byTime    lookups it stands for · bytes of the key · its first KEY_SAMPLE_BYTES bytes
 *     all others are by hash: number · mixed hash · bytes in memory · expiry, low and high 32 bits
 */
import type { EntryInfo } from './view.ts';

/** Of a longer key, no more is kept in a sample. */
export const KEY_SAMPLE_BYTES = 512;
/** Upper 24 bits of mixed hashes are below this. */
export const HASH_RANGE = 2 ** 24;

const Word = { head: 0, tail: 1, threshold: 2, interval: 3, lookups: 4, weight: 5, writes: 6, ring: 16 } as const;
const RING_WORDS = 1 << 15;
const RING_MASK = RING_WORDS - 1;
const Kind = { skip: 0, byTime: 1, lookup: 2, store: 3, remove: 4, clear: 5, expiry: 6 } as const;
type Kind = (typeof Kind)[keyof typeof Kind];
const KIND_MASK = 0x7f;
const FOUND = 0x80;
const LENGTH_SHIFT = 8;
const BY_HASH_WORDS = 6;
/** While nothing is sampled, it is looked so often whether something is to be. */
const UNSAMPLED = 64;
/** 2^32 divided by the golden ratio: the high bits of a product with it depend on all bits of the other factor. */
const GOLDEN = 0x9e37_79b1;

/** Memory that the thread which looks up and the one that reads the sample share. */
export interface LookupSampleHandle {
  readonly buffer: SharedArrayBuffer;
  /** The number of the last sample by hash, in memory that all samplers of a node share. */
  readonly numbers: SharedArrayBuffer;
}

/** Nothing is sampled at first. `numbers`: those of the node's other samples. */
export function createLookupSample(numbers = new SharedArrayBuffer(4)): LookupSampleHandle {
  return { buffer: new SharedArrayBuffer((Word.ring + RING_WORDS) * 4), numbers };
}

/** The side of the thread that looks up; one a thread. */
export class LookupSampler {
  readonly #words: Int32Array;
  readonly #bytes: Uint8Array;
  readonly #numbers: Int32Array;
  /** Lookups up to and with the next one that is sampled by time. */
  #left = 1;
  #interval = 0;
  #seed: number;

  constructor({ buffer, numbers }: LookupSampleHandle, seed: number) {
    this.#words = new Int32Array(buffer);
    this.#bytes = new Uint8Array(buffer);
    this.#numbers = new Int32Array(numbers);
    this.#seed = seed | 1;
    this.#draw();
  }

  /** Counts a lookup of a key of this hash; true when it is to be given to `note`. */
  isDue(hash: number): boolean {
    if (--this.#left <= 0) return true;
    return this.follows(hash);
  }

  /** Whether what is done with keys of this hash is to be noted. */
  follows(hash: number): boolean {
    return Math.imul(hash, GOLDEN) >>> 8 < (this.#words[Word.threshold] as number);
  }

  /** Notes the lookup that is due. `entry` is what was found; null: nothing was. */
  note(hash: number, key: Uint8Array, start: number, end: number, entry: EntryInfo | null): void {
    if (this.#left <= 0) {
      const weight = this.#interval;
      this.#draw();
      if (weight > 0) this.#noteByTime(weight, key, start, end, entry !== null);
    }
    if (!this.follows(hash)) return;
    if (entry === null) this.#noteByHash(Kind.lookup, false, hash, 0, 0);
    else this.#noteByHash(Kind.lookup, true, hash, entry.memoryBytes, entry.expiresAtMs);
  }

  /** Notes that an entry was stored, which has so many bytes in memory; `expiresAtMs` 0: it does not expire. */
  noteStored(hash: number, memoryBytes: number, expiresAtMs: number): void {
    this.#noteByHash(Kind.store, false, hash, memoryBytes, expiresAtMs);
  }

  noteExpiry(hash: number, expiresAtMs: number): void {
    this.#noteByHash(Kind.expiry, false, hash, 0, expiresAtMs);
  }

  /** Notes that an entry was removed by a command. */
  noteRemoved(hash: number): void {
    this.#noteByHash(Kind.remove, false, hash, 0, 0);
  }

  /** Notes that all entries were removed. */
  noteCleared(): void {
    this.#noteByHash(Kind.clear, false, 0, 0, 0);
  }

  #noteByTime(weight: number, key: Uint8Array, start: number, end: number, found: boolean): void {
    const keyBytes = end - start;
    const kept = Math.min(keyBytes, KEY_SAMPLE_BYTES);
    const length = 3 + ((kept + 3) >> 2);
    const at = this.#begin(Kind.byTime, length, found);
    if (at < 0) {
      this.#drop(Word.weight, weight);
      return;
    }
    this.#words[at + 1] = weight;
    this.#words[at + 2] = keyBytes;
    this.#copy(key, start, kept, at + 3);
    this.#publish(length);
  }

  #noteByHash(kind: Kind, found: boolean, hash: number, memoryBytes: number, expiresAtMs: number): void {
    const words = this.#words;
    const at = this.#begin(kind, BY_HASH_WORDS, found);
    if (at < 0) {
      this.#drop(kind === Kind.lookup ? Word.lookups : Word.writes, 1);
      return;
    }
    words[at + 1] = Atomics.add(this.#numbers, 0, 1);
    words[at + 2] = Math.imul(hash, GOLDEN);
    words[at + 3] = memoryBytes;
    words[at + 4] = expiresAtMs | 0;
    words[at + 5] = Math.floor(expiresAtMs / 2 ** 32);
    this.#publish(BY_HASH_WORDS);
  }

  #drop(word: number, count: number): void {
    this.#words[word] = ((this.#words[word] as number) + count) | 0;
  }

  /** The word at which a record of `length` words begins; -1 when there is no room. */
  #begin(kind: Kind, length: number, found: boolean): number {
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

/**
 * Is told of samples. `hash` is mixed, a signed 32-bit integer; its upper 24 bits are below the threshold. `expiresAtMs`
 * is 0 for what does not expire.
 */
export interface LookupSink {
  /**
   * A lookup that stands for `weight`. The key is `bytes[start..end)`, valid during the call; `isWhole`: else only its
   * first bytes are known.
   */
  byTime(bytes: Uint8Array, start: number, end: number, isWhole: boolean, weight: number, found: boolean): void;
  /** A lookup of a followed key. Bytes and expiry are of the entry that was found. */
  looked(hash: number, found: boolean, memoryBytes: number, expiresAtMs: number): void;
  stored(hash: number, memoryBytes: number, expiresAtMs: number): void;
  expires(hash: number, expiresAtMs: number): void;
  removed(hash: number): void;
  cleared(): void;
}

/** The side that empties the ring; one. */
export class LookupSampleReader {
  readonly #words: Int32Array;
  readonly #bytes: Uint8Array;
  /** Up to where `drainInOrder` reads. */
  #end = 0;
  #lookupsBefore = 0;
  #weightBefore = 0;
  #writesBefore = 0;

  constructor({ buffer }: LookupSampleHandle) {
    this.#words = new Int32Array(buffer);
    this.#bytes = new Uint8Array(buffer);
  }

  /** Sets how much is sampled from now on: keys of so many hashes of `HASH_RANGE`, and one lookup in `interval`. */
  sample(threshold: number, interval: number): void {
    this.#words[Word.threshold] = threshold;
    this.#words[Word.interval] = interval;
  }

  /** What is there now is handed over by what follows, and no more. */
  begin(): void {
    // Acquires the records before it.
    this.#end = Atomics.load(this.#words, Word.head);
  }

  /** Hands over samples by time until one by hash is next, and returns its number; null: there is none. */
  nextNumber(sink: Pick<LookupSink, 'byTime'>): number | null {
    const words = this.#words;
    let tail = words[Word.tail] as number;
    while (tail !== this.#end) {
      const at = Word.ring + (tail & RING_MASK);
      const first = words[at] as number;
      const kind = first & KIND_MASK;
      if (kind > Kind.byTime) return words[at + 1] as number;
      if (kind === Kind.byTime) this.#tellByTime(at, first, sink);
      tail = (tail + (kind === Kind.skip ? RING_WORDS - (tail & RING_MASK) : first >>> LENGTH_SHIFT)) | 0;
      Atomics.store(words, Word.tail, tail);
    }
    return null;
  }

  /** Hands over the sample by hash that is next. */
  takeByHash(sink: LookupSink): void {
    const words = this.#words;
    const tail = words[Word.tail] as number;
    const at = Word.ring + (tail & RING_MASK);
    const first = words[at] as number;
    const hash = words[at + 2] as number;
    const memoryBytes = (words[at + 3] as number) >>> 0;
    const expiresAtMs = ((words[at + 4] as number) >>> 0) + (words[at + 5] as number) * 2 ** 32;
    Atomics.store(words, Word.tail, (tail + BY_HASH_WORDS) | 0);
    const kind = first & KIND_MASK;
    if (kind === Kind.lookup) sink.looked(hash, (first & FOUND) !== 0, memoryBytes, expiresAtMs);
    else if (kind === Kind.store) sink.stored(hash, memoryBytes, expiresAtMs);
    else if (kind === Kind.expiry) sink.expires(hash, expiresAtMs);
    else if (kind === Kind.remove) sink.removed(hash);
    else sink.cleared();
  }

  /** Lookups by hash that the ring had no room for since this was asked last. */
  takeDroppedLookups(): number {
    const before = this.#lookupsBefore;
    this.#lookupsBefore = this.#words[Word.lookups] as number;
    return (this.#lookupsBefore - before) | 0;
  }

  /** Lookups that samples by time stood for which the ring had no room for, since this was asked last. */
  takeDroppedWeight(): number {
    const before = this.#weightBefore;
    this.#weightBefore = this.#words[Word.weight] as number;
    return (this.#weightBefore - before) | 0;
  }

  /** Writes by hash that the ring had no room for since this was asked last. */
  takeDroppedWrites(): number {
    const before = this.#writesBefore;
    this.#writesBefore = this.#words[Word.writes] as number;
    return (this.#writesBefore - before) | 0;
  }

  #tellByTime(at: number, first: number, sink: Pick<LookupSink, 'byTime'>): void {
    const words = this.#words;
    const keyBytes = words[at + 2] as number;
    const start = (at + 3) * 4;
    const kept = Math.min(keyBytes, KEY_SAMPLE_BYTES);
    sink.byTime(this.#bytes, start, start + kept, kept === keyBytes, words[at + 1] as number, (first & FOUND) !== 0);
  }
}

/** Hands over all samples that are there, those by hash of all rings in the order of their numbers. */
export function drainInOrder(rings: readonly LookupSampleReader[], sink: LookupSink): void {
  for (const ring of rings) ring.begin();
  const next = rings.map((ring) => ring.nextNumber(sink));
  for (;;) {
    let first = -1;
    for (let i = 0; i < next.length; i++) {
      const number = next[i] ?? null;
      // Numbers wrap, and never lie far apart.
      if (number !== null && (first < 0 || ((number - (next[first] as number)) | 0) < 0)) first = i;
    }
    const ring = rings[first];
    if (ring === undefined) return;
    ring.takeByHash(sink);
    next[first] = ring.nextNumber(sink);
  }
}
