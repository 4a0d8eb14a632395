import { TAG_LIST_BYTES_MAX, TAGS_MAX } from '../base/cache-limits.ts';
import { copyBytes } from '../base/copy-bytes.ts';
import type { ValueType } from '../base/view.ts';
import { CONTENT_TYPE_BYTES_MAX, EXPIRES_AT_MS_MAX, KEY_BYTES_MAX } from './layout.ts';

/**
 * A record of what was done to one partition: a byte of flags, then any number of effects, one behind the other.
 *
 * | effect | first byte | then |
 * | --- | --- | --- |
 * | put | 1 + type · 8 (+ 32: expires, + 64: has a content type, + 128: has attributes) | version; key; if it expires, when; attributes; content type; value |
 * | remove | 2 | key |
 * | expiry | 3 | key; when (0: never) |
 * | clear | 4 | |
 * | fill | 5 | key; token (0: none any more), until when it counts, version under which it was given |
 * | invalidate | 6 (+ 8: soft) | version; when; list of tags |
 *
 * Attributes are a byte (1: has a stale window, 2: a fill token, 4: tags, 8: is hollow), and then those that it names:
 * milliseconds; token, until when, and version; list of tags. A list of tags is a number of bytes, and for each tag a byte
 * with its length and its bytes.
 *
 * Numbers are unsigned LEB128 of up to 48 bits, times Unix milliseconds; key, content type and value are each a number
 * of bytes and the bytes. Effects are absolute: a record done twice leaves what it leaves when done once.
 */
export const EffectKind = { put: 1, remove: 2, expiry: 3, clear: 4, fill: 5, invalidate: 6 } as const;
export type EffectKind = (typeof EffectKind)[keyof typeof EffectKind];

/** Whether the record says that the partition was emptied, and nothing else. */
export function isClearAlone(record: Uint8Array): boolean {
  return record.length === 2 && record[1] === EffectKind.clear;
}

/** Flag of a record: its effects are to be seen at once. */
export const RECORD_IS_GROUP = 1;

const KIND_MASK = 7;
const TYPE_SHIFT = 3;
const TYPE_MASK = 3;
const PUT_EXPIRES = 32;
const PUT_HAS_CONTENT_TYPE = 64;
const PUT_HAS_ATTRIBUTES = 128;
const HAS_STALE = 1;
const HAS_FILL = 2;
const HAS_TAGS = 4;
const IS_HOLLOW = 8;
const INVALIDATE_IS_SOFT = 8;
const NUMBER_BYTES_MAX = 7;
const NUMBER_MAX = 2 ** 48 - 1;
const BYTES_MIN = 4096;

/** What an entry has besides; `EntryInfo` is one. */
export interface PutAttributes {
  readonly staleMs: number;
  readonly tagBytes: number;
  readonly fillToken: number;
  readonly fillUntilMs: number;
  readonly fillVersion: number;
  readonly isHollow: boolean;
}

/** Bytes that are put together, in a buffer that grows. The parts of a put are copied by whoever asks for it. */
export class EffectWriter {
  bytes = new Uint8Array(BYTES_MIN);
  length = 0;
  /** Where the key of the effect written last begins; of a put also its content type and its value. */
  keyAt = 0;
  contentTypeAt = 0;
  valueAt = 0;
  tagsAt = 0;

  /** Leaves room for the put's key, tags, content type and value at `keyAt`, `tagsAt`, `contentTypeAt` and `valueAt`. */
  put(
    type: ValueType,
    version: number,
    expiresAtMs: number,
    keyBytes: number,
    contentTypeBytes: number,
    valueBytes: number,
    attributes: PutAttributes | null,
  ): void {
    const bits = attributes === null ? 0 : attributeBits(attributes);
    const tagBytes = bits === 0 ? 0 : (attributes?.tagBytes ?? 0);
    this.#reserve(2 + 10 * NUMBER_BYTES_MAX + keyBytes + tagBytes + contentTypeBytes + valueBytes);
    let head: number = EffectKind.put | (type << TYPE_SHIFT);
    if (expiresAtMs !== 0) head |= PUT_EXPIRES;
    if (contentTypeBytes !== 0) head |= PUT_HAS_CONTENT_TYPE;
    if (bits !== 0) head |= PUT_HAS_ATTRIBUTES;
    this.bytes[this.length++] = head;
    this.#number(version);
    this.keyAt = this.#room(keyBytes);
    if (expiresAtMs !== 0) this.#number(expiresAtMs);
    if (attributes !== null && bits !== 0) this.#attributes(bits, attributes);
    if (contentTypeBytes !== 0) this.contentTypeAt = this.#room(contentTypeBytes);
    this.valueAt = this.#room(valueBytes);
  }

  remove(key: Uint8Array, start: number, end: number): void {
    this.#reserve(1 + NUMBER_BYTES_MAX + end - start);
    this.bytes[this.length++] = EffectKind.remove;
    this.keyAt = this.#room(end - start);
    copyBytes(key, start, this.bytes, this.keyAt, end - start);
  }

  expiry(key: Uint8Array, start: number, end: number, expiresAtMs: number): void {
    this.#reserve(1 + 2 * NUMBER_BYTES_MAX + end - start);
    this.bytes[this.length++] = EffectKind.expiry;
    this.keyAt = this.#room(end - start);
    copyBytes(key, start, this.bytes, this.keyAt, end - start);
    this.#number(expiresAtMs);
  }

  fill(key: Uint8Array, start: number, end: number, token: number, untilMs: number, version: number): void {
    this.#reserve(1 + 4 * NUMBER_BYTES_MAX + end - start);
    this.bytes[this.length++] = EffectKind.fill;
    this.keyAt = this.#room(end - start);
    copyBytes(key, start, this.bytes, this.keyAt, end - start);
    this.#number(token);
    this.#number(untilMs);
    this.#number(version);
  }

  invalidate(tags: Uint8Array, start: number, end: number, version: number, timeMs: number, isSoft: boolean): void {
    this.#reserve(1 + 3 * NUMBER_BYTES_MAX + end - start);
    this.bytes[this.length++] = EffectKind.invalidate | (isSoft ? INVALIDATE_IS_SOFT : 0);
    this.#number(version);
    this.#number(timeMs);
    this.tagsAt = this.#room(end - start);
    copyBytes(tags, start, this.bytes, this.tagsAt, end - start);
    this.keyAt = this.length;
  }

  clear(): void {
    this.#reserve(1);
    this.bytes[this.length++] = EffectKind.clear;
    this.keyAt = this.length;
  }

  #attributes(bits: number, attributes: PutAttributes): void {
    this.bytes[this.length++] = bits;
    if ((bits & HAS_STALE) !== 0) this.#number(attributes.staleMs);
    if ((bits & HAS_FILL) !== 0) {
      this.#number(attributes.fillToken);
      this.#number(attributes.fillUntilMs);
      this.#number(attributes.fillVersion);
    }
    if ((bits & HAS_TAGS) !== 0) this.tagsAt = this.#room(attributes.tagBytes);
  }

  #room(length: number): number {
    this.#number(length);
    const at = this.length;
    this.length += length;
    return at;
  }

  #number(value: number): void {
    let rest = value;
    while (rest >= 128) {
      this.bytes[this.length++] = (rest % 128) | 128;
      rest = Math.floor(rest / 128);
    }
    this.bytes[this.length++] = rest;
  }

  #reserve(more: number): void {
    const needed = this.length + more;
    if (needed <= this.bytes.length) return;
    const bytes = new Uint8Array(Math.max(needed, 2 * this.bytes.length));
    bytes.set(this.bytes.subarray(0, this.length));
    this.bytes = bytes;
  }
}

function attributeBits({ staleMs, fillToken, tagBytes, isHollow }: PutAttributes): number {
  let bits = 0;
  if (staleMs !== 0) bits |= HAS_STALE;
  if (fillToken !== 0) bits |= HAS_FILL;
  if (tagBytes !== 0) bits |= HAS_TAGS;
  if (isHollow) bits |= IS_HOLLOW;
  return bits;
}

/** Reads a record's effects one by one. What is not a record ends it early, with `isFaulty`. */
export class EffectReader {
  kind: EffectKind = EffectKind.clear;
  bytes: Uint8Array = new Uint8Array(0);
  isGroup = false;
  /** Something is not as it should be: there is nothing more to read. */
  isFaulty = false;
  keyStart = 0;
  keyEnd = 0;
  expiresAtMs = 0;
  version = 0;
  type: ValueType = 0;
  contentTypeStart = 0;
  contentTypeEnd = 0;
  valueStart = 0;
  valueEnd = 0;
  /** Of a put; and of `fill` the token, until when it counts, and its version; of `invalidate` tags, time and softness. */
  hasAttributes = false;
  staleMs = 0;
  fillToken = 0;
  fillUntilMs = 0;
  fillVersion = 0;
  isHollow = false;
  tagsStart = 0;
  tagsEnd = 0;
  timeMs = 0;
  isSoft = false;
  #at = 0;
  #end = 0;

  /** The record is `bytes[start..end)`. */
  open(bytes: Uint8Array, start = 0, end = bytes.length): void {
    this.bytes = bytes;
    this.isFaulty = start === end || (bytes[start] as number) > RECORD_IS_GROUP;
    this.isGroup = bytes[start] === RECORD_IS_GROUP;
    this.#at = start + 1;
    this.#end = end;
  }

  /** Goes to the next effect; false when there is none. */
  next(): boolean {
    if (this.isFaulty || this.#at >= this.#end) return false;
    const head = this.bytes[this.#at++] as number;
    this.kind = (head & KIND_MASK) as EffectKind;
    if (this.kind === EffectKind.put) this.#readPut(head);
    else if (this.kind === EffectKind.invalidate) this.#readInvalidate(head);
    else if (head > EffectKind.fill || head === 0) this.isFaulty = true;
    else if (this.kind !== EffectKind.clear) {
      this.#readKey();
      this.expiresAtMs = this.kind === EffectKind.expiry ? this.#number(EXPIRES_AT_MS_MAX) : 0;
      if (this.kind === EffectKind.fill) this.#readFill();
    }
    return !this.isFaulty;
  }

  #readInvalidate(head: number): void {
    if ((head & ~INVALIDATE_IS_SOFT) !== EffectKind.invalidate) this.isFaulty = true;
    this.isSoft = (head & INVALIDATE_IS_SOFT) !== 0;
    this.#readVersion();
    this.timeMs = this.#number(EXPIRES_AT_MS_MAX);
    this.#readTags(Number.POSITIVE_INFINITY);
  }

  #readVersion(): void {
    this.version = this.#number(NUMBER_MAX);
    if (this.version === 0) this.isFaulty = true;
  }

  #readFill(): void {
    this.fillToken = this.#number(NUMBER_MAX);
    this.fillUntilMs = this.#number(EXPIRES_AT_MS_MAX);
    this.fillVersion = this.#number(NUMBER_MAX);
  }

  #readTags(tagsMax: number): void {
    this.tagsStart = this.#skip(this.#number(NUMBER_MAX));
    this.tagsEnd = this.#at;
    let count = 0;
    for (let at = this.tagsStart; at < this.tagsEnd && !this.isFaulty; count++) {
      const length = this.bytes[at] as number;
      at += 1 + length;
      if (length === 0 || at > this.tagsEnd) this.isFaulty = true;
    }
    if (count === 0 || count > tagsMax) this.isFaulty = true;
  }

  #readAttributes(): void {
    const bits = this.bytes[this.#at++] ?? 0;
    if (this.#at > this.#end || bits === 0 || bits >= 16) this.isFaulty = true;
    if ((bits & HAS_STALE) !== 0) this.staleMs = this.#number(EXPIRES_AT_MS_MAX);
    if ((bits & HAS_FILL) !== 0) this.#readFill();
    if ((bits & HAS_TAGS) !== 0) this.#readTags(TAGS_MAX);
    if (this.tagsEnd - this.tagsStart > TAG_LIST_BYTES_MAX) this.isFaulty = true;
    this.isHollow = (bits & IS_HOLLOW) !== 0;
    // What is there for its token has one.
    if (this.isHollow && this.fillToken === 0) this.isFaulty = true;
  }

  #readPut(head: number): void {
    this.type = ((head >> TYPE_SHIFT) & TYPE_MASK) as ValueType;
    this.#readVersion();
    this.#readKey();
    this.expiresAtMs = (head & PUT_EXPIRES) !== 0 ? this.#number(EXPIRES_AT_MS_MAX) : 0;
    this.hasAttributes = (head & PUT_HAS_ATTRIBUTES) !== 0;
    if (this.hasAttributes) {
      this.staleMs = this.fillToken = this.fillUntilMs = this.fillVersion = this.tagsStart = this.tagsEnd = 0;
      this.#readAttributes();
    }
    const hasContentType = (head & PUT_HAS_CONTENT_TYPE) !== 0;
    const contentTypeBytes = hasContentType ? this.#number(CONTENT_TYPE_BYTES_MAX) : 0;
    this.contentTypeStart = this.#skip(contentTypeBytes);
    this.contentTypeEnd = this.#at;
    this.valueStart = this.#skip(this.#number(NUMBER_MAX));
    this.valueEnd = this.#at;
  }

  #readKey(): void {
    this.keyStart = this.#skip(this.#number(KEY_BYTES_MAX));
    this.keyEnd = this.#at;
  }

  /** Where the next `length` bytes begin. */
  #skip(length: number): number {
    const start = this.#at;
    if (length > this.#end - start) this.isFaulty = true;
    else this.#at = start + length;
    return start;
  }

  #number(max: number): number {
    let value = 0;
    let scale = 1;
    for (let count = 0; count < NUMBER_BYTES_MAX; count++) {
      const byte = this.bytes[this.#at++] ?? 0;
      value += (byte & 127) * scale;
      scale *= 128;
      if (byte >= 128) continue;
      if (value <= max && this.#at <= this.#end) return value;
      break;
    }
    this.isFaulty = true;
    return 0;
  }
}
