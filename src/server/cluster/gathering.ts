import { copyOf } from '../../base/copy-bytes.ts';
import { ReplyReader, ReplyWriter } from '../../command/reply.ts';
import type { RefusalReason } from '../../shard/guarded-reply.ts';
import { errorOfRefusal } from './refusal-errors.ts';
import type { TargetSink } from './target.ts';

/** Replies of shards and nodes that each do a part of one command, kept until all are there. */
export class Gathering {
  readonly #replies: ReplyReader[] = [];
  readonly #onComplete: (replies: readonly ReplyReader[], refusal: RefusalReason | null) => void;
  #missing: number;
  #refusal: RefusalReason | null = null;

  /** `onComplete` is given the replies, each at its first part, once `count` have come, and why one was refused last. */
  constructor(count: number, onComplete: (replies: readonly ReplyReader[], refusal: RefusalReason | null) => void) {
    this.#missing = count;
    this.#onComplete = onComplete;
  }

  /** Who takes one of them. A part that was refused is an error: what others did of a command stands. */
  part(): TargetSink {
    return {
      onReply: (reply) => this.#add(reply),
      onRefused: (reason) => this.#addRefusal(reason),
    };
  }

  #addRefusal(reason: RefusalReason): void {
    this.#refusal = reason;
    const writer = new ReplyWriter();
    const { code, message } = errorOfRefusal(reason);
    writer.error(code, message);
    const reader = new ReplyReader();
    reader.openWritten(writer);
    this.#add(reader);
  }

  #add(reply: ReplyReader): void {
    const start = reply.partStart;
    reply.skip();
    const bytes = copyOf(reply.bytes, start, reply.nextStart);
    const kept = new ReplyReader();
    kept.open(bytes, 0, bytes.length);
    this.#replies.push(kept);
    this.#missing--;
    if (this.#missing === 0) this.#onComplete(this.#replies, this.#refusal);
  }
}
