import type { Clock } from '../../base/ports.ts';
import { type ReadView, ValueType } from '../../base/view.ts';
import {
  asciiBytes,
  isPlainJsonText,
  jsonBytesPerByteMax,
  writeAscii,
  writeBytes,
  writeInteger,
  writeJsonText,
} from './json-text.ts';

/** Behind key and value there is at most this much: `","valueEncoding":"base64","version":…,"ttl":…}`. */
const framingBytesMax = 160;
const bytesAtFirst = 64 * 1024;
const bytesKept = 1 << 20;

const opening = '{"key":"';
const beforeValue = asciiBytes('","value":');
const beforeVersion = asciiBytes(',"version":');
const beforeTtl = asciiBytes(',"ttl":');
const withoutTtl = asciiBytes(',"ttl":null}');

/**
 * Builds `{"key":…,"value":…,"version":…,"ttl":…}` from bytes in a buffer that is used again. JSON carries no bytes
 * that are not UTF-8: such a key or value stands in base64, and `keyEncoding` or `valueEncoding` says so.
 *
 * Call `begin`, write a key, then a value, then `finish`.
 */
export class ValueDocument {
  /** Holds the document at 0 to `length`; replaced when it grows. */
  bytes: Uint8Array = new Uint8Array(bytesAtFirst);
  length = 0;
  #words = new Int32Array(this.bytes.buffer);
  #isKeyEncoded = false;
  #isValueEncoded = false;
  #copy: Uint8Array = new Uint8Array(0);
  /** Views of the first n bytes of `bytes`, made when first asked for: a view costs more than to look it up. */
  #views: (Uint8Array | undefined)[] = [];

  constructor() {
    writeAscii(opening, this.bytes, 0);
  }

  /** Where the key's text begins: a plain key may be written there directly. */
  readonly keyStart = opening.length;

  begin(room: number): void {
    this.#isKeyEncoded = false;
    this.#isValueEncoded = false;
    this.length = opening.length;
    if (this.bytes.length > bytesKept && room < bytesAtFirst) this.#replace(bytesAtFirst);
    this.reserve(room);
  }

  reserve(room: number): void {
    const needed = this.length + room + framingBytesMax;
    if (needed > this.bytes.length) this.#replace(Math.max(needed, this.bytes.length * 2));
  }

  /** Ends a key that was written from `keyStart` up to `end`, and that needs no escape. */
  plainKey(end: number): void {
    this.length = writeBytes(beforeValue, this.bytes, end);
  }

  key(source: Uint8Array, start: number, end: number): void {
    this.reserve((end - start) * jsonBytesPerByteMax);
    let at = writeJsonText(source, start, end, this.bytes, this.length);
    if (at < 0) {
      this.#isKeyEncoded = true;
      at = writeAscii(base64(source, start, end), this.bytes, this.length);
    }
    this.plainKey(at);
  }

  /** Writes the value that `view` has found. */
  foundValue(view: ReadView): void {
    const { type, valueBytes } = view.entry;
    this.reserve(valueBytes);
    const at = this.length;
    if (type === ValueType.number || type === ValueType.json) {
      view.copyValue(this.bytes, at);
      this.length = at + valueBytes;
      return;
    }
    if (type === ValueType.string) {
      view.copyValue(this.bytes, at + 1);
      if (isPlainJsonText(this.bytes, this.#words, at + 1, at + 1 + valueBytes)) {
        this.bytes[at] = 0x22;
        this.bytes[at + 1 + valueBytes] = 0x22;
        this.length = at + valueBytes + 2;
        return;
      }
    }
    if (this.#copy.length < valueBytes) this.#copy = new Uint8Array(Math.max(valueBytes, 4096));
    view.copyValue(this.#copy, 0);
    this.value(type, this.#copy, 0, valueBytes);
    if (this.#copy.length > bytesKept) this.#copy = new Uint8Array(0);
  }

  value(type: ValueType, source: Uint8Array, start: number, end: number): void {
    this.reserve((end - start) * (type === ValueType.string ? jsonBytesPerByteMax : 2));
    const { bytes, length } = this;
    if (type === ValueType.number || type === ValueType.json) {
      bytes.set(source.subarray(start, end), length);
      this.length = length + end - start;
      return;
    }
    bytes[length] = 0x22;
    let at = type === ValueType.string ? writeJsonText(source, start, end, bytes, length + 1) : -1;
    if (at < 0) {
      this.#isValueEncoded = true;
      at = writeAscii(base64(source, start, end), bytes, length + 1);
    }
    bytes[at] = 0x22;
    this.length = at + 1;
  }

  /** `expiresAtMs` is 0 when the entry does not expire. One that is due and yet served has a millisecond left. */
  finish(version: number, expiresAtMs: number, clock: Clock): void {
    const bytes = this.bytes;
    let at = this.length;
    if (this.#isKeyEncoded) at = writeAscii(',"keyEncoding":"base64"', bytes, at);
    if (this.#isValueEncoded) at = writeAscii(',"valueEncoding":"base64"', bytes, at);
    at = writeInteger(version, bytes, writeBytes(beforeVersion, bytes, at));
    if (expiresAtMs === 0) {
      this.length = writeBytes(withoutTtl, bytes, at);
      return;
    }
    const leftMs = Math.max(1, expiresAtMs - clock.nowMs());
    this.length = writeAscii(`${leftMs / 1000}}`, bytes, writeBytes(beforeTtl, bytes, at));
  }

  /** The document: valid until the next `begin`. */
  get view(): Uint8Array {
    const length = this.length;
    if (length > 4096) return this.bytes.subarray(0, length);
    const known = this.#views[length];
    if (known !== undefined) return known;
    const view = this.bytes.subarray(0, length);
    this.#views[length] = view;
    return view;
  }

  #replace(room: number): void {
    const replaced = new Uint8Array((room + 3) & ~3);
    replaced.set(this.bytes.subarray(0, this.length));
    this.bytes = replaced;
    this.#words = new Int32Array(replaced.buffer);
    this.#views = [];
  }
}

function base64(bytes: Uint8Array, start: number, end: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('base64');
}
