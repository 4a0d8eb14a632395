import { assert } from '../base/assert.ts';
import type { Args } from '../command/args.ts';
import { ReplyReader, type ReplySink, ReplyWriter } from '../command/reply.ts';
import { FrontMailbox } from '../mailbox/front-mailbox.ts';
import type { MailboxHandle } from '../mailbox/mailbox.ts';
import type { OutboxLimits } from '../mailbox/outbox.ts';
import { commandBytesMax, encodeCommand } from './command-message.ts';
import type { GuardedReplies } from './guarded-replies.ts';
import { RESUMES } from './guarded-reply.ts';

export type { ReplySink };

/** Told that a command sent on its behalf was answered, before the answer is handed over. */
export interface FlightLog {
  answered(shard: number): void;
}

/** Told of messages that answer nothing. */
export interface NoticeSink {
  /** The message is `bytes[start..end)` during the call. `log` is of the oldest command that waits for its answer. */
  receive(shard: number, bytes: Uint8Array, start: number, end: number, log: FlightLog | null): void;
}

/**
 * What becomes of a command that a shard, or another node, is asked to take. Nothing is sent unless it is `taken`.
 * `unreachable` is a node that is not connected.
 */
export const Admission = { taken: 0, overloaded: -1, tooLarge: -2, unreachable: -3 } as const;
export type Admission = (typeof Admission)[keyof typeof Admission];

/** The flag of `prepare` that has a command bear {@link RESUMES}; the others are of no interest to a shard. */
const RESUMES_FLAG = 4;

const PENDING_MIN = 256;

/**
 * A front end's way to one shard: commands go out in order, and as replies come back in the same order, a queue of the
 * sinks that wait is all there is to match them. A command allocates nothing here.
 *
 * In a cluster replies are guarded: some wait for other nodes, some say that nothing was run. Each sink is a
 * `RefusableSink` then, and logs are told nothing: they only say whose the changes are that a command made. Where a shard
 * keeps a log on the disk, replies wait for that; the logs of sessions are told when they came, since what comes behind
 * them in the same session may see what they did.
 */
export class ShardClient {
  readonly shard: number;
  /** Who is given what comes beside the replies; null: nobody. */
  notices: NoticeSink | null = null;
  /** Replies and notices taken so far. */
  taken = 0;
  readonly #mailbox: FrontMailbox;
  readonly #reply = new ReplyReader();
  /** Commands sent and not answered: a ring of `#sinks.length`, a power of two, from `#oldest` on. */
  #sinks: (ReplySink | null)[] = new Array<ReplySink | null>(PENDING_MIN).fill(null);
  #logs: (FlightLog | null)[] = new Array<FlightLog | null>(PENDING_MIN).fill(null);
  /** Numbers of the oldest command that waits and of the next to be sent; they double as mailbox tags. */
  #oldest = 0;
  #next = 0;
  #preparedAt = -1;
  #preparedBytes = 0;
  readonly #guard: GuardedReplies | null;
  readonly #tellsLogs: boolean;
  /** A shard is always there: one that died is replaced, and takes what waits. */
  readonly isUp = true;

  constructor(
    shard: number,
    handle: MailboxHandle,
    limits?: OutboxLimits,
    guard: GuardedReplies | null = null,
    /** Of a node in a cluster, whose sessions are told by other means. */
    tellsLogs = guard === null,
  ) {
    this.#tellsLogs = tellsLogs;
    this.shard = shard;
    this.#mailbox = new FrontMailbox(handle, limits);
    this.#guard = guard;
  }

  /** Commands sent and not yet answered. */
  get outstanding(): number {
    const unanswered = (this.#next - this.#oldest) | 0;
    return this.#guard === null ? unanswered : unanswered + this.#guard.count;
  }

  /** Replies that are here and wait for other nodes. */
  get parked(): number {
    return this.#guard?.count ?? 0;
  }

  /** Commands that wait in front of a full ring. */
  get queued(): number {
    return this.#mailbox.queuedCount;
  }

  /**
   * Writes a command to where it will be sent from. It is sent by `commit`, and forgotten when another is prepared
   * first, so that a command for several shards is sent to all of them or to none.
   */
  prepare(rowId: number, args: Args, flags = 0): Admission {
    // Replies that wait are bounded by taking no more commands.
    if (this.#guard?.isFull === true) return Admission.overloaded;
    const bytesMax = commandBytesMax(args);
    const mailbox = this.#mailbox;
    const at = mailbox.reserve(bytesMax);
    // Refusals of a mailbox are the negative admissions.
    if (at < 0) return at as Admission;
    const row = (flags & RESUMES_FLAG) === 0 ? rowId : rowId + RESUMES;
    this.#preparedBytes = encodeCommand(row, args, mailbox.bytes, at);
    this.#preparedAt = at;
    return Admission.taken;
  }

  /** Sends the command last prepared; it leaves with the next `flush`. `log` is null when nobody keeps count. */
  commit(sink: ReplySink, log: FlightLog | null): void {
    assert(this.#preparedAt >= 0, 'a command is prepared before it is sent');
    this.#preparedAt = -1;
    if (((this.#next - this.#oldest) | 0) === this.#sinks.length) this.#grow();
    const slot = this.#next & (this.#sinks.length - 1);
    this.#sinks[slot] = sink;
    this.#logs[slot] = log;
    this.#mailbox.commit(this.#preparedBytes, this.#next);
    this.#next = (this.#next + 1) | 0;
  }

  /** Lets the shard see what was sent, and wakes it if it sleeps. Once in a turn of the event loop. */
  flush(): void {
    this.#mailbox.flush();
  }

  /** Hands over at most `limit` replies and notices; true when there may be more. */
  receive(limit: number): boolean {
    const mailbox = this.#mailbox;
    const message = mailbox.replies;
    let taken = 0;
    try {
      while (taken < limit && mailbox.nextReply()) {
        taken++;
        this.taken++;
        if (message.isNotice) {
          const log = this.#logs[this.#oldest & (this.#logs.length - 1)] as FlightLog | null;
          this.notices?.receive(this.shard, message.bytes, message.offset, message.offset + message.length, log);
          continue;
        }
        assert(message.tag === this.#oldest, 'I4: replies come in the order of their commands');
        const sink = this.#takeOldest();
        if (this.#guard !== null) {
          this.#guard.take(sink, message.bytes, message.offset, message.offset + message.length);
          continue;
        }
        this.#reply.open(message.bytes, message.offset, message.offset + message.length);
        sink.onReply(this.#reply);
      }
      // Behind the replies: of some that wait it may be known by now.
      if (this.#guard !== null) this.taken += this.#guard.release();
    } finally {
      // Also when no reply was complete: of one in chunks, the room of those that came is needed for the next. And also
      // when a sink threw: what it was given is taken, and what follows must stay readable.
      mailbox.releaseReplies();
    }
    return taken === limit;
  }

  /** Answers every command that waits as one whose outcome is not known: the shard has ended for good. */
  abandon(): void {
    this.#guard?.abandon();
    if (this.outstanding === 0) return;
    const reply = new ReplyWriter();
    reply.error('indeterminate', 'the shard ended before it answered the command, which may have taken effect');
    while (this.outstanding > 0) {
      const sink = this.#takeOldest();
      this.#reply.openWritten(reply);
      sink.onReply(this.#reply);
    }
  }

  /** The second look before sleep: whether a reply waits to be taken. */
  hasWork(): boolean {
    return this.#mailbox.hasWork() || this.#guard?.isReleasable === true;
  }

  #takeOldest(): ReplySink {
    const slot = this.#oldest & (this.#sinks.length - 1);
    const sink = this.#sinks[slot] as ReplySink;
    const log = this.#logs[slot] as FlightLog | null;
    this.#sinks[slot] = null;
    this.#logs[slot] = null;
    this.#oldest = (this.#oldest + 1) | 0;
    if (this.#tellsLogs) log?.answered(this.shard);
    return sink;
  }

  #grow(): void {
    const size = this.#sinks.length;
    const sinks = new Array<ReplySink | null>(size * 2).fill(null);
    const logs = new Array<FlightLog | null>(size * 2).fill(null);
    for (let number = this.#oldest; number !== this.#next; number = (number + 1) | 0) {
      sinks[number & (size * 2 - 1)] = this.#sinks[number & (size - 1)] as ReplySink;
      logs[number & (size * 2 - 1)] = this.#logs[number & (size - 1)] as FlightLog | null;
    }
    this.#sinks = sinks;
    this.#logs = logs;
  }
}
