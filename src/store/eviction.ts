import { AdmissionTrial } from './admission-trial.ts';
import type { Arena } from './arena.ts';
import { FrequencySketch } from './frequency-sketch.ts';
import type { KeyHasher } from './hash.ts';
import { ACCESS_MAX, Counter, KEY_BYTES_MASK, type Log, SegmentState } from './layout.ts';
import { NextVictim } from './next-victim.ts';
import { policyLayoutFor } from './policy-layout.ts';
import { keyWord } from './record.ts';
import { RejectedKeys } from './rejected-keys.ts';
import type { Segments } from './segments.ts';

/** The verdict that an entry leaves; any other verdict is the access count it stays with, in the main log. */
export const EVICT = -1;

/** The small log's share of all log segments. */
export const SMALL_SHARE = 0.1;
/** By how much a key that was not used in the small log must have been asked for more often than who would leave. */
export const MARGIN = 1;
/** Counts of the sketch fade by half after so many additions for each key stored. */
export const PERIOD_PER_KEY = 10;
const PERIOD_MIN = 256;

/**
 * Decides what stays when memory is full: S3-FIFO with a frequency sketch at the door of the main log.
 *
 * New keys enter the small log, a tenth of the memory. Who was used there moves on to the main log when a walk comes by.
 * Who was not, moves on only if the sketch has seen its key clearly more often than that of the main log's next victim:
 * so a scan or a loop that is larger than memory does not wash out what stays, and a key that keeps coming back gets in
 * although each of its stays is short. The walk over the main log keeps for another round who was used since the last.
 *
 * A key that was turned away and comes back soon, before the entry it lost to has been used, has proved the sketch
 * wrong: it enters with one use to its credit. That is how the cache follows when favourites change now and then. Where
 * they change all the time, a trial on a sample of the keys tells that turning keys away does harm, and the door opens.
 *
 * When all of the main log is marked as used, so that nothing tells its entries apart, walks take the marks away, and
 * nobody's place, as fast as new entries come.
 *
 * Sources: Yang et al., "FIFO queues are all you need for cache eviction" (SOSP 2023); Einziger, Friedman, Manes,
 * "TinyLFU: a highly efficient cache admission policy" (2017).
 */
export class FluxPolicy {
  readonly #arena: Arena;
  readonly #hasher: KeyHasher;
  readonly #sketch: FrequencySketch;
  readonly #rejected: RejectedKeys;
  readonly #victim: NextVictim;
  readonly #trial: AdmissionTrial;
  #walksSmall = false;
  /** The walk under way over the main log takes marks away and lets nobody go. */
  #unmarks = false;

  constructor(arena: Arena, segments: Segments, hasher: KeyHasher) {
    this.#arena = arena;
    this.#hasher = hasher;
    const layout = policyLayoutFor(arena.budgetBytes);
    const { words, policy } = arena;
    this.#sketch = new FrequencySketch(words, policy + layout.sketch, layout.sketchWords);
    this.#rejected = new RejectedKeys(words, policy + layout.rejected, layout.rejectedWords, arena.budgetBytes);
    this.#victim = new NextVictim(arena, segments);
    this.#trial = new AdmissionTrial(words, policy + layout.trial, arena.budgetBytes, this.#victim);
  }

  /** Notes that a key is stored that was not there; returns the access count its entry starts with, in the small log. */
  admit(hash: number): number {
    this.#use(hash, 1);
    this.#trial.note(hash);
    const winner = this.#rejected.take(hash);
    return winner !== 0 && !this.#victim.wasUsed(winner) ? 1 : 0;
  }

  /** Whether the small log has more than its share. */
  isSmallTooLarge(smallSegments: number, mainSegments: number): boolean {
    return smallSegments > SMALL_SHARE * (smallSegments + mainSegments);
  }

  /** The log whose oldest segment is to be walked for room now. */
  logToWalk(smallSegments: number, mainSegments: number): Log {
    this.#unmarks = this.#victim.isExhausted && this.#walksSmall;
    this.#walksSmall = !this.#unmarks && this.isSmallTooLarge(smallSegments, mainSegments);
    return this.#walksSmall ? SegmentState.small : SegmentState.main;
  }

  /** What becomes of a live entry of `bytes` in all that a walk over `log` meets. */
  judge(log: Log, hash: number, accesses: number, bytes: number): number {
    if (log === SegmentState.main) {
      if (accesses === 0) return this.#unmarks ? 0 : EVICT;
      const taken = this.#unmarks ? accesses : 1;
      this.#use(hash, taken);
      return Math.min(accesses, ACCESS_MAX) - taken;
    }
    if (accesses > 0) this.#use(hash, accesses);
    else if (!this.keepsUnused(log, hash, bytes)) return EVICT;
    this.#victim.displace(bytes);
    return 0;
  }

  /** Whether an entry of `bytes` in all that was not used since it came to `log` stays. */
  keepsUnused(log: Log, hash: number, bytes: number): boolean {
    if (log === SegmentState.main) return this.#unmarks;
    const victim = this.#victim.find();
    if (victim === 0) return false;
    const victimHash = this.#hashOf(victim);
    if (this.#sketch.estimate(hash) > this.#sketch.estimate(victimHash) + MARGIN) return true;
    const mark = this.#victim.markOf(victim);
    if (this.#trial.isDue(bytes, mark)) this.#trial.begin(hash, victimHash, mark);
    else if (this.#trial.harms) return true;
    this.#rejected.put(hash, bytes, mark);
    this.#victim.defended(victim);
    return false;
  }

  #hashOf(ref: number): number {
    const header = this.#arena.word(ref * 2 + 1);
    return this.#hasher.hashWords(this.#arena.words, keyWord(ref, header), header & KEY_BYTES_MASK);
  }

  #use(hash: number, times: number): void {
    const period = Math.max(PERIOD_MIN, PERIOD_PER_KEY * this.#arena.counter(Counter.keys));
    this.#sketch.add(hash, times, period);
  }
}
