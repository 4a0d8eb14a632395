import { copyOf } from '../base/copy-bytes.ts';

/**
 * The arguments of one command as byte ranges of one buffer; argument 0 is the first after the command's name.
 * A record that is refilled for every command, so that decoding one allocates nothing. Ranges are valid until the
 * next `clear`, and only as long as whoever filled them leaves `bytes` alone.
 */
export class Args {
  /** The buffer the ranges point into: a ring's message, a scratch buffer, or a request's body. */
  bytes: Uint8Array = EMPTY;
  count = 0;
  #starts: Int32Array | Float64Array = new Float64Array(16);
  #ends: Int32Array | Float64Array = new Float64Array(16);

  clear(bytes: Uint8Array): void {
    this.bytes = bytes;
    this.count = 0;
  }

  /** Appends the argument at bytes `start` (inclusive) to `end` (exclusive). */
  push(start: number, end: number): void {
    const at = this.count;
    if (at === this.#starts.length) this.#grow();
    this.#starts[at] = start;
    this.#ends[at] = end;
    this.count = at + 1;
  }

  start(index: number): number {
    return this.#starts[index] as number;
  }

  end(index: number): number {
    return this.#ends[index] as number;
  }

  byteLength(index: number): number {
    return (this.#ends[index] as number) - (this.#starts[index] as number);
  }

  /**
   * A view, not a copy, of one argument: for the call only, since the bytes behind it are those of the next command then.
   * Allocates: not for hot paths.
   */
  view(index: number): Uint8Array {
    return this.bytes.subarray(this.start(index), this.end(index));
  }

  /** One argument in memory of its own: for what is kept beyond the call. */
  copy(index: number): Uint8Array {
    return copyOf(this.bytes, this.start(index), this.end(index));
  }

  #grow(): void {
    const starts = new Float64Array(this.#starts.length * 4);
    starts.set(this.#starts);
    this.#starts = starts;
    const ends = new Float64Array(this.#ends.length * 4);
    ends.set(this.#ends);
    this.#ends = ends;
  }
}

const EMPTY = new Uint8Array(0);
