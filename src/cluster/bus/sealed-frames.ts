import { createHmac, type KeyObject } from 'node:crypto';
import { assert } from '../../base/assert.ts';
import { FRAME_HEADER_BYTES, writeFrameHeader } from '../transport/frame.ts';

/**
 * Frames whose sender is known. The payload begins with a seal: the first 16 bytes of the HMAC-SHA256, by the key of the
 * direction, of the number of the frame in that direction (uint64, from 0) and of the rest of the payload. So a frame
 * that is changed, repeated, left out or put elsewhere is found out.
 */
export const SEAL_BYTES = 16;
/** Where the messages of a frame begin. */
export const SEALED_AT = FRAME_HEADER_BYTES + SEAL_BYTES;

class Seal {
  readonly #key: KeyObject;
  readonly #number = Buffer.alloc(8);
  #count = 0;

  constructor(key: KeyObject) {
    this.#key = key;
  }

  next(sealed: Uint8Array): Buffer {
    this.#number.writeUInt32BE(Math.floor(this.#count / 2 ** 32), 0);
    this.#number.writeUInt32BE(this.#count >>> 0, 4);
    this.#count += 1;
    return createHmac('sha256', this.#key).update(this.#number).update(sealed).digest();
  }
}

/** Seals frames in the order in which they are to be sent. */
export class FrameSealer {
  readonly #seal: Seal;

  constructor(key: KeyObject) {
    this.#seal = new Seal(key);
  }

  /** Makes `bytes[0..end)` a frame: what stands before `SEALED_AT` is written here. */
  seal(bytes: Buffer, end: number): void {
    assert(end >= SEALED_AT, 'a frame has room for its seal');
    this.#seal.next(bytes.subarray(SEALED_AT, end)).copy(bytes, FRAME_HEADER_BYTES, 0, SEAL_BYTES);
    writeFrameHeader(bytes, end);
  }
}

/** Checks frames in the order in which they came. */
export class FrameOpener {
  readonly #seal: Seal;

  constructor(key: KeyObject) {
    this.#seal = new Seal(key);
  }

  /** Whether `payload` is the next that the other end has sent; what it has to say begins at `SEAL_BYTES`. */
  opens(payload: Uint8Array): boolean {
    if (payload.length < SEAL_BYTES) return false;
    const expected = this.#seal.next(payload.subarray(SEAL_BYTES));
    // In a time that does not tell how much of it is right.
    let difference = 0;
    for (let at = 0; at < SEAL_BYTES; at++) difference |= (payload[at] as number) ^ (expected[at] as number);
    return difference === 0;
  }
}
