import type { Collector } from './collector.ts';
import {
  ACCESS_SHIFT,
  Counter,
  FLAG_ATTRIBUTES,
  FLAG_EXPIRES,
  HEAP_POSITION_WORD,
  IndexPage,
  NOT_IN_HEAP,
  TOMBSTONE,
} from './layout.ts';
import { endsAtOf, expiresAtOf, recordBytesOf } from './record.ts';
import { HASHES } from './scan.ts';
import { Verdict } from './tag-notes.ts';
import type { WriterParts } from './writer-parts.ts';

/** What one step does at most, but for the last entry, in looks at entries; taking one out costs as much as many. */
const STEP_LOOKS = 4096;
const LOOKS_PER_ENTRY = 12;
/** An entry that is dealt with is judged three times; and of the notes, so many are looked at as fast as one entry. */
const JUDGED = 3;
const NOTES_PER_LOOK = 16;
/** Entries of a page that are dealt with at a time. */
const ENTRIES_MAX = 256;
const TWO_TO_32 = 2 ** 32;

/**
 * Takes out what was invalidated, or brings its expiry forward, in steps: one pass over the index for all tags that were
 * invalidated before it began; then their notes are taken from readers. Tells nobody of what was invalidated: every copy of
 * a partition sweeps itself, and that the tags were invalidated was told.
 */
export class TagSweep {
  readonly #parts: WriterParts;
  readonly #collector: Collector;
  /** Told of the hash of an entry that was taken out. */
  readonly #onRemoved: (hash: number) => void;
  #isUnderWay = false;
  /** The lowest hash not looked at; and the position behind the notes of this pass. */
  #at = 0;
  #end = 0;
  /** How far the page is done in which the lowest hash is, as long as the index watches that page. */
  #slot = 0;
  /** Of the page at hand: entries to be dealt with. */
  readonly #hashes = new Int32Array(IndexPage.slots);
  readonly #refs = new Int32Array(IndexPage.slots);

  constructor(parts: WriterParts, collector: Collector, onRemoved: (hash: number) => void) {
    this.#parts = parts;
    this.#collector = collector;
    this.#onRemoved = onRemoved;
  }

  /** One bounded step; false when there is nothing to sweep. */
  step(): boolean {
    const { indexWriter, tagNotes } = this.#parts;
    if (!tagNotes.isPending) return false;
    if (!this.#isUnderWay) {
      this.#isUnderWay = true;
      this.#at = 0;
      indexWriter.watchedPage = 0;
      this.#end = tagNotes.beginSweep();
    }
    const nowMs = this.#parts.clock.nowMs();
    let looks = 0;
    while (this.#at < HASHES && looks < STEP_LOOKS) looks += this.#sweepPage(nowMs, STEP_LOOKS - looks);
    if (this.#at < HASHES) return true;
    this.#isUnderWay = false;
    this.#parts.endSweep(this.#end);
    return true;
  }

  /** All that is to be swept now, at once: for when there is no room for more notes, and they cannot be refused. */
  finish(): void {
    while (this.step());
  }

  /** Goes on in the page at hand, with about so many looks; returns how many it took. */
  #sweepPage(nowMs: number, looksMax: number): number {
    const { arena, index, indexWriter } = this.#parts;
    const { notes } = this.#parts.validity;
    const page = index.pageOf(this.#at | 0);
    const span = HASHES / 2 ** (arena.word(page * 2 + IndexPage.localDepth) & 31);
    const next = Math.floor(this.#at / span) * span + span;
    const first = indexWriter.watchedPage === page ? this.#slot : 0;
    indexWriter.watchedPage = page;
    let looks = 0;
    let found = 0;
    let slot = first;
    for (; slot < IndexPage.slots && found < ENTRIES_MAX && looks < looksMax; slot++) {
      const ref = arena.word(page * 2 + slot * 2 + 1);
      looks += 1 / 2;
      if (ref <= TOMBSTONE) continue;
      const header = arena.word(ref * 2 + 1);
      if ((header & FLAG_ATTRIBUTES) === 0) continue;
      const stepsBefore = notes.steps;
      const isLeft = this.#isLeft(ref, header, nowMs);
      looks += ((notes.steps - stepsBefore) * JUDGED) / NOTES_PER_LOOK;
      if (!isLeft) continue;
      looks += LOOKS_PER_ENTRY;
      this.#hashes[found] = arena.word(page * 2 + slot * 2);
      this.#refs[found] = ref;
      found++;
    }
    let isDone = true;
    for (let i = 0; i < found; i++) {
      if (!this.#sweep(this.#hashes[i] as number, this.#refs[i] as number, nowMs)) isDone = false;
    }
    // What has gone elsewhere is looked for again, among those found with it.
    this.#slot = isDone ? slot : first;
    if (isDone && slot === IndexPage.slots) {
      this.#at = next;
      indexWriter.watchedPage = 0;
    }
    return looks;
  }

  /** False: room was made, and the entry has gone elsewhere. */
  #sweep(hash: number, ref: number, nowMs: number): boolean {
    const { arena, index, validity } = this.#parts;
    const slot = index.findRef(hash, ref);
    if (slot === 0) return false;
    const header = arena.word(ref * 2 + 1);
    const verdict = validity.verdict(ref, header);
    if (verdict === Verdict.valid || !this.#isLeft(ref, header, nowMs)) return true;
    if (verdict === Verdict.hard) {
      this.#parts.dropInvalid(slot, ref);
      this.#onRemoved(hash);
      return true;
    }
    // What is over for its age is its primary's to say, and that tells it.
    if (validity.softEndsAtMs(ref, header) <= nowMs && this.#parts.mayExpire(this.#parts.partitionOf(ref))) {
      this.#parts.expire(slot, ref);
      return true;
    }
    return this.#bringForward(hash, ref, this.#staleSince(nowMs), nowMs);
  }

  /** Whether there is anything to do about the entry. */
  #isLeft(ref: number, header: number, nowMs: number): boolean {
    const { arena, validity } = this.#parts;
    const verdict = validity.verdict(ref, header);
    if (verdict !== Verdict.soft) return verdict === Verdict.hard;
    validity.softEndsAtMs(ref, header);
    const own = expiresAtOf(arena, ref, header);
    return own === 0 || own > this.#staleSince(nowMs);
  }

  /** When the entry looked at last has gone stale: whatever the clocks of other nodes say, here it is by now. */
  #staleSince(nowMs: number): number {
    return Math.min(this.#parts.validity.expiresAtMs, Math.max(nowMs, 1));
  }

  #bringForward(hash: number, ref: number, expiresAtMs: number, nowMs: number): boolean {
    const { arena, heap, index, indexWriter, records } = this.#parts;
    const header = arena.word(ref * 2 + 1);
    if ((header & FLAG_EXPIRES) !== 0 && arena.word(ref * 2 + 3) >>> 16 === Math.floor(expiresAtMs / TWO_TO_32)) {
      // As `expireAt` of the writer does.
      Atomics.store(arena.words, ref * 2 + 4, expiresAtMs | 0);
      const position = arena.word(ref * 2 + HEAP_POSITION_WORD);
      if (position !== NOT_IN_HEAP) heap.update(position, ref, endsAtOf(arena, ref, header), nowMs);
      arena.count(Counter.invalidatedEntries, 1);
      return true;
    }
    const hasRoom = this.#collector.makeRoom(recordBytesOf(arena, ref) + 8) && heap.prepareInsert();
    // Making room may have moved the entry, or evicted it.
    const again = index.findRef(hash, ref);
    if (again === 0) return false;
    const log = this.#collector.logOf(ref);
    const copy = hasRoom ? records.appendWithExpiry(ref, log, expiresAtMs, header >>> ACCESS_SHIFT) : 0;
    if (copy === 0) {
      // Better gone than to come back as if nothing had happened.
      this.#parts.evict(again, ref);
      return true;
    }
    indexWriter.replace(again, copy);
    this.#parts.refile(ref, copy, nowMs);
    records.buryAlone(ref);
    arena.count(Counter.invalidatedEntries, 1);
    return true;
  }
}
