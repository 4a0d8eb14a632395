import { ReplyReader, ReplyWriter } from '../src/command/reply.ts';
import type { ReplyOutput } from '../src/protocol/resp/output.ts';
import { encodeReply, type RespVersion } from '../src/protocol/resp/reply-encoder.ts';

/** An output that keeps what is written; full of 0xee where nothing was. */
export class CollectedOutput implements ReplyOutput {
  bytes: Uint8Array = new Uint8Array(16).fill(0xee);
  #length = 0;

  reserve(count: number): number {
    const at = this.#length;
    this.#length += count;
    if (this.#length > this.bytes.length) {
      const bytes = new Uint8Array(this.#length * 2).fill(0xee);
      bytes.set(this.bytes.subarray(0, at));
      this.bytes = bytes;
    }
    return at;
  }

  /** A copy of what was written. */
  get written(): Buffer {
    return Buffer.from(this.bytes.subarray(0, this.#length));
  }

  get text(): string {
    return this.written.toString('utf8');
  }

  get latin1(): string {
    return this.written.toString('latin1');
  }
}

/** What a reply is on the wire, as UTF-8 text. */
export function encoded(write: (reply: ReplyWriter) => void, resp: RespVersion): string {
  const reply = new ReplyWriter();
  write(reply);
  const reader = new ReplyReader();
  reader.openWritten(reply);
  return encodedReply(reader, resp).toString('utf8');
}

/** What the reply that `reader` was opened on is on the wire. */
export function encodedReply(reader: ReplyReader, resp: RespVersion): Buffer {
  const output = new CollectedOutput();
  encodeReply(reader, output, resp);
  return output.written;
}
