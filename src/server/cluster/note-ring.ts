import type { ClusterNote, ClusterNoteBody } from './cluster-note.ts';

/** The last notes of this start of the node. */
export class NoteRing {
  #notes: ClusterNote[] = [];
  #last = 0;
  readonly #max: number;

  constructor(max: number) {
    this.#max = max;
  }

  /** The number of the latest; 0: there was none. */
  get last(): number {
    return this.#last;
  }

  add(body: ClusterNoteBody, atMs: number): number {
    this.#last += 1;
    // Twice what is kept, now and then cut to that: nothing is moved at each note.
    if (this.#notes.length >= 2 * this.#max) this.#notes = this.#notes.slice(-this.#max);
    this.#notes.push({ ...body, seq: this.#last, atMs });
    return this.#last;
  }

  /** Of those that are kept, at most `max` that came after that number, the earliest first. */
  after(seq: number, max = this.#max): ClusterNote[] {
    const kept = this.#notes.slice(-this.#max);
    const first = kept[0]?.seq ?? 0;
    const from = Math.max(0, seq - first + 1);
    return kept.slice(from, from + max);
  }
}
