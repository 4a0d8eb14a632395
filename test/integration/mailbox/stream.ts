/** A stream of messages that both ends can make from a seed: sizes, bytes, and pauses between bursts. */
export class MessageStream {
  size = 0;
  readonly #largeBytesMax: number;
  #state: number;

  constructor(seed: number, largeBytesMax: number) {
    this.#state = seed | 1;
    this.#largeBytesMax = largeBytesMax;
  }

  /** Draws the next message's size: mostly below 64 bytes, 1 in 64 up to 1 KiB, 1 in 16384 up to the largest. */
  next(): void {
    const draw = this.#random();
    const bytesMax = (draw & 0x3fff) === 0 ? this.#largeBytesMax : (draw & 63) === 0 ? 1024 : 63;
    this.size = (this.#random() >>> 1) % (bytesMax + 1);
  }

  fill(target: Uint8Array, at: number): void {
    let byte = this.#state;
    for (let i = at, end = at + this.size; i < end; i += 1) {
      byte = (byte * 5 + 113) & 255;
      target[i] = byte;
    }
  }

  /** The offset of the first byte that is not what `fill` wrote; -1 when all are. */
  firstDifference(source: Uint8Array, at: number): number {
    let byte = this.#state;
    for (let i = at, end = at + this.size; i < end; i += 1) {
      byte = (byte * 5 + 113) & 255;
      if (source[i] !== byte) return i - at;
    }
    return -1;
  }

  /** Marsaglia's xorshift32. */
  #random(): number {
    let x = this.#state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#state = x;
    return x;
  }
}
