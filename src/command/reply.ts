import { assert } from '../base/assert.ts';
import { copyBytes } from '../base/copy-bytes.ts';
import { type ErrorCode, errorCodeOf, errors } from '../base/errors.ts';
import { ValueType } from '../base/view.ts';
import { ReplyTooLarge } from './reply-too-large.ts';

/**
 * What a part of a reply is; also its first byte in the buffer. Behind it, numbers little-endian:
 *
 * | kind | bytes behind the tag |
 * | --- | --- |
 * | null, false, true | none |
 * | integer, double | 8: double |
 * | bigInteger | 8: signed integer, used only where a double would round |
 * | status | 1: length; then ASCII |
 * | bulk | 1: {@link ValueType}; 4: length; then the bytes |
 * | text | 4: length; then UTF-8 meant for people (a verbatim string in RESP3) |
 * | error | 1: id of the error's code; 4: length; then the message without its RESP prefix, UTF-8 |
 * | array, map | 4: number of elements, or of pairs; then these |
 * | set, push | as an array; a set's order means nothing, a push comes unasked or in place of a reply (RESP3) |
 * | nullArray | none: the absence of an array, which RESP2 tells from that of a bulk |
 * | numbers | 4: length; then JSON: a number, null, or an array of these. RESP3 has an array of numbers in its place |
 * | enclosed | none: RESP3 has the part that follows in an array of one, all else has it alone |
 * | attribute | 8: version as a double; 1: 1 when the write created the entry, else 0 |
 *
 * A reply is one part, with at most one attribute in front of it. Commands of kind `connection` may answer with several
 * parts, one after the other.
 */
export const ReplyKind = {
  null: 0,
  false: 1,
  true: 2,
  integer: 3,
  bigInteger: 4,
  double: 5,
  status: 6,
  bulk: 7,
  text: 8,
  error: 9,
  array: 10,
  map: 11,
  attribute: 12,
  set: 13,
  push: 14,
  nullArray: 15,
  numbers: 16,
  enclosed: 17,
} as const;
export type ReplyKind = (typeof ReplyKind)[keyof typeof ReplyKind];

const lengthOfAttribute = 10;
const encoder = new TextEncoder();

/** Smallest limit of a reply: an error always has room. */
const bytesMaxLeast = 4096;

/** Whoever asked for a command to be run. */
export interface ReplySink {
  /** Called exactly once for each command (I4). The reply may be read during the call only. */
  onReply(reply: ReplyReader): void;
}

/**
 * Builds one reply in a buffer of its own that grows and is used again: writing allocates nothing in the long run. What
 * would make the reply larger than its limit throws {@link ReplyTooLarge} and writes nothing.
 */
export class ReplyWriter {
  /** Holds the reply at 0 to `length`; replaced when it grows, so take it anew after each write. */
  bytes: Uint8Array;
  length = 0;
  #words: DataView;
  readonly #bytesKept: number;
  #bytesMax = Number.POSITIVE_INFINITY;
  #lengthMax = Number.POSITIVE_INFINITY;
  /** Up to where may be written without a look at anything else: the end of the buffer, or the limit. */
  #writable = 4096;

  /** Buffers that grew beyond `bytesKept` are given back at the next `clear`. */
  constructor(bytesKept = 1 << 20) {
    this.bytes = new Uint8Array(4096);
    this.#words = new DataView(this.bytes.buffer);
    this.#bytesKept = bytesKept;
  }

  clear(): void {
    this.length = 0;
    if (this.bytes.length > this.#bytesKept) this.#resize(4096);
  }

  /** A reply may have `bytesMax` bytes from now on, of which `bytesElsewhere` are in other buffers. */
  limit(bytesMax: number, bytesElsewhere = 0): void {
    this.#bytesMax = bytesMax;
    this.#lengthMax = Math.max(bytesMax - bytesElsewhere, bytesMaxLeast);
    this.#writable = Math.min(this.bytes.length, this.#lengthMax);
  }

  /** Bytes that the limit leaves for what is still to be written. */
  get room(): number {
    return this.#lengthMax - this.length;
  }

  /** For who sees beforehand that there is not room enough. */
  tooLarge(): ReplyTooLarge {
    return new ReplyTooLarge(this.#bytesMax);
  }

  /** Takes back everything written since the reply was `length` bytes long. */
  truncate(length: number): void {
    assert(length <= this.length, 'a reply is truncated to what it holds');
    this.length = length;
  }

  /** The version of the entry the command wrote or read, and whether it created it; only in front of all else. */
  attribute(version: number, created: boolean): void {
    assert(this.length === 0, 'an attribute comes first');
    const at = this.#reserve(lengthOfAttribute);
    this.bytes[at] = ReplyKind.attribute;
    this.#words.setFloat64(at + 1, version, true);
    this.bytes[at + 9] = created ? 1 : 0;
  }

  /** Changes the attribute that was written first, once the write that follows the reply's reading is done. */
  changeAttribute(version: number, created: boolean): void {
    assert(this.bytes[0] === ReplyKind.attribute, 'there is an attribute to change');
    this.#words.setFloat64(1, version, true);
    this.bytes[9] = created ? 1 : 0;
  }

  null(): void {
    this.#tag(ReplyKind.null);
  }

  boolean(value: boolean): void {
    this.#tag(value ? ReplyKind.true : ReplyKind.false);
  }

  /** An integer that a double holds exactly. */
  integer(value: number): void {
    const at = this.#reserve(9);
    this.bytes[at] = ReplyKind.integer;
    this.#words.setFloat64(at + 1, value, true);
  }

  /** Any signed 64-bit integer. */
  int64(value: bigint): void {
    const safe = Number(value);
    if (Number.isSafeInteger(safe)) {
      this.integer(safe);
      return;
    }
    const at = this.#reserve(9);
    this.bytes[at] = ReplyKind.bigInteger;
    this.#words.setBigInt64(at + 1, value, true);
  }

  double(value: number): void {
    const at = this.#reserve(9);
    this.bytes[at] = ReplyKind.double;
    this.#words.setFloat64(at + 1, value, true);
  }

  ok(): void {
    const at = this.#reserve(4);
    this.bytes[at] = ReplyKind.status;
    this.bytes[at + 1] = 2;
    this.bytes[at + 2] = 0x4f;
    this.bytes[at + 3] = 0x4b;
  }

  /** A short ASCII word, such as PONG. */
  status(text: string): void {
    assert(text.length < 256, 'a status is short');
    const at = this.#reserve(2 + text.length);
    this.bytes[at] = ReplyKind.status;
    this.bytes[at + 1] = text.length;
    for (let index = 0; index < text.length; index++) this.bytes[at + 2 + index] = text.charCodeAt(index);
  }

  /** Makes room for a value of `length` bytes and returns where in `bytes` the caller has to write them. */
  bulkOf(type: ValueType, length: number): number {
    const at = this.#reserve(6 + length);
    this.bytes[at] = ReplyKind.bulk;
    this.bytes[at + 1] = type;
    this.#words.setUint32(at + 2, length, true);
    return at + 6;
  }

  bulk(type: ValueType, source: Uint8Array, start: number, end: number): void {
    const at = this.bulkOf(type, end - start);
    copyBytes(source, start, this.bytes, at, end - start);
  }

  /** A bulk of type string from JavaScript text. */
  bulkText(text: string): void {
    const at = this.#reserve(6 + bytesAtMost(text));
    const written = encoder.encodeInto(text, this.bytes.subarray(at + 6)).written;
    this.bytes[at] = ReplyKind.bulk;
    this.bytes[at + 1] = ValueType.string;
    this.#words.setUint32(at + 2, written, true);
    this.length = at + 6 + written;
  }

  /** Text for people, such as the answer of INFO. */
  text(text: string): void {
    const at = this.#reserve(5 + bytesAtMost(text));
    const written = encoder.encodeInto(text, this.bytes.subarray(at + 5)).written;
    this.bytes[at] = ReplyKind.text;
    this.#words.setUint32(at + 1, written, true);
    this.length = at + 5 + written;
  }

  /** Numbers and nulls, written as JSON. */
  numbers(json: string): void {
    const at = this.#reserve(5 + json.length);
    this.bytes[at] = ReplyKind.numbers;
    this.#words.setUint32(at + 1, json.length, true);
    for (let index = 0; index < json.length; index++) this.bytes[at + 5 + index] = json.charCodeAt(index);
  }

  /** `message` has no prefix: `syntax error`, not `ERR syntax error`. */
  error(code: ErrorCode, message: string): void {
    const at = this.#reserve(6 + bytesAtMost(message));
    const written = encoder.encodeInto(message, this.bytes.subarray(at + 6)).written;
    this.bytes[at] = ReplyKind.error;
    this.bytes[at + 1] = errors[code].id;
    this.#words.setUint32(at + 2, written, true);
    this.length = at + 6 + written;
  }

  /** Begins an array; its `count` elements are written next. */
  array(count: number): void {
    this.#container(ReplyKind.array, count);
  }

  /** Begins a map; its `count` pairs are written next, each a key and a value. */
  map(count: number): void {
    this.#container(ReplyKind.map, count);
  }

  /** Begins an array whose order means nothing; its `count` elements are written next. */
  set(count: number): void {
    this.#container(ReplyKind.set, count);
  }

  /** Begins a push: an array out of band, such as the message of a channel. */
  push(count: number): void {
    this.#container(ReplyKind.push, count);
  }

  nullArray(): void {
    this.#tag(ReplyKind.nullArray);
  }

  /** Marks the last part, which begins at `at`, as enclosed; an error stays as it is. */
  enclose(at: number): void {
    if (this.bytes[at] === ReplyKind.error) return;
    const behind = this.length;
    this.#reserve(1);
    this.bytes.copyWithin(at + 1, at, behind);
    this.bytes[at] = ReplyKind.enclosed;
  }

  /** Begins an array whose number of elements is told to `endArray` with the mark returned here. */
  beginArray(): number {
    this.#container(ReplyKind.array, 0);
    return this.length - 4;
  }

  endArray(mark: number, count: number): void {
    this.#words.setUint32(mark, count, true);
  }

  /** Adds to the number of elements of an array that is written piece by piece. */
  growArray(mark: number, count: number): void {
    this.#words.setUint32(mark, this.#words.getUint32(mark, true) + count, true);
  }

  /** Inserts a bulk of ASCII text at `at`, where a part begins; what is behind moves. */
  insertText(at: number, text: string): void {
    const behind = this.length;
    const size = 6 + text.length;
    this.#reserve(size);
    this.bytes.copyWithin(at + size, at, behind);
    const end = this.length;
    this.length = at;
    const from = this.bulkOf(ValueType.string, text.length);
    for (let index = 0; index < text.length; index++) this.bytes[from + index] = text.charCodeAt(index);
    this.length = end;
  }

  /** Appends one whole part as another reply holds it, so that gathering copies and does not decode. */
  part(source: Uint8Array, start: number, end: number): void {
    const at = this.#reserve(end - start);
    copyBytes(source, start, this.bytes, at, end - start);
  }

  #tag(kind: ReplyKind): void {
    // Room first: it may replace the buffer.
    const at = this.#reserve(1);
    this.bytes[at] = kind;
  }

  #container(kind: ReplyKind, count: number): void {
    const at = this.#reserve(5);
    this.bytes[at] = kind;
    this.#words.setUint32(at + 1, count, true);
  }

  #reserve(count: number): number {
    const at = this.length;
    const end = at + count;
    if (end > this.#writable) this.#grow(end);
    this.length = end;
    return at;
  }

  #grow(needed: number): void {
    if (needed > this.#lengthMax) throw this.tooLarge();
    this.#resize(Math.min(2 ** Math.ceil(Math.log2(needed)), this.#lengthMax));
  }

  #resize(size: number): void {
    const bytes = new Uint8Array(size);
    if (this.length > 0) bytes.set(this.bytes.subarray(0, Math.min(this.length, this.bytes.length)));
    this.bytes = bytes;
    this.#words = new DataView(bytes.buffer);
    this.#writable = Math.min(size, this.#lengthMax);
  }
}

/** Most bytes of a text as UTF-8: three a UTF-16 unit where it is not worth while to count. */
function bytesAtMost(text: string): number {
  return text.length <= 1024 ? text.length * 3 : Buffer.byteLength(text);
}

/**
 * A cursor over one reply. `open` reads the attribute if there is one; each `next` steps to the next part in writing
 * order, containers before their elements, and sets the fields its kind has.
 */
export class ReplyReader {
  bytes: Uint8Array = new Uint8Array(0);
  kind: ReplyKind = ReplyKind.null;
  /** Where the current part begins, tag included. */
  partStart = 0;
  /** Range of the bytes of a status, bulk, text, numbers or error. */
  start = 0;
  end = 0;
  /** Of a bulk. */
  type: ValueType = ValueType.string;
  /** Of an integer or a double. */
  number = 0;
  /** Number of elements of an array, of pairs of a map. */
  count = 0;
  /** Of the attribute; 0 when there is none. */
  version = 0;
  created = false;
  #words = new DataView(this.bytes.buffer);
  #at = 0;
  #endOfReply = 0;

  /** Starts on the reply `bytes[start..end)` and steps to its first part. */
  open(bytes: Uint8Array, start: number, end: number): ReplyKind {
    if (bytes !== this.bytes) {
      this.bytes = bytes;
      this.#words = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    }
    this.#at = start;
    this.#endOfReply = end;
    this.version = 0;
    this.created = false;
    if (bytes[start] === ReplyKind.attribute) {
      this.version = this.#words.getFloat64(start + 1, true);
      this.created = bytes[start + 9] === 1;
      this.#at = start + lengthOfAttribute;
    }
    return this.next();
  }

  openWritten(writer: ReplyWriter): ReplyKind {
    return this.open(writer.bytes, 0, writer.length);
  }

  /** Whether every part has been stepped over. */
  get done(): boolean {
    return this.#at >= this.#endOfReply;
  }

  /** Where the part after the current one begins. */
  get nextStart(): number {
    return this.#at;
  }

  next(): ReplyKind {
    const at = this.#at;
    assert(at < this.#endOfReply, 'a reply has another part');
    const words = this.#words;
    const kind = this.bytes[at] as ReplyKind;
    this.kind = kind;
    this.partStart = at;
    switch (kind) {
      case ReplyKind.null:
      case ReplyKind.false:
      case ReplyKind.true:
      case ReplyKind.nullArray:
      case ReplyKind.enclosed:
        this.#at = at + 1;
        break;
      case ReplyKind.integer:
      case ReplyKind.double:
        this.number = words.getFloat64(at + 1, true);
        this.#at = at + 9;
        break;
      case ReplyKind.bigInteger:
        this.#at = at + 9;
        break;
      case ReplyKind.status:
        this.#range(at + 2, this.bytes[at + 1] as number);
        break;
      case ReplyKind.bulk:
        this.type = this.bytes[at + 1] as ValueType;
        this.#range(at + 6, words.getUint32(at + 2, true));
        break;
      case ReplyKind.text:
      case ReplyKind.numbers:
        this.#range(at + 5, words.getUint32(at + 1, true));
        break;
      case ReplyKind.error:
        this.count = this.bytes[at + 1] as number;
        this.#range(at + 6, words.getUint32(at + 2, true));
        break;
      case ReplyKind.array:
      case ReplyKind.set:
      case ReplyKind.push:
      case ReplyKind.map:
        this.count = words.getUint32(at + 1, true);
        this.#at = at + 5;
        break;
      default:
        assert(false, `a reply holds parts of known kinds, not ${kind}`);
    }
    return kind;
  }

  /** Steps over the rest of the current part (the elements of a container), so that `next` is on its sibling. */
  skip(): void {
    let pending = this.#children();
    while (pending > 0) {
      this.next();
      pending += this.#children() - 1;
    }
  }

  /** Of a bigInteger. */
  get bigInteger(): bigint {
    return this.#words.getBigInt64(this.partStart + 1, true);
  }

  /** Of an error. */
  get errorCode(): ErrorCode {
    return errorCodeOf(this.count);
  }

  /** The bytes of a status, bulk, text, numbers or error as UTF-8 text. Allocates. */
  get text(): string {
    return Buffer.from(this.bytes.buffer, this.bytes.byteOffset + this.start, this.end - this.start).toString('utf8');
  }

  /** The bytes of a status, bulk, text, numbers or error: a view, not a copy. Allocates. */
  get view(): Uint8Array {
    return this.bytes.subarray(this.start, this.end);
  }

  #children(): number {
    switch (this.kind) {
      case ReplyKind.array:
      case ReplyKind.set:
      case ReplyKind.push:
        return this.count;
      case ReplyKind.map:
        return this.count * 2;
      case ReplyKind.enclosed:
        return 1;
      default:
        return 0;
    }
  }

  #range(start: number, length: number): void {
    this.start = start;
    this.end = start + length;
    this.#at = this.end;
  }
}

/** The mark of an array that a reply begins with, as `beginArray` returned it. */
export const firstArrayMark = 1;
