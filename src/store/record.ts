import type { Arena } from './arena.ts';
import { attributeBytes, staleMsOf } from './attributes.ts';
import {
  EXPIRES_AT_MS_MAX,
  EXPIRY_WORDS,
  FLAG_ATTRIBUTES,
  FLAG_CHUNK,
  FLAG_CHUNKED,
  FLAG_EXPIRES,
  KEY_BYTES_MASK,
  RECORD_BYTES,
  RECORD_WORDS,
} from './layout.ts';

/** Reads the parts of a record (layout.ts draws one). References are of whole records that nobody recycles meanwhile. */

const TWO_TO_32 = 2 ** 32;

/** The word at which the key begins. */
export function keyWord(ref: number, header: number): number {
  return (header & FLAG_EXPIRES) === 0 ? ref * 2 + RECORD_WORDS : ref * 2 + RECORD_WORDS + EXPIRY_WORDS;
}

/** The word at which the value, or the list of its chunks, begins. */
export function valueWord(ref: number, header: number): number {
  return keyWord(ref, header) + (((header & KEY_BYTES_MASK) + 3) >> 2);
}

export function versionOf(arena: Arena, ref: number): number {
  const at = ref * 2;
  return (arena.word(at + 3) & 0xffff) * TWO_TO_32 + (arena.word(at + 2) >>> 0);
}

/** Unix milliseconds; 0 when the entry does not expire. The high and the low part are of one write: see `setExpiry`. */
export function expiresAtOf(arena: Arena, ref: number, header: number): number {
  if ((header & FLAG_EXPIRES) === 0) return 0;
  const at = ref * 2;
  return (arena.word(at + 3) >>> 16) * TWO_TO_32 + (arena.word(at + 4) >>> 0);
}

/** When nobody sees the entry any more, be it stale, for its age; 0 when it does not expire. */
export function endsAtOf(arena: Arena, ref: number, header: number): number {
  const expiresAtMs = expiresAtOf(arena, ref, header);
  if ((header & FLAG_ATTRIBUTES) === 0 || expiresAtMs === 0) return expiresAtMs;
  return Math.min(expiresAtMs + staleMsOf(arena.bytes, attributesAt(arena, ref, header)), EXPIRES_AT_MS_MAX);
}

/** The byte at which the attributes begin, of an entry that has some. */
export function attributesAt(arena: Arena, ref: number, header: number): number {
  return valueWord(ref, header) * 4 + bodyBytesOf(arena, ref, header);
}

export function chunkCountOf(arena: Arena, valueBytes: number): number {
  return Math.ceil(valueBytes / arena.chunkBytes);
}

/** Bytes of the value that stand in the record itself: all of it, or the list of its chunks. */
function bodyBytesOf(arena: Arena, ref: number, header: number): number {
  const valueBytes = arena.word(ref * 2) >>> 0;
  return (header & FLAG_CHUNKED) === 0 ? valueBytes : chunkCountOf(arena, valueBytes) * 4;
}

/** Bytes the record takes in its segment; those of its chunks are not among them. */
export function recordBytesOf(arena: Arena, ref: number): number {
  const header = arena.word(ref * 2 + 1);
  if ((header & FLAG_CHUNK) !== 0) return align8(RECORD_BYTES + arena.word(ref * 2));
  const bytes = (valueWord(ref, header) - ref * 2) * 4 + bodyBytesOf(arena, ref, header);
  if ((header & FLAG_ATTRIBUTES) === 0) return align8(bytes);
  return align8(bytes + attributeBytes(arena.bytes, ref * 8 + bytes));
}

/** Bytes of an entry's record and of what its chunks hold, their headers aside. */
export function entryBytesOf(arena: Arena, ref: number): number {
  const chunked = (arena.word(ref * 2 + 1) & FLAG_CHUNKED) !== 0;
  return recordBytesOf(arena, ref) + (chunked ? arena.word(ref * 2) : 0);
}

/** Bytes a record of these parts would take. */
export function recordBytesFor(expires: boolean, keyBytes: number, bodyBytes: number, attributeBytes: number): number {
  return align8(RECORD_BYTES + (expires ? EXPIRY_WORDS * 4 : 0) + ((keyBytes + 3) & ~3) + bodyBytes + attributeBytes);
}

/** Bytes of all chunk records of a value kept in chunks. */
export function chunkRecordBytesFor(arena: Arena, valueBytes: number): number {
  const whole = Math.floor(valueBytes / arena.chunkBytes);
  const rest = valueBytes - whole * arena.chunkBytes;
  return whole * (arena.chunkBytes + RECORD_BYTES) + (rest === 0 ? 0 : align8(RECORD_BYTES + rest));
}

export function align8(bytes: number): number {
  return (bytes + 7) & ~7;
}
