import { TAG_BYTES_MAX } from '../base/cache-limits.ts';
import { slotOf } from '../base/slot.ts';
import type { Arena } from './arena.ts';
import { listBytes, tagsAt } from './attributes.ts';
import { KeyHasher } from './hash.ts';
import { Control, KEY_BYTES_MASK } from './layout.ts';
import { attributesAt, keyWord, versionOf } from './record.ts';
import { NOTE_IS_LATE, NOTE_IS_SOFT, NoteRow, RING_WORDS_PER_BUCKET } from './tag-ring.ts';

const TWO_TO_32 = 2 ** 32;

/** What the notes say of an entry. */
export const Verdict = {
  valid: 0,
  /** It is stale since `softAtMs`, unless it was before. */
  soft: 1,
  /** It is gone. */
  hard: 2,
} as const;
export type Verdict = (typeof Verdict)[keyof typeof Verdict];

/** Looks notes up: for one reader, or for the writer. */
export class TagNotes {
  /** Of the entry judged last, when the verdict was `soft`: Unix milliseconds. */
  softAtMs = 0;
  /** Notes looked at so far. */
  steps = 0;
  readonly partitionWords: number;
  readonly bucketCount: number;
  readonly #arena: Arena;
  readonly #hasher: KeyHasher;
  readonly #words: Int32Array;
  readonly #bytes: Uint8Array;
  readonly #buckets: number;
  readonly #ring: number;
  readonly #mask: number;

  constructor(arena: Arena) {
    this.#arena = arena;
    this.#hasher = new KeyHasher(arena.hashKeyLow, arena.hashKeyHigh, TAG_BYTES_MAX);
    this.#words = arena.words;
    this.#bytes = arena.bytes;
    this.partitionWords = Math.ceil((arena.partitions?.count ?? 0) / 32);
    this.#buckets = arena.word(Control.tagNotes);
    const ringWords = arena.word(Control.tagRingWords);
    this.bucketCount = ringWords / RING_WORDS_PER_BUCKET;
    this.#ring = this.#buckets + this.bucketCount;
    this.#mask = ringWords - 1;
  }

  /** The word of the ring at a position. */
  at(position: number): number {
    return this.#ring + (position & this.#mask);
  }

  bucketOf(hash: number): number {
    return this.#buckets + (hash & (this.bucketCount - 1));
  }

  /** What notes from position `from` on say of an entry that has attributes. */
  judge(ref: number, header: number, from: number): Verdict {
    const arena = this.#arena;
    const bytes = this.#bytes;
    const tags = tagsAt(bytes, attributesAt(arena, ref, header));
    if (tags === 0) return Verdict.valid;
    const version = versionOf(arena, ref);
    let partition = -1;
    let verdict: Verdict = Verdict.valid;
    const end = tags + 3 + listBytes(bytes, tags);
    for (let at = tags + 3; at < end; ) {
      const start = at + 1;
      at = start + (bytes[at] as number);
      let note = this.find(bytes, start, at, from);
      for (; note >= 0; note = this.findOlder(note, bytes, start, at, from)) {
        if (this.partitionWords > 0) {
          if (partition < 0) partition = this.#placeOf(ref, header);
          if (!this.concerns(note, partition)) continue;
        }
        if (this.versionOf(note) <= version) {
          if (this.isLate(note)) continue;
          break;
        }
        if (!this.isSoft(note)) return Verdict.hard;
        const atMs = this.timeOf(note);
        if (verdict === Verdict.valid || atMs < this.softAtMs) this.softAtMs = atMs;
        verdict = Verdict.soft;
      }
    }
    return verdict;
  }

  hashOf(bytes: Uint8Array, start: number, end: number): number {
    return this.#hasher.hash(bytes, start, end);
  }

  /** The word of the youngest note of that tag, from position `from` on; -1: there is none. */
  find(bytes: Uint8Array, start: number, end: number, from: number): number {
    const hash = this.hashOf(bytes, start, end);
    // Acquires what the writer stored before it published the note.
    const position = Atomics.load(this.#words, this.bucketOf(hash));
    return this.#search(position, hash, bytes, start, end, from);
  }

  /** The next older one. */
  findOlder(note: number, bytes: Uint8Array, start: number, end: number, from: number): number {
    const words = this.#words;
    const hash = words[note + NoteRow.hash] as number;
    return this.#search(words[note + NoteRow.next] as number, hash, bytes, start, end, from);
  }

  #search(position: number, hash: number, bytes: Uint8Array, start: number, end: number, from: number): number {
    const words = this.#words;
    for (let next = position; ((next - from) | 0) >= 0; ) {
      const note = this.at(next);
      this.steps++;
      if (words[note + NoteRow.hash] === hash && this.#isOf(note, bytes, start, end)) return note;
      next = words[note + NoteRow.next] as number;
    }
    return -1;
  }

  /** Whether the note is of the partition in that place. */
  concerns(note: number, place: number): boolean {
    if (this.partitionWords === 0) return true;
    return ((this.#words[note + NoteRow.partitions + (place >> 5)] as number) & (1 << (place & 31))) !== 0;
  }

  isSoft(note: number): boolean {
    return ((this.#words[note + NoteRow.tag] as number) & NOTE_IS_SOFT) !== 0;
  }

  isLate(note: number): boolean {
    return ((this.#words[note + NoteRow.tag] as number) & NOTE_IS_LATE) !== 0;
  }

  versionOf(note: number): number {
    const words = this.#words;
    return (
      ((words[note + NoteRow.highs] as number) & 0xffff) * TWO_TO_32 +
      ((words[note + NoteRow.versionLow] as number) >>> 0)
    );
  }

  /** Unix milliseconds. */
  timeOf(note: number): number {
    const words = this.#words;
    return (
      ((words[note + NoteRow.highs] as number) >>> 16) * TWO_TO_32 + ((words[note + NoteRow.timeLow] as number) >>> 0)
    );
  }

  #isOf(note: number, bytes: Uint8Array, start: number, end: number): boolean {
    const length = end - start;
    if (((this.#words[note + NoteRow.tag] as number) & 0xff) !== length) return false;
    const at = (note + NoteRow.partitions + this.partitionWords) * 4;
    for (let i = 0; i < length; i++) if (this.#bytes[at + i] !== bytes[start + i]) return false;
    return true;
  }

  /** The place of an entry's partition among the store's. */
  #placeOf(ref: number, header: number): number {
    const { partitions } = this.#arena;
    if (partitions === null) return 0;
    const start = keyWord(ref, header) * 4;
    const slot = slotOf(this.#bytes, start, start + (header & KEY_BYTES_MASK));
    return Math.floor((slot * partitions.total) / 16_384) - partitions.first;
  }
}
