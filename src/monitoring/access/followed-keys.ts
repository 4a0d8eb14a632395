import { HASH_RANGE } from '../../base/lookup-sample.ts';
import type { Clock } from '../../base/ports.ts';
import { MEMORY_FACTORS } from './memory-factors.ts';
import { SmallCache } from './small-cache.ts';

/** Fewer keys are followed, by this factor, when the largest cache has so large a share of those that may be. */
const HELD_SHARE_MAX = 0.75;
const THRESHOLD_STEP = 0.9;
/** A key that is stored so soon after it was missed was stored because it was. */
const FILL_MS = 2000;
/** So many misses tell whether what is missed is stored. */
const FILLS_MIN = 20;
const NOBODY = -1;
const NEVER = Number.NEGATIVE_INFINITY;

export interface FollowedKeysOptions {
  readonly clock: Clock;
  /** Bytes of entries, with their share of the index and the expiry heap, that all of the memory holds now. */
  readonly capacityBytes: () => number;
  readonly keysMax: number;
  /** At first; see `threshold`. */
  readonly threshold: number;
}

/**
 * Follows every lookup and every write of a share of the keys, chosen by hash, and what these lookups would find in caches
 * of several sizes, simulated with the same share of the memory.
 *
 * A cache that has a key which the store has lost would have answered; one that never got it, or from which it was
 * removed or expired, would not have. A cache that has lost a key which the store has gets it back only if what is missed
 * is stored then, as a cache-aside does; else at its next write.
 *
 * The share falls while more than `keysMax` keys have to be followed, as in C. Waldspurger, N. Park, A. Garthwaite,
 * I. Ahmad, "Efficient MRC Construction with SHARDS" (USENIX FAST 2015).
 */
export class FollowedKeys {
  /** Hits by cache, in the order of MEMORY_FACTORS, of `counted` lookups; all of them fade. */
  readonly hits = new Float64Array(MEMORY_FACTORS.length);
  counted = 0;
  /** Lookups of followed keys, also those that tell nothing of the caches; they fade. */
  sampled = 0;
  readonly #clock: Clock;
  readonly #capacityBytes: () => number;
  readonly #caches: readonly SmallCache[];
  readonly #slotOf = new Map<number, number>();
  readonly #hashOf: Int32Array;
  readonly #bytes: Float64Array;
  readonly #expiresAtMs: Float64Array;
  /** 1: the key was removed, or expired, and not stored since. */
  readonly #isGone: Uint8Array;
  /** When the key was missed, if nothing was done with it since. */
  readonly #missedAtMs: Float64Array;
  /** Caches that hold the key. */
  readonly #holders: Uint8Array;
  /** All followed keys, from the one used last, or seen in a cache, to the one of which neither was for the longest time. */
  readonly #newer: Int32Array;
  readonly #older: Int32Array;
  #newest = NOBODY;
  #oldest = NOBODY;
  readonly #freeSlots: number[] = [];
  #threshold: number;
  /** Misses of keys that had been stored before, and how many of those were stored again soon; they fade. */
  #missed = 0;
  #filled = 0;
  readonly #onEvicted = (slot: number): void => {
    this.#holders[slot] = (this.#holders[slot] as number) - 1;
  };

  constructor({ clock, capacityBytes, keysMax, threshold }: FollowedKeysOptions) {
    this.#clock = clock;
    this.#capacityBytes = capacityBytes;
    this.#threshold = threshold;
    this.#hashOf = new Int32Array(keysMax);
    this.#bytes = new Float64Array(keysMax);
    this.#expiresAtMs = new Float64Array(keysMax);
    this.#isGone = new Uint8Array(keysMax);
    this.#missedAtMs = new Float64Array(keysMax);
    this.#holders = new Uint8Array(keysMax);
    this.#newer = new Int32Array(keysMax);
    this.#older = new Int32Array(keysMax);
    for (let slot = keysMax - 1; slot >= 0; slot--) this.#freeSlots.push(slot);
    this.#caches = MEMORY_FACTORS.map(() => new SmallCache(keysMax, this.#bytes, 0));
    this.fitMemory();
  }

  /** Keys are followed whose hash is below this. */
  get threshold(): number {
    return this.#threshold;
  }

  /** The share of all keys that is followed. */
  get share(): number {
    return this.#threshold / HASH_RANGE;
  }

  get keyCount(): number {
    return this.#slotOf.size;
  }

  /** Follows keys of hashes below `threshold` from now on. Of those that this adds, the past is not known. */
  follow(threshold: number): void {
    if (threshold === this.#threshold) return;
    const fewer = threshold < this.#threshold;
    // What was counted is to stand for as many lookups of all keys as before.
    this.fade(threshold / this.#threshold);
    this.#threshold = threshold;
    if (fewer) for (const [hash, slot] of this.#slotOf) if (hash >>> 8 >= threshold) this.#forget(slot);
    this.fitMemory();
  }

  /** Gives the caches their shares of what memory the store has now. */
  fitMemory(): void {
    const bytes = this.#capacityBytes() * this.share;
    for (const [index, cache] of this.#caches.entries()) {
      cache.fit(bytes * (MEMORY_FACTORS[index] as number), this.#onEvicted);
    }
  }

  /** All counts fade to this share of themselves. */
  fade(factor: number): void {
    for (let i = 0; i < this.hits.length; i++) this.hits[i] = (this.hits[i] as number) * factor;
    this.counted *= factor;
    this.sampled *= factor;
    this.#missed *= factor;
    this.#filled *= factor;
  }

  /** So many lookups of followed keys are not told of. */
  dropped(lookups: number): void {
    this.sampled += lookups;
  }

  /** A key was looked up. Of an entry that was found: its bytes, and when it expires (0: never). */
  looked(hash: number, found: boolean, bytes: number, expiresAtMs: number): void {
    if (hash >>> 8 >= this.#threshold) return;
    this.sampled++;
    const slot = this.#slotOf.get(hash);
    if (!found) {
      this.counted++;
      if (slot !== undefined) this.#lookedInVain(slot);
    } else if (slot === undefined || this.#isGone[slot] === 1) {
      // It was stored before it was followed: which caches would have it cannot be said.
      this.stored(hash, bytes, expiresAtMs);
    } else {
      this.counted++;
      this.#renew(slot);
      this.#missedAtMs[slot] = NEVER;
      this.#expiresAtMs[slot] = expiresAtMs;
      this.#resize(slot, bytes);
      this.#countByCaches(slot);
      if (this.#fillsMisses()) this.#storeWhereAbsent(slot);
    }
  }

  #lookedInVain(slot: number): void {
    this.#renew(slot);
    if (this.#isExpired(slot)) this.#removeEverywhere(slot);
    this.#countByCaches(slot);
    this.#missed++;
    this.#missedAtMs[slot] = this.#clock.nowMs();
  }

  /** An entry was stored; returns whether that was news for any of the caches, which costs more. */
  stored(hash: number, bytes: number, expiresAtMs: number): boolean {
    if (hash >>> 8 >= this.#threshold) return false;
    let slot = this.#slotOf.get(hash);
    if (slot === undefined) slot = this.#begin(hash, bytes);
    else {
      this.#renew(slot);
      if (this.#isExpired(slot)) this.#removeEverywhere(slot);
      // Where it was stored because it was missed, it would not have been by who has it.
      const isFill = this.#clock.nowMs() - (this.#missedAtMs[slot] as number) <= FILL_MS;
      if (isFill) this.#filled++;
      else for (const cache of this.#caches) cache.rewrite(slot);
      this.#resize(slot, bytes);
    }
    this.#isGone[slot] = 0;
    this.#missedAtMs[slot] = NEVER;
    this.#expiresAtMs[slot] = expiresAtMs;
    return this.#storeWhereAbsent(slot);
  }

  expires(hash: number, expiresAtMs: number): void {
    const slot = this.#slotOf.get(hash);
    if (slot !== undefined) this.#expiresAtMs[slot] = expiresAtMs;
  }

  /** A command removed the key. */
  removed(hash: number): void {
    const slot = this.#slotOf.get(hash);
    if (slot !== undefined) this.#removeEverywhere(slot);
  }

  /** All keys were removed. */
  cleared(): void {
    for (const slot of this.#slotOf.values()) this.#removeEverywhere(slot);
  }

  /** What has expired leaves all caches, as it leaves the store. To be called now and then. */
  expireDue(): void {
    const nowMs = this.#clock.nowMs();
    for (const slot of this.#slotOf.values()) {
      const expiresAtMs = this.#expiresAtMs[slot] as number;
      if (expiresAtMs !== 0 && expiresAtMs <= nowMs && this.#isGone[slot] === 0) this.#removeEverywhere(slot);
    }
  }

  /** Whether what is missed is stored then, by whoever missed it. */
  #fillsMisses(): boolean {
    return this.#missed < FILLS_MIN || this.#filled > this.#missed / 2;
  }

  #isExpired(slot: number): boolean {
    const expiresAtMs = this.#expiresAtMs[slot] as number;
    return expiresAtMs !== 0 && expiresAtMs <= this.#clock.nowMs();
  }

  #countByCaches(slot: number): void {
    for (const [index, cache] of this.#caches.entries()) {
      if (cache.use(slot)) this.hits[index] = (this.hits[index] as number) + 1;
    }
  }

  #storeWhereAbsent(slot: number): boolean {
    if (this.#holders[slot] === this.#caches.length) return false;
    for (const cache of this.#caches) {
      if (cache.has(slot)) continue;
      this.#holders[slot] = (this.#holders[slot] as number) + 1;
      cache.store(slot, this.#onEvicted);
    }
    return true;
  }

  #removeEverywhere(slot: number): void {
    this.#isGone[slot] = 1;
    this.#missedAtMs[slot] = NEVER;
    this.#holders[slot] = 0;
    for (const cache of this.#caches) cache.remove(slot);
  }

  #resize(slot: number, bytes: number): void {
    const by = bytes - (this.#bytes[slot] as number);
    if (by === 0) return;
    for (const cache of this.#caches) cache.resize(slot, by);
    this.#bytes[slot] = bytes;
    if (by > 0) for (const cache of this.#caches) cache.makeRoom(this.#onEvicted);
  }

  /** A slot for a key that is followed from now on. */
  #begin(hash: number, bytes: number): number {
    while (this.#freeSlots.length === 0) this.#makeSlot();
    const slot = this.#freeSlots.pop() as number;
    this.#slotOf.set(hash, slot);
    this.#hashOf[slot] = hash;
    this.#bytes[slot] = bytes;
    this.#holders[slot] = 0;
    this.#link(slot);
    return slot;
  }

  /** Forgets a key that was not used for long and that no cache has; if there are few of those, follows fewer keys. */
  #makeSlot(): void {
    const keysMax = this.#hashOf.length;
    const held = Math.max(...this.#caches.map(({ count }) => count));
    for (let looks = 0; looks < keysMax && held <= keysMax * HELD_SHARE_MAX; looks++) {
      const slot = this.#oldest;
      if (this.#holders[slot] === 0) {
        this.#forget(slot);
        return;
      }
      this.#renew(slot);
    }
    this.follow(Math.floor(this.#threshold * THRESHOLD_STEP));
  }

  #forget(slot: number): void {
    for (const cache of this.#caches) cache.forget(slot);
    this.#unlink(slot);
    this.#slotOf.delete(this.#hashOf[slot] as number);
    this.#freeSlots.push(slot);
  }

  #renew(slot: number): void {
    if (this.#newest === slot) return;
    this.#unlink(slot);
    this.#link(slot);
  }

  #link(slot: number): void {
    this.#newer[slot] = NOBODY;
    this.#older[slot] = this.#newest;
    if (this.#newest === NOBODY) this.#oldest = slot;
    else this.#newer[this.#newest] = slot;
    this.#newest = slot;
  }

  #unlink(slot: number): void {
    const newer = this.#newer[slot] as number;
    const older = this.#older[slot] as number;
    if (newer === NOBODY) this.#newest = older;
    else this.#older[newer] = older;
    if (older === NOBODY) this.#oldest = newer;
    else this.#newer[older] = newer;
  }
}
