import { assert, unreachable } from '../base/assert.ts';
import { CHUNK_PREFIX_BYTES, FrameKind } from './layout.ts';

/** A buffer up to this size is kept for the next message; a larger one is given back as soon as it was read. */
const BYTES_KEPT = 256 * 1024;
const EMPTY = new Uint8Array(0);

/** Puts messages together from their chunks, one message at a time. */
export class MessageAssembly {
  /** The message, or the part of it that has come: `bytes[0..length)`. */
  bytes: Uint8Array = EMPTY;
  length = 0;
  active = false;
  readonly #bytesMax: number;
  #bytesTotal = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /**
   * Takes the chunk frame whose payload is `ring[at..at + payloadBytes)`; true when it completes a message. A chunk
   * that continues nothing belongs to a message that was given up, and is passed over.
   */
  take(kind: number, ring: Uint8Array, words: Int32Array, at: number, payloadBytes: number): boolean {
    const frameKind = kind as FrameKind;
    switch (frameKind) {
      case FrameKind.first: {
        const total = words[at >> 2] as number;
        assert(total >= 0 && total <= this.#bytesMax, 'a message in chunks is no larger than the limit');
        if (this.bytes.length < total) this.bytes = new Uint8Array(total);
        this.#bytesTotal = total;
        this.length = 0;
        this.active = true;
        this.#append(ring, at + CHUNK_PREFIX_BYTES, payloadBytes - CHUNK_PREFIX_BYTES);
        return false;
      }
      case FrameKind.middle:
        if (this.active) this.#append(ring, at, payloadBytes);
        return false;
      case FrameKind.last:
        if (!this.active) return false;
        this.#append(ring, at, payloadBytes);
        assert(this.length === this.#bytesTotal, 'the chunks add up to the length declared');
        this.active = false;
        return true;
      case FrameKind.whole:
      case FrameKind.pad:
        return false;
      default:
        return unreachable(frameKind);
    }
  }

  /** Forgets the message, complete or not. */
  clear(): void {
    this.active = false;
    if (this.bytes.length > BYTES_KEPT) this.bytes = EMPTY;
  }

  #append(ring: Uint8Array, at: number, count: number): void {
    assert(count >= 0 && this.length + count <= this.#bytesTotal, 'chunks stay within the length declared');
    this.bytes.set(ring.subarray(at, at + count), this.length);
    this.length += count;
  }
}
