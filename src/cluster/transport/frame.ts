import { assert } from '../../base/assert.ts';
import { copyBytes } from '../../base/copy-bytes.ts';
import { crc32c } from '../../base/crc32c.ts';
import { uint32At } from '../../base/msgpack-wire.ts';

/**
 * How messages lie in the bus's stream of bytes. A frame is
 *
 * | offset | type       | meaning                                                |
 * | ------ | ---------- | ------------------------------------------------------ |
 * | 0      | uint32, BE | bytes of the payload, at least 1                       |
 * | 4      | uint32, BE | CRC-32C of the four bytes before and of the payload    |
 * | 8      |            | payload                                                |
 */

export const FRAME_HEADER_BYTES = 8;
/** What is set aside for a payload before its bytes have come: so many, then as many again as came. */
const BYTES_AT_FIRST = 64 * 1024;
const NOTHING = new Uint8Array(0);

/** A stream that is not one of frames: the connection cannot be used any more. */
export class FrameError extends Error {
  override readonly name = 'FrameError';
  readonly reason: 'empty' | 'too-large' | 'checksum';

  constructor(reason: FrameError['reason'], message: string) {
    super(message);
    this.reason = reason;
  }
}

export function encodeFrame(payload: Uint8Array): Uint8Array {
  const frame = new Uint8Array(FRAME_HEADER_BYTES + payload.length);
  frame.set(payload, FRAME_HEADER_BYTES);
  writeFrameHeader(frame, frame.length);
  return frame;
}

/** Makes `bytes[0..end)` a frame, whose payload stands behind room for the header. */
export function writeFrameHeader(bytes: Uint8Array, end: number): void {
  const count = end - FRAME_HEADER_BYTES;
  assert(count > 0 && count < 2 ** 32, 'a frame has a payload, and a length of 32 bits');
  writeUint32(bytes, 0, count);
  writeUint32(bytes, 4, crc32c(bytes, FRAME_HEADER_BYTES, end, crc32c(bytes, 0, 4)));
}

/** Cuts a stream of bytes into payloads; any split of the stream gives the same ones. */
export class FrameDecoder {
  #frameBytesMax: number;
  readonly #header = new Uint8Array(FRAME_HEADER_BYTES);
  #headerBytes = 0;
  /** The payload whose header is complete: room for what has come of it, and for more. */
  #payload = NOTHING;
  #payloadBytes = 0;
  #error: FrameError | null = null;

  /** `frameBytesMax` is that of a whole frame, its header included. */
  constructor(frameBytesMax: number) {
    this.#frameBytesMax = frameBytesMax;
  }

  /** For frames whose header has not come yet: as from within `onPayload`, for the next one. */
  setFrameBytesMax(frameBytesMax: number): void {
    this.#frameBytesMax = frameBytesMax;
  }

  /**
   * Hands over the payloads that end in `bytes`, in memory of their own. Throws a {@link FrameError}, after what came
   * before the fault was handed over, and again at every later call.
   */
  push(bytes: Uint8Array, onPayload: (payload: Uint8Array) => void): void {
    if (this.#error !== null) throw this.#error;
    let at = 0;
    while (at < bytes.length) {
      at = this.#takeHeader(bytes, at);
      if (this.#headerBytes < FRAME_HEADER_BYTES) return;
      const count = this.#payloadCount();
      at = this.#takePayload(bytes, at, count);
      if (this.#payloadBytes < count) return;
      const payload = this.#payload;
      if (uint32At(this.#header, 4) !== crc32c(payload, 0, count, crc32c(this.#header, 0, 4))) {
        this.#refuse('checksum', 'a frame does not have the checksum it says');
      }
      this.#headerBytes = 0;
      this.#payloadBytes = 0;
      this.#payload = NOTHING;
      onPayload(payload);
    }
  }

  /** Takes what is missing of the header, and returns where it stopped. */
  #takeHeader(bytes: Uint8Array, at: number): number {
    const taken = Math.min(FRAME_HEADER_BYTES - this.#headerBytes, bytes.length - at);
    copyBytes(bytes, at, this.#header, this.#headerBytes, taken);
    this.#headerBytes += taken;
    return at + taken;
  }

  #payloadCount(): number {
    const count = uint32At(this.#header, 0);
    if (count === 0) this.#refuse('empty', 'a frame has no payload');
    if (count > this.#frameBytesMax - FRAME_HEADER_BYTES) {
      this.#refuse(
        'too-large',
        `a frame would have ${count} bytes and its header; the limit is ${this.#frameBytesMax}`,
      );
    }
    return count;
  }

  /** Takes what is missing of the payload, and returns where it stopped. */
  #takePayload(bytes: Uint8Array, at: number, count: number): number {
    const taken = Math.min(count - this.#payloadBytes, bytes.length - at);
    const needed = this.#payloadBytes + taken;
    if (this.#payload.length < needed) {
      const room = needed === count ? count : Math.min(count, Math.max(BYTES_AT_FIRST, 2 * needed));
      const larger = new Uint8Array(room);
      larger.set(this.#payload.subarray(0, this.#payloadBytes));
      this.#payload = larger;
    }
    copyBytes(bytes, at, this.#payload, this.#payloadBytes, taken);
    this.#payloadBytes = needed;
    return at + taken;
  }

  #refuse(reason: FrameError['reason'], message: string): never {
    this.#payload = NOTHING;
    this.#error = new FrameError(reason, message);
    throw this.#error;
  }
}

function writeUint32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
}
