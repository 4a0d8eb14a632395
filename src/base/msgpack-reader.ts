import { countAt, headBytesOf, kindOf, Marker, numberAt, WireKind } from './msgpack-wire.ts';

/** Bytes from outside that are not what they must be. */
export class DecodeError extends Error {
  override readonly name = 'DecodeError';
  readonly field: string;
  readonly problem: string;
  /** Where in the bytes. */
  readonly offset: number;

  constructor(field: string, problem: string, offset: number) {
    super(`${field} ${problem} (byte ${offset})`);
    this.field = field;
    this.problem = problem;
    this.offset = offset;
  }
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Words seen lately, by a hash: names of nodes come again and again, and making a string of bytes is slow. */
const WORD_SLOTS = 256;
const words: string[] = new Array(WORD_SLOTS).fill('');

/**
 * Reads MessagePack values whose kinds and ranges are known beforehand, one behind the other. What is not as it must be
 * throws a {@link DecodeError} that names the field. Nothing is allocated for a length that the bytes do not hold, and
 * there is no recursion, so that no input takes more than a fixed multiple of its own size.
 */
export class ValueReader {
  readonly #bytes: Uint8Array;
  readonly #end: number;
  #at: number;

  constructor(bytes: Uint8Array, start = 0, end = bytes.length) {
    this.#bytes = bytes;
    this.#end = end;
    this.#at = start;
  }

  fail(field: string, problem: string): never {
    throw new DecodeError(field, problem, this.#at);
  }

  /** Number of elements of the array that begins here; they are to be read next. */
  array(field: string, countMin: number, countMax: number): number {
    if (this.#kind(field) !== WireKind.array) this.fail(field, 'must be an array');
    const count = this.#head(field);
    if (count < countMin || count > countMax) this.fail(field, `must have ${range(countMin, countMax)} elements`);
    // An element takes a byte at least.
    if (count > this.#end - this.#at) this.fail(field, 'is cut off');
    return count;
  }

  integer(field: string, min = 0, max = Number.MAX_SAFE_INTEGER): number {
    const marker = this.#bytes[this.#at] as number;
    if (marker < Marker.fixMap && this.#at < this.#end && marker >= min && marker <= max) {
      this.#at += 1;
      return marker;
    }
    if (this.#kind(field) !== WireKind.number || marker === Marker.float32 || marker === Marker.float64) {
      this.fail(field, 'must be an integer');
    }
    const value = this.#number(field);
    if (typeof value === 'bigint' || value < min || value > max) this.fail(field, `must be ${range(min, max)}`);
    return value;
  }

  /** A finite number. */
  double(field: string): number {
    if (this.#kind(field) !== WireKind.number) this.fail(field, 'must be a number');
    const value = this.#number(field);
    if (typeof value === 'bigint' || !Number.isFinite(value)) this.fail(field, 'must be a finite double');
    return value;
  }

  boolean(field: string): boolean {
    if (this.#kind(field) !== WireKind.boolean) this.fail(field, 'must be true or false');
    const value = this.#bytes[this.#at] === Marker.true;
    this.#at += 1;
    return value;
  }

  /** Whether nil stands here; it is passed over. */
  nil(field: string): boolean {
    if (this.#kind(field) !== WireKind.nil) return false;
    this.#at += 1;
    return true;
  }

  /** The one of `values` whose place in them is the integer here. */
  oneOf<T>(field: string, values: readonly T[]): T {
    return values[this.integer(field, 0, values.length - 1)] as T;
  }

  /** Text of at most so many bytes of UTF-8. */
  string(field: string, bytesMax: number): string {
    const [start, end] = this.#payload(field, WireKind.str, 'a str', bytesMax);
    try {
      return decoder.decode(this.#bytes.subarray(start, end));
    } catch {
      return this.fail(field, 'must be UTF-8');
    }
  }

  /** Short text that comes often, of 7-bit characters. */
  word(field: string, bytesMax: number): string {
    const [start, end] = this.#payload(field, WireKind.str, 'a str', bytesMax);
    let hash = 0;
    let high = 0;
    for (let at = start; at < end; at++) {
      const byte = this.#bytes[at] as number;
      hash = (Math.imul(hash, 31) + byte) | 0;
      high |= byte;
    }
    if (high >= 0x80) this.fail(field, 'must be of 7-bit characters');
    const slot = (hash ^ (hash >>> 8)) & (WORD_SLOTS - 1);
    const known = words[slot] as string;
    if (isWord(known, this.#bytes, start, end)) return known;
    const word = decoder.decode(this.#bytes.subarray(start, end));
    words[slot] = word;
    return word;
  }

  /** A view of the bytes read, which must stay as they are as long as it is used. */
  bytes(field: string, bytesMax = this.#end): Uint8Array {
    const [start, end] = this.#payload(field, WireKind.bin, 'a bin', bytesMax);
    return new Uint8Array(this.#bytes.buffer, this.#bytes.byteOffset + start, end - start);
  }

  /** Checks that nothing is left. */
  end(field: string): void {
    if (this.#at !== this.#end) this.fail(field, 'must end here');
  }

  #kind(field: string): WireKind {
    if (this.#at >= this.#end) this.fail(field, 'is missing');
    return kindOf(this.#bytes[this.#at] as number);
  }

  /** Passes over the marker and the length behind it, which it returns. */
  #head(field: string): number {
    const headBytes = headBytesOf(this.#bytes[this.#at] as number);
    if (this.#at + headBytes > this.#end) this.fail(field, 'is cut off');
    const count = countAt(this.#bytes, this.#at);
    this.#at += headBytes;
    return count;
  }

  #number(field: string): number | bigint {
    const at = this.#at;
    this.#head(field);
    return numberAt(this.#bytes, at);
  }

  #payload(field: string, kind: WireKind, kindText: string, bytesMax: number): [number, number] {
    if (this.#kind(field) !== kind) this.fail(field, `must be ${kindText}`);
    const count = this.#head(field);
    if (count > bytesMax) this.fail(field, `must have ${range(0, bytesMax)} bytes`);
    const start = this.#at;
    if (start + count > this.#end) this.fail(field, 'is cut off');
    this.#at = start + count;
    return [start, this.#at];
  }
}

function isWord(word: string, bytes: Uint8Array, start: number, end: number): boolean {
  if (word.length !== end - start) return false;
  for (let index = 0; index < word.length; index++) {
    if (word.charCodeAt(index) !== bytes[start + index]) return false;
  }
  return true;
}

function range(min: number, max: number): string {
  return min === max ? `${min}` : `${min} to ${max}`;
}
