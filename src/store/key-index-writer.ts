import type { Arena } from './arena.ts';
import { homeSlot, pageOfSlot } from './key-index.ts';
import { Control, Counter, EMPTY_SLOT, IndexPage, PAGE_WORDS, TOMBSTONE } from './layout.ts';
import type { Pages } from './pages.ts';
import type { Partitions } from './partitions.ts';

/** Slots taken, tombstones included, from which a page is split or rebuilt before the next insertion. */
const CROWDED_SLOTS = 830;
/** A crowded page with fewer entries than this is full of tombstones and is rebuilt; else it is split. */
const SPLIT_SLOTS = 770;
/** A page that cannot be replaced for want of memory is filled up to here. */
const SLOTS_MAX = 1000;
/** Two halves are merged when one has fewer entries than the first figure and both together fewer than the second. */
const SPARSE_SLOTS = 200;
const MERGED_SLOTS_MAX = 450;

/**
 * The write side of the index. Pages are never changed in place beyond one slot: a split, merge or rebuild writes new
 * pages, notes them in the redo words, swings the directory and retires the old pages.
 */
export class KeyIndexWriter {
  /** A page that somebody is going over bit by bit; 0 when it has been replaced since. */
  watchedPage = 0;
  readonly #arena: Arena;
  readonly #words: Int32Array;
  readonly #pages: Pages;
  readonly #directory: number;
  readonly #partitions: Partitions | null;

  constructor(arena: Arena, pages: Pages) {
    this.#arena = arena;
    this.#words = arena.words;
    this.#pages = pages;
    this.#directory = arena.directory;
    this.#partitions = arena.partitions;
  }

  /** Lays out an empty index; false when there is no memory. */
  create(): boolean {
    const page = this.#newPage(0, 0);
    if (page === 0) return false;
    this.#words[this.#directory + 2] = page;
    this.#words[this.#directory + 3] = page;
    Atomics.store(this.#words, Control.directoryDepth, 1);
    return true;
  }

  /** Sees to it that `hash` can be inserted; false when there is no memory for that. May replace pages. */
  prepareInsert(hash: number): boolean {
    for (;;) {
      const page = this.#pageOf(hash);
      const used = this.#arena.word(page * 2 + IndexPage.used);
      const taken = used + this.#arena.word(page * 2 + IndexPage.tombstones);
      if (taken < CROWDED_SLOTS) return true;
      if (!(used < SPLIT_SLOTS ? this.#rebuild(page) : this.#split(page))) return taken < SLOTS_MAX;
    }
  }

  /** Publishes an entry whose key is not in the index. Only after `prepareInsert`. */
  insert(hash: number, ref: number): void {
    const words = this.#words;
    const page = this.#pageOf(hash) * 2;
    let at = page + homeSlot(hash) * 2;
    const end = page + IndexPage.slots * 2;
    while ((words[at + 1] as number) > TOMBSTONE) {
      at += 2;
      if (at === end) at = page;
    }
    if (words[at + 1] === TOMBSTONE)
      words[page + IndexPage.tombstones] = (words[page + IndexPage.tombstones] as number) - 1;
    words[page + IndexPage.used] = (words[page + IndexPage.used] as number) + 1;
    words[at] = hash;
    // Releases the record and the slot's hash before the reference can be seen.
    Atomics.store(words, at + 1, ref);
    this.#arena.count(Counter.keys, 1);
    if (this.#partitions !== null) this.#partitions.countKeys(this.#partitions.ofHash(hash), 1);
  }

  /** Makes a slot refer to another record of the same key. */
  replace(slot: number, ref: number): void {
    // Releases the record's words before its reference can be seen.
    Atomics.store(this.#words, slot, ref);
  }

  /** Empties a slot. */
  remove(slot: number): void {
    const words = this.#words;
    const page = pageOfSlot(slot);
    const first = page + 1;
    const last = page + IndexPage.slots * 2 - 1;
    const next = slot === last ? first : slot + 2;
    words[page + IndexPage.used] = (words[page + IndexPage.used] as number) - 1;
    this.#arena.count(Counter.keys, -1);
    if (this.#partitions !== null) {
      this.#partitions.countKeys(this.#partitions.ofHash(words[slot - 1] as number), -1);
    }
    if (words[next] !== EMPTY_SLOT) {
      words[page + IndexPage.tombstones] = (words[page + IndexPage.tombstones] as number) + 1;
      Atomics.store(words, slot, TOMBSTONE);
    } else {
      // No search goes past this slot, nor past the tombstones right before it.
      Atomics.store(words, slot, EMPTY_SLOT);
      let before = slot === first ? last : slot - 2;
      while (words[before] === TOMBSTONE) {
        words[before] = EMPTY_SLOT;
        words[page + IndexPage.tombstones] = (words[page + IndexPage.tombstones] as number) - 1;
        before = before === first ? last : before - 2;
      }
    }
    if ((words[page + IndexPage.used] as number) < SPARSE_SLOTS) this.#tryMerge(page);
  }

  /** Puts one empty page in the place of all; returns it, or 0 when there is no memory. The old pages are the caller's. */
  reset(): number {
    const empty = this.#newPage(0, 0);
    if (empty === 0) return 0;
    this.watchedPage = 0;
    this.#swing(empty, 0);
    this.#arena.doubles[Counter.keys] = 0;
    this.#partitions?.resetCounts();
    this.#arena.doubles[Counter.indexPages] = 1;
    return empty;
  }

  /** Finishes a replacement of pages that the writer before died in. */
  redo(): void {
    const first = this.#arena.word(Control.redoFirst);
    if (first === 0) return;
    this.#publish(first);
    const second = this.#arena.word(Control.redoSecond);
    if (second !== 0) this.#publish(second);
    Atomics.store(this.#words, Control.redoFirst, 0);
  }

  /** Moves an index page to a new place; false when `ref` is no page of the index or there is no memory. */
  relocate(ref: number): boolean {
    return this.#isIndexPage(ref) && this.#rebuild(ref);
  }

  /** Whether the directory refers to the page. */
  #isIndexPage(ref: number): boolean {
    const localDepth = this.#arena.word(ref * 2 + IndexPage.localDepth);
    const depth = this.#arena.word(Control.directoryDepth);
    if (localDepth < 0 || localDepth > depth) return false;
    return this.#pageOf(this.#arena.word(ref * 2 + IndexPage.hashFirst)) === ref;
  }

  #pageOf(hash: number): number {
    const depth = this.#words[Control.directoryDepth] as number;
    return this.#words[this.#directory + (1 << depth) + (hash >>> (32 - depth))] as number;
  }

  #newPage(localDepth: number, hashFirst: number): number {
    const page = this.#pages.allocate();
    if (page === 0) return 0;
    const words = this.#words;
    words.fill(0, page * 2, page * 2 + PAGE_WORDS);
    words[page * 2 + IndexPage.localDepth] = localDepth;
    words[page * 2 + IndexPage.hashFirst] = hashFirst;
    this.#arena.count(Counter.indexPages, 1);
    return page;
  }

  #discardPage(page: number): void {
    this.#arena.count(Counter.indexPages, -1);
    this.#pages.free(page);
  }

  #split(page: number): boolean {
    const arena = this.#arena;
    const localDepth = arena.word(page * 2 + IndexPage.localDepth);
    if (localDepth === arena.word(Control.directoryDepth) && !this.#double()) return false;
    if (!this.#pages.canRetire()) return false;
    const hashFirst = arena.word(page * 2 + IndexPage.hashFirst);
    const bit = 0x8000_0000 >>> localDepth;
    const low = this.#newPage(localDepth + 1, hashFirst);
    if (low === 0) return false;
    const high = this.#newPage(localDepth + 1, hashFirst | bit);
    if (high === 0) {
      this.#discardPage(low);
      return false;
    }
    const words = this.#words;
    for (let slot = 0; slot < IndexPage.slots; slot++) {
      const hash = words[page * 2 + slot * 2] as number;
      const ref = words[page * 2 + slot * 2 + 1] as number;
      if (ref > TOMBSTONE) this.#fill((hash & bit) === 0 ? low : high, hash, ref);
    }
    this.#swing(low, high);
    this.#retirePage(page);
    return true;
  }

  /** Replaces a page by one without tombstones. */
  #rebuild(page: number): boolean {
    if (!this.#pages.canRetire()) return false;
    const arena = this.#arena;
    const localDepth = arena.word(page * 2 + IndexPage.localDepth);
    const fresh = this.#newPage(localDepth, arena.word(page * 2 + IndexPage.hashFirst));
    if (fresh === 0) return false;
    this.#fillFrom(page, fresh);
    this.#swing(fresh, 0);
    this.#retirePage(page);
    return true;
  }

  #tryMerge(pageStart: number): void {
    const arena = this.#arena;
    const localDepth = arena.word(pageStart + IndexPage.localDepth);
    if (localDepth === 0) return;
    const hashFirst = arena.word(pageStart + IndexPage.hashFirst);
    const bit = 0x8000_0000 >>> (localDepth - 1);
    const page = pageStart / 2;
    const buddy = this.#pageOf(hashFirst ^ bit);
    if (arena.word(buddy * 2 + IndexPage.localDepth) !== localDepth) return;
    const used = arena.word(pageStart + IndexPage.used) + arena.word(buddy * 2 + IndexPage.used);
    if (used >= MERGED_SLOTS_MAX) return;
    if (!this.#pages.canRetire() || this.#pages.freeCount === 0) return;
    const merged = this.#newPage(localDepth - 1, hashFirst & ~bit);
    if (merged === 0) return;
    this.#fillFrom(page, merged);
    this.#fillFrom(buddy, merged);
    this.#swing(merged, 0);
    this.#retirePage(page);
    this.#retirePage(buddy);
  }

  #fillFrom(from: number, to: number): void {
    const words = this.#words;
    for (let slot = 0; slot < IndexPage.slots; slot++) {
      const ref = words[from * 2 + slot * 2 + 1] as number;
      if (ref > TOMBSTONE) this.#fill(to, words[from * 2 + slot * 2] as number, ref);
    }
  }

  /** Inserts into a page that is not published yet. */
  #fill(page: number, hash: number, ref: number): void {
    const words = this.#words;
    let slot = homeSlot(hash);
    while (words[page * 2 + slot * 2 + 1] !== EMPTY_SLOT) slot = slot === IndexPage.slots - 1 ? 0 : slot + 1;
    words[page * 2 + slot * 2] = hash;
    words[page * 2 + slot * 2 + 1] = ref;
    words[page * 2 + IndexPage.used] = (words[page * 2 + IndexPage.used] as number) + 1;
  }

  /** Publishes finished pages such that a successor can finish the job if this writer dies in the middle. */
  #swing(first: number, second: number): void {
    this.#words[Control.redoSecond] = second;
    Atomics.store(this.#words, Control.redoFirst, first);
    this.#publish(first);
    if (second !== 0) this.#publish(second);
    Atomics.store(this.#words, Control.redoFirst, 0);
  }

  #publish(page: number): void {
    const words = this.#words;
    const depth = words[Control.directoryDepth] as number;
    const localDepth = words[page * 2 + IndexPage.localDepth] as number;
    const hashFirst = words[page * 2 + IndexPage.hashFirst] as number;
    const first = this.#directory + (1 << depth) + (hashFirst >>> (32 - depth));
    const end = first + (1 << (depth - localDepth));
    // The page's words come before this store, and this store before the load, which the plain stores below follow.
    Atomics.store(words, first, page);
    Atomics.load(words, first);
    for (let at = first + 1; at < end; at++) words[at] = page;
  }

  #retirePage(page: number): void {
    if (page === this.watchedPage) this.watchedPage = 0;
    this.#arena.count(Counter.indexPages, -1);
    this.#pages.retire(page);
  }

  #double(): boolean {
    const depth = this.#arena.word(Control.directoryDepth);
    if (depth >= this.#arena.directoryDepthMax) return false;
    const words = this.#words;
    const from = this.#directory + (1 << depth);
    const to = this.#directory + (2 << depth);
    const count = 1 << depth;
    for (let i = 0; i < count; i++) {
      const page = words[from + i] as number;
      words[to + 2 * i] = page;
      words[to + 2 * i + 1] = page;
    }
    // Releases the new level's words before it comes into force.
    Atomics.store(words, Control.directoryDepth, depth + 1);
    return true;
  }
}
