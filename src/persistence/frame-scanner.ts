import { HEADER_BYTES } from './file-header.ts';
import { FRAME_HEAD_BYTES, type Frame, frameBodyBytes, frameHead, openFrame } from './frame.ts';

/** A file's bytes, from any place. */
export interface ByteSource {
  readonly size: number;
  /** Fills `target[at..at + length)` from `position` on; all of it is within the file. */
  read(position: number, target: Uint8Array, at: number, length: number): void;
}

/** How the frames of a file end. */
export type FrameEnd =
  /** Behind a whole frame. */
  | { readonly kind: 'whole' }
  /** What begins at `offset` was never finished, or never reached the disk: it was not acknowledged as durable. */
  | { readonly kind: 'torn'; readonly offset: number }
  /** What begins at `offset` was on the disk once, and is not what it was. */
  | { readonly kind: 'damaged'; readonly offset: number; readonly reason: string };

/** Few reads, and what was read is still in the processor's cache when it is looked at. */
const WINDOW_BYTES = 2 ** 20;
/** Of what looks like frames and is none: about a second's work. */
const SUMMED_BYTES_MAX = 2 ** 31;
const UNKNOWN = -2;
/** First byte of a frame. */
const FIRST_BYTE = 0xf5;

/**
 * Goes through the frames of a file. Where one is not whole, it looks at all that comes behind: a later frame that was
 * written when the missing records were known to be on the disk proves that they have been damaged since; without one
 * they are what a crash left of the last writes.
 */
export class FrameScanner {
  /** The frame's body is in it, after `next` answered true. */
  bytes: Uint8Array;
  frame: Frame = { count: 0, first: 0, durable: 0, bodyStart: 0, bodyEnd: 0 };
  /** Number of the record that is to come next. */
  expected: number;
  /** Null until `next` answered false. */
  end: FrameEnd | null = null;
  /** Where the frame after this one begins. */
  offset = HEADER_BYTES;
  readonly #source: ByteSource;
  readonly #seed: number;
  /** `bytes` has what the file has from `#windowAt` on. */
  #windowAt = 0;
  #windowBytes = 0;

  constructor(source: ByteSource, seed: number, first: number) {
    this.#source = source;
    this.bytes = new Uint8Array(Math.min(WINDOW_BYTES, source.size));
    this.#seed = seed;
    this.expected = first;
  }

  /** Goes on to the next frame; false at the end, whichever it is. */
  next(): boolean {
    if (this.end !== null) return false;
    if (this.offset >= this.#source.size) {
      this.end = { kind: 'whole' };
      return false;
    }
    const frame = this.#frameAt(this.offset);
    if (frame === null) {
      this.end = this.#verdict();
      return false;
    }
    if (frame.first !== this.expected) {
      const reason = `it goes on with number ${frame.first} where ${this.expected} is due`;
      this.end = { kind: 'damaged', offset: this.offset, reason };
      return false;
    }
    this.frame = frame;
    this.expected += frame.count;
    this.offset += FRAME_HEAD_BYTES + frame.bodyEnd - frame.bodyStart;
    return true;
  }

  /** The whole frame at this place of the file; null: there is none. */
  #frameAt(offset: number): Frame | null {
    if (offset + FRAME_HEAD_BYTES > this.#source.size) return null;
    this.#show(offset, FRAME_HEAD_BYTES);
    const bodyBytes = frameBodyBytes(this.bytes, offset - this.#windowAt);
    if (bodyBytes < 0 || offset + FRAME_HEAD_BYTES + bodyBytes > this.#source.size) return null;
    this.#show(offset, FRAME_HEAD_BYTES + bodyBytes);
    return openFrame(this.bytes, offset - this.#windowAt, this.#seed);
  }

  /**
   * After `next` answered false for what is not whole: goes on with the next whole frame behind it, whatever number that
   * begins with. Answers false where there is none; `frame` is it otherwise.
   */
  skip(): boolean {
    const at = this.#search(() => true);
    if (at < 0) return false;
    // It was found whole a moment ago.
    const frame = this.#frameAt(at);
    if (frame === null) return false;
    this.end = null;
    this.frame = frame;
    this.expected = frame.first + frame.count;
    this.offset = at + FRAME_HEAD_BYTES + frame.bodyEnd - frame.bodyStart;
    return true;
  }

  #verdict(): FrameEnd {
    const { offset, expected } = this;
    // Only such a frame proves anything. Who may choose values could have them look like frames, each of which has to be
    // summed up: the head is looked at before. One that is ours has no higher number than there are bytes for records
    // before it, and knows of none on the disk that are its own or come later; but for the mark that has none.
    const at = this.#search(
      ({ durable, first }, at, bodyBytes) =>
        durable > expected &&
        first >= expected &&
        first - expected <= at - offset &&
        (durable <= first || bodyBytes === 0),
    );
    if (at === UNKNOWN) {
      return {
        kind: 'damaged',
        offset,
        reason: 'too much behind it looks like a frame to tell whether it was on the disk',
      };
    }
    if (at < 0) return { kind: 'torn', offset };
    return { kind: 'damaged', offset, reason: `number ${expected} was on the disk: the frame at ${at} tells so` };
  }

  /** Where the next whole frame behind `offset` begins whose head is `wanted`; -1: nowhere; UNKNOWN: it takes too long. */
  #search(wanted: (head: Pick<Frame, 'first' | 'durable'>, at: number, bodyBytes: number) => boolean): number {
    let summedBytes = 0;
    for (let at = this.offset + 1; at + FRAME_HEAD_BYTES <= this.#source.size; at++) {
      this.#show(at, FRAME_HEAD_BYTES);
      const found = this.bytes.subarray(0, this.#windowBytes).indexOf(FIRST_BYTE, at - this.#windowAt);
      if (found < 0) {
        at = this.#windowAt + this.#windowBytes - 1;
        continue;
      }
      at = this.#windowAt + found;
      if (at + FRAME_HEAD_BYTES > this.#source.size) break;
      this.#show(at, FRAME_HEAD_BYTES);
      const bodyBytes = frameBodyBytes(this.bytes, at - this.#windowAt);
      if (bodyBytes < 0 || at + FRAME_HEAD_BYTES + bodyBytes > this.#source.size) continue;
      if (!wanted(frameHead(this.bytes, at - this.#windowAt), at, bodyBytes)) continue;
      if (this.#frameAt(at) !== null) return at;
      summedBytes += bodyBytes;
      if (summedBytes > SUMMED_BYTES_MAX) return UNKNOWN;
    }
    return -1;
  }

  /** Has `bytes` hold `length` bytes from `offset` on, and more if there are. */
  #show(offset: number, length: number): void {
    if (offset >= this.#windowAt && offset + length <= this.#windowAt + this.#windowBytes) return;
    const { size } = this.#source;
    const former = this.bytes;
    if (length > former.length)
      this.bytes = new Uint8Array(Math.min(size - offset, Math.max(length, 2 * former.length)));
    // What is there already is not read again.
    const from = offset - this.#windowAt;
    const kept = from >= 0 && from < this.#windowBytes ? this.#windowBytes - from : 0;
    if (kept > 0) this.bytes.set(former.subarray(from, from + kept));
    const wanted = Math.min(this.bytes.length, size - offset);
    this.#source.read(offset + kept, this.bytes, kept, wanted - kept);
    this.#windowAt = offset;
    this.#windowBytes = wanted;
  }
}
