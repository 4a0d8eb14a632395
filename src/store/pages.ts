import { assert } from '../base/assert.ts';
import type { Arena } from './arena.ts';
import type { Epochs } from './epochs.ts';
import { Counter, PAGE_BYTES, PAGE_SHIFT, SegmentRow, SegmentState } from './layout.ts';
import type { Segments } from './segments.ts';

const PAGE_REFS = PAGE_BYTES / 8;
const RETIRED_MAX = 1024;

/**
 * Gives out pages of 8 KiB cut from segments, for the index and the expiry heap. Pages that readers may see are
 * retired and come back when their epoch has passed; a segment whose pages are all back is free for the logs again.
 */
export class Pages {
  readonly #arena: Arena;
  readonly #words: Int32Array;
  readonly #segments: Segments;
  readonly #epochs: Epochs;
  readonly #pagesPerSegment: number;
  /** Where the next page is looked for first. */
  #current = -1;
  /** A ring of retired pages and their epochs, oldest first. */
  readonly #retiredRefs = new Int32Array(RETIRED_MAX);
  readonly #retiredEpochs = new Int32Array(RETIRED_MAX);
  #retiredFirst = 0;
  #retiredCount = 0;
  /** Pages of page segments that are not in use. */
  freeCount = 0;

  constructor(arena: Arena, segments: Segments, epochs: Epochs) {
    this.#arena = arena;
    this.#words = arena.words;
    this.#segments = segments;
    this.#epochs = epochs;
    this.#pagesPerSegment = arena.segmentBytes >> PAGE_SHIFT;
  }

  /** Reference of a page of unknown contents; 0 when there is no memory for one. */
  allocate(): number {
    if (this.#retiredCount > 0) this.reclaim();
    let segment = this.#current;
    if (segment < 0 || this.#isFull(segment)) {
      segment = this.freeCount > 0 ? this.#fullestWithRoom(-1) : this.#segments.take(SegmentState.pages);
      if (segment < 0) return 0;
      if (this.freeCount === 0) this.addSegment(segment);
      this.#current = segment;
    }
    const row = this.#arena.segmentRow(segment);
    for (let page = 0; page < this.#pagesPerSegment; page++) {
      const bitsAt = row + SegmentRow.pageBits + (page >> 5);
      const bits = this.#arena.word(bitsAt);
      if ((bits & (1 << (page & 31))) !== 0) continue;
      const ref = this.#arena.segmentStart(segment) + page * PAGE_REFS;
      this.adopt(ref);
      return ref;
    }
    throw new Error('unreachable: a page segment with room has a free page');
  }

  /** Takes a page back that no other thread can see. */
  free(ref: number): void {
    const arena = this.#arena;
    const segment = arena.segmentOf(ref);
    const row = arena.segmentRow(segment);
    const page = (ref - arena.segmentStart(segment)) / PAGE_REFS;
    const bitsAt = row + SegmentRow.pageBits + (page >> 5);
    assert((arena.word(bitsAt) & (1 << (page & 31))) !== 0, 'a page freed twice');
    this.#words[bitsAt] = arena.word(bitsAt) & ~(1 << (page & 31));
    const live = arena.word(row + SegmentRow.live) - 1;
    this.#words[row + SegmentRow.live] = live;
    arena.count(Counter.pagesInUse, -1);
    this.freeCount++;
    if (live === 0) this.#release(segment);
  }

  /** Whether two more pages can be retired, the most that one change of the index unlinks. */
  canRetire(): boolean {
    if (this.#retiredCount > RETIRED_MAX - 2) this.reclaim();
    return this.#retiredCount <= RETIRED_MAX - 2;
  }

  /** Takes back a page that was just unlinked, once no reader can see it. Only after `canRetire`. */
  retire(ref: number): void {
    assert(this.#retiredCount < RETIRED_MAX, 'too many retired pages');
    const at = (this.#retiredFirst + this.#retiredCount) % RETIRED_MAX;
    this.#retiredRefs[at] = ref;
    this.#retiredEpochs[at] = this.#epochs.stamp();
    this.#retiredCount++;
  }

  reclaim(): void {
    while (this.#retiredCount > 0) {
      if (!this.#epochs.passed(this.#retiredEpochs[this.#retiredFirst] as number)) return;
      const ref = this.#retiredRefs[this.#retiredFirst] as number;
      this.#retiredFirst = (this.#retiredFirst + 1) % RETIRED_MAX;
      this.#retiredCount--;
      this.free(ref);
    }
  }

  /** Makes a segment one of pages, all free. */
  addSegment(segment: number): void {
    const row = this.#arena.segmentRow(segment);
    this.#words[row + SegmentRow.state] = SegmentState.pages;
    this.#words[row + SegmentRow.live] = 0;
    this.#words[row + SegmentRow.used] = this.#arena.segmentBytes;
    this.#words.fill(0, row + SegmentRow.pageBits, row + SegmentRow.pageBits + ((this.#pagesPerSegment + 31) >> 5));
    this.freeCount += this.#pagesPerSegment;
    this.#arena.count(Counter.pageSegments, 1);
  }

  /** Marks a page of a page segment as in use. */
  adopt(ref: number): void {
    const arena = this.#arena;
    const segment = arena.segmentOf(ref);
    const row = arena.segmentRow(segment);
    const page = (ref - arena.segmentStart(segment)) / PAGE_REFS;
    const bitsAt = row + SegmentRow.pageBits + (page >> 5);
    assert((arena.word(bitsAt) & (1 << (page & 31))) === 0, 'a page taken twice');
    this.#words[bitsAt] = arena.word(bitsAt) | (1 << (page & 31));
    this.#words[row + SegmentRow.live] = arena.word(row + SegmentRow.live) + 1;
    arena.count(Counter.pagesInUse, 1);
    this.freeCount--;
  }

  /** Gives page segments without a page in use back. */
  releaseEmpty(): void {
    const arena = this.#arena;
    for (let segment = 0; segment < arena.segmentCount; segment++) {
      const row = arena.segmentRow(segment);
      if (arena.word(row + SegmentRow.state) !== SegmentState.pages || arena.word(row + SegmentRow.live) > 0) continue;
      this.#release(segment);
    }
  }

  /** Retires every page but `kept`: nothing refers to the others any more. */
  retireAllBut(kept: number): void {
    const arena = this.#arena;
    const keptSegment = arena.segmentOf(kept);
    this.#retiredCount = 0;
    for (let segment = 0; segment < arena.segmentCount; segment++) {
      const row = arena.segmentRow(segment);
      if (arena.word(row + SegmentRow.state) !== SegmentState.pages || segment === keptSegment) continue;
      const live = arena.word(row + SegmentRow.live);
      arena.count(Counter.pagesInUse, -live);
      this.freeCount += live;
      this.#words[row + SegmentRow.live] = 0;
      this.freeCount -= this.#pagesPerSegment;
      arena.count(Counter.pageSegments, -1);
      this.#segments.addRetired(segment);
    }
    this.#current = keptSegment;
    for (
      let page = this.nextInUse(keptSegment, 0);
      page !== 0;
      page = this.nextInUse(keptSegment, this.ordinalOf(page) + 1)
    ) {
      if (page !== kept) this.retire(page);
    }
  }

  /** Whether some segment other than `segment` has a free page. */
  hasRoomBeside(segment: number): boolean {
    const inUse = this.#arena.word(this.#arena.segmentRow(segment) + SegmentRow.live);
    return this.freeCount > this.#pagesPerSegment - inUse;
  }

  /** The page segment with the fewest pages in use, when its pages would fit into the others; else -1. */
  sparsest(): number {
    if (this.freeCount < this.#pagesPerSegment + 2) return -1;
    const arena = this.#arena;
    let best = -1;
    let bestLive = this.#pagesPerSegment;
    for (let segment = 0; segment < arena.segmentCount; segment++) {
      const row = arena.segmentRow(segment);
      if (arena.word(row + SegmentRow.state) !== SegmentState.pages) continue;
      const live = arena.word(row + SegmentRow.live);
      if (live < bestLive) {
        best = segment;
        bestLive = live;
      }
    }
    return best;
  }

  /** Directs new pages away from `segment`, into the fullest other one that has room. */
  avoid(segment: number): void {
    if (this.#current === segment || this.#current < 0) this.#current = this.#fullestWithRoom(segment);
  }

  /** The next page in use in `segment` from ordinal `from` on; 0 when there is none. */
  nextInUse(segment: number, from: number): number {
    const row = this.#arena.segmentRow(segment);
    for (let page = from; page < this.#pagesPerSegment; page++) {
      const bits = this.#arena.word(row + SegmentRow.pageBits + (page >> 5));
      if ((bits & (1 << (page & 31))) !== 0) return this.#arena.segmentStart(segment) + page * PAGE_REFS;
    }
    return 0;
  }

  ordinalOf(ref: number): number {
    return (ref - this.#arena.segmentStart(this.#arena.segmentOf(ref))) / PAGE_REFS;
  }

  #release(segment: number): void {
    this.freeCount -= this.#pagesPerSegment;
    this.#arena.count(Counter.pageSegments, -1);
    if (this.#current === segment) this.#current = -1;
    this.#segments.addFree(segment);
  }

  #isFull(segment: number): boolean {
    return this.#arena.word(this.#arena.segmentRow(segment) + SegmentRow.live) === this.#pagesPerSegment;
  }

  #fullestWithRoom(except: number): number {
    const arena = this.#arena;
    let best = -1;
    let bestLive = -1;
    for (let segment = 0; segment < arena.segmentCount; segment++) {
      if (segment === except) continue;
      const row = arena.segmentRow(segment);
      if (arena.word(row + SegmentRow.state) !== SegmentState.pages) continue;
      const live = arena.word(row + SegmentRow.live);
      if (live > bestLive && live < this.#pagesPerSegment) {
        best = segment;
        bestLive = live;
      }
    }
    return best;
  }
}
