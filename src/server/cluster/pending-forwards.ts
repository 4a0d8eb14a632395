import { ReplyReader, ReplyWriter } from '../../command/reply.ts';
import { RefusalReason } from '../../shard/guarded-reply.ts';
import type { TargetSink } from './target.ts';

const NOTHING = new Uint8Array(0);

/** A request that another node owes an answer. Used again for another when it has it. */
export class Forward {
  /** Its number on the link. */
  readonly id: number;
  sink: TargetSink | null = null;
  /** Of a message to a channel: told how many received it there. */
  onCount: ((count: number) => void) | null = null;
  /** Of a question: told the answer, which is a view for the length of the call, or null when there is none. */
  onAnswer: ((answer: Uint8Array | null) => void) | null = null;
  /** The command is `bytes[start..start + length)`, once its frame was made. */
  bytes: Uint8Array = NOTHING;
  start = 0;
  length = 0;
  /** Whether it changes nothing, so that it may be run again elsewhere. */
  isRead = false;
  isSent = false;
  /** Counts up with every request. */
  order = 0;

  constructor(id: number) {
    this.id = id;
  }
}

/** The requests under way on one link, by number. */
export class PendingForwards {
  /** Commands; messages to channels and questions are not counted. */
  commands = 0;
  /** What is kept of them, to be sent elsewhere when they are refused. */
  bytes = 0;
  readonly #all: Forward[] = [];
  readonly #free: Forward[] = [];
  #order = 0;

  take(): Forward {
    let forward = this.#free.pop();
    if (forward === undefined) {
      forward = new Forward(this.#all.length);
      this.#all.push(forward);
    }
    forward.order = ++this.#order;
    return forward;
  }

  addCommand(sink: TargetSink, isRead: boolean, start: number, length: number): Forward {
    const forward = this.take();
    forward.sink = sink;
    forward.isRead = isRead;
    forward.start = start;
    forward.length = length;
    this.commands++;
    this.bytes += length;
    return forward;
  }

  /** Null: nothing of that number is under way. */
  byId(id: number): Forward | null {
    const forward = this.#all[id];
    if (forward === undefined) return null;
    const { sink, onCount, onAnswer } = forward;
    return sink === null && onCount === null && onAnswer === null ? null : forward;
  }

  answer(forward: Forward, reply: ReplyReader): void {
    const sink = this.#end(forward);
    sink?.onReply(reply);
  }

  refuse(forward: Forward, reason: RefusalReason): void {
    const { bytes, start, length } = forward;
    const sink = this.#end(forward);
    sink?.onRefused(reason, bytes, start, length);
  }

  count(forward: Forward, count: number): void {
    const { onCount } = forward;
    this.#end(forward);
    onCount?.(count);
  }

  tell(forward: Forward, answer: Uint8Array | null): void {
    const { onAnswer } = forward;
    this.#end(forward);
    onAnswer?.(answer);
  }

  /**
   * The link is lost: what may be run again is refused, in its order; what may have been done has an outcome that nobody
   * knows. A read with a write behind it that was sent is not run again: it would see what its connection asked for later.
   */
  abandon(why: string): void {
    const lost = this.#all.filter((forward) => this.byId(forward.id) !== null).sort((a, b) => a.order - b.order);
    const lastWrite = lost.findLast(({ sink, isRead, isSent }) => sink !== null && !isRead && isSent)?.order ?? 0;
    const indeterminate = new ReplyWriter();
    indeterminate.error('indeterminate', `${why} before the command was answered, which may have taken effect`);
    const again = new ReplyWriter();
    again.error('try-again', `${why} before the command was answered`);
    const reader = new ReplyReader();
    for (const forward of lost) {
      const { isRead, isSent, order } = forward;
      if (forward.onCount !== null) this.count(forward, 0);
      else if (forward.onAnswer !== null) this.tell(forward, null);
      else if (!isSent || (isRead && order > lastWrite)) this.refuse(forward, RefusalReason.offline);
      else {
        reader.openWritten(isRead ? again : indeterminate);
        this.answer(forward, reader);
      }
    }
  }

  #end(forward: Forward): TargetSink | null {
    const { sink } = forward;
    if (sink !== null) {
      this.commands--;
      this.bytes -= forward.length;
    }
    forward.sink = null;
    forward.onCount = null;
    forward.onAnswer = null;
    forward.bytes = NOTHING;
    forward.length = 0;
    forward.isSent = false;
    this.#free.push(forward);
    return sink;
  }
}
