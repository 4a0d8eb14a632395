import { assert } from '../base/assert.ts';
import type { PutRequest } from '../base/view.ts';
import type { Arena } from './arena.ts';
import { attributeBytesFor, type Fill, rewriteAttributes, rewrittenBytes, writeAttributes } from './attributes.ts';
import { copyIn, copyWords } from './copy.ts';
import {
  ACCESS_SHIFT,
  EXPIRY_WORDS,
  FLAG_ATTRIBUTES,
  FLAG_CHUNK,
  FLAG_CHUNKED,
  FLAG_DEAD,
  FLAG_EXPIRES,
  type Log,
  RECORD_BYTES,
  RECORD_WORDS,
  TYPE_SHIFT,
} from './layout.ts';
import { align8, attributesAt, chunkCountOf, recordBytesFor, recordBytesOf, valueWord } from './record.ts';
import type { Segments } from './segments.ts';

const TWO_TO_32 = 2 ** 32;
const KEPT_FLAGS_MASK = ~(0xff << ACCESS_SHIFT) & ~FLAG_DEAD;

/**
 * Writes, copies and buries records. Nothing here touches the index: a record lives, as far as the logs are concerned,
 * from its `commit` to its burial, and as far as readers are, while the index refers to it.
 *
 * Every method that appends returns 0 when there was no segment for it.
 */
export class RecordWriter {
  readonly #arena: Arena;
  readonly #words: Int32Array;
  readonly #segments: Segments;
  #chunks = new Int32Array(64);

  constructor(arena: Arena, segments: Segments) {
    this.#arena = arena;
    this.#words = arena.words;
    this.#segments = segments;
  }

  /** Appends an entry that the index does not know yet; its key stands in `keyWords`. */
  append(request: PutRequest, keyWords: Int32Array, hash: number, log: Log, accesses: number, version: number): number {
    const arena = this.#arena;
    const words = this.#words;
    const keyBytes = request.keyEnd - request.keyStart;
    const valueBytes = request.valueEnd - request.valueStart;
    const { contentType, contentTypeStart, contentTypeEnd, attributes = null } = request;
    const tailBytes = attributeBytesFor(contentTypeEnd - contentTypeStart, attributes);
    const expires = request.expiresAtMs !== 0;
    const chunked = valueBytes > arena.chunkBytes;
    const bodyBytes = chunked ? chunkCountOf(arena, valueBytes) * 4 : valueBytes;
    const bytes = recordBytesFor(expires, keyBytes, bodyBytes, tailBytes);

    // Chunks first: a walk then meets them before the entry, whose access count decides about them too.
    if (chunked && !this.#appendChunks(request, hash, log)) return 0;
    const ref = this.#segments.allocate(log, bytes);
    if (ref === 0) {
      if (chunked) this.#buryChunks(bodyBytes / 4);
      return 0;
    }
    const at = ref * 2;
    let header = keyBytes | (request.type << TYPE_SHIFT) | (accesses << ACCESS_SHIFT);
    if (expires) header |= FLAG_EXPIRES;
    if (chunked) header |= FLAG_CHUNKED;
    if (tailBytes !== 0) header |= FLAG_ATTRIBUTES;
    words[at] = valueBytes;
    words[at + 1] = header;
    words[at + 2] = version | 0;
    const versionHigh = Math.floor(version / TWO_TO_32);
    let next = at + RECORD_WORDS;
    if (expires) {
      words[at + 3] = versionHigh | (Math.floor(request.expiresAtMs / TWO_TO_32) << 16);
      words[at + 4] = request.expiresAtMs | 0;
      words[at + 5] = 0;
      next += EXPIRY_WORDS;
    } else {
      words[at + 3] = versionHigh;
    }
    const keyWordCount = (keyBytes + 3) >> 2;
    for (let i = 0; i < keyWordCount; i++) words[next + i] = keyWords[i] as number;
    next += keyWordCount;
    if (chunked) words.set(this.#chunks.subarray(0, bodyBytes / 4), next);
    else copyIn(arena, next, request.value, request.valueStart, valueBytes);
    if (tailBytes !== 0) {
      writeAttributes(arena.bytes, next * 4 + bodyBytes, contentType, contentTypeStart, contentTypeEnd, attributes);
    }
    this.#segments.commit(log, bytes);
    return ref;
  }

  /** Appends a copy of an entry with another expiry (0: none), which refers to the same chunks. */
  appendWithExpiry(ref: number, log: Log, expiresAtMs: number, accesses: number): number {
    const arena = this.#arena;
    const words = this.#words;
    const oldAt = ref * 2;
    const oldHeader = arena.word(oldAt + 1);
    const oldFixed = (oldHeader & FLAG_EXPIRES) !== 0 ? RECORD_WORDS + EXPIRY_WORDS : RECORD_WORDS;
    const newFixed = expiresAtMs !== 0 ? RECORD_WORDS + EXPIRY_WORDS : RECORD_WORDS;
    const restWords = recordBytesOf(arena, ref) / 4 - oldFixed;
    const bytes = (restWords + newFixed) * 4;
    const copy = this.#segments.allocate(log, bytes);
    if (copy === 0) return 0;
    const at = copy * 2;
    words[at] = arena.word(oldAt);
    words[at + 1] = (oldHeader & KEPT_FLAGS_MASK & ~FLAG_EXPIRES) | (accesses << ACCESS_SHIFT);
    words[at + 2] = arena.word(oldAt + 2);
    words[at + 3] = arena.word(oldAt + 3) & 0xffff;
    if (expiresAtMs !== 0) {
      words[at + 1] = arena.word(at + 1) | FLAG_EXPIRES;
      words[at + 3] = arena.word(at + 3) | (Math.floor(expiresAtMs / TWO_TO_32) << 16);
      words[at + 4] = expiresAtMs | 0;
      words[at + 5] = 0;
    }
    copyWords(arena, oldAt + oldFixed, at + newFixed, restWords);
    this.#segments.commit(log, bytes);
    return copy;
  }

  /** Appends a copy of an entry that has attributes, with another fill token (0: none); it refers to the same chunks. */
  appendWithFill(ref: number, log: Log, fill: Fill, accesses: number): number {
    const arena = this.#arena;
    const words = this.#words;
    const header = arena.word(ref * 2 + 1);
    assert((header & FLAG_ATTRIBUTES) !== 0, 'a fill token for an entry that is never stale');
    const from = attributesAt(arena, ref, header);
    const fixedBytes = from - ref * 8;
    const bytes = align8(fixedBytes + rewrittenBytes(arena.bytes, from, fill.token));
    const copy = this.#segments.allocate(log, bytes);
    if (copy === 0) return 0;
    copyWords(arena, ref * 2, copy * 2, (fixedBytes + 3) >> 2);
    words[copy * 2 + 1] = (header & KEPT_FLAGS_MASK) | (accesses << ACCESS_SHIFT);
    rewriteAttributes(arena.bytes, from, copy * 8 + fixedBytes, fill);
    this.#segments.commit(log, bytes);
    return copy;
  }

  /** Appends a copy of a record as it is, with another access count. */
  appendCopy(ref: number, bytes: number, log: Log, accesses: number): number {
    const copy = this.#segments.allocate(log, bytes);
    if (copy === 0) return 0;
    copyWords(this.#arena, ref * 2, copy * 2, bytes >> 2);
    const header = this.#arena.word(ref * 2 + 1);
    // A reader may count an access in the old record meanwhile: it is lost, which is of no matter.
    this.#words[copy * 2 + 1] = (header & KEPT_FLAGS_MASK) | (accesses << ACCESS_SHIFT);
    this.#segments.commit(log, bytes);
    return copy;
  }

  /** Counts a record as dead, and its chunks with it. */
  bury(ref: number): void {
    const arena = this.#arena;
    const header = arena.word(ref * 2 + 1);
    if ((header & FLAG_CHUNKED) !== 0) {
      const list = valueWord(ref, header);
      const count = chunkCountOf(arena, arena.word(ref * 2) >>> 0);
      for (let i = 0; i < count; i++) this.buryAlone(arena.word(list + i));
    }
    this.buryAlone(ref);
  }

  /** Counts a record as dead, but not the chunks it refers to. */
  buryAlone(ref: number): void {
    const header = this.#arena.word(ref * 2 + 1);
    assert((header & FLAG_DEAD) === 0, 'a record buried twice');
    const bytes = recordBytesOf(this.#arena, ref);
    this.#words[ref * 2 + 1] = header | FLAG_DEAD;
    this.#segments.release(ref, bytes);
  }

  /** Takes the burial of a record, and of its chunks, back. Only while segments are held. */
  revive(ref: number): void {
    const arena = this.#arena;
    this.#reviveAlone(ref);
    const header = arena.word(ref * 2 + 1);
    if ((header & FLAG_CHUNKED) === 0) return;
    const list = valueWord(ref, header);
    const count = chunkCountOf(arena, arena.word(ref * 2) >>> 0);
    for (let i = 0; i < count; i++) this.#reviveAlone(arena.word(list + i));
  }

  #reviveAlone(ref: number): void {
    const header = this.#arena.word(ref * 2 + 1);
    assert((header & FLAG_DEAD) !== 0, 'a live record revived');
    this.#words[ref * 2 + 1] = header & ~FLAG_DEAD;
    this.#segments.revive(ref, recordBytesOf(this.#arena, ref));
  }

  /** Appends the value's chunks and leaves their references in `#chunks`. */
  #appendChunks(request: PutRequest, hash: number, log: Log): boolean {
    const arena = this.#arena;
    const words = this.#words;
    const count = chunkCountOf(arena, request.valueEnd - request.valueStart);
    if (count > this.#chunks.length) this.#chunks = new Int32Array(count);
    let ordinal = 0;
    for (let from = request.valueStart; from < request.valueEnd; from += arena.chunkBytes) {
      const length = Math.min(arena.chunkBytes, request.valueEnd - from);
      const bytes = align8(RECORD_BYTES + length);
      const chunk = this.#segments.allocate(log, bytes);
      if (chunk === 0) {
        this.#buryChunks(ordinal);
        return false;
      }
      words[chunk * 2] = length;
      words[chunk * 2 + 1] = FLAG_CHUNK;
      words[chunk * 2 + 2] = hash;
      words[chunk * 2 + 3] = ordinal;
      copyIn(arena, chunk * 2 + RECORD_WORDS, request.value, from, length);
      this.#segments.commit(log, bytes);
      this.#chunks[ordinal++] = chunk;
    }
    return true;
  }

  #buryChunks(count: number): void {
    for (let i = 0; i < count; i++) this.buryAlone(this.#chunks[i] as number);
  }
}
