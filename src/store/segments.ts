import { assert } from '../base/assert.ts';
import type { Arena } from './arena.ts';
import type { Epochs } from './epochs.ts';
import { Control, Counter, type Log, SegmentRow, SegmentState } from './layout.ts';

/**
 * The writer's view of the segments: the free list, the two logs with their open segments and bump pointers, and the
 * retired list, whose segments become free when every reader that may see them has left.
 *
 * A record is written at the reference `allocate` gave and counted by `commit`, which moves the bump pointer; so a
 * segment's filled part always parses as whole records, whenever the writer dies.
 */
export class Segments {
  readonly #arena: Arena;
  readonly #words: Int32Array;
  readonly #epochs: Epochs;
  /** Open segment of each log, by log; -1 when none. */
  readonly #open = new Int32Array([-1, -1, -1]);
  #freeHead = -1;
  #retiredHead = -1;
  #retiredTail = -1;
  freeCount = 0;
  retiredCount = 0;
  /** Segments of each log, by log. */
  readonly logSegments = new Int32Array(3);
  /** A segment that a walk is in the middle of: not retired under it. */
  walked = -1;
  #holds = false;
  /** 1 for segments of records that a group under way has written, or may be taken back to. */
  readonly #pinned: Uint8Array;
  /** Segments whose last live record died while segments were held. */
  #heldDead = 0;

  constructor(arena: Arena, epochs: Epochs) {
    this.#arena = arena;
    this.#words = arena.words;
    this.#epochs = epochs;
    this.#pinned = new Uint8Array(arena.segmentCount);
  }

  /** A place for `bytes` (a multiple of 8) at the end of the log; 0 when that takes a free segment and there is none. */
  allocate(log: Log, bytes: number): number {
    const arena = this.#arena;
    let segment = this.#open[log] as number;
    if (segment >= 0) {
      const used = arena.word(arena.segmentRow(segment) + SegmentRow.used);
      if (used + bytes <= arena.segmentBytes) return arena.segmentStart(segment) + (used >> 3);
    }
    assert(bytes <= arena.segmentBytes, 'a record longer than a segment');
    const next = this.take(log);
    if (next < 0) return 0;
    if (segment >= 0) this.#seal(segment, log);
    segment = next;
    if (this.#holds) this.#pinned[segment] = 1;
    this.#open[log] = segment;
    this.logSegments[log] = (this.logSegments[log] as number) + 1;
    arena.count(Counter.logSegments, 1);
    const row = arena.segmentRow(segment);
    const age = (arena.word(Control.segmentAge) + 1) | 0;
    this.#words[Control.segmentAge] = age;
    this.#words[row + SegmentRow.age] = age;
    return arena.segmentStart(segment);
  }

  /** Counts the record just written at the end of the log: from now on it is part of the log, and live. */
  commit(log: Log, bytes: number): void {
    const arena = this.#arena;
    const row = arena.segmentRow(this.#open[log] as number);
    this.#words[row + SegmentRow.used] = arena.word(row + SegmentRow.used) + bytes;
    this.#words[row + SegmentRow.live] = arena.word(row + SegmentRow.live) + bytes;
    arena.count(Counter.liveBytes, bytes);
    arena.count(Counter.logBytes, bytes);
  }

  /** Counts `bytes` of the record at `ref` as dead; a sealed segment without live records is retired at once. */
  release(ref: number, bytes: number): void {
    const arena = this.#arena;
    const segment = arena.segmentOf(ref);
    const row = arena.segmentRow(segment);
    const live = arena.word(row + SegmentRow.live) - bytes;
    assert(live >= 0, 'more bytes released than lived');
    this.#words[row + SegmentRow.live] = live;
    arena.count(Counter.liveBytes, -bytes);
    if (live === 0 && !this.isOpen(segment)) this.#retireDead(segment);
  }

  /** Counts `bytes` of a dead record at `ref` as live again. Only while segments are held. */
  revive(ref: number, bytes: number): void {
    assert(this.#holds, 'a dead record may lie in a retired segment');
    const arena = this.#arena;
    const row = arena.segmentRow(arena.segmentOf(ref));
    this.#words[row + SegmentRow.live] = arena.word(row + SegmentRow.live) + bytes;
    arena.count(Counter.liveBytes, bytes);
  }

  /**
   * From now until `letGo` no segment is retired for being dead, and what is pinned is not walked either: a group under
   * way may be taken back to what lies there. Open segments, now and later, are pinned: the group writes to them.
   */
  hold(): void {
    this.#holds = true;
    for (const segment of this.#open) if (segment >= 0) this.#pinned[segment] = 1;
  }

  get isHeld(): boolean {
    return this.#holds;
  }

  /** Keeps the segment of a record as it is while segments are held. */
  pin(ref: number): void {
    this.#pinned[this.#arena.segmentOf(ref)] = 1;
  }

  isPinned(segment: number): boolean {
    return this.#pinned[segment] === 1;
  }

  letGo(): void {
    this.#holds = false;
    this.#pinned.fill(0);
    if (this.#heldDead === 0) return;
    this.#heldDead = 0;
    const arena = this.#arena;
    for (let segment = 0; segment < arena.segmentCount; segment++) {
      const row = arena.segmentRow(segment);
      const state = arena.word(row + SegmentRow.state);
      if (state !== SegmentState.small && state !== SegmentState.main) continue;
      if (arena.word(row + SegmentRow.live) === 0 && !this.isOpen(segment)) this.#retireDead(segment);
    }
  }

  isOpen(segment: number): boolean {
    return this.#open[SegmentState.small] === segment || this.#open[SegmentState.main] === segment;
  }

  /** Bytes left in the open segment of a log. */
  openBytes(log: Log): number {
    const segment = this.#open[log] as number;
    if (segment < 0) return 0;
    return this.#arena.segmentBytes - this.#arena.word(this.#arena.segmentRow(segment) + SegmentRow.used);
  }

  /** Takes a segment out of its log once nothing in it is live. */
  retire(segment: number): void {
    const arena = this.#arena;
    const row = arena.segmentRow(segment);
    const log = arena.word(row + SegmentRow.state);
    assert(arena.word(row + SegmentRow.live) === 0, 'a segment retired with live records');
    assert(log === SegmentState.small || log === SegmentState.main, 'a segment retired that is no log');
    this.logSegments[log] = (this.logSegments[log] as number) - 1;
    arena.count(Counter.logSegments, -1);
    arena.count(Counter.logBytes, -arena.segmentBytes);
    this.addRetired(segment);
  }

  /** Puts a segment that nothing refers to any more on the retired list. */
  addRetired(segment: number): void {
    const arena = this.#arena;
    const row = arena.segmentRow(segment);
    arena.count(Counter.retiredSegments, 1);
    this.#words[row + SegmentRow.state] = SegmentState.retired;
    this.#words[row + SegmentRow.epoch] = this.#epochs.stamp();
    this.#words[row + SegmentRow.next] = -1;
    if (this.#retiredTail < 0) this.#retiredHead = segment;
    else this.#words[arena.segmentRow(this.#retiredTail) + SegmentRow.next] = segment;
    this.#retiredTail = segment;
    this.retiredCount++;
  }

  /** Frees the retired segments that no reader can see any more. */
  reclaim(): void {
    while (this.#retiredHead >= 0) {
      const segment = this.#retiredHead;
      const row = this.#arena.segmentRow(segment);
      if (!this.#epochs.passed(this.#arena.word(row + SegmentRow.epoch))) return;
      this.#retiredHead = this.#arena.word(row + SegmentRow.next);
      if (this.#retiredHead < 0) this.#retiredTail = -1;
      this.retiredCount--;
      this.#arena.count(Counter.retiredSegments, -1);
      this.addFree(segment);
    }
  }

  /** Waits for readers to leave the oldest retired segment, at most about `limitMs`; false when they did not. */
  waitReclaim(limitMs: number): boolean {
    if (this.#retiredHead < 0) return false;
    const row = this.#arena.segmentRow(this.#retiredHead);
    if (!this.#epochs.waitPassed(this.#arena.word(row + SegmentRow.epoch), limitMs)) return false;
    this.reclaim();
    return true;
  }

  /** Takes a free segment for `state`; -1 when there is none. */
  take(state: SegmentState): number {
    if (this.#freeHead < 0) this.reclaim();
    const segment = this.#freeHead;
    if (segment < 0) return -1;
    const row = this.#arena.segmentRow(segment);
    this.#freeHead = this.#arena.word(row + SegmentRow.next);
    this.freeCount--;
    this.#words[row + SegmentRow.used] = 0;
    this.#words[row + SegmentRow.live] = 0;
    this.#words[row + SegmentRow.state] = state;
    return segment;
  }

  /** Puts a segment that nobody refers to on the free list; the last to come is the first to go, being in memory. */
  addFree(segment: number): void {
    const row = this.#arena.segmentRow(segment);
    this.#words[row + SegmentRow.state] = SegmentState.free;
    this.#words[row + SegmentRow.used] = 0;
    this.#words[row + SegmentRow.live] = 0;
    this.#words[row + SegmentRow.next] = this.#freeHead;
    this.#freeHead = segment;
    this.freeCount++;
  }

  /** The sealed segment of a log, not pinned, that was opened first; -1 when there is none. */
  oldest(log: Log): number {
    const arena = this.#arena;
    let best = -1;
    let bestAge = 0;
    for (let segment = 0; segment < arena.segmentCount; segment++) {
      const row = arena.segmentRow(segment);
      if (arena.word(row + SegmentRow.state) !== log || this.isOpen(segment) || this.isPinned(segment)) continue;
      const age = arena.word(row + SegmentRow.age);
      if (best < 0 || ((age - bestAge) | 0) < 0) {
        best = segment;
        bestAge = age;
      }
    }
    return best;
  }

  /** The segment of a log that was opened next after `age`, the open one included; -1 when there is none. */
  nextAfter(log: Log, age: number): number {
    const arena = this.#arena;
    let best = -1;
    let bestAfter = 2 ** 31;
    for (let segment = 0; segment < arena.segmentCount; segment++) {
      const row = arena.segmentRow(segment);
      if (arena.word(row + SegmentRow.state) !== log) continue;
      const after = (arena.word(row + SegmentRow.age) - age) | 0;
      if (after > 0 && after < bestAfter) {
        best = segment;
        bestAfter = after;
      }
    }
    return best;
  }

  /** Hands a sealed segment of the small log over to the main log, as it is. */
  handOver(segment: number): void {
    const row = this.#arena.segmentRow(segment);
    assert(this.#arena.word(row + SegmentRow.state) === SegmentState.small, 'handed over from another log');
    assert(!this.isOpen(segment) && segment !== this.walked, 'a segment in use handed over');
    this.#words[row + SegmentRow.state] = SegmentState.main;
    this.logSegments[SegmentState.small] = (this.logSegments[SegmentState.small] as number) - 1;
    this.logSegments[SegmentState.main] = (this.logSegments[SegmentState.main] as number) + 1;
  }

  /** The sealed segment, not pinned, with the fewest live bytes; -1 when there is none. */
  emptiest(): number {
    const arena = this.#arena;
    let best = -1;
    let bestLive = arena.segmentBytes + 1;
    for (let segment = 0; segment < arena.segmentCount; segment++) {
      const row = arena.segmentRow(segment);
      const state = arena.word(row + SegmentRow.state);
      if ((state !== SegmentState.small && state !== SegmentState.main) || this.isOpen(segment)) continue;
      if (this.isPinned(segment)) continue;
      const live = arena.word(row + SegmentRow.live);
      if (live < bestLive) {
        best = segment;
        bestLive = live;
      }
    }
    return best;
  }

  /** Takes over the log segments of a dead writer, all sealed, their live bytes counted; frees those without any. */
  adoptLogs(): void {
    const arena = this.#arena;
    for (let segment = 0; segment < arena.segmentCount; segment++) {
      const row = arena.segmentRow(segment);
      const log = arena.word(row + SegmentRow.state);
      if (log !== SegmentState.small && log !== SegmentState.main) continue;
      if (arena.word(row + SegmentRow.live) === 0) {
        this.addFree(segment);
        continue;
      }
      this.logSegments[log] = (this.logSegments[log] as number) + 1;
      arena.count(Counter.logSegments, 1);
      arena.count(Counter.logBytes, arena.segmentBytes);
    }
  }

  /** Retires every log segment: nothing in the logs is referred to any more. */
  retireLogs(): void {
    const arena = this.#arena;
    this.walked = -1;
    for (let segment = 0; segment < arena.segmentCount; segment++) {
      const row = arena.segmentRow(segment);
      const log = arena.word(row + SegmentRow.state);
      if (log !== SegmentState.small && log !== SegmentState.main) continue;
      if (this.isOpen(segment)) this.#close(segment, log);
      this.#words[row + SegmentRow.live] = 0;
      this.retire(segment);
    }
    arena.doubles[Counter.liveBytes] = 0;
    this.#pinned.fill(0);
    this.#heldDead = 0;
  }

  #seal(segment: number, log: Log): void {
    this.#close(segment, log);
    const row = this.#arena.segmentRow(segment);
    if (this.#arena.word(row + SegmentRow.live) === 0) this.#retireDead(segment);
  }

  #retireDead(segment: number): void {
    if (this.#holds) this.#heldDead++;
    else if (segment !== this.walked) this.retire(segment);
  }

  /** Counts the tail as filled; `used` stays as it is: it tells walks where the last record ends. */
  #close(segment: number, log: Log): void {
    const row = this.#arena.segmentRow(segment);
    assert(this.#arena.word(row + SegmentRow.state) === log, 'an open segment of another log');
    this.#arena.count(Counter.logBytes, this.#arena.segmentBytes - this.#arena.word(row + SegmentRow.used));
    this.#open[log] = -1;
  }
}
