import { HASH_RANGE } from '../../base/lookup-sample.ts';
import type { Clock } from '../../base/ports.ts';
import { SmallCache } from './small-cache.ts';

/** Memory for which hit ratios are estimated, as multiples of what there is. */
export const MEMORY_FACTORS = [0.25, 0.5, 0.75, 1, 1.5, 2, 3, 4] as const;

/** Fewer keys are followed, by this factor, when the largest cache has so large a share of those that may be. */
const HELD_SHARE_MAX = 0.75;
const THRESHOLD_STEP = 0.9;
/** Keys whose store is waited for at a time; further ones count as stored. */
const PENDING_MAX = 2048;
const NOBODY = -1;

/** What is known of a followed key in the store. */
const Known = {
  /** It was there when it was looked at last. */
  present: 0,
  /** It was not found; whether it was stored then is not known yet. */
  pending: 1,
  /** It was not found, and not stored soon after. */
  absent: 2,
} as const;

/** What is asked of the store. */
export interface FollowedStore {
  /** The entry of a key, without marking it as used; null: there is none; undefined: it cannot be said now. */
  find(key: Uint8Array): FoundEntry | null | undefined;
  /** Entries evicted so far. */
  evicted(): number;
  /** Bytes of entries, with their share of the index and the expiry heap, that all of the memory holds. */
  capacityBytes(): number;
}

export interface FoundEntry {
  readonly memoryBytes: number;
  /** 0: it does not expire. */
  readonly expiresAtMs: number;
}

export interface FollowedKeysOptions {
  readonly store: FollowedStore;
  readonly clock: Clock;
  readonly keysMax: number;
  /** At first; see `threshold`. */
  readonly threshold: number;
}

interface PendingKey {
  readonly slot: number;
  readonly hash: number;
  readonly key: Uint8Array;
}

/**
 * Follows every lookup of a share of the keys, chosen by hash, and what these lookups would find in caches of several
 * sizes, simulated with the same share of the memory.
 *
 * The caller tells what the store answered, so that misses that no memory would spare count as misses everywhere: of keys
 * that had expired, were deleted, or are not stored when they are missed. Whether a missed key is stored is looked up in
 * the store a moment later, at `settle`.
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
  readonly #store: FollowedStore;
  readonly #clock: Clock;
  readonly #caches: readonly SmallCache[];
  readonly #slotOf = new Map<number, number>();
  readonly #hashOf: Int32Array;
  readonly #bytes: Float64Array;
  readonly #expiresAtMs: Float64Array;
  readonly #known: Uint8Array;
  /** Caches that hold the key. */
  readonly #holders: Uint8Array;
  /** Evictions by the store when the key was last seen there. */
  readonly #evictedThen: Float64Array;
  /** All followed keys, from the one used last, or seen in a cache, to the one of which neither was for the longest time. */
  readonly #newer: Int32Array;
  readonly #older: Int32Array;
  #newest = NOBODY;
  #oldest = NOBODY;
  readonly #freeSlots: number[] = [];
  #pending: PendingKey[] = [];
  #threshold: number;
  #sizeSum = 0;
  #sizeCount = 0;
  readonly #onEvicted = (slot: number): void => {
    this.#holders[slot] = (this.#holders[slot] as number) - 1;
  };

  constructor({ store, clock, keysMax, threshold }: FollowedKeysOptions) {
    this.#store = store;
    this.#clock = clock;
    this.#threshold = threshold;
    this.#hashOf = new Int32Array(keysMax);
    this.#bytes = new Float64Array(keysMax);
    this.#expiresAtMs = new Float64Array(keysMax);
    this.#known = new Uint8Array(keysMax);
    this.#holders = new Uint8Array(keysMax);
    this.#evictedThen = new Float64Array(keysMax);
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
    const bytes = this.#store.capacityBytes() * this.share;
    for (const [index, cache] of this.#caches.entries()) {
      cache.capacity = bytes * (MEMORY_FACTORS[index] as number);
      cache.makeRoom(this.#onEvicted);
    }
  }

  /** All counts fade to this share of themselves. */
  fade(factor: number): void {
    for (let i = 0; i < this.hits.length; i++) this.hits[i] = (this.hits[i] as number) * factor;
    this.counted *= factor;
    this.sampled *= factor;
    this.#sizeSum *= factor;
    this.#sizeCount *= factor;
  }

  /** So many lookups of followed keys are not told of. */
  missedOut(lookups: number): void {
    this.sampled += lookups;
  }

  /** A key was looked up and found: an entry of so many bytes, which expires then (0: never). */
  hit(hash: number, bytes: number, expiresAtMs: number): void {
    if (hash >>> 8 >= this.#threshold) return;
    this.sampled++;
    this.#sizeSum += bytes;
    this.#sizeCount++;
    const known = this.#slotOf.get(hash);
    if (known === undefined) {
      // It was stored before it was followed: which caches would have it cannot be said.
      this.#storeEverywhere(this.#begin(hash, bytes), expiresAtMs);
      return;
    }
    this.#renew(known);
    this.#resize(known, bytes);
    this.counted++;
    if (this.#known[known] === Known.present) this.#countByCaches(known);
    else {
      // It was stored a moment ago, and has not been settled: no cache had time to lose it.
      for (let i = 0; i < this.hits.length; i++) this.hits[i] = (this.hits[i] as number) + 1;
    }
    this.#storeEverywhere(known, expiresAtMs);
  }

  /** A key was looked up and not found; `key` is empty where it is too long to be looked at again. */
  miss(hash: number, key: Uint8Array): void {
    if (hash >>> 8 >= this.#threshold) return;
    this.sampled++;
    this.counted++;
    let slot = this.#slotOf.get(hash);
    if (slot === undefined) slot = this.#begin(hash, this.#sizeCount > 0 ? this.#sizeSum / this.#sizeCount : 256);
    else {
      this.#renew(slot);
      if (this.#known[slot] === Known.present) {
        if (this.#wasEvicted(slot)) this.#countByCaches(slot);
        else this.#removeEverywhere(slot);
      }
    }
    if (this.#known[slot] === Known.pending) return;
    this.#known[slot] = Known.pending;
    if (key.length === 0 || this.#pending.length >= PENDING_MAX) this.#storeEverywhere(slot, 0);
    else this.#pending.push({ slot, hash, key });
  }

  /** Looks whether the keys that were missed are there by now. To be called when their clients had time to store them. */
  settle(): void {
    const pending = this.#pending;
    this.#pending = [];
    for (const { slot, hash, key } of pending) {
      if (this.#slotOf.get(hash) !== slot || this.#known[slot] !== Known.pending) continue;
      const entry = this.#store.find(key);
      if (entry === undefined) this.#pending.push({ slot, hash, key });
      else if (entry === null) {
        this.#removeEverywhere(slot);
        this.#known[slot] = Known.absent;
      } else {
        this.#resize(slot, entry.memoryBytes);
        this.#storeEverywhere(slot, entry.expiresAtMs);
      }
    }
  }

  /** Whether it is for want of memory that a key is gone which was there. */
  #wasEvicted(slot: number): boolean {
    const expiresAtMs = this.#expiresAtMs[slot] as number;
    if (expiresAtMs !== 0 && expiresAtMs <= this.#clock.nowMs()) return false;
    return this.#store.evicted() > (this.#evictedThen[slot] as number);
  }

  #countByCaches(slot: number): void {
    for (const [index, cache] of this.#caches.entries()) {
      if (cache.use(slot)) this.hits[index] = (this.hits[index] as number) + 1;
    }
  }

  #storeEverywhere(slot: number, expiresAtMs: number): void {
    this.#known[slot] = Known.present;
    this.#expiresAtMs[slot] = expiresAtMs;
    this.#evictedThen[slot] = this.#store.evicted();
    if (this.#holders[slot] === this.#caches.length) return;
    for (const cache of this.#caches) {
      if (cache.has(slot)) continue;
      this.#holders[slot] = (this.#holders[slot] as number) + 1;
      cache.store(slot, this.#onEvicted);
    }
  }

  #removeEverywhere(slot: number): void {
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
    this.#known[slot] = Known.absent;
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
