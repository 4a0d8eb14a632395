import { assert } from '../../base/assert.ts';
import { MESSAGE_HEAD_BYTES, writeMessage } from './message-batch.ts';
import { type FrameSealer, SEALED_AT } from './sealed-frames.ts';

const BUFFER_BYTES_MIN = 16 * 1024;

interface Batch {
  readonly buffer: Buffer;
  /** What of the buffer is written, from 0: room for header and seal, then messages. */
  readonly end: number;
}

/**
 * Messages that wait for one connection, as the frames they will be sent in. A message is written where it will be sent
 * from; of the buffers, one that is free is kept for the next frame.
 */
export class OutgoingFrames {
  readonly #frameBytes: number;
  readonly #sealer: FrameSealer;
  readonly #closed: Batch[] = [];
  #closedAt = 0;
  #buffer: Buffer | null = null;
  #end = 0;
  #spare: Buffer | null = null;
  /** Of all that waits, heads and seals included. */
  bytes = 0;

  /** A frame is closed once it has `frameBytes`; one message alone may be longer. */
  constructor(sealer: FrameSealer, frameBytes: number) {
    this.#sealer = sealer;
    this.#frameBytes = frameBytes;
  }

  append(channel: number, bytes: Uint8Array): void {
    const needed = MESSAGE_HEAD_BYTES + bytes.length;
    if (this.#buffer !== null && this.#end + needed > this.#frameBytes) this.#close();
    const buffer = this.#room(needed);
    const end = writeMessage(channel, bytes, buffer, this.#end);
    this.bytes += end - this.#end;
    this.#end = end;
  }

  /** The next frame to send, which is not to be changed until it is given back; null: nothing waits. */
  take(): Buffer | null {
    if (this.#closedAt === this.#closed.length) {
      if (this.#buffer === null) return null;
      this.#close();
    }
    const { buffer, end } = this.#closed[this.#closedAt] as Batch;
    this.#closedAt += 1;
    if (this.#closedAt === this.#closed.length) {
      this.#closed.length = 0;
      this.#closedAt = 0;
    }
    this.#sealer.seal(buffer, end);
    this.bytes -= end;
    return buffer.subarray(0, end);
  }

  /** A frame without a message. */
  takeEmpty(): Buffer {
    assert(this.bytes === 0, 'an empty frame overtakes nothing');
    this.#room(0);
    const frame = this.take();
    assert(frame !== null, 'a frame was begun');
    return frame;
  }

  /** The memory of a frame that is sent may be written to again. */
  giveBack(frame: Buffer): void {
    const buffer = Buffer.from(frame.buffer);
    if (buffer.length <= 2 * this.#frameBytes && buffer.length > (this.#spare?.length ?? 0)) this.#spare = buffer;
  }

  /** Keeps no memory but that of what waits. */
  shrink(): void {
    this.#spare = null;
  }

  #close(): void {
    assert(this.#buffer !== null, 'a frame was begun');
    this.#closed.push({ buffer: this.#buffer, end: this.#end });
    this.#buffer = null;
  }

  /** The buffer of the frame that is being written, with room for so many bytes more. */
  #room(count: number): Buffer {
    if (this.#buffer === null) {
      this.#buffer = this.#spare ?? Buffer.allocUnsafeSlow(BUFFER_BYTES_MIN);
      this.#spare = null;
      this.#end = SEALED_AT;
      this.bytes += SEALED_AT;
    }
    const needed = this.#end + count;
    if (needed > this.#buffer.length) {
      const larger = Buffer.allocUnsafeSlow(2 ** Math.ceil(Math.log2(needed)));
      this.#buffer.copy(larger, SEALED_AT, SEALED_AT, this.#end);
      this.#buffer = larger;
    }
    return this.#buffer;
  }
}
