import { createHmac, type KeyObject } from 'node:crypto';
import { copyOf } from '../../base/copy-bytes.ts';

/**
 * What goes over a link once its ends know each other: frames of messages, one frame for all that was written in a turn.
 * Numbers are little-endian.
 *
 * | offset | type | meaning |
 * | ------ | ---- | ------- |
 * | 0 | uint32 | bytes behind the head |
 * | 4 | 16 bytes | the first of the HMAC-SHA256, by the key of the direction, of all that follows |
 * | 20 | uint64 | number of the frame in its direction, from 0 |
 * | 28 | | messages |
 *
 * A message is a uint32 length of its body, a uint8 kind, a uint8 that is the kind's own, a uint32 number of the request,
 * and the body. A frame that is changed, repeated, left out or put elsewhere ends the link.
 */
export const PEER_FRAME_HEAD_BYTES = 28;
export const PEER_MESSAGE_HEAD_BYTES = 10;

const SEAL_AT = 4;
const SEAL_BYTES = 16;
const NUMBER_AT = 20;
/** What a buffer has at first, and what a larger one is given back to. */
const BYTES_AT_FIRST = 16 * 1024;
const BYTES_KEPT = 1 << 20;

/** A stream that is not one of the other end's frames: the link cannot be used any more. */
export class PeerFrameError extends Error {
  override readonly name = 'PeerFrameError';
}

/** Builds one frame after the other in the same memory. */
export class PeerFrameWriter {
  /** The frame at 0 to `length`; replaced when it grows. */
  bytes = new Uint8Array(BYTES_AT_FIRST);
  length = PEER_FRAME_HEAD_BYTES;
  #words = new DataView(this.bytes.buffer);
  readonly #key: KeyObject;
  #number = 0;

  constructor(key: KeyObject) {
    this.#key = key;
  }

  get isEmpty(): boolean {
    return this.length === PEER_FRAME_HEAD_BYTES;
  }

  /** Makes room for a message with a body of up to `bodyBytes`; returns where the body is to be written. */
  reserve(bodyBytes: number): number {
    const at = this.length + PEER_MESSAGE_HEAD_BYTES;
    const end = at + bodyBytes;
    if (end > this.bytes.length) this.#grow(end);
    return at;
  }

  /** Appends the message whose body was written where `reserve` said. */
  add(kind: number, detail: number, id: number, bodyBytes: number): void {
    const at = this.length;
    this.#words.setUint32(at, bodyBytes, true);
    this.bytes[at + 4] = kind;
    this.bytes[at + 5] = detail;
    this.#words.setUint32(at + 6, id, true);
    this.length = at + PEER_MESSAGE_HEAD_BYTES + bodyBytes;
  }

  /** Completes the frame, which is `bytes[0..length)` until `clear`. */
  seal(): void {
    const { length } = this;
    this.#words.setUint32(0, length - PEER_FRAME_HEAD_BYTES, true);
    this.#words.setUint32(NUMBER_AT, this.#number >>> 0, true);
    this.#words.setUint32(NUMBER_AT + 4, Math.floor(this.#number / 2 ** 32), true);
    this.#number++;
    const seal = sealOf(this.#key, this.bytes, NUMBER_AT, length);
    for (let at = 0; at < SEAL_BYTES; at++) this.bytes[SEAL_AT + at] = seal[at] as number;
  }

  /** Completes the frame and returns it in memory of its own; the next one begins. */
  take(): Uint8Array {
    this.seal();
    const frame = copyOf(this.bytes, 0, this.length);
    this.clear();
    return frame;
  }

  /** Begins the next frame; what was added and not taken is forgotten. */
  clear(): void {
    this.length = PEER_FRAME_HEAD_BYTES;
    if (this.bytes.length > BYTES_KEPT) this.#replace(new Uint8Array(BYTES_AT_FIRST));
  }

  #grow(needed: number): void {
    const bytes = new Uint8Array(2 ** Math.ceil(Math.log2(needed)));
    bytes.set(this.bytes.subarray(0, this.length));
    this.#replace(bytes);
  }

  #replace(bytes: Uint8Array<ArrayBuffer>): void {
    this.bytes = bytes;
    this.#words = new DataView(bytes.buffer);
  }
}

const NOTHING = new Uint8Array(0);

/**
 * Cuts what arrives into messages, however it was split. Fed with bytes, it hands out the messages of frames that are
 * whole and of the other end, one a call of `next`; `keep` is to be called before the bytes are the feeder's again.
 */
export class PeerFrameReader {
  /** Of the message last stepped to: its body is `bytes[start..end)` until the next `feed` or `keep`. */
  bytes: Uint8Array = NOTHING;
  start = 0;
  end = 0;
  kind = 0;
  detail = 0;
  id = 0;
  readonly #key: KeyObject;
  readonly #frameBytesMax: number;
  /** What is not used up is `bytes[#at..#filled)`; whether that memory is this reader's own. */
  #at = 0;
  #filled = 0;
  #isOwn = false;
  #words: DataView = new DataView(NOTHING.buffer);
  /** Where the frame ends whose messages are being handed out. */
  #frameEnd = 0;
  #number = 0;

  constructor(key: KeyObject, frameBytesMax: number) {
    this.#key = key;
    this.#frameBytesMax = frameBytesMax;
  }

  /** Bytes that came and were not used up. */
  get bufferedBytes(): number {
    return this.#filled - this.#at;
  }

  feed(bytes: Uint8Array): void {
    if (this.bufferedBytes === 0) {
      this.#use(bytes, bytes.length, false);
      this.#at = 0;
      this.#frameEnd = 0;
      return;
    }
    this.#own(bytes.length);
    this.bytes.set(bytes, this.#filled);
    this.#filled += bytes.length;
  }

  /** Steps to the next message; false: it has not come as a whole. Throws a {@link PeerFrameError}. */
  next(): boolean {
    if (this.#at >= this.#frameEnd && !this.#openFrame()) return false;
    const at = this.#at;
    const left = this.#frameEnd - at;
    if (left < PEER_MESSAGE_HEAD_BYTES) throw new PeerFrameError('a frame ends within a message');
    const bodyBytes = this.#words.getUint32(at, true);
    if (bodyBytes > left - PEER_MESSAGE_HEAD_BYTES) throw new PeerFrameError('a message is longer than its frame');
    this.kind = this.bytes[at + 4] as number;
    this.detail = this.bytes[at + 5] as number;
    this.id = this.#words.getUint32(at + 6, true);
    this.start = at + PEER_MESSAGE_HEAD_BYTES;
    this.end = this.start + bodyBytes;
    this.#at = this.end;
    return true;
  }

  /** Takes what is not used up into memory of this reader's own. */
  keep(): void {
    if (this.bufferedBytes === 0) {
      if (this.bytes.length > BYTES_KEPT || !this.#isOwn) this.#use(NOTHING, 0, true);
      this.#at = 0;
      this.#filled = 0;
      this.#frameEnd = 0;
    } else if (!this.#isOwn) this.#own(0);
  }

  /** Whether a frame is whole, and the other end's next. */
  #openFrame(): boolean {
    const at = this.#at;
    if (this.#filled - at < SEAL_AT) return false;
    const count = this.#words.getUint32(at, true);
    if (count === 0) throw new PeerFrameError('a frame is empty');
    if (count > this.#frameBytesMax)
      throw new PeerFrameError(`a frame is over the limit of ${this.#frameBytesMax} bytes`);
    const end = at + PEER_FRAME_HEAD_BYTES + count;
    if (end > this.#filled) return false;
    const seal = sealOf(this.#key, this.bytes, at + NUMBER_AT, end);
    let difference = 0;
    for (let index = 0; index < SEAL_BYTES; index++) {
      difference |= (seal[index] as number) ^ (this.bytes[at + SEAL_AT + index] as number);
    }
    const number = this.#words.getUint32(at + NUMBER_AT, true);
    const numberHigh = this.#words.getUint32(at + NUMBER_AT + 4, true);
    if (difference !== 0 || number + numberHigh * 2 ** 32 !== this.#number) {
      throw new PeerFrameError('a frame is not the one that the other end has sent');
    }
    this.#number++;
    this.#at = at + PEER_FRAME_HEAD_BYTES;
    this.#frameEnd = end;
    return true;
  }

  /** Moves what is not used up to the beginning of memory of this reader's own, with room for `more` bytes behind. */
  #own(more: number): void {
    const count = this.bufferedBytes;
    const needed = count + more;
    const isInFrame = this.#frameEnd > this.#at;
    const frameBytes = this.#frameEnd - this.#at;
    if (this.#isOwn && needed <= this.bytes.length) {
      if (this.#filled + more > this.bytes.length) this.bytes.copyWithin(0, this.#at, this.#filled);
      else return;
    } else {
      const bytes = new Uint8Array(Math.max(BYTES_AT_FIRST, needed * (this.#isOwn ? 2 : 1)));
      bytes.set(this.bytes.subarray(this.#at, this.#filled));
      this.#use(bytes, count, true);
    }
    this.#at = 0;
    this.#filled = count;
    this.#frameEnd = isInFrame ? frameBytes : 0;
  }

  #use(bytes: Uint8Array, filled: number, isOwn: boolean): void {
    if (bytes !== this.bytes) this.#words = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.bytes = bytes;
    this.#filled = filled;
    this.#isOwn = isOwn;
  }
}

function sealOf(key: KeyObject, bytes: Uint8Array, start: number, end: number): Uint8Array {
  return createHmac('sha256', key).update(bytes.subarray(start, end)).digest();
}
