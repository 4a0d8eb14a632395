import { assert } from '../base/assert.ts';
import { EVICT, type FluxPolicy } from './eviction.ts';
import {
  ACCESS_SHIFT,
  Counter,
  FLAG_CHUNK,
  FLAG_DEAD,
  FLAG_EXPIRES,
  HEAP_POSITION_WORD,
  type Log,
  NOT_IN_HEAP,
  SegmentRow,
  SegmentState,
} from './layout.ts';
import { entryBytesOf, recordBytesOf, valueWord } from './record.ts';
import { Verdict } from './tag-notes.ts';
import type { WriterParts } from './writer-parts.ts';

/** What a record costs a walk beside its bytes, in bytes of copying that take as long. */
const RECORD_COST_BYTES = 192;

export const WalkResult = {
  /** The limit was reached; there is more to walk. */
  paused: 0,
  /** The segment is walked and retired. */
  finished: 1,
  /** No segment was free to copy a record to that must not be lost. */
  stuck: 2,
} as const;
export type WalkResult = (typeof WalkResult)[keyof typeof WalkResult];

/**
 * Empties one segment, record after record, in steps: copies live records to the end of a log, or lets them go if the
 * policy says so, and retires the segment. Between steps anything may happen to the store.
 */
export class SegmentWalk {
  readonly #parts: WriterParts;
  #segment = -1;
  #offset = 0;
  #policy: FluxPolicy | null = null;

  constructor(parts: WriterParts) {
    this.#parts = parts;
  }

  get isUnderWay(): boolean {
    return this.#segment >= 0;
  }

  /** Begins with a sealed segment. With a policy, that decides who stays; without, all do, where and as they are. */
  start(segment: number, policy: FluxPolicy | null): void {
    assert(this.#segment < 0, 'a walk begun within a walk');
    this.#segment = segment;
    this.#offset = 0;
    this.#policy = policy;
    this.#parts.segments.walked = segment;
  }

  /** Drops the walk where it is: what it has moved is moved, the rest stays. */
  abandon(): void {
    this.#segment = -1;
    this.#parts.segments.walked = -1;
  }

  /** Goes on for about `limitBytes` of records. With `urgent`, an evicting walk keeps nothing. */
  step(limitBytes: number, nowMs: number, urgent: boolean): WalkResult {
    const { arena, segments } = this.#parts;
    const row = arena.segmentRow(this.#segment);
    const start = arena.segmentStart(this.#segment);
    const used = arena.word(row + SegmentRow.used);
    const log = arena.word(row + SegmentRow.state) as Log;
    let budget = limitBytes;
    while (this.#offset < used && arena.word(row + SegmentRow.live) > 0) {
      if (budget <= 0) return WalkResult.paused;
      const ref = start + (this.#offset >> 3);
      const header = arena.word(ref * 2 + 1);
      const bytes = recordBytesOf(arena, ref);
      if ((header & FLAG_DEAD) === 0) {
        const kept =
          (header & FLAG_CHUNK) === 0
            ? this.#walkEntry(ref, header, bytes, log, nowMs, urgent)
            : this.#walkChunk(ref, bytes, log, nowMs, urgent);
        if (!kept) return WalkResult.stuck;
        budget -= RECORD_COST_BYTES;
      }
      budget -= bytes >> 3;
      this.#offset += bytes;
    }
    assert(arena.word(row + SegmentRow.live) === 0, 'a walk left live records behind');
    const segment = this.#segment;
    this.abandon();
    segments.retire(segment);
    return WalkResult.finished;
  }

  #walkEntry(ref: number, header: number, bytes: number, log: Log, nowMs: number, urgent: boolean): boolean {
    const { arena, index, indexWriter, records, heap } = this.#parts;
    const hash = this.#parts.hashOf(ref, header);
    const slot = index.findRef(hash, ref);
    // Written by a writer that died before it published the record.
    if (slot === 0) return true;
    if (this.#parts.validity.verdict(ref, header) === Verdict.hard) {
      this.#parts.dropInvalid(slot, ref);
      return true;
    }
    const isOver = this.#parts.isOver(ref, header, nowMs);
    if (isOver && this.#parts.mayExpire(this.#parts.partitionOf(ref))) {
      this.#parts.expire(slot, ref);
      return true;
    }
    let accesses = header >>> ACCESS_SHIFT;
    let target = log;
    if (this.#policy !== null) {
      // What is over in a partition that is not owned may be let go like anything else, but not taken for gone.
      accesses = urgent || isOver ? EVICT : this.#policy.judge(log, hash, accesses, entryBytesOf(arena, ref));
      target = SegmentState.main;
    }
    const copy = accesses === EVICT ? 0 : records.appendCopy(ref, bytes, target, accesses);
    if (copy === 0) return this.#letGo(slot, ref);
    indexWriter.replace(slot, copy);
    if ((header & FLAG_EXPIRES) !== 0) {
      const position = arena.word(copy * 2 + HEAP_POSITION_WORD);
      if (position !== NOT_IN_HEAP) heap.moved(position, copy);
    }
    records.buryAlone(ref);
    arena.count(Counter.compactedBytes, bytes);
    return true;
  }

  #walkChunk(chunk: number, bytes: number, log: Log, nowMs: number, urgent: boolean): boolean {
    const { arena, index, records } = this.#parts;
    const hash = arena.word(chunk * 2 + 2);
    const ordinal = arena.word(chunk * 2 + 3);
    const slot = index.findChunkOwner(hash, chunk, ordinal);
    if (slot === 0) return true;
    const owner = arena.word(slot);
    const header = arena.word(owner * 2 + 1);
    if (this.#parts.validity.verdict(owner, header) === Verdict.hard) {
      this.#parts.dropInvalid(slot, owner);
      return true;
    }
    const isOver = this.#parts.isOver(owner, header, nowMs);
    if (isOver && this.#parts.mayExpire(this.#parts.partitionOf(owner))) {
      this.#parts.expire(slot, owner);
      return true;
    }
    let target = log;
    let keeps = true;
    if (this.#policy !== null) {
      keeps = !urgent && !isOver && this.#keepsChunk(this.#policy, owner, log, hash, header >>> ACCESS_SHIFT);
      target = SegmentState.main;
    }
    const copy = keeps ? records.appendCopy(chunk, bytes, target, 0) : 0;
    if (copy === 0) return this.#letGo(slot, owner);
    // Releases the copy's bytes before a reader can find it in the entry's list.
    Atomics.store(arena.words, valueWord(owner, header) + ordinal, copy);
    records.buryAlone(chunk);
    arena.count(Counter.compactedBytes, bytes);
    return true;
  }

  /**
   * Decides about a whole entry when its first chunk is met: one that stays although it was not used is marked as used
   * once, so that its other chunks and its head, which come next, stay too.
   */
  #keepsChunk(policy: FluxPolicy, owner: number, log: Log, hash: number, accesses: number): boolean {
    const { arena } = this.#parts;
    if (accesses > 0) return true;
    if (!policy.keepsUnused(log, hash, entryBytesOf(arena, owner))) return false;
    arena.bytes[owner * 8 + 7] = 1;
    return true;
  }

  /** Evicts an entry, where that is allowed. */
  #letGo(slot: number, ref: number): boolean {
    if (this.#policy === null) return false;
    this.#parts.evict(slot, ref);
    return true;
  }
}
