import { Freshness } from '../base/view.ts';
import type { Arena } from './arena.ts';
import { Attribute, staleMsOf } from './attributes.ts';
import { Control, FLAG_ATTRIBUTES, FLAG_EXPIRES } from './layout.ts';
import { attributesAt, endsAtOf, expiresAtOf } from './record.ts';
import { TagNotes, Verdict } from './tag-notes.ts';

/** Whether entries may be seen, by whom and when: by their age, and by what was invalidated. One a reader or a writer. */
export class Validity {
  /**
   * Position of the first tag note that may concern what is found. A reader takes it anew whenever it begins to read, before
   * it looks for anything; the writer whenever a sweep is done.
   */
  from: number;
  /** When the entry looked at last expires, by itself or since a tag of it was invalidated: Unix milliseconds; 0: never. */
  expiresAtMs = 0;
  readonly notes: TagNotes;
  readonly #arena: Arena;
  readonly #words: Int32Array;

  constructor(arena: Arena) {
    this.notes = new TagNotes(arena);
    this.#arena = arena;
    this.#words = arena.words;
    this.from = arena.word(Control.notesHead);
  }

  /** Whether a tag of an entry that has attributes was invalidated; without anything of that kind at work, one load. */
  isInvalid(ref: number, header: number): boolean {
    return this.verdict(ref, header) !== Verdict.valid;
  }

  /** What was said of the entry's tags: `soft` only where it has a stale window, without one it is gone. */
  verdict(ref: number, header: number): Verdict {
    if ((header & FLAG_ATTRIBUTES) === 0 || Atomics.load(this.#words, Control.notesTail) === this.from) {
      return Verdict.valid;
    }
    const verdict = this.notes.judge(ref, header, this.from);
    if (verdict !== Verdict.soft) return verdict;
    const { bytes } = this.#arena;
    return staleMsOf(bytes, attributesAt(this.#arena, ref, header)) === 0 ? Verdict.hard : Verdict.soft;
  }

  /** Whether a plain read finds the entry. */
  isPlain(ref: number, header: number, nowMs: number): boolean {
    if ((header & FLAG_EXPIRES) !== 0 && expiresAtOf(this.#arena, ref, header) <= nowMs) return false;
    return (header & FLAG_ATTRIBUTES) === 0 || !this.isInvalid(ref, header);
  }

  /** What those find who ask for stale values, too. Sets `expiresAtMs`. */
  freshness(ref: number, header: number, nowMs: number): Freshness {
    const arena = this.#arena;
    const expiresAtMs = expiresAtOf(arena, ref, header);
    this.expiresAtMs = expiresAtMs;
    if ((header & FLAG_ATTRIBUTES) === 0) {
      return expiresAtMs !== 0 && expiresAtMs <= nowMs ? Freshness.none : Freshness.fresh;
    }
    const verdict = this.verdict(ref, header);
    if (verdict === Verdict.hard) return Freshness.none;
    if (verdict === Verdict.valid) {
      if (expiresAtMs === 0 || expiresAtMs > nowMs) return Freshness.fresh;
      if (endsAtOf(arena, ref, header) <= nowMs) return Freshness.none;
    } else if (this.softEndsAtMs(ref, header) <= nowMs) return Freshness.none;
    const flags = arena.bytes[attributesAt(arena, ref, header)] as number;
    return (flags & Attribute.hollow) === 0 ? Freshness.stale : Freshness.hollow;
  }

  /** When nobody sees an entry any more that was just found to be invalidated softly. Sets `expiresAtMs`. */
  softEndsAtMs(ref: number, header: number): number {
    const arena = this.#arena;
    const own = expiresAtOf(arena, ref, header);
    const { softAtMs } = this.notes;
    this.expiresAtMs = own === 0 ? softAtMs : Math.min(own, softAtMs);
    return this.expiresAtMs + staleMsOf(arena.bytes, attributesAt(arena, ref, header));
  }
}
