import { assert } from '../base/assert.ts';
import { copyBytes } from '../base/copy-bytes.ts';
import { Doorbell } from './doorbell.ts';
import { Journal } from './journal.ts';
import type { MailboxHandle } from './mailbox.ts';
import { Outbox, Refusal } from './outbox.ts';
import { RingConsumer } from './ring.ts';

/**
 * Nothing of this mailbox is taken, nor is anybody to send a notice, while anything waits for room: back-pressure. So
 * what waits is one reply with the notices in front of it, at most, and that bounds the queue.
 */
const ONE_REPLY = { queuedCountMax: Number.POSITIVE_INFINITY, queuedBytesMax: Number.POSITIVE_INFINITY };
const NO_BYTES = new Uint8Array(0);

/**
 * An actor's side of a mailbox: takes commands, answers each exactly once (I4), in order.
 *
 * `next` until false, and after each true either execute `commands.bytes[commands.offset..+length)` or, when
 * `interrupted`, answer that its outcome is not known; then `reply` once. `flush` after a batch and before sleep.
 *
 * A notice is a message that answers nothing. One sent while a command is at hand comes in front of its reply.
 *
 * Made again in another thread after the former one ended, it goes on where that one stood: replies committed are
 * published, the command that was being executed comes first as `interrupted`, and no other is lost or repeated.
 */
export class ActorMailbox {
  readonly commands: RingConsumer;
  /** The command at hand was begun by an actor that died: it was executed, in part, or not at all. */
  interrupted = false;
  readonly #outbox: Outbox;
  readonly #journal: Journal;
  readonly #frontBell: Doorbell;
  /** A command was begun in the journal, or a part of one in chunks was taken, and is not done. */
  #executing = false;
  /** The command at hand was answered, and the reply waits for room. */
  #replyParked = false;
  /** Notices wait for room, with no reply behind them yet. */
  #noticesParked = false;

  constructor(handle: MailboxHandle) {
    this.#journal = new Journal(handle.journal);
    this.#frontBell = new Doorbell(handle.frontBell);
    this.#outbox = new Outbox(handle.replies, this.#frontBell, ONE_REPLY, this.#journal.replyHead);
    if (this.#journal.executing) {
      const at = this.#journal.executingAt;
      this.commands = new RingConsumer(handle.commands, at);
      // Released already, in part at least: it came in chunks, the rest of which `next` passes over.
      if (this.commands.cursor === at) this.commands.skipFrame();
      this.commands.tag = this.#journal.executingTag;
      this.interrupted = true;
    } else {
      this.commands = new RingConsumer(handle.commands, this.#journal.commandCursor);
    }
    // The predecessor may have died between giving something to the front end and ringing.
    this.#frontBell.ring();
  }

  /** Bytes of the largest reply that `reply` takes. */
  get replyBytesMax(): number {
    return this.#outbox.ring.messageBytesMax;
  }

  /** Takes the next command; false when none is complete or the last reply still waits for room. */
  next(): boolean {
    if (!this.hasRoom()) return false;
    if (this.interrupted) {
      this.#executing = true;
      return true;
    }
    const commands = this.commands;
    if (commands.next()) {
      this.#journal.begin(commands.position, commands.tag);
      this.#executing = true;
      return true;
    }
    if (commands.assembling) {
      // Its room is needed for the chunks that follow, so it counts as begun from here on.
      this.#journal.begin(commands.position, commands.tag);
      if (commands.release()) this.#frontBell.ring();
    }
    return false;
  }

  /** Answers the command at hand; false, and nothing sent, when the reply is larger than a message may be. */
  reply(bytes: Uint8Array, start: number, end: number): boolean {
    return this.replyBehind(NO_BYTES, 0, bytes, start, end);
  }

  /** As `reply`, of two pieces: `head[0..headBytes)` comes first. */
  replyBehind(head: Uint8Array, headBytes: number, bytes: Uint8Array, start: number, end: number): boolean {
    assert(this.#executing, 'I4: one reply per command');
    const count = headBytes + end - start;
    const at = this.#outbox.reserve(count);
    if (at === Refusal.tooLarge) return false;
    assert(at >= 0, 'a reply waits for room alone');
    if (headBytes > 0) copyBytes(head, 0, this.#outbox.bytes, at, headBytes);
    copyBytes(bytes, start, this.#outbox.bytes, at + headBytes, end - start);
    this.#outbox.commit(count, this.commands.tag);
    this.#executing = false;
    this.#settle();
    return true;
  }

  /**
   * Sends what answers nothing. It may have to wait, and is taken in any case: ask `hasRoom` before doing what leads to
   * more.
   */
  notify(bytes: Uint8Array, start: number, end: number): void {
    const count = end - start;
    const at = this.#outbox.reserve(count);
    assert(at >= 0, 'a notice fits a message');
    copyBytes(bytes, start, this.#outbox.bytes, at, count);
    this.#outbox.commit(count, 0, true);
    if (this.#outbox.queuedCount > 0) this.#noticesParked = true;
  }

  /** Whether all that was sent has left for the ring. If not, the front end will ring once it has made room. */
  hasRoom(): boolean {
    if (this.#replyParked) return this.#settle();
    if (this.#noticesParked) this.#noticesParked = !this.#outbox.drain();
    return !this.#noticesParked;
  }

  /**
   * Publishes replies, then gives back the room of their commands, and wakes the front end if it sleeps. `isQuiet`: somebody
   * else wakes it, later than this, when there is more to be had of the replies.
   */
  flush(isQuiet = false): void {
    // Only a reply the journal knows is done may be published to its end: not from the outbox's own queue.
    if (!this.hasRoom()) return;
    this.#outbox.flush(isQuiet);
    if (!this.#executing && this.commands.release()) this.#frontBell.ring();
  }

  /** Whether `next` may have something: the second look before sleep. Call `flush` before. */
  hasWork(): boolean {
    if (this.#replyParked || this.#noticesParked) return this.hasRoom();
    return this.interrupted || this.commands.hasMore();
  }

  /**
   * Brings the reply at hand into the ring and the command to its end; false while the reply waits for room. The
   * journal notes the end after the reply's last frame is committed and before it is published: a death before that
   * leaves the command interrupted and its reply unseen, a death after it leaves both done.
   */
  #settle(): boolean {
    this.#replyParked = !this.#outbox.drain();
    this.#noticesParked = false;
    if (this.#replyParked) return false;
    this.#journal.done(this.commands.cursor, this.#outbox.ring.head);
    this.interrupted = false;
    return true;
  }
}
