import { Args } from '../../command/args.ts';

/** Room kept between requests; a greater request's buffer is given back. */
const bytesKept = 1 << 20;
const bytesAtFirst = 1 << 16;

/**
 * Builds the arguments of one command in one buffer that is used again by the next. Bytes are appended at `length`;
 * `end` closes what was appended since a start as an argument.
 */
export class ArgsBuilder {
  bytes: Uint8Array = new Uint8Array(bytesAtFirst);
  length = 0;
  readonly args = new Args();

  /** Begins anew, with room for `room` bytes: that many may then be written to `bytes` without another `reserve`. */
  clear(room: number): void {
    this.length = 0;
    if (this.bytes.length > bytesKept && room <= bytesAtFirst) this.bytes = new Uint8Array(bytesAtFirst);
    this.reserve(room);
    this.args.clear(this.bytes);
  }

  /** Makes room for `room` more bytes. Ranges stay as they are; `bytes` may be another buffer afterwards. */
  reserve(room: number): void {
    const needed = this.length + room;
    if (needed <= this.bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, Math.min(this.bytes.length * 2, needed + bytesKept)));
    grown.set(this.bytes.subarray(0, this.length));
    this.bytes = grown;
    this.args.bytes = grown;
  }

  /** Adds what was appended since `start` as the next argument. */
  end(start: number): void {
    this.args.push(start, this.length);
  }

  /** Adds an ASCII word as an argument. */
  word(text: string): void {
    this.reserve(text.length);
    const start = this.length;
    for (let at = 0; at < text.length; at++) this.bytes[start + at] = text.charCodeAt(at);
    this.length = start + text.length;
    this.args.push(start, this.length);
  }

  /** Adds a whole number that a double holds, in decimal. */
  integer(value: number): void {
    this.word(String(value));
  }

  /** Adds a copy of `source[start..end)` as an argument. */
  copy(source: Uint8Array, start: number, end: number): void {
    const at = this.length;
    this.append(source, start, end);
    this.args.push(at, this.length);
  }

  append(source: Uint8Array, start: number, end: number): void {
    const length = end - start;
    this.reserve(length);
    const bytes = this.bytes;
    const to = this.length;
    // Below a cache line or so a loop is faster than a view and `set`, which allocate.
    if (length > 64) bytes.set(source.subarray(start, end), to);
    else for (let at = 0; at < length; at++) bytes[to + at] = source[start + at] as number;
    this.length = to + length;
  }
}
