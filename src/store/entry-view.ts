import { copyBytes } from '../base/copy-bytes.ts';
import type { EntryInfo, ValueType } from '../base/view.ts';
import type { Arena } from './arena.ts';
import { Attribute, contentTypeAt, fillNumber, listBytes, staleMsOf, tagsAt } from './attributes.ts';
import { copyOut } from './copy.ts';
import {
  FLAG_ATTRIBUTES,
  FLAG_CHUNKED,
  FLAG_EXPIRES,
  KEY_BYTES_MASK,
  RECORD_BYTES,
  TYPE_MASK,
  TYPE_SHIFT,
} from './layout.ts';
import {
  attributesAt,
  chunkCountOf,
  chunkRecordBytesFor,
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
  /** The entry's record; 0 when nothing was found. */
  ref = 0;
  #header = 0;
  /** The byte at which the attributes begin; 0: it has none. */
  #attributes = 0;
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
    this.contentTypeBytes = 0;
    this.#attributes = 0;
    if ((header & FLAG_ATTRIBUTES) !== 0) this.#showAttributes(attributesAt(arena, ref, header));
  }

  #showAttributes(at: number): void {
    const { bytes } = this.#arena;
    const flags = bytes[at] as number;
    this.#attributes = at;
    if ((flags & Attribute.contentType) !== 0) this.contentTypeBytes = bytes[contentTypeAt(flags, at)] as number;
  }

  get hasAttributes(): boolean {
    return this.#attributes !== 0;
  }

  get staleMs(): number {
    return this.#attributes === 0 ? 0 : staleMsOf(this.#arena.bytes, this.#attributes);
  }

  get tagCount(): number {
    const at = this.#tagsAt;
    return at === 0 ? 0 : (this.#arena.bytes[at] as number);
  }

  get tagBytes(): number {
    const at = this.#tagsAt;
    return at === 0 ? 0 : listBytes(this.#arena.bytes, at);
  }

  get fillToken(): number {
    return this.#fillNumber(0);
  }

  get fillUntilMs(): number {
    return this.#fillNumber(1);
  }

  get fillVersion(): number {
    return this.#fillNumber(2);
  }

  get isHollow(): boolean {
    return this.#has(Attribute.hollow);
  }

  copyTags(target: Uint8Array, at: number): void {
    const from = this.#tagsAt;
    if (from > 0) copyBytes(this.#arena.bytes, from + 3, target, at, listBytes(this.#arena.bytes, from));
  }

  get #tagsAt(): number {
    return this.#attributes === 0 ? 0 : tagsAt(this.#arena.bytes, this.#attributes);
  }

  #has(attribute: number): boolean {
    return this.#attributes !== 0 && ((this.#arena.bytes[this.#attributes] as number) & attribute) !== 0;
  }

  #fillNumber(index: number): number {
    return this.#has(Attribute.fill) ? fillNumber(this.#arena.bytes, this.#attributes, index) : 0;
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
    const { bytes } = this.#arena;
    const from = contentTypeAt(bytes[this.#attributes] as number, this.#attributes) + 1;
    copyBytes(bytes, from, target, at, this.contentTypeBytes);
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
