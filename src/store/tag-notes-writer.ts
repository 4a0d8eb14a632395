import { assert } from '../base/assert.ts';
import { FILL_MS_MAX } from '../base/cache-limits.ts';
import type { Arena } from './arena.ts';
import type { Epochs } from './epochs.ts';
import { Control, Counter } from './layout.ts';
import { TagNotes } from './tag-notes.ts';
import { NOTE_IS_LATE, NOTE_IS_SOFT, NoteRow } from './tag-ring.ts';

const TWO_TO_32 = 2 ** 32;
/** How long a note is remembered: tokens last no longer, and other nodes' clocks may differ. */
const REMEMBERED_MS = 2 * FILL_MS_MAX;

/** The writer's side of the tag notes: adds them, takes them from readers when they are swept, and forgets them. */
export class TagNotesWriter {
  readonly notes: TagNotes;
  readonly #arena: Arena;
  readonly #words: Int32Array;
  readonly #epochs: Epochs;
  readonly #ringWords: number;
  /** Words of notes before this position no reader looks at any more. */
  #left: number;
  /** The epoch in which notes up to `head` were taken from readers. */
  #leftEpoch = 0;
  /** The oldest note that a partition was added to since `touchedSince` was called; null: none. */
  #touched: number | null = null;
  /** By partition, or one for all: what was invalidated behind versions up to this one, nobody knows. */
  readonly #floors: Float64Array;

  constructor(arena: Arena, epochs: Epochs) {
    this.notes = new TagNotes(arena);
    this.#arena = arena;
    this.#words = arena.words;
    this.#epochs = epochs;
    this.#ringWords = arena.word(Control.tagRingWords);
    this.#left = arena.word(Control.notesHead);
    this.#floors = new Float64Array(arena.partitions?.count ?? 1);
  }

  get head(): number {
    return this.#words[Control.notesHead] as number;
  }

  get tail(): number {
    return this.#words[Control.notesTail] as number;
  }

  /** Whether there is anything to sweep out. */
  get isPending(): boolean {
    return this.head !== this.tail;
  }

  /**
   * Takes over from a writer that died, once no reader is left that began before. What that one had noted of tokens is
   * still there, but not what it had given up to know: of tokens given before, nothing is known.
   */
  attach(): void {
    this.#left = this.head;
    this.#floors.fill(this.#arena.counter(Counter.version));
    let last = 0;
    let pending = 0;
    this.#forEach(this.head, (position) => {
      last = position;
      pending++;
    });
    this.#arena.doubles[Counter.pendingTags] = pending;
    // A note is counted before it is chained, so that it is at most the last that is not.
    if (pending === 0) return;
    const note = this.notes.at(last);
    const bucket = this.notes.bucketOf(this.#words[note + NoteRow.hash] as number);
    if ((((this.#words[bucket] as number) - last) | 0) < 0) Atomics.store(this.#words, bucket, last);
  }

  /** Whether notes of that many tags, with so many bytes in all, find room; may forget some that only late fills need. */
  hasRoom(tags: number, bytes: number, nowMs: number): boolean {
    // Each may be rounded up, and one leave the end of the ring empty.
    const row = NoteRow.partitions + this.notes.partitionWords;
    const needed = tags * (row + 1) + (bytes >> 2) + row + 64;
    this.forgetOld(nowMs);
    if (this.#freeWords >= needed) return true;
    this.#letReadersGo();
    while (this.#freeWords < needed && this.#forgetOldest());
    return this.#freeWords >= needed;
  }

  /**
   * Adds a note of one tag, for the partitions (by number) that have 1 in `mask`; null: for all. Only after `hasRoom`. Unless
   * `isLate`, no note of the tag in any of them has a higher version.
   */
  add(
    bytes: Uint8Array,
    start: number,
    end: number,
    version: number,
    timeMs: number,
    isSoft: boolean,
    mask: Uint8Array | null,
    isLate = false,
  ): void {
    const words = this.#words;
    const { notes } = this;
    const length = end - start;
    const rowWords = NoteRow.partitions + notes.partitionWords + ((length + 3) >> 2);
    let position = this.tail;
    const left = this.#ringWords - (position & (this.#ringWords - 1));
    if (left < rowWords) {
      words[notes.at(position)] = 0;
      position = (position + left) | 0;
    }
    const note = notes.at(position);
    const hash = notes.hashOf(bytes, start, end);
    const bucket = notes.bucketOf(hash);
    words[note + NoteRow.words] = rowWords;
    words[note + NoteRow.next] = words[bucket] as number;
    words[note + NoteRow.hash] = hash;
    words[note + NoteRow.tag] = length | (isSoft ? NOTE_IS_SOFT : 0) | (isLate ? NOTE_IS_LATE : 0);
    words[note + NoteRow.versionLow] = version | 0;
    words[note + NoteRow.highs] = Math.floor(version / TWO_TO_32) | (Math.floor(timeMs / TWO_TO_32) << 16);
    words[note + NoteRow.timeLow] = timeMs | 0;
    this.#setPartitions(note, mask);
    const at = (note + NoteRow.partitions + notes.partitionWords) * 4;
    for (let i = 0; i < length; i++) this.#arena.bytes[at + i] = bytes[start + i] as number;
    // Before it is chained: whoever takes over from this writer looks at the last one only.
    Atomics.store(words, Control.notesTail, (position + rowWords) | 0);
    // Releases the note's words to readers.
    Atomics.store(words, bucket, position);
    this.#arena.count(Counter.pendingTags, 1);
  }

  /**
   * Notes that the tag was invalidated in one partition, alone in `mask`, as another store tells: in a note that is still to
   * be swept of the same act in other partitions, if there is one and versions stay in order, or else in one of its own.
   */
  addPartition(
    bytes: Uint8Array,
    start: number,
    end: number,
    version: number,
    timeMs: number,
    isSoft: boolean,
    place: number,
    mask: Uint8Array | null,
  ): void {
    const { notes } = this;
    const kept = this.#words[Control.notesKept] as number;
    let same = -1;
    let isLate = false;
    for (let note = notes.find(bytes, start, end, kept); note >= 0; ) {
      const other = notes.versionOf(note);
      const isSame = other === version && notes.isSoft(note) === isSoft && this.#isPending(note);
      if (notes.concerns(note, place)) {
        if (isSame) return;
        if (other > version) {
          isLate = true;
          same = -1;
        } else if (!notes.isLate(note)) break;
      } else if (isSame && same < 0) same = note;
      note = notes.findOlder(note, bytes, start, end, kept);
    }
    if (same < 0) {
      this.add(bytes, start, end, version, timeMs, isSoft, mask, isLate);
      return;
    }
    Atomics.or(this.#words, same + NoteRow.partitions + (place >> 5), 1 << (place & 31));
    const position = this.#positionOf(same);
    if (this.#touched === null || ((position - this.#touched) | 0) < 0) this.#touched = position;
  }

  /** A sweep begins, for all that is there: returns the position behind it. */
  beginSweep(): number {
    this.#touched = null;
    return this.tail;
  }

  /** The sweep has gone over all entries: its notes are no business of readers any more. */
  endSweep(end: number): void {
    const head = this.#touched !== null && ((this.#touched - end) | 0) < 0 ? this.#touched : end;
    // Comes after the stores that took the entries out of the index.
    Atomics.store(this.#words, Control.notesHead, head);
    this.#leftEpoch = this.#epochs.stamp();
    let pending = 0;
    this.#forEach(head, () => pending++);
    this.#arena.doubles[Counter.pendingTags] = pending;
  }

  /** Whether a tag was invalidated in the partition since that version was given, as far as anybody can know. */
  isOvertaken(bytes: Uint8Array, start: number, end: number, version: number, place: number): boolean {
    const { notes } = this;
    if (version <= (this.#floors[place] as number)) return true;
    const kept = this.#words[Control.notesKept] as number;
    for (let note = notes.find(bytes, start, end, kept); note >= 0; ) {
      if (notes.concerns(note, place)) {
        if (notes.versionOf(note) > version) return true;
        if (!notes.isLate(note)) return false;
      }
      note = notes.findOlder(note, bytes, start, end, kept);
    }
    return false;
  }

  /** Nobody knows what was invalidated in the partition up to that version. */
  raiseFloor(place: number, version: number): void {
    if (version > (this.#floors[place] as number)) this.#floors[place] = version;
  }

  /** What was noted of the partitions (by number) that have 1 in `mask` has not been: they begin anew. */
  forgetPartitions(mask: Uint8Array): void {
    const { partitions } = this.#arena;
    if (partitions === null) return;
    for (let place = 0; place < partitions.count; place++) {
      if (mask[partitions.first + place] === 1) this.#floors[place] = 0;
    }
    this.#forEach(this.#words[Control.notesKept] as number, (position) => {
      const row = this.notes.at(position) + NoteRow.partitions;
      for (let place = 0; place < partitions.count; place++) {
        if (mask[partitions.first + place] === 1) Atomics.and(this.#words, row + (place >> 5), ~(1 << (place & 31)));
      }
    });
  }

  /** Forgets notes that no token is old enough for. */
  forgetOld(nowMs: number): void {
    if (this.#words[Control.notesKept] === this.head) return;
    this.#letReadersGo();
    while (this.#words[Control.notesKept] !== this.#left) {
      const note = this.notes.at(this.#skipped(this.#words[Control.notesKept] as number));
      if (this.notes.timeOf(note) + REMEMBERED_MS > nowMs) return;
      this.#forget(note);
    }
  }

  /** @throws {AssertionError} unless every note is chained, and what the counters say is there. For tests. */
  validate(): void {
    let pending = 0;
    this.#forEach(this.#words[Control.notesKept] as number, (position) => {
      const note = this.notes.at(position);
      if (((position - this.head) | 0) >= 0) pending++;
      let next = this.#words[this.notes.bucketOf(this.#words[note + NoteRow.hash] as number)] as number;
      while (((next - position) | 0) > 0) next = this.#words[this.notes.at(next) + NoteRow.next] as number;
      assert(next === position, 'a tag note that is not chained');
    });
    assert(pending === this.#arena.counter(Counter.pendingTags), 'pending tags miscounted');
    assert(this.#freeWords >= 0, 'more tag notes than the ring holds');
  }

  get #freeWords(): number {
    return this.#ringWords - ((this.tail - (this.#words[Control.notesKept] as number)) | 0);
  }

  /** Finds out whether what was taken from readers is out of their sight. */
  #letReadersGo(): void {
    if (this.#left === this.head || !this.#epochs.passed(this.#leftEpoch)) return;
    this.#left = this.head;
  }

  /** Forgets the oldest note although tokens may need it; false when that cannot be. */
  #forgetOldest(): boolean {
    if (this.#words[Control.notesKept] === this.#left) return false;
    const note = this.notes.at(this.#skipped(this.#words[Control.notesKept] as number));
    const version = this.notes.versionOf(note);
    for (let place = 0; place < this.#floors.length; place++) {
      if (this.notes.concerns(note, place)) this.raiseFloor(place, version);
    }
    this.#forget(note);
    return true;
  }

  #forget(note: number): void {
    const words = this.#words;
    const position = this.#skipped(words[Control.notesKept] as number);
    const kept = (position + (words[note + NoteRow.words] as number)) | 0;
    words[Control.notesKept] = kept;
    // Once round, so that no bucket names a position that would seem to be still to come when positions have wrapped.
    if ((kept & (this.#ringWords - 1)) > (position & (this.#ringWords - 1))) return;
    for (let bucket = this.notes.bucketOf(0), end = bucket + this.notes.bucketCount; bucket < end; bucket++) {
      if ((((words[bucket] as number) - kept) | 0) < 0) words[bucket] = (kept - 1) | 0;
    }
  }

  /** The position of the row at or behind `position`, where the ring may go on at its start. */
  #skipped(position: number): number {
    if (this.#words[this.notes.at(position)] !== 0 || position === this.tail) return position;
    return (position + this.#ringWords - (position & (this.#ringWords - 1))) | 0;
  }

  #forEach(from: number, visit: (position: number) => void): void {
    for (let position = from; position !== this.tail; ) {
      position = this.#skipped(position);
      visit(position);
      position = (position + (this.#words[this.notes.at(position)] as number)) | 0;
    }
  }

  /** The position of a note that is kept. */
  #positionOf(note: number): number {
    const kept = this.#words[Control.notesKept] as number;
    return (kept + ((note - this.notes.at(kept)) & (this.#ringWords - 1))) | 0;
  }

  /** Whether a note that is kept is still to be swept. */
  #isPending(note: number): boolean {
    return ((this.#positionOf(note) - this.head) | 0) >= 0;
  }

  #setPartitions(note: number, mask: Uint8Array | null): void {
    const words = this.#words;
    const { partitions } = this.#arena;
    const row = note + NoteRow.partitions;
    words.fill(mask === null ? -1 : 0, row, row + this.notes.partitionWords);
    if (partitions === null || mask === null) return;
    for (let place = 0; place < partitions.count; place++) {
      if (mask[partitions.first + place] !== 1) continue;
      words[row + (place >> 5)] = (words[row + (place >> 5)] as number) | (1 << (place & 31));
    }
  }
}
