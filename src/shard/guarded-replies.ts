import { assert } from '../base/assert.ts';
import { ByteShelf } from '../base/byte-shelf.ts';
import { type WaitSource, WaitState } from '../base/wait-state.ts';
import { ReplyReader, type ReplySink, ReplyWriter } from '../command/reply.ts';
import { GuardKind, REFUSED_HEAD_BYTES, type RefusalReason, WAIT_BYTES, WAITS_HEAD_BYTES } from './guarded-reply.ts';

/** Who asked for a command in a cluster; exactly one of the two is called, and once. */
export interface RefusableSink extends ReplySink {
  /** Nothing was run. The command is `bytes[start..start + length)`, as `encodeCommand` wrote it, during the call only. */
  onRefused(reason: RefusalReason, bytes: Uint8Array, start: number, length: number): void;
}

/** What replies may wait, and how long. */
export interface GuardLimits {
  readonly countMax: number;
  readonly bytesMax: number;
  /** A write that is not acknowledged by then has an outcome that is not known; milliseconds. */
  readonly waitMsMax: number;
}

const GUARD_LIMITS_DEFAULT: GuardLimits = {
  countMax: 1_000_000,
  bytesMax: 64 * 2 ** 20,
  waitMsMax: 10_000,
};

/** A reply that waits, with a copy of its bytes: what it waits for, and behind that the reply itself. */
interface ParkedReply {
  readonly sink: ReplySink;
  readonly bytes: Uint8Array;
  readonly words: DataView;
  /** Where the first of its waits stands that is not over; `replyAt` is behind the last. */
  at: number;
  readonly replyAt: number;
  readonly end: number;
  /** What it was counted with. */
  readonly size: number;
  readonly deadlineMs: number;
}

const COMPACTED = 1024;

const shelf = new ByteShelf();

/** Replies that wait for writes of one partition, in the order of these. */
class ParkedQueue {
  readonly #replies: (ParkedReply | null)[] = [];
  #first = 0;

  get head(): ParkedReply | null {
    return this.#replies[this.#first] ?? null;
  }

  push(reply: ParkedReply): void {
    this.#replies.push(reply);
  }

  shift(): void {
    this.#replies[this.#first++] = null;
    if (this.#first === this.#replies.length || this.#first === COMPACTED) {
      this.#replies.splice(0, this.#first);
      this.#first = 0;
    }
  }
}

/**
 * What a front end does about the replies of one shard in a cluster: those whose writes are acknowledged are handed
 * over, others wait until they are, and commands that were refused go back to who asked. See `guarded-reply.ts`.
 */
export class GuardedReplies {
  /** Replies that wait. */
  count = 0;
  bytes = 0;
  readonly #source: WaitSource;
  readonly #limits: GuardLimits;
  readonly #nowMs: () => number;
  readonly #unknown: string;
  readonly #reply = new ReplyReader();
  readonly #error = new ReplyWriter();
  /** By partition; a queue stays when it is empty. */
  readonly #queues = new Map<number, ParkedQueue>();
  #words: DataView = new DataView(new ArrayBuffer(0));
  #wordsOf: Uint8Array | null = null;

  /** `nowMs`: the clock that time-outs go by. */
  constructor(
    source: WaitSource,
    nowMs: () => number,
    /** Why a write's outcome is not known, to whoever asked for it. */
    unknown = 'the write was not acknowledged by the copies it needs; it may have taken effect',
    limits: Partial<GuardLimits> = {},
  ) {
    this.#unknown = unknown;
    this.#source = source;
    this.#nowMs = nowMs;
    this.#limits = { ...GUARD_LIMITS_DEFAULT, ...limits };
  }

  /** So much waits that the shard is to be sent no further command. */
  get isFull(): boolean {
    return this.count >= this.#limits.countMax || this.bytes >= this.#limits.bytesMax;
  }

  /** Whether `release` would hand something over. */
  get isReleasable(): boolean {
    if (this.count === 0) return false;
    for (const queue of this.#queues.values()) {
      const { head } = queue;
      if (head !== null && this.#stateAt(head.words, head.at) !== WaitState.waiting) return true;
    }
    return false;
  }

  /** A message of the shard came for this sink; the bytes are its during the call only. */
  take(sink: ReplySink, bytes: Uint8Array, start: number, end: number): void {
    switch (bytes[start]) {
      case GuardKind.plain:
        this.#reply.open(bytes, start + 1, end);
        sink.onReply(this.#reply);
        return;
      case GuardKind.waits:
        this.#takeWaiting(sink, bytes, start, end);
        return;
      case GuardKind.refused: {
        assert(isRefusable(sink), 'who asks a shard in a cluster can be refused');
        const commandAt = start + REFUSED_HEAD_BYTES;
        sink.onRefused(bytes[start + 1] as RefusalReason, bytes, commandAt, end - commandAt);
        return;
      }
      default:
        assert(false, `a guarded reply is of no kind ${bytes[start]}`);
    }
  }

  /** Hands over what need not wait any more, and answers how many these were. */
  release(): number {
    if (this.count === 0) return 0;
    const nowMs = this.#nowMs();
    const before = this.count;
    for (const queue of this.#queues.values()) {
      for (let head = queue.head; head !== null; head = queue.head) {
        const state = this.#stateAt(head.words, head.at);
        if (state === WaitState.waiting && nowMs < head.deadlineMs) break;
        queue.shift();
        this.count--;
        this.bytes -= head.size;
        if (state === WaitState.acknowledged) this.#goOn(head);
        else this.#answerUnknown(head.sink);
      }
    }
    return Math.max(before - this.count, 0);
  }

  /** Answers all that wait: the shard has ended for good. */
  abandon(): void {
    for (const queue of this.#queues.values()) {
      for (let head = queue.head; head !== null; head = queue.head) {
        queue.shift();
        this.count--;
        this.bytes -= head.size;
        this.#answerUnknown(head.sink);
      }
    }
  }

  #takeWaiting(sink: ReplySink, bytes: Uint8Array, start: number, end: number): void {
    if (bytes !== this.#wordsOf) {
      this.#wordsOf = bytes;
      this.#words = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    }
    const words = this.#words;
    const first = start + WAITS_HEAD_BYTES;
    const replyAt = first + words.getUint16(start + 1, true) * WAIT_BYTES;
    let at = first;
    let state: WaitState = WaitState.acknowledged;
    while (at < replyAt) {
      state = this.#stateAt(words, at);
      if (state !== WaitState.acknowledged) break;
      at += WAIT_BYTES;
    }
    if (state === WaitState.acknowledged) {
      this.#reply.open(bytes, replyAt, end);
      sink.onReply(this.#reply);
    } else if (state === WaitState.abandoned) {
      this.#answerUnknown(sink);
    } else {
      shelf.copy(bytes, at, end);
      const deadlineMs = this.#nowMs() + this.#limits.waitMsMax;
      const { start: from } = shelf;
      this.#park({
        sink,
        bytes: shelf.bytes,
        words: shelf.words,
        at: from,
        replyAt: from + replyAt - at,
        end: from + end - at,
        size: end - at,
        deadlineMs,
      });
    }
  }

  /** One of its waits is over: waits for the next, or is handed over. */
  #goOn(parked: ParkedReply): void {
    for (parked.at += WAIT_BYTES; parked.at < parked.replyAt; parked.at += WAIT_BYTES) {
      const state = this.#stateAt(parked.words, parked.at);
      if (state === WaitState.acknowledged) continue;
      if (state === WaitState.abandoned) this.#answerUnknown(parked.sink);
      else this.#park(parked);
      return;
    }
    this.#reply.open(parked.bytes, parked.replyAt, parked.end);
    parked.sink.onReply(this.#reply);
  }

  #park(parked: ParkedReply): void {
    const partition = parked.words.getUint16(parked.at, true);
    let queue = this.#queues.get(partition);
    if (queue === undefined) {
      queue = new ParkedQueue();
      this.#queues.set(partition, queue);
    }
    queue.push(parked);
    this.count++;
    this.bytes += parked.size;
  }

  #stateAt(words: DataView, at: number): WaitState {
    return this.#source.waitState(
      words.getUint16(at, true),
      words.getInt32(at + 2, true),
      words.getInt32(at + 6, true),
    );
  }

  #answerUnknown(sink: ReplySink): void {
    this.#error.clear();
    this.#error.error('indeterminate', this.#unknown);
    this.#reply.openWritten(this.#error);
    sink.onReply(this.#reply);
  }
}

function isRefusable(sink: ReplySink): sink is RefusableSink {
  return 'onRefused' in sink;
}
