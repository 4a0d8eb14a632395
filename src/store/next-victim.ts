import type { Arena } from './arena.ts';
import { ACCESS_SHIFT, FLAG_CHUNK, FLAG_DEAD, SegmentRow, SegmentState } from './layout.ts';
import { entryBytesOf, recordBytesOf } from './record.ts';
import type { Segments } from './segments.ts';

/** What one look may cost: it passes 16 entries, each a cache miss, or 128 chunks of entries, far fewer than they hold. */
const LOOK_COST_MAX = 128;
const ENTRY_COST = 8;
export const LOOK_ENTRIES_MAX = LOOK_COST_MAX / ENTRY_COST;
const CHUNK_COST = 1;
/** Victims that one winner takes the place of at most; what it owes beyond them is carried over. */
const PLACES_MAX = 64;
/** Candidates that one victim turns away before the next one has to: no single overrated entry bars the door. */
export const DEFENCES_MAX = 16;
/** A mark is a record's reference (29 bits) and the low 3 bits of its segment's age. */
const MARK_REF_MASK = 0x1fff_ffff;
const MARK_AGE_SHIFT = 29;

/**
 * Finds, without a walk, which entry of the main log leaves next: the first one from where it looked last, in the log's
 * order and round and round, that was not used since a walk last met it. It is the one a candidate from the small log
 * has to beat.
 *
 * Nothing is evicted here: a place that was taken is one more entry in the main log, which a later walk makes up for by
 * evicting the entries, much the same ones, that are still unused then.
 */
export class NextVictim {
  readonly #arena: Arena;
  readonly #segments: Segments;
  /** Where the look goes on: a segment of the main log, known by its age, and bytes into it. */
  #segment = -1;
  #age = 0;
  #offset = 0;
  #owedBytes = 0;
  #defences = 0;
  #foundInLap = false;
  /** A whole lap met no unused entry, and none was met since. */
  isExhausted = false;

  constructor(arena: Arena, segments: Segments) {
    this.#arena = arena;
    this.#segments = segments;
  }

  /** The victim's record; 0 when none was found near by. */
  find(): number {
    const arena = this.#arena;
    for (let cost = 0; cost < LOOK_COST_MAX; ) {
      if (!this.#isInPlace() || this.#offset >= arena.word(arena.segmentRow(this.#segment) + SegmentRow.used)) {
        if (!this.#advance()) return 0;
        cost += ENTRY_COST;
        continue;
      }
      const ref = arena.segmentStart(this.#segment) + (this.#offset >> 3);
      const header = arena.word(ref * 2 + 1);
      if ((header & (FLAG_DEAD | FLAG_CHUNK)) === 0 && header >>> ACCESS_SHIFT === 0) {
        this.#foundInLap = true;
        this.isExhausted = false;
        return ref;
      }
      this.#pass(ref);
      cost += (header & FLAG_CHUNK) === 0 ? ENTRY_COST : CHUNK_COST;
    }
    return 0;
  }

  /** The victim that `find` gave has turned a candidate away. */
  defended(ref: number): void {
    if (++this.#defences >= DEFENCES_MAX) this.#pass(ref);
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
      this.#pass(ref);
    }
  }

  /** What tells later whether this victim was used after all: 32 bits, never 0. */
  markOf(ref: number): number {
    const row = this.#arena.segmentRow(this.#arena.segmentOf(ref));
    return ref | (this.#arena.word(row + SegmentRow.age) << MARK_AGE_SHIFT);
  }

  /**
   * Whether the victim of a mark was used after it was marked. A record keeps its count where it lay, also when a walk
   * has moved it on, until its segment is opened anew; then the answer is no. Once in eight such cases it is a guess.
   */
  wasUsed(mark: number): boolean {
    const ref = mark & MARK_REF_MASK;
    return this.markOf(ref) === mark && this.#arena.word(ref * 2 + 1) >>> ACCESS_SHIFT > 0;
  }

  #pass(ref: number): void {
    this.#offset += recordBytesOf(this.#arena, ref);
    this.#defences = 0;
  }

  #isInPlace(): boolean {
    if (this.#segment < 0) return false;
    const row = this.#arena.segmentRow(this.#segment);
    return (
      this.#arena.word(row + SegmentRow.state) === SegmentState.main &&
      this.#arena.word(row + SegmentRow.age) === this.#age
    );
  }

  /** Goes to the next segment, after the last to the oldest; false when the log has none. */
  #advance(): boolean {
    const hasBegun = this.#segment >= 0;
    this.#offset = 0;
    this.#segment = hasBegun ? this.#segments.nextAfter(SegmentState.main, this.#age) : -1;
    if (this.#segment < 0) {
      if (hasBegun) this.isExhausted = !this.#foundInLap;
      this.#foundInLap = false;
      this.#segment = this.#segments.oldest(SegmentState.main);
    }
    if (this.#segment < 0) return false;
    this.#age = this.#arena.word(this.#arena.segmentRow(this.#segment) + SegmentRow.age);
    return true;
  }
}
