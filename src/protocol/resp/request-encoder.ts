import { digitCount, writeDigits } from './number-text.ts';

/** A word of a command: text goes as UTF-8, a number in decimal. */
export type RequestWord = string | number | bigint | Uint8Array;

const bytesMin = 16 * 1024;
/** Text up to this length is written byte by byte while it is ASCII, which is faster than an encoder. */
const shortTextMax = 32;
const encoder = new TextEncoder();

/** Builds requests one after the other, to be sent in one write. */
export class RequestEncoder {
  #bytes: Uint8Array = new Uint8Array(bytesMin);
  #length = 0;

  /** Bytes added since the last `take`. */
  get length(): number {
    return this.#length;
  }

  /** Adds one command, its name first. */
  add(words: readonly RequestWord[]): void {
    this.#count(0x2a, words.length);
    for (const word of words) {
      if (typeof word === 'object') this.#bulk(word);
      else this.#text(typeof word === 'string' ? word : String(word));
    }
  }

  /** What was added: the caller's from here on, to be sent whenever. */
  take(): Uint8Array {
    const taken = this.#bytes.subarray(0, this.#length);
    this.#bytes = this.#bytes.subarray(this.#length);
    this.#length = 0;
    return taken;
  }

  #bulk(bytes: Uint8Array): void {
    this.#count(0x24, bytes.length);
    this.#reserve(bytes.length + 2);
    this.#bytes.set(bytes, this.#length);
    this.#endLine(this.#length + bytes.length);
  }

  #text(word: string): void {
    if (word.length > shortTextMax || !this.#shortAscii(word)) this.#bulk(encoder.encode(word));
  }

  #shortAscii(word: string): boolean {
    const begin = this.#length;
    this.#count(0x24, word.length);
    this.#reserve(word.length + 2);
    const start = this.#length;
    for (let index = 0; index < word.length; index++) {
      const unit = word.charCodeAt(index);
      if (unit > 0x7f) {
        this.#length = begin;
        return false;
      }
      this.#bytes[start + index] = unit;
    }
    this.#endLine(start + word.length);
    return true;
  }

  #count(marker: number, count: number): void {
    const digits = digitCount(count);
    this.#reserve(digits + 3);
    this.#bytes[this.#length] = marker;
    this.#endLine(writeDigits(this.#bytes, this.#length + 1, count, digits));
  }

  #endLine(at: number): void {
    this.#bytes[at] = 0x0d;
    this.#bytes[at + 1] = 0x0a;
    this.#length = at + 2;
  }

  #reserve(count: number): void {
    const needed = this.#length + count;
    if (needed <= this.#bytes.length) return;
    const bytes = new Uint8Array(Math.max(bytesMin, needed, this.#length * 2));
    bytes.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = bytes;
  }
}

/** One command as a client sends it, its name first. */
export function encodeRequest(words: readonly RequestWord[]): Uint8Array {
  const request = new RequestEncoder();
  request.add(words);
  return request.take();
}
