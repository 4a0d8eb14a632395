import { assert } from '../base/assert.ts';
import { FRAME_BODY_BYTES_MAX, FRAME_HEAD_BYTES, sealFrame } from './frame.ts';

const BYTES_MIN = 64 * 1024;
/** A buffer that grew beyond this is not kept. */
const BYTES_KEPT = 4 * 2 ** 20;
/** Of a partition's number and a record's length. */
const RECORD_HEAD_BYTES_MAX = 10;

/** Puts records of a log together to a frame. */
export class FrameBuffer {
  count = 0;
  #bytes: Uint8Array = new Uint8Array(BYTES_MIN);
  #length = FRAME_HEAD_BYTES;
  /** Where the command that was begun last begins. */
  #begunCount = 0;
  #begunLength = FRAME_HEAD_BYTES;
  readonly #seed: number;

  constructor(seed: number) {
    this.#seed = seed;
  }

  /** With the head. */
  get length(): number {
    return this.#length;
  }

  get isEmpty(): boolean {
    return this.count === 0;
  }

  /** `takeBack` takes back all that is added from here on. */
  begin(): void {
    this.#begunCount = this.count;
    this.#begunLength = this.#length;
  }

  takeBack(): void {
    this.count = this.#begunCount;
    this.#length = this.#begunLength;
  }

  add(partition: number, source: Uint8Array, start: number, end: number): void {
    this.#reserve(RECORD_HEAD_BYTES_MAX + end - start);
    this.#number(partition);
    this.#number(end - start);
    this.#bytes.set(source.subarray(start, end), this.#length);
    this.#length += end - start;
    this.count++;
  }

  /** The frame, valid until the next call of anything: it begins anew with what is added then. */
  seal(first: number, durable: number): Uint8Array {
    const { count } = this;
    const bytes = this.#bytes;
    const length = this.#length;
    assert(length - FRAME_HEAD_BYTES <= FRAME_BODY_BYTES_MAX, 'a frame of a log has room for every record');
    sealFrame(bytes, length, { count, first, durable }, this.#seed);
    this.count = 0;
    this.#length = FRAME_HEAD_BYTES;
    if (bytes.length > BYTES_KEPT) this.#bytes = new Uint8Array(BYTES_MIN);
    return bytes.subarray(0, length);
  }

  #number(value: number): void {
    let rest = value;
    while (rest >= 128) {
      this.#bytes[this.#length++] = (rest % 128) | 128;
      rest = Math.floor(rest / 128);
    }
    this.#bytes[this.#length++] = rest;
  }

  #reserve(more: number): void {
    const needed = this.#length + more;
    if (needed <= this.#bytes.length) return;
    const bytes = new Uint8Array(Math.max(needed, 2 * this.#bytes.length));
    bytes.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = bytes;
  }
}

/** Reads the records of a log's frame one by one. Its checksum held, so what does not fit was never written by this. */
export class FrameRecords {
  partition = 0;
  start = 0;
  end = 0;
  bytes: Uint8Array = new Uint8Array(0);
  /** Something is not as it should be: there is nothing more to read. */
  isFaulty = false;
  #at = 0;
  #bodyEnd = 0;

  open(bytes: Uint8Array, bodyStart: number, bodyEnd: number): void {
    this.bytes = bytes;
    this.isFaulty = false;
    this.#at = bodyStart;
    this.#bodyEnd = bodyEnd;
  }

  next(): boolean {
    if (this.isFaulty || this.#at >= this.#bodyEnd) return false;
    this.partition = this.#number();
    const length = this.#number();
    this.start = this.#at;
    this.end = this.#at + length;
    if (this.end > this.#bodyEnd) this.isFaulty = true;
    this.#at = this.end;
    return !this.isFaulty;
  }

  #number(): number {
    let value = 0;
    for (let scale = 1; scale <= 2 ** 28; scale *= 128) {
      const byte = this.#at < this.#bodyEnd ? (this.bytes[this.#at++] as number) : 128;
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
    this.isFaulty = true;
    return 0;
  }
}
