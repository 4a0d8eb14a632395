import { assert } from '../base/assert.ts';
import type { Arena } from './arena.ts';
import { Counter, HEAP_POSITION_WORD, PAGE_BYTES } from './layout.ts';
import type { Pages } from './pages.ts';
import { endsAtOf } from './record.ts';

/** Nodes a page, as a shift: a node is two words, due time and reference. */
const NODES_SHIFT = 10;
const NODES_MASK = (1 << NODES_SHIFT) - 1;
/** The root's position. With it, the four children of a node stand in one aligned run of 32 bytes. */
const ROOT = 3;
/** How far ahead a due time may lie, and how far the clock may be from when all was in order: 23 of the 24 days. */
const AHEAD_MS_MAX = 20 * 86_400_000;
const DRIFT_MS_MAX = 3 * 86_400_000;

/**
 * The expiring entries, those first that nobody sees any more soonest (behind their stale window): a 4-ary heap in pages of the arena, whose nodes hold the due time's low 32 bits
 * and the entry's reference, while the entry holds its position, so that changing a time moves one node.
 *
 * Due times wrap and are compared by difference, which is sound while all lie within 24 days of each other: an entry
 * that expires later than 20 days from now is filed at that distance, and filed again when it comes up. Should the
 * clock leap by days, or nobody remove what is due for days, all are filed anew.
 */
export class ExpiryHeap {
  readonly #arena: Arena;
  readonly #words: Int32Array;
  readonly #pages: Pages;
  readonly #table: number;
  #end = ROOT;
  #pageCount = 0;
  /** A time at which nothing was overdue. */
  #inOrderMs = 0;

  constructor(arena: Arena, pages: Pages) {
    this.#arena = arena;
    this.#words = arena.words;
    this.#pages = pages;
    this.#table = arena.heapTable;
  }

  get size(): number {
    return this.#end - ROOT;
  }

  /** Sees to it that one more entry fits; false when there is no memory. */
  prepareInsert(): boolean {
    if (this.#end >> NODES_SHIFT < this.#pageCount) return true;
    if (this.#pageCount === this.#arena.heapPagesMax) return false;
    const page = this.#pages.allocate();
    if (page === 0) return false;
    this.#words[this.#table + this.#pageCount] = page;
    this.#pageCount++;
    this.#arena.count(Counter.heapPages, 1);
    return true;
  }

  /** Files an entry. Only after `prepareInsert`. */
  insert(ref: number, expiresAtMs: number, nowMs: number): void {
    this.#refileAllIfStale(nowMs);
    const position = this.#end++;
    assert(position >> NODES_SHIFT < this.#pageCount, 'no room in the expiry heap');
    this.#arena.count(Counter.expiringKeys, 1);
    this.#siftUp(position, dueOf(expiresAtMs, nowMs), ref);
  }

  /** Files an entry anew, at its present place in memory and with a new time. */
  update(position: number, ref: number, expiresAtMs: number, nowMs: number): void {
    this.moved(position, ref);
    this.#words[ref * 2 + HEAP_POSITION_WORD] = position;
    this.#refileAllIfStale(nowMs);
    this.#place(this.#words[ref * 2 + HEAP_POSITION_WORD] as number, dueOf(expiresAtMs, nowMs), ref);
  }

  /** Notes that the entry at `position` moved to `ref`. */
  moved(position: number, ref: number): void {
    this.#words[this.#nodeAt(position) + 1] = ref;
  }

  remove(position: number): void {
    const last = --this.#end;
    this.#arena.count(Counter.expiringKeys, -1);
    if (position !== last) {
      const node = this.#nodeAt(last);
      this.#place(position, this.#words[node] as number, this.#words[node + 1] as number);
    }
    // One spare page stays, so that a size that swings around a boundary does not trade pages to and fro.
    if (last >> NODES_SHIFT < this.#pageCount - 2) this.#dropLastPage();
  }

  /** Reference of the entry that expires soonest; 0 when the heap is empty. */
  soonest(): number {
    return this.#end === ROOT ? 0 : this.refAt(ROOT);
  }

  refAt(position: number): number {
    return this.#words[this.#nodeAt(position) + 1] as number;
  }

  /** Unix milliseconds of the soonest due time, for which the entry's own expiry may still be later; -1 when empty. */
  nextDueMs(nowMs: number): number {
    if (this.#end === ROOT) return -1;
    this.#refileAllIfStale(nowMs);
    return nowMs + (((this.#words[this.#nodeAt(ROOT)] as number) - nowMs) | 0);
  }

  /**
   * Position of a node that is due, close below `from`, with no due child; 0 when nothing is due. Removing such nodes
   * costs little, also when a million are due at once: what takes their place hardly sinks.
   */
  findDue(from: number, nowMs: number): number {
    this.#refileAllIfStale(nowMs);
    const now = nowMs | 0;
    if (this.#end === ROOT || this.#isAfter(ROOT, now)) {
      this.#inOrderMs = nowMs;
      return 0;
    }
    let position = from;
    while (position >= this.#end || (position > ROOT && this.#isAfter(position, now))) position = parentOf(position);
    if (position < ROOT) position = ROOT;
    // Everything due: the last node goes, and nothing takes its place.
    if (!this.#isAfter(this.#end - 1, now)) return this.#end - 1;
    for (;;) {
      const first = 4 * position - 8;
      const end = Math.min(first + 4, this.#end);
      let due = 0;
      for (let child = first; child < end; child++) {
        if (!this.#isAfter(child, now)) {
          due = child;
          break;
        }
      }
      if (due === 0) return position;
      position = due;
    }
  }

  /** Forgets every node and returns the pages. */
  clear(): void {
    this.#end = ROOT;
    while (this.#pageCount > 0) this.#dropLastPage();
    this.#arena.count(Counter.expiringKeys, -this.#arena.counter(Counter.expiringKeys));
  }

  /** Moves one of the heap's pages elsewhere; false when `page` is none or there is no memory. */
  relocate(page: number): boolean {
    for (let i = 0; i < this.#pageCount; i++) {
      if (this.#words[this.#table + i] !== page) continue;
      const fresh = this.#pages.allocate();
      if (fresh === 0) return false;
      this.#words.copyWithin(fresh * 2, page * 2, page * 2 + PAGE_BYTES / 4);
      this.#words[this.#table + i] = fresh;
      this.#pages.free(page);
      return true;
    }
    return false;
  }

  /** @throws {AssertionError} unless every node is in order and every entry knows its position. For tests. */
  validate(): void {
    for (let position = ROOT; position < this.#end; position++) {
      const node = this.#nodeAt(position);
      assert(
        this.#words[this.refAt(position) * 2 + HEAP_POSITION_WORD] === position,
        'an entry that knows a wrong position',
      );
      if (position === ROOT) continue;
      const parent = this.#words[this.#nodeAt(parentOf(position))] as number;
      assert((((this.#words[node] as number) - parent) | 0) >= 0, 'a node due before its parent');
    }
    assert(this.#pageCount === this.#arena.counter(Counter.heapPages), 'heap pages miscounted');
    assert(this.size === this.#arena.counter(Counter.expiringKeys), 'expiring keys miscounted');
  }

  #refileAllIfStale(nowMs: number): void {
    if (Math.abs(nowMs - this.#inOrderMs) <= DRIFT_MS_MAX) return;
    this.#inOrderMs = nowMs;
    if (this.#end === ROOT) return;
    for (let position = ROOT; position < this.#end; position++) {
      const ref = this.refAt(position);
      this.#words[this.#nodeAt(position)] = dueOf(endsAtOf(this.#arena, ref, this.#arena.word(ref * 2 + 1)), nowMs);
    }
    for (let position = parentOf(this.#end - 1); position >= ROOT; position--) {
      const node = this.#nodeAt(position);
      this.#siftDown(position, this.#words[node] as number, this.#words[node + 1] as number);
    }
  }

  #dropLastPage(): void {
    this.#pageCount--;
    this.#pages.free(this.#words[this.#table + this.#pageCount] as number);
    this.#arena.count(Counter.heapPages, -1);
  }

  #nodeAt(position: number): number {
    const page = this.#words[this.#table + (position >> NODES_SHIFT)] as number;
    return page * 2 + ((position & NODES_MASK) << 1);
  }

  #isAfter(position: number, now: number): boolean {
    return (((this.#words[this.#nodeAt(position)] as number) - now) | 0) > 0;
  }

  #place(position: number, due: number, ref: number): void {
    if (position > ROOT && ((due - (this.#words[this.#nodeAt(parentOf(position))] as number)) | 0) < 0) {
      this.#siftUp(position, due, ref);
    } else {
      this.#siftDown(position, due, ref);
    }
  }

  #siftUp(from: number, due: number, ref: number): void {
    let position = from;
    while (position > ROOT) {
      const parent = parentOf(position);
      const node = this.#nodeAt(parent);
      const parentDue = this.#words[node] as number;
      if (((due - parentDue) | 0) >= 0) break;
      this.#set(position, parentDue, this.#words[node + 1] as number);
      position = parent;
    }
    this.#set(position, due, ref);
  }

  #siftDown(from: number, due: number, ref: number): void {
    let position = from;
    for (;;) {
      const first = 4 * position - 8;
      if (first >= this.#end) break;
      const end = Math.min(first + 4, this.#end);
      let least = first;
      let leastDue = this.#words[this.#nodeAt(first)] as number;
      for (let child = first + 1; child < end; child++) {
        const childDue = this.#words[this.#nodeAt(child)] as number;
        if (((childDue - leastDue) | 0) < 0) {
          least = child;
          leastDue = childDue;
        }
      }
      if (((due - leastDue) | 0) <= 0) break;
      this.#set(position, leastDue, this.refAt(least));
      position = least;
    }
    this.#set(position, due, ref);
  }

  #set(position: number, due: number, ref: number): void {
    const node = this.#nodeAt(position);
    this.#words[node] = due;
    this.#words[node + 1] = ref;
    this.#words[ref * 2 + HEAP_POSITION_WORD] = position;
  }
}

export function parentOf(position: number): number {
  return (position + 8) >> 2;
}

/** Times long past and far ahead are filed nearer, so that all stay comparable. */
function dueOf(expiresAtMs: number, nowMs: number): number {
  const due = Math.min(Math.max(expiresAtMs, nowMs - 1), nowMs + AHEAD_MS_MAX);
  // The low 32 bits: `|` takes a double modulo 2^32.
  return due | 0;
}
