import type { EntryInfo, ValueType } from '../base/view.ts';
import type { Arena } from './arena.ts';
import { copyOut } from './copy.ts';
import {
  FLAG_CHUNKED,
  FLAG_CONTENT_TYPE,
  FLAG_EXPIRES,
  KEY_BYTES_MASK,
  RECORD_BYTES,
  TYPE_MASK,
  TYPE_SHIFT,
} from './layout.ts';
import {
  chunkCountOf,
  chunkRecordBytesFor,
  contentTypeBytesOf,
  contentTypeOffset,
  expiresAtOf,
  keyWord,
  recordBytesOf,
  valueWord,
  versionOf,
} from './record.ts';

/** What an entry's slot takes of the index: 8 bytes, in pages that are between 40% and 80% full. */
const INDEX_SHARE_BYTES = 14;
const HEAP_SHARE_BYTES = 8;

/** What an entry takes whose records have so many bytes. */
export function memoryBytesOf(recordBytes: number, expires: boolean): number {
  return recordBytes + INDEX_SHARE_BYTES + (expires ? HEAP_SHARE_BYTES : 0);
}

/** The found entry, as readers and the writer show it: its description, and copies of its parts. */
export class EntryView implements EntryInfo {
  type: ValueType = 0;
  valueBytes = 0;
  version = 0;
  expiresAtMs = 0;
  contentTypeBytes = 0;
  staleMs = 0;
  tagCount = 0;
  tagBytes = 0;
  fillToken = 0;
  fillUntilMs = 0;
  fillVersion = 0;
  isHollow = false;
  /** The entry's record; 0 when nothing was found. */
  ref = 0;
  #header = 0;
  readonly #arena: Arena;

  constructor(arena: Arena) {
    this.#arena = arena;
  }

  /** Describes the record at `ref`. */
  show(ref: number, header: number): void {
    const arena = this.#arena;
    this.ref = ref;
    this.#header = header;
    this.type = ((header >>> TYPE_SHIFT) & TYPE_MASK) as ValueType;
    this.valueBytes = arena.word(ref * 2) >>> 0;
    this.version = versionOf(arena, ref);
    this.expiresAtMs = (header & FLAG_EXPIRES) === 0 ? 0 : expiresAtOf(arena, ref, header);
    this.contentTypeBytes = (header & FLAG_CONTENT_TYPE) === 0 ? 0 : contentTypeBytesOf(arena, ref, header);
  }

  get memoryBytes(): number {
    let bytes = recordBytesOf(this.#arena, this.ref);
    if ((this.#header & FLAG_CHUNKED) !== 0) bytes += chunkRecordBytesFor(this.#arena, this.valueBytes);
    return memoryBytesOf(bytes, (this.#header & FLAG_EXPIRES) !== 0);
  }

  get keyBytes(): number {
    return this.#header & KEY_BYTES_MASK;
  }

  copyKey(target: Uint8Array, at: number): void {
    copyOut(this.#arena, keyWord(this.ref, this.#header), 0, this.keyBytes, target, at);
  }

  copyValueRange(from: number, length: number, target: Uint8Array, at: number): void {
    const body = valueWord(this.ref, this.#header);
    if ((this.#header & FLAG_CHUNKED) === 0) copyOut(this.#arena, body, from, length, target, at);
    else this.#copyChunks(body, from, length, target, at);
  }

  copyContentType(target: Uint8Array, at: number): void {
    if (this.contentTypeBytes === 0) return;
    const offset = contentTypeOffset(this.#arena, this.ref, this.#header) + 1;
    copyOut(this.#arena, valueWord(this.ref, this.#header), offset, this.contentTypeBytes, target, at);
  }

  #copyChunks(list: number, from: number, length: number, target: Uint8Array, at: number): void {
    const arena = this.#arena;
    const count = chunkCountOf(arena, this.valueBytes);
    let ordinal = Math.floor(from / arena.chunkBytes);
    let offset = from - ordinal * arena.chunkBytes;
    let to = at;
    for (const end = at + length; to < end && ordinal < count; ordinal++) {
      const part = Math.min(arena.chunkBytes - offset, end - to);
      // Acquires the chunk's bytes: the writer may just have moved it.
      const chunk = Atomics.load(arena.words, list + ordinal);
      copyOut(arena, chunk * 2 + RECORD_BYTES / 4, offset, part, target, to);
      to += part;
      offset = 0;
    }
  }
}
