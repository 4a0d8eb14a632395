import { Freshness, type VisitKey } from '../base/view.ts';
import type { Arena } from './arena.ts';
import type { EntryView } from './entry-view.ts';
import type { KeyIndex } from './key-index.ts';
import { IndexPage, KEY_BYTES_MAX, TOMBSTONE } from './layout.ts';
import type { Partitions } from './partitions.ts';
import type { Validity } from './validity.ts';

/** One more than the highest hash: the cursor of a walk that is done. */
export const HASHES = 2 ** 32;

/**
 * Walks the index in the order of hashes. A cursor is the lowest hash not yet visited, so what happens to the index
 * between calls (splits, merges, moved entries) changes nothing about what is still to come; entries of equal hash are
 * visited in one call. With `shown`, which has 1 for partitions by their numbers, entries of others are passed over.
 */
export class KeyScanner {
  readonly #arena: Arena;
  readonly #index: KeyIndex;
  readonly #entry: EntryView;
  readonly #partitions: Partitions | null;
  readonly #validity: Validity;
  /** hash × 1024 + slot of the entries of one page, to be sorted. */
  readonly #order = new Float64Array(IndexPage.slots);
  readonly #refs = new Int32Array(IndexPage.slots);
  #key = new Uint8Array(256);

  constructor(arena: Arena, index: KeyIndex, entry: EntryView, validity: Validity) {
    this.#arena = arena;
    this.#index = index;
    this.#entry = entry;
    this.#partitions = arena.partitions;
    this.#validity = validity;
  }

  /** `withStale`: what is stale, or hollow, is visited as well. */
  scan(
    cursor: number,
    count: number,
    nowMs: number,
    visit: VisitKey,
    shown: Uint8Array | null,
    withStale: boolean,
  ): number {
    let visited = 0;
    let next = cursor >>> 0;
    do {
      const page = this.#index.pageOf(next | 0);
      const span = HASHES / 2 ** (this.#arena.word(page * 2 + IndexPage.localDepth) & 31);
      const hashEnd = Math.floor(next / span) * span + span;
      const collected = this.#collect(page, next, shown);
      const order = this.#order;
      let i = 0;
      while (i < collected) {
        const hash = Math.floor((order[i] as number) / 1024);
        if (visited >= count) return hash;
        // Equal hashes go together, whatever the count: the cursor cannot stop between them.
        for (; i < collected && Math.floor((order[i] as number) / 1024) === hash; i++) {
          const ref = this.#refs[(order[i] as number) % 1024] as number;
          if (this.#visit(ref, nowMs, visit, withStale)) visited++;
        }
      }
      next = hashEnd;
    } while (next < HASHES && visited < count);
    return next >= HASHES ? 0 : next;
  }

  /**
   * Shows `visit` the records of the wanted partitions (null: of all) from `cursor` on, those included that have expired,
   * until it answers false (what has the same hash comes all the same) or `pagesMax` pages are done. Returns the next
   * cursor, {@link HASHES} when done. The visitor of the writer may remove the entry it is shown.
   */
  walk(
    cursor: number,
    wanted: Uint8Array | null,
    pagesMax: number,
    visit: (ref: number, hash: number) => boolean,
  ): number {
    let next = cursor;
    for (let pages = 0; next < HASHES && pages < pagesMax; pages++) {
      const page = this.#index.pageOf(next | 0);
      const span = HASHES / 2 ** (this.#arena.word(page * 2 + IndexPage.localDepth) & 31);
      const hashEnd = Math.floor(next / span) * span + span;
      const collected = this.#collect(page, next, wanted);
      let last = -1;
      for (let i = 0; i < collected; i++) {
        const place = this.#order[i] as number;
        const hash = Math.floor(place / 1024);
        if (last >= 0 && hash !== last) return hash;
        if (!visit(this.#refs[place % 1024] as number, hash | 0)) last = hash;
      }
      next = hashEnd;
      if (last >= 0) return next;
    }
    return next;
  }

  /** Copies a live key, chosen by `random`, to `target` and returns its length; -1 when there is none. */
  randomKey(target: Uint8Array, random: number, nowMs: number, shown: Uint8Array | null): number {
    let next = random >>> 0;
    for (let round = 0; round < 2; round++) {
      do {
        const page = this.#index.pageOf(next | 0);
        const span = HASHES / 2 ** (this.#arena.word(page * 2 + IndexPage.localDepth) & 31);
        const from = round === 0 && next === random >>> 0 ? Math.imul(random, 0x9e3779b1) >>> 0 : 0;
        const length = this.#anyKey(page, from % IndexPage.slots, target, nowMs, shown);
        if (length >= 0) return length;
        next = Math.floor(next / span) * span + span;
      } while (next < HASHES);
      next = 0;
    }
    return -1;
  }

  #anyKey(page: number, fromSlot: number, target: Uint8Array, nowMs: number, shown: Uint8Array | null): number {
    const words = this.#arena.words;
    for (let i = 0; i < IndexPage.slots; i++) {
      const slot = (fromSlot + i) % IndexPage.slots;
      const ref = Atomics.load(words, page * 2 + slot * 2 + 1);
      if (ref <= TOMBSTONE) continue;
      if (shown !== null && !this.#isShown(words[page * 2 + slot * 2] as number, shown)) continue;
      if (!this.#show(ref, nowMs, false)) continue;
      this.#entry.copyKey(target, 0);
      return this.#entry.keyBytes;
    }
    return -1;
  }

  /** Gathers the page's entries of hash ≥ `hashFirst`, sorted by hash; their references go to `#refs` by slot. */
  #collect(page: number, hashFirst: number, shown: Uint8Array | null): number {
    const words = this.#arena.words;
    let collected = 0;
    for (let slot = 0; slot < IndexPage.slots; slot++) {
      const at = page * 2 + slot * 2;
      // A first look that passes most slots over; what is written to the slot meanwhile was not there all the time.
      if (shown !== null && !this.#isShown(words[at] as number, shown)) continue;
      // The reference is read before and after the hash: a slot may be given to another key meanwhile.
      let ref = Atomics.load(words, at + 1);
      let hash = 0;
      while (ref > TOMBSTONE) {
        hash = Atomics.load(words, at) >>> 0;
        const again = Atomics.load(words, at + 1);
        if (again === ref) break;
        ref = again;
      }
      if (ref <= TOMBSTONE || hash < hashFirst) continue;
      if (shown !== null && !this.#isShown(hash, shown)) continue;
      this.#refs[slot] = ref;
      this.#order[collected++] = hash * 1024 + slot;
    }
    if (collected > 1) this.#order.subarray(0, collected).sort();
    return collected;
  }

  #isShown(hash: number, shown: Uint8Array): boolean {
    return this.#partitions === null || shown[this.#partitions.ofHash(hash)] === 1;
  }

  #visit(ref: number, nowMs: number, visit: VisitKey, withStale: boolean): boolean {
    if (!this.#show(ref, nowMs, withStale)) return false;
    const keyBytes = this.#entry.keyBytes;
    if (keyBytes > this.#key.length) this.#key = new Uint8Array(KEY_BYTES_MAX);
    this.#entry.copyKey(this.#key, 0);
    visit(this.#key, 0, keyBytes, this.#entry);
    return true;
  }

  #show(ref: number, nowMs: number, withStale: boolean): boolean {
    const header = this.#arena.word(ref * 2 + 1);
    if (withStale) {
      if (this.#validity.freshness(ref, header, nowMs) === Freshness.none) return false;
      this.#entry.show(ref, header);
      this.#entry.expiresAtMs = this.#validity.expiresAtMs;
      return true;
    }
    if (!this.#validity.isPlain(ref, header, nowMs)) return false;
    this.#entry.show(ref, header);
    return true;
  }
}
