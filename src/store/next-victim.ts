import { assert } from '../base/assert.ts';
import type { Arena } from './arena.ts';
import { ACCESS_SHIFT, FLAG_CHUNK, FLAG_DEAD, SegmentRow, SegmentState } from './layout.ts';
import { POLICY_HEADER_WORDS } from './policy-layout.ts';
import { entryBytesOf, recordBytesOf } from './record.ts';
import type { Segments } from './segments.ts';

/** Records that one look passes at most: a few microseconds. */
const LOOK_RECORDS_MAX = 256;
/** Victims that one winner takes the place of at most; what it owes beyond them is carried over. */
const PLACES_MAX = 64;
/** Contests are numbered with 24 bits. */
const CONTEST_MASK = 0xff_ffff;

/**
 * Finds, without a walk, which entry of the main log leaves next: the first one in the log's order that was not used
 * since a walk last met it. It is the one a candidate from the small log has to beat. Each victim is a *contest* of its
 * own, numbered in order; it ends when the victim is used after all or a winner takes its place.
 *
 * Nothing is evicted here: a place that was taken is one more entry in the main log, which a later walk makes up for by
 * evicting the entries, much the same ones, that are still unused then.
 *
 * Layout, in words from `start` (all written by the store's writer alone):
 *
 *     0        the number of the contest under way
 *     16 …     one bit a contest, a ring: 1 when its victim was used after all
 */
export class NextVictim {
  readonly #arena: Arena;
  readonly #words: Int32Array;
  readonly #segments: Segments;
  readonly #start: number;
  readonly #outcomes: number;
  /** Where the look goes on: a segment of the main log, known by its age, and bytes into it. */
  #segment = -1;
  #age = 0;
  #offset = 0;
  #owedBytes = 0;

  constructor(arena: Arena, segments: Segments, start: number, length: number) {
    this.#arena = arena;
    this.#words = arena.words;
    this.#segments = segments;
    this.#start = start;
    this.#outcomes = (length - POLICY_HEADER_WORDS) * 32;
    assert((this.#outcomes & (this.#outcomes - 1)) === 0, 'outcomes that do not fill a ring');
  }

  /** The number of the contest under way. */
  get contest(): number {
    return this.#words[this.#start] as number;
  }

  /** The victim's record; 0 when none was found near by: the log is empty, or about all of it was used lately. */
  find(): number {
    const arena = this.#arena;
    for (let looks = 0; looks < LOOK_RECORDS_MAX; looks++) {
      if (!this.#isInPlace() && !this.#moveTo(this.#segments.oldest(SegmentState.main))) return 0;
      if (this.#offset >= arena.word(arena.segmentRow(this.#segment) + SegmentRow.used)) {
        if (this.#segments.isOpen(this.#segment)) return 0;
        this.#moveTo(this.#segments.nextAfter(SegmentState.main, this.#age));
        continue;
      }
      const ref = arena.segmentStart(this.#segment) + (this.#offset >> 3);
      const header = arena.word(ref * 2 + 1);
      if ((header & (FLAG_DEAD | FLAG_CHUNK)) === 0) {
        if (header >>> ACCESS_SHIFT === 0) return ref;
        this.#endContest(true);
      }
      this.#offset += recordBytesOf(arena, ref);
    }
    return 0;
  }

  /** An entry of `bytes` in all enters the main log: the next victims, of as many bytes, count as displaced. */
  displace(bytes: number): void {
    this.#owedBytes += bytes;
    for (let places = 0; places < PLACES_MAX && this.#owedBytes > 0; places++) {
      const ref = this.find();
      if (ref === 0) {
        this.#owedBytes = 0;
        return;
      }
      this.#owedBytes -= entryBytesOf(this.#arena, ref);
      this.#offset += recordBytesOf(this.#arena, ref);
      this.#endContest(false);
    }
  }

  /** Whether the victim of a contest (24 bits of its number) was used after all; also true when that is forgotten. */
  wasUsed(contest: number): boolean {
    if (this.#ended(contest) === 0) {
      const victim = this.find();
      if (this.#ended(contest) === 0) return victim === 0;
    }
    if (this.#ended(contest) > this.#outcomes) return true;
    const bit = contest & (this.#outcomes - 1);
    return (((this.#words[this.#start + POLICY_HEADER_WORDS + (bit >>> 5)] as number) >>> (bit & 31)) & 1) === 1;
  }

  /** How many contests have ended from this one on. */
  #ended(contest: number): number {
    return (this.contest - contest) & CONTEST_MASK;
  }

  #isInPlace(): boolean {
    if (this.#segment < 0) return false;
    const row = this.#arena.segmentRow(this.#segment);
    return (
      this.#arena.word(row + SegmentRow.state) === SegmentState.main &&
      this.#arena.word(row + SegmentRow.age) === this.#age
    );
  }

  #moveTo(segment: number): boolean {
    this.#segment = segment;
    this.#offset = 0;
    if (segment < 0) return false;
    this.#age = this.#arena.word(this.#arena.segmentRow(segment) + SegmentRow.age);
    return true;
  }

  #endContest(used: boolean): void {
    const bit = this.contest & (this.#outcomes - 1);
    const at = this.#start + POLICY_HEADER_WORDS + (bit >>> 5);
    const word = this.#words[at] as number;
    this.#words[at] = used ? word | (1 << (bit & 31)) : word & ~(1 << (bit & 31));
    this.#words[this.#start] = (this.contest + 1) | 0;
  }
}
