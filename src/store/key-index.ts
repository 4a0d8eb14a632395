import type { Arena } from './arena.ts';
import type { KeyHasher } from './hash.ts';
import { Control, FLAG_CHUNKED, FLAG_EXPIRES, IndexPage, KEY_BYTES_MASK, PAGE_WORDS, RECORD_WORDS } from './layout.ts';
import { chunkCountOf, valueWord } from './record.ts';

/**
 * The read side of the index, for readers and the writer alike: extendible hashing. A directory of 2^depth words,
 * indexed by the hash's top bits, refers to pages; a page is an open-addressed table of 1022 slots.
 *
 * A directory of depth d stands at word 2^d of the directory region, so doubling it fills a level nobody reads yet and
 * then stores the depth. Pages are replaced whole (split, merged, rebuilt, moved) by storing directory words; within a
 * page a slot changes only by stores of its reference, the hash being written before.
 */
export class KeyIndex {
  readonly #arena: Arena;
  readonly #words: Int32Array;
  readonly #directory: number;
  readonly #keyWords: Int32Array;
  /** Word of the reference in the slot that the last `find` found. */
  slot = 0;

  constructor(arena: Arena, hasher: KeyHasher) {
    this.#arena = arena;
    this.#words = arena.words;
    this.#directory = arena.directory;
    this.#keyWords = hasher.words;
  }

  /** Reference of the page that holds `hash`. The loads are acquiring: the page's contents were stored before. */
  pageOf(hash: number): number {
    const words = this.#words;
    const depth = Atomics.load(words, Control.directoryDepth);
    return Atomics.load(words, this.#directory + (1 << depth) + (hash >>> (32 - depth)));
  }

  /** Reference of the entry whose key the hasher hashed last; 0 when there is none. Sets `slot` when found. */
  find(hash: number, keyBytes: number): number {
    const words = this.#words;
    const page = this.pageOf(hash) * 2;
    let at = page + homeSlot(hash) * 2;
    const end = page + IndexPage.slots * 2;
    for (let probes = 0; probes < IndexPage.slots; probes++) {
      if (words[at] === hash) {
        // Acquires what the writer stored before it published the reference: the whole record.
        const ref = Atomics.load(words, at + 1);
        if (ref > 1) {
          if (this.#keyEquals(ref, keyBytes)) {
            this.slot = at + 1;
            return ref;
          }
        } else if (ref === 0) return 0;
      } else if (words[at + 1] === 0) return 0;
      at += 2;
      if (at === end) at = page;
    }
    return 0;
  }

  /** Word of the slot that refers to `ref` under `hash`; 0 when none does. */
  findRef(hash: number, ref: number): number {
    const words = this.#words;
    const page = this.pageOf(hash) * 2;
    let at = page + homeSlot(hash) * 2 + 1;
    const end = page + IndexPage.slots * 2 + 1;
    for (let probes = 0; probes < IndexPage.slots; probes++) {
      const found = words[at] as number;
      if (found === ref) return at;
      if (found === 0) return 0;
      at += 2;
      if (at === end) at = page + 1;
    }
    return 0;
  }

  /** Word of the slot whose entry holds `chunk` as its chunk `ordinal`; 0 when none does. */
  findChunkOwner(hash: number, chunk: number, ordinal: number): number {
    const arena = this.#arena;
    const page = this.pageOf(hash) * 2;
    let at = page + homeSlot(hash) * 2;
    const end = page + IndexPage.slots * 2;
    for (let probes = 0; probes < IndexPage.slots; probes++) {
      const ref = arena.word(at + 1);
      if (ref === 0) return 0;
      if (ref > 1 && arena.word(at) === hash) {
        const header = arena.word(ref * 2 + 1);
        const valueBytes = arena.word(ref * 2) >>> 0;
        if ((header & FLAG_CHUNKED) !== 0 && ordinal < chunkCountOf(arena, valueBytes)) {
          if (arena.word(valueWord(ref, header) + ordinal) === chunk) return at + 1;
        }
      }
      at += 2;
      if (at === end) at = page;
    }
    return 0;
  }

  #keyEquals(ref: number, keyBytes: number): boolean {
    const words = this.#words;
    const header = words[ref * 2 + 1] as number;
    if ((header & KEY_BYTES_MASK) !== keyBytes) return false;
    const keyWords = this.#keyWords;
    const at = ref * 2 + ((header & FLAG_EXPIRES) === 0 ? RECORD_WORDS : RECORD_WORDS + 2);
    const count = (keyBytes + 3) >> 2;
    for (let i = 0; i < count; i++) if (words[at + i] !== keyWords[i]) return false;
    return true;
  }
}

/** The slot of a page where the search for a hash begins. Uses the low bits: the high ones chose the page. */
export function homeSlot(hash: number): number {
  return ((hash & 0xffff) * IndexPage.slots) >>> 16;
}

/** First word of the page that a slot's word lies in: pages are aligned to their size. */
export function pageOfSlot(slot: number): number {
  return slot & ~(PAGE_WORDS - 1);
}
