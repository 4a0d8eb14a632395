import { Args } from './args.ts';

const encoder = new TextEncoder();

/** Arguments made from values rather than found in a request: each is copied to a buffer of their own. */
export class ArgsBuffer {
  readonly args = new Args();
  #bytes = new Uint8Array(256);
  #length = 0;

  /** Forgets all arguments; `args` is filled anew. */
  begin(): this {
    this.#length = 0;
    this.args.clear(this.#bytes);
    return this;
  }

  bytes(source: Uint8Array, start = 0, end = source.length): this {
    this.#reserve(end - start);
    this.#bytes.set(source.subarray(start, end), this.#length);
    return this.#push(end - start);
  }

  text(value: string): this {
    this.#reserve(value.length * 3);
    return this.#push(encoder.encodeInto(value, this.#bytes.subarray(this.#length)).written);
  }

  integer(value: number): this {
    return this.text(String(value));
  }

  #push(length: number): this {
    this.args.push(this.#length, this.#length + length);
    this.#length += length;
    return this;
  }

  #reserve(count: number): void {
    if (this.#length + count <= this.#bytes.length) return;
    const bytes = new Uint8Array(2 ** Math.ceil(Math.log2(this.#length + count)));
    bytes.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = bytes;
    // Ranges stay as they are: only the buffer they point into is another.
    this.args.bytes = bytes;
  }
}
