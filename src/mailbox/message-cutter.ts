import { CHUNK_PREFIX_BYTES, FrameKind } from './layout.ts';
import type { RingProducer } from './ring.ts';

const EMPTY = new Uint8Array(0);

/** Cuts one message at a time into chunk frames, as many at a go as the ring has room for. */
export class MessageCutter {
  active = false;
  #bytes: Uint8Array = EMPTY;
  #tag = 0;
  #isNotice = false;
  /** Bytes committed; -1 before the first frame. */
  #sent = -1;

  /** `bytes` is left alone by its owner until the message is complete. */
  begin(bytes: Uint8Array, tag: number, isNotice: boolean): void {
    this.#bytes = bytes;
    this.#tag = tag;
    this.#isNotice = isNotice;
    this.#sent = -1;
    this.active = true;
  }

  /** Commits chunks until the message is complete (true) or the ring has no room (false). */
  advance(ring: RingProducer): boolean {
    const total = this.#bytes.length;
    const payloadBytesMax = ring.framePayloadBytesMax;
    if (this.#sent < 0) {
      const at = ring.tryReserve(payloadBytesMax);
      if (at < 0) return false;
      ring.words[at >> 2] = total;
      const count = Math.min(total, payloadBytesMax - CHUNK_PREFIX_BYTES);
      ring.bytes.set(this.#bytes.subarray(0, count), at + CHUNK_PREFIX_BYTES);
      ring.commitFrame(FrameKind.first, CHUNK_PREFIX_BYTES + count, this.#tag, this.#isNotice);
      this.#sent = count;
    }
    for (;;) {
      const count = Math.min(total - this.#sent, payloadBytesMax);
      const at = ring.tryReserve(count);
      if (at < 0) return false;
      ring.bytes.set(this.#bytes.subarray(this.#sent, this.#sent + count), at);
      this.#sent += count;
      const complete = this.#sent === total;
      ring.commitFrame(complete ? FrameKind.last : FrameKind.middle, count, this.#tag, this.#isNotice);
      if (complete) break;
    }
    this.active = false;
    this.#bytes = EMPTY;
    return true;
  }
}
