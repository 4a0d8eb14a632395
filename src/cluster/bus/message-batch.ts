import { copyBytes } from '../../base/copy-bytes.ts';
import { uint32At } from '../../base/msgpack-wire.ts';

/** What a frame carries: messages one behind the other, each with its length (uint32, BE) and its channel (uint8). */

export const MESSAGE_HEAD_BYTES = 5;

/** Writes a message to `target[at..]`, where there is room for it, and returns the offset behind it. */
export function writeMessage(channel: number, bytes: Uint8Array, target: Uint8Array, at: number): number {
  const count = bytes.length;
  target[at] = count >>> 24;
  target[at + 1] = count >>> 16;
  target[at + 2] = count >>> 8;
  target[at + 3] = count;
  target[at + 4] = channel;
  copyBytes(bytes, 0, target, at + MESSAGE_HEAD_BYTES, count);
  return at + MESSAGE_HEAD_BYTES + count;
}

/** Reads the messages of `batch[at..]`, which are views of it. */
export class MessageReader {
  channel = 0;
  bytes: Uint8Array;
  readonly #batch: Uint8Array;
  #at: number;

  constructor(batch: Uint8Array, at = 0) {
    this.#batch = batch;
    this.bytes = batch;
    this.#at = at;
  }

  /** Whether `channel` and `bytes` are the next message; otherwise the batch ended, or what follows is none. */
  next(): boolean {
    const start = this.#at + MESSAGE_HEAD_BYTES;
    if (start > this.#batch.length) return false;
    const end = start + uint32At(this.#batch, this.#at);
    if (end > this.#batch.length) return false;
    this.channel = this.#batch[start - 1] as number;
    this.bytes = new Uint8Array(this.#batch.buffer, this.#batch.byteOffset + start, end - start);
    this.#at = end;
    return true;
  }

  /** Whether nothing is left. */
  get isAtEnd(): boolean {
    return this.#at === this.#batch.length;
  }
}
