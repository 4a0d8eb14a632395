import { Marker } from './msgpack-wire.ts';
import { isUtf8 } from './utf8.ts';

const encoder = new TextEncoder();
const bytesAtFirst = 4096;

/** Writes MessagePack values one behind the other to a buffer of its own that grows and is used again. */
export class ValueWriter {
  /** Holds what was written at 0 to `length`; replaced when it grows. */
  bytes: Uint8Array = new Uint8Array(bytesAtFirst);
  length = 0;
  #words = new DataView(this.bytes.buffer);
  readonly #bytesKept: number;

  /** A buffer that grew beyond `bytesKept` is given back at the next `clear`. */
  constructor(bytesKept = 1 << 20) {
    this.#bytesKept = bytesKept;
  }

  clear(): void {
    this.length = 0;
    if (this.bytes.length > this.#bytesKept) this.#replace(bytesAtFirst);
  }

  nil(): void {
    this.#byte(Marker.nil);
  }

  boolean(value: boolean): void {
    this.#byte(value ? Marker.true : Marker.false);
  }

  /** A whole number that a double holds exactly. */
  integer(value: number): void {
    const at = this.#reserve(9);
    this.length = at + writeInteger(value, this.bytes, at);
  }

  /** Any signed or unsigned 64-bit integer. */
  int64(value: bigint): void {
    const safe = Number(value);
    if (Number.isSafeInteger(safe)) {
      this.integer(safe);
      return;
    }
    const at = this.#reserve(9);
    this.bytes[at] = value < 0n ? Marker.int64 : Marker.uint64;
    this.#words.setBigUint64(at + 1, BigInt.asUintN(64, value));
  }

  double(value: number): void {
    const at = this.#reserve(9);
    this.bytes[at] = Marker.float64;
    this.#words.setFloat64(at + 1, value);
  }

  array(count: number): void {
    this.#container(Marker.fixArray, Marker.array16, count);
  }

  map(count: number): void {
    this.#container(Marker.fixMap, Marker.map16, count);
  }

  /** Begins a str of so many bytes and returns where in `bytes` the caller has to write them. */
  strOf(length: number): number {
    const at = this.#reserve(5 + length);
    const from = at + writeStrHead(length, this.bytes, at);
    this.length = from + length;
    return from;
  }

  /** A str, or a bin when the bytes are not UTF-8. */
  text(source: Uint8Array, start: number, end: number): void {
    if (!isUtf8(source, start, end)) {
      this.bin(source, start, end);
      return;
    }
    const at = this.strOf(end - start);
    this.bytes.set(source.subarray(start, end), at);
  }

  /** A str of JavaScript's. */
  string(value: string): void {
    if (value.length < 32) {
      const at = this.#reserve(1 + value.length);
      let index = 0;
      for (; index < value.length; index++) {
        const unit = value.charCodeAt(index);
        if (unit >= 0x80) break;
        this.bytes[at + 1 + index] = unit;
      }
      this.bytes[at] = Marker.fixStr | value.length;
      if (index === value.length) return;
      this.length = at;
    }
    const source = encoder.encode(value);
    const from = this.strOf(source.length);
    this.bytes.set(source, from);
  }

  bin(source: Uint8Array, start: number, end: number): void {
    const length = end - start;
    const at = this.#reserve(5 + length);
    const from = at + writeBinHead(length, this.bytes, at);
    this.bytes.set(source.subarray(start, end), from);
    this.length = from + length;
  }

  /** Appends bytes that hold whole values. */
  append(source: Uint8Array, start: number, end: number): void {
    const at = this.#reserve(end - start);
    this.bytes.set(source.subarray(start, end), at);
  }

  /** What was written, in memory of its own. */
  copy(): Uint8Array {
    return this.bytes.slice(0, this.length);
  }

  #byte(value: number): void {
    // Room first: it may replace the buffer.
    const at = this.#reserve(1);
    this.bytes[at] = value;
  }

  #container(fix: number, marker16: number, count: number): void {
    const at = this.#reserve(5);
    if (count < 16) {
      this.bytes[at] = fix | count;
      this.length = at + 1;
    } else if (count < 0x10000) {
      this.bytes[at] = marker16;
      this.#words.setUint16(at + 1, count);
      this.length = at + 3;
    } else {
      this.bytes[at] = marker16 + 1;
      this.#words.setUint32(at + 1, count);
    }
  }

  #reserve(count: number): number {
    const at = this.length;
    const end = at + count;
    if (end > this.bytes.length) this.#replace(2 ** Math.ceil(Math.log2(end)));
    this.length = end;
    return at;
  }

  #replace(size: number): void {
    const bytes = new Uint8Array(size);
    bytes.set(this.bytes.subarray(0, Math.min(this.length, size)));
    this.bytes = bytes;
    this.#words = new DataView(bytes.buffer);
  }
}

/** Bytes of the longest integer. */
export const integerBytesMax = 9;
/** Bytes of the longest marker and length of a str or bin. */
export const headBytesMax = 5;

/** Writes a whole number that a double holds, in the shortest form, and returns the bytes taken. */
export function writeInteger(value: number, target: Uint8Array, at: number): number {
  if (value >= 0) {
    if (value < 0x80) {
      target[at] = value;
      return 1;
    }
    if (value < 0x100) {
      target[at] = Marker.uint8;
      target[at + 1] = value;
      return 2;
    }
    if (value < 0x10000) return write16(Marker.uint16, value, target, at);
    if (value < 0x100000000) return write32(Marker.uint32, value, target, at);
  } else {
    if (value >= -0x20) {
      target[at] = value;
      return 1;
    }
    if (value >= -0x80) {
      target[at] = Marker.int8;
      target[at + 1] = value;
      return 2;
    }
    if (value >= -0x8000) return write16(Marker.int16, value, target, at);
    if (value >= -0x80000000) return write32(Marker.int32, value, target, at);
  }
  const high = Math.floor(value / 2 ** 32);
  write32(value < 0 ? Marker.int64 : Marker.uint64, high, target, at);
  write32(0, value - high * 2 ** 32, target, at + 4);
  // The second number's place for a marker is the last byte of the first.
  target[at + 4] = high & 0xff;
  return 9;
}

export function writeStrHead(length: number, target: Uint8Array, at: number): number {
  if (length < 0x20) {
    target[at] = Marker.fixStr | length;
    return 1;
  }
  return writeHead(Marker.str8, length, target, at);
}

export function writeBinHead(length: number, target: Uint8Array, at: number): number {
  return writeHead(Marker.bin8, length, target, at);
}

/** `marker8` and the two markers behind it have lengths of 8, 16 and 32 bits. */
function writeHead(marker8: number, length: number, target: Uint8Array, at: number): number {
  if (length < 0x100) {
    target[at] = marker8;
    target[at + 1] = length;
    return 2;
  }
  if (length < 0x10000) return write16(marker8 + 1, length, target, at);
  return write32(marker8 + 2, length, target, at);
}

function write16(marker: number, value: number, target: Uint8Array, at: number): number {
  target[at] = marker;
  target[at + 1] = value >> 8;
  target[at + 2] = value;
  return 3;
}

function write32(marker: number, value: number, target: Uint8Array, at: number): number {
  target[at] = marker;
  target[at + 1] = value >>> 24;
  target[at + 2] = value >>> 16;
  target[at + 3] = value >>> 8;
  target[at + 4] = value;
  return 5;
}
