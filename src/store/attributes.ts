import { copyBytes } from '../base/copy-bytes.ts';
import { countTags } from '../base/tag-list.ts';
import type { EntryAttributes } from '../base/view.ts';

/**
 * What stands behind the value of an entry that has more than a value, byte by byte; what an entry has nothing of takes no
 * room. Numbers are unsigned, little-endian, of 48 bits.
 *
 * | bytes | what | if |
 * | --- | --- | --- |
 * | 1 | a bit of {@link Attribute} for each thing that follows | |
 * | 18 | fill token · until when it counts, Unix milliseconds · the store's version when it was given | `fill` |
 * | 6 | milliseconds of the stale window | `stale` |
 * | 1 + n | content type, behind its length | `contentType` |
 * | 3 + n | number of tags · bytes of their list (16 bits) · the list: a byte with the length, and the bytes of each | `tags` |
 */
export const Attribute = {
  contentType: 1,
  stale: 2,
  fill: 4,
  tags: 8,
  /** There is no value: the entry is there for its token. */
  hollow: 16,
} as const;

export const FILL_BYTES = 18;
const NUMBER_BYTES = 6;
const TWO_TO_16 = 2 ** 16;
const TWO_TO_32 = 2 ** 32;

/** A fill token as a record holds it; a token of 0: none. */
export interface Fill {
  readonly token: number;
  readonly untilMs: number;
  readonly version: number;
}

export const noFill: Fill = { token: 0, untilMs: 0, version: 0 };

/** Bytes of the attributes at `at`. */
export function attributeBytes(bytes: Uint8Array, at: number): number {
  const flags = bytes[at] as number;
  let end = contentTypeAt(flags, at);
  if ((flags & Attribute.contentType) !== 0) end += 1 + (bytes[end] as number);
  if ((flags & Attribute.tags) !== 0) end += 3 + listBytes(bytes, end);
  return end - at;
}

/** Bytes that attributes of these parts would take. */
export function attributeBytesFor(contentTypeBytes: number, attributes: EntryAttributes | null): number {
  let length = 0;
  if (contentTypeBytes > 0) length += 1 + contentTypeBytes;
  if (attributes !== null) {
    if (attributes.fillToken !== 0) length += FILL_BYTES;
    if (attributes.staleMs !== 0) length += NUMBER_BYTES;
    const tagBytes = attributes.tagsEnd - attributes.tagsStart;
    if (tagBytes > 0) length += 3 + tagBytes;
  }
  return length === 0 ? 0 : 1 + length;
}

/** Writes attributes at `target[at..)`; `contentType[start..end)` is empty when there is none. */
export function writeAttributes(
  target: Uint8Array,
  at: number,
  contentType: Uint8Array,
  start: number,
  end: number,
  attributes: EntryAttributes | null,
): void {
  let flags = 0;
  let next = at + 1;
  if (attributes !== null && attributes.fillToken !== 0) {
    flags |= Attribute.fill;
    next = writeFill(target, next, attributes.fillToken, attributes.fillUntilMs, attributes.fillVersion);
    if (attributes.isHollow) flags |= Attribute.hollow;
  }
  if (attributes !== null && attributes.staleMs !== 0) {
    flags |= Attribute.stale;
    next = writeNumber(target, next, attributes.staleMs);
  }
  if (end > start) {
    flags |= Attribute.contentType;
    target[next++] = end - start;
    copyBytes(contentType, start, target, next, end - start);
    next += end - start;
  }
  if (attributes !== null && attributes.tagsEnd > attributes.tagsStart) {
    flags |= Attribute.tags;
    const { tags, tagsStart, tagsEnd } = attributes;
    target[next] = countTags(tags, tagsStart, tagsEnd);
    target[next + 1] = (tagsEnd - tagsStart) & 0xff;
    target[next + 2] = (tagsEnd - tagsStart) >> 8;
    copyBytes(tags, tagsStart, target, next + 3, tagsEnd - tagsStart);
  }
  target[at] = flags;
}

/** Writes the attributes at `from` to `at` with another fill token (0: without one); both in `bytes`, apart. */
export function rewriteAttributes(bytes: Uint8Array, from: number, at: number, fill: Fill): void {
  const flags = bytes[from] as number;
  const length = attributeBytes(bytes, from);
  const rest = from + 1 + ((flags & Attribute.fill) === 0 ? 0 : FILL_BYTES);
  let next = at + 1;
  bytes[at] = flags & ~Attribute.fill;
  if (fill.token !== 0) {
    bytes[at] = flags | Attribute.fill;
    next = writeFill(bytes, next, fill.token, fill.untilMs, fill.version);
  }
  bytes.copyWithin(next, rest, from + length);
}

/** Bytes of the attributes at `at` once they have another fill token (0: none). */
export function rewrittenBytes(bytes: Uint8Array, at: number, token: number): number {
  const had = ((bytes[at] as number) & Attribute.fill) !== 0 ? FILL_BYTES : 0;
  return attributeBytes(bytes, at) - had + (token === 0 ? 0 : FILL_BYTES);
}

export function staleMsOf(bytes: Uint8Array, at: number): number {
  const flags = bytes[at] as number;
  if ((flags & Attribute.stale) === 0) return 0;
  return readNumber(bytes, (flags & Attribute.fill) === 0 ? at + 1 : at + 1 + FILL_BYTES);
}

/** Where the length of the content type stands, if there is one. */
export function contentTypeAt(flags: number, at: number): number {
  let next = at + 1;
  if ((flags & Attribute.fill) !== 0) next += FILL_BYTES;
  if ((flags & Attribute.stale) !== 0) next += NUMBER_BYTES;
  return next;
}

/** Where the number of tags stands, if there are any; 0 when there are none. */
export function tagsAt(bytes: Uint8Array, at: number): number {
  const flags = bytes[at] as number;
  if ((flags & Attribute.tags) === 0) return 0;
  const next = contentTypeAt(flags, at);
  return (flags & Attribute.contentType) === 0 ? next : next + 1 + (bytes[next] as number);
}

/** Bytes of the list whose number of tags stands at `at`; it begins three bytes on. */
export function listBytes(bytes: Uint8Array, at: number): number {
  return (bytes[at + 1] as number) | ((bytes[at + 2] as number) << 8);
}

/** The number of `index` of the three that a fill token is made of. */
export function fillNumber(bytes: Uint8Array, at: number, index: number): number {
  return readNumber(bytes, at + 1 + index * NUMBER_BYTES);
}

function writeFill(target: Uint8Array, at: number, token: number, untilMs: number, version: number): number {
  return writeNumber(target, writeNumber(target, writeNumber(target, at, token), untilMs), version);
}

function writeNumber(target: Uint8Array, at: number, value: number): number {
  const low = value | 0;
  const high = Math.floor(value / TWO_TO_32);
  target[at] = low;
  target[at + 1] = low >> 8;
  target[at + 2] = low >> 16;
  target[at + 3] = low >> 24;
  target[at + 4] = high;
  target[at + 5] = high >> 8;
  return at + NUMBER_BYTES;
}

function readNumber(bytes: Uint8Array, at: number): number {
  const low = (bytes[at] as number) | ((bytes[at + 1] as number) << 8);
  const middle = (bytes[at + 2] as number) | ((bytes[at + 3] as number) << 8);
  const high = (bytes[at + 4] as number) | ((bytes[at + 5] as number) << 8);
  return low + middle * TWO_TO_16 + high * TWO_TO_32;
}
