import { assert } from '../../base/assert.ts';
import type { ValueWriter } from '../../base/msgpack-writer.ts';
import { int64Min } from '../../command/decimal.ts';

const uint64Max = 2n ** 64n - 1n;
/** Integers of so many digits are exact in a double. */
const exactDigitsMax = 15;
const backslash = 0x5c;
const quote = 0x22;

/**
 * Writes JSON text, which is known to be valid, as MessagePack: integers of up to 64 bits as such, members in their order
 * and as often as they stand. A container's count stands in front of it, so that a first pass counts and a second writes.
 */
export class DocumentValue {
  #counts: number[] = [];
  #container = 0;
  #at = 0;

  write(bytes: Uint8Array, start: number, end: number, writer: ValueWriter): void {
    this.#count(bytes, start, end);
    this.#container = 0;
    this.#at = start;
    this.#value(bytes, end, writer);
    // Of a document with a million arrays the list is not kept.
    if (this.#counts.length > 4096) this.#counts = [];
  }

  /** Elements or members of every container, in the order in which the containers begin. */
  #count(bytes: Uint8Array, start: number, end: number): void {
    const counts = this.#counts;
    const open: number[] = [];
    counts.length = 0;
    /** The container that values are of now, and whether one of its was seen. */
    let current = -1;
    let isEmpty = true;
    for (let at = start; at < end; at++) {
      const byte = bytes[at] as number;
      switch (byte) {
        case 0x5b:
        case 0x7b:
          open.push(current);
          current = counts.push(0) - 1;
          isEmpty = true;
          continue;
        case 0x5d:
        case 0x7d:
          if (!isEmpty) counts[current] = (counts[current] as number) + 1;
          current = open.pop() as number;
          isEmpty = false;
          continue;
        case 0x2c:
          counts[current] = (counts[current] as number) + 1;
          continue;
        case quote:
          at = endOfString(bytes, at + 1, end);
          isEmpty = false;
          continue;
        default:
          if (byte > 0x20) isEmpty = false;
      }
    }
  }

  #value(bytes: Uint8Array, end: number, writer: ValueWriter): void {
    this.#skipSpace(bytes, end);
    const first = bytes[this.#at] as number;
    switch (first) {
      case 0x7b:
        this.#elements(bytes, end, writer, true);
        break;
      case 0x5b:
        this.#elements(bytes, end, writer, false);
        break;
      case quote:
        this.#string(bytes, end, writer);
        break;
      case 0x74:
        this.#at += 4;
        writer.boolean(true);
        break;
      case 0x66:
        this.#at += 5;
        writer.boolean(false);
        break;
      case 0x6e:
        this.#at += 4;
        writer.nil();
        break;
      default:
        this.#number(bytes, end, writer);
    }
  }

  #elements(bytes: Uint8Array, end: number, writer: ValueWriter, isMap: boolean): void {
    const count = this.#counts[this.#container++] as number;
    if (isMap) writer.map(count);
    else writer.array(count);
    this.#at++;
    for (let index = 0; index < count; index++) {
      if (isMap) {
        this.#skipSpace(bytes, end);
        this.#string(bytes, end, writer);
        this.#skipSpace(bytes, end);
        this.#at++;
      }
      this.#value(bytes, end, writer);
      this.#skipSpace(bytes, end);
      // The comma, or the bracket that closes.
      this.#at++;
    }
    if (count > 0) return;
    this.#skipSpace(bytes, end);
    this.#at++;
  }

  #string(bytes: Uint8Array, end: number, writer: ValueWriter): void {
    const start = this.#at + 1;
    let stop = start;
    while (stop < end && bytes[stop] !== quote && bytes[stop] !== backslash) stop++;
    if (bytes[stop] === quote) {
      this.#at = stop + 1;
      const at = writer.strOf(stop - start);
      writer.bytes.set(bytes.subarray(start, stop), at);
      return;
    }
    stop = endOfString(bytes, stop, end);
    this.#at = stop + 1;
    const text: unknown = JSON.parse(
      Buffer.from(bytes.buffer, bytes.byteOffset + start - 1, stop - start + 2).toString(),
    );
    writer.string(String(text));
  }

  #number(bytes: Uint8Array, end: number, writer: ValueWriter): void {
    const start = this.#at;
    let at = start;
    while (at < end && isNumberByte(bytes[at] as number)) at++;
    assert(at > start, 'a stored document is JSON');
    this.#at = at;
    writeNumberText(bytes, start, at, writer);
  }

  #skipSpace(bytes: Uint8Array, end: number): void {
    while (this.#at < end && (bytes[this.#at] as number) <= 0x20) this.#at++;
  }
}

/** Writes a number in decimal: an int while it is an integer of 64 bits, else a float. */
export function writeNumberText(bytes: Uint8Array, start: number, end: number, writer: ValueWriter): void {
  let integer = 0;
  const isNegative = bytes[start] === 0x2d;
  let at = isNegative ? start + 1 : start;
  const exactEnd = at + exactDigitsMax;
  for (; at < end && at < exactEnd; at++) {
    const digit = (bytes[at] as number) - 0x30;
    if (digit < 0 || digit > 9) break;
    integer = integer * 10 + digit;
  }
  if (at === end && at > start && !(isNegative && integer === 0)) {
    writer.integer(isNegative ? -integer : integer);
    return;
  }
  const text = Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('latin1');
  if (/^-?[0-9]{1,20}$/.test(text) && text !== '-0') {
    const value = BigInt(text);
    if (value >= int64Min && value <= uint64Max) {
      writer.int64(value);
      return;
    }
  }
  writer.double(Number(text));
}

/** Where the quote stands that ends the string whose inside begins at `at`. */
function endOfString(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  while (at < end && bytes[at] !== quote) at += bytes[at] === backslash ? 2 : 1;
  return at;
}

/** Digits, signs, the point and the letter of an exponent. */
function isNumberByte(byte: number): boolean {
  return (byte >= 0x2b && byte <= 0x39 && byte !== 0x2c && byte !== 0x2f) || (byte | 0x20) === 0x65;
}
