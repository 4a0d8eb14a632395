import { assert } from '../base/assert.ts';
import type { Arena } from './arena.ts';
import type { KeyIndex } from './key-index.ts';
import type { KeyIndexWriter } from './key-index-writer.ts';
import { Control, UndoPage } from './layout.ts';
import type { Pages } from './pages.ts';
import type { WriterParts } from './writer-parts.ts';

/**
 * Makes a group of writes whole. While it is under way the sequence word is odd, which sends readers to the writer's
 * mailbox; and every write first notes what it replaces, so that whoever attaches after this writer's death takes the
 * group back before the word turns even.
 */
export class UndoLog {
  readonly #arena: Arena;
  readonly #words: Int32Array;
  readonly #pages: Pages;
  /** Pages of the group under way: the newest, and those before it. */
  #pageCount = 0;

  constructor(arena: Arena, pages: Pages) {
    this.#arena = arena;
    this.#words = arena.words;
    this.#pages = pages;
  }

  /** Begins a group; false when there is no memory for its first page. */
  begin(): boolean {
    if (!this.#addPage(0)) return false;
    turnSequence(this.#arena);
    return true;
  }

  /** Writes noted in the group under way. */
  get count(): number {
    return this.#words[Control.undoCount] as number;
  }

  /** Sees to it that one more write can be noted; false when there is no memory. */
  prepareNote(): boolean {
    if (this.count < this.#pageCount * UndoPage.recordsMax) return true;
    return this.#addPage(this.#words[Control.undoPage] as number);
  }

  /** Notes, before the index changes, that `newRef` (0: none) takes the place of `oldRef` (0: none). */
  note(hash: number, oldRef: number, newRef: number): void {
    const words = this.#words;
    const count = words[Control.undoCount] as number;
    assert(this.prepareNote(), 'no memory to note a write of a group');
    const at = recordAt(words[Control.undoPage] as number, count);
    words[at] = hash;
    words[at + 1] = oldRef;
    words[at + 2] = newRef;
    words[Control.undoCount] = count + 1;
  }

  /** Makes the group's writes stand. */
  end(): void {
    const page = this.#words[Control.undoPage] as number;
    this.forget();
    turnSequence(this.#arena);
    this.#free(page);
  }

  /** As `forget`, with an end of the pages. */
  discard(): void {
    const page = this.#words[Control.undoPage] as number;
    this.forget();
    this.#free(page);
  }

  /** What was noted so far cannot be taken back any more; its pages are the caller's. */
  forget(): void {
    this.#words[Control.undoCount] = 0;
    this.#words[Control.undoPage] = 0;
    this.#pageCount = 0;
  }

  /** Notes from nought again, after `forget` within a group. */
  restart(): void {
    assert(this.#addPage(0), 'no memory to go on with a group');
  }

  /**
   * Takes writes of the group back, last first, until `kept` are left. Should the writer die meanwhile, its successor
   * goes on with it.
   */
  takeBack(parts: Pick<WriterParts, 'takeBack'>, kept: number): void {
    const words = this.#words;
    countUndone(this.#arena);
    const pages = undoPages(this.#arena);
    for (let ordinal = (words[Control.undoCount] as number) - 1; ordinal >= kept; ordinal--) {
      const at = recordAt(pages[Math.floor(ordinal / UndoPage.recordsMax)] as number, ordinal);
      parts.takeBack(words[at] as number, words[at + 1] as number, words[at + 2] as number);
      words[Control.undoCount] = ordinal;
    }
    // The newest page is the one that the next record goes to.
    while (this.#pageCount > 1 && (this.#pageCount - 1) * UndoPage.recordsMax >= kept) {
      const page = words[Control.undoPage] as number;
      words[Control.undoPage] = words[page * 2 + UndoPage.previous] as number;
      this.#pageCount--;
      this.#pages.free(page);
    }
  }

  #free(newest: number): void {
    for (let page = newest; page !== 0; ) {
      const previous = this.#words[page * 2 + UndoPage.previous] as number;
      this.#pages.free(page);
      page = previous;
    }
  }

  #addPage(previous: number): boolean {
    const page = this.#pages.allocate();
    if (page === 0) return false;
    this.#words[page * 2 + UndoPage.previous] = previous;
    this.#words[Control.undoPage] = page;
    this.#pageCount++;
    return true;
  }
}

function recordAt(page: number, ordinal: number): number {
  return page * 2 + UndoPage.records + (ordinal % UndoPage.recordsMax) * UndoPage.recordWords;
}

/** Sends readers to the writer's mailbox from now on (the sequence word turns odd), or lets them in again (even). */
export function turnSequence(arena: Arena): void {
  Atomics.store(arena.words, Control.sequence, (arena.word(Control.sequence) + 1) | 0);
}

/**
 * Tells readers that what they see may never have stood: before it is taken back, so that whoever finds the sequence word
 * moved on after that finds the count moved on, too.
 */
export function countUndone(arena: Arena): void {
  Atomics.store(arena.words, Control.undone, (arena.word(Control.undone) + 1) | 0);
}

/**
 * The undo pages of the group under way, oldest first. A writer that died while it began a page has left one more than
 * its records take, and so has a successor that died while it took them back.
 */
export function undoPages(arena: Arena): number[] {
  const pages: number[] = [];
  for (let page = arena.word(Control.undoPage); page !== 0; page = arena.word(page * 2 + UndoPage.previous)) {
    pages.push(page);
  }
  return pages.reverse();
}

/**
 * Takes back the group that a dead writer left unfinished, last write first, as far as the index goes: its records
 * lie where they lay, because their segments are pinned while a group is under way. The sequence word stays as it is.
 *
 * Each record is struck off once it is taken back, so that should this writer die too, the next one goes on with the
 * record that this one was at. To take that one back twice does no harm; to take back one written before it again
 * would, since it may be of the same key and no longer find what it put there.
 */
export function undoGroup(arena: Arena, index: KeyIndex, indexWriter: KeyIndexWriter): void {
  const words = arena.words;
  const pages = undoPages(arena);
  countUndone(arena);
  for (let ordinal = (words[Control.undoCount] as number) - 1; ordinal >= 0; ordinal--) {
    const at = recordAt(pages[Math.floor(ordinal / UndoPage.recordsMax)] as number, ordinal);
    const hash = words[at] as number;
    const oldRef = words[at + 1] as number;
    const newRef = words[at + 2] as number;
    const slot = newRef === 0 ? 0 : index.findRef(hash, newRef);
    if (slot !== 0) {
      if (oldRef !== 0) indexWriter.replace(slot, oldRef);
      else indexWriter.remove(slot);
    } else if (oldRef !== 0 && index.findRef(hash, oldRef) === 0) {
      assert(indexWriter.prepareInsert(hash), 'no memory to take a group back');
      indexWriter.insert(hash, oldRef);
    }
    words[Control.undoCount] = ordinal;
  }
}
