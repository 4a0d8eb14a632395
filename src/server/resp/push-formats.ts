import { encodeReply, type RespVersion } from '../../protocol/resp/reply-encoder.ts';
import { type PushFormat, pushFormatIndex } from '../pubsub/push.ts';

/** A buffer that one push is written to. */
class PushBuffer {
  bytes: Uint8Array = new Uint8Array(1024);
  #length = 0;

  reserve(count: number): number {
    const at = this.#length;
    this.#length = at + count;
    if (this.#length > this.bytes.length) {
      const bytes = new Uint8Array(2 ** Math.ceil(Math.log2(this.#length)));
      bytes.set(this.bytes);
      this.bytes = bytes;
    }
    return at;
  }

  giveBack(count: number): void {
    this.#length -= count;
  }

  /** What was written, in an array of its own; the buffer is empty then, and no larger than usual messages need. */
  take(): Uint8Array {
    const taken = Buffer.from(this.bytes.subarray(0, this.#length));
    this.#length = 0;
    if (this.bytes.length > BUFFER_KEPT) this.bytes = new Uint8Array(1024);
    return taken;
  }
}

const BUFFER_KEPT = 64 * 1024;
const buffer = new PushBuffer();

function formatOf(index: number, version: RespVersion): PushFormat {
  return {
    index,
    encode(reader) {
      encodeReply(reader, buffer, version);
      return buffer.take();
    },
  };
}

/** By version of RESP. */
export const pushFormats: Readonly<Record<RespVersion, PushFormat>> = {
  2: formatOf(pushFormatIndex.resp2, 2),
  3: formatOf(pushFormatIndex.resp3, 3),
};
