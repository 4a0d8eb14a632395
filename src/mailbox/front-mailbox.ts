import { assert } from '../base/assert.ts';
import { Doorbell } from './doorbell.ts';
import type { MailboxHandle } from './mailbox.ts';
import { Outbox, type OutboxLimits } from './outbox.ts';
import { RingConsumer } from './ring.ts';

/** Commands that may wait in front of a full ring. */
const OUTBOX_LIMITS_DEFAULT: OutboxLimits = { queuedCountMax: 4096, queuedBytesMax: 32 * 1024 * 1024 };

/**
 * A front end's side of a mailbox: sends commands, takes replies, never blocks.
 *
 * Sending: `reserve`, write the command at `bytes[offset]`, `commit` with a tag; `flush` once in a turn of the event
 * loop. Receiving, when the front end's bell rang: `nextReply` until false, each reply being
 * `replies.bytes[replies.offset..+length)` with the tag of its command, then `releaseReplies`.
 */
export class FrontMailbox {
  readonly replies: RingConsumer;
  /** Commands sent or queued whose reply has not been taken. */
  outstanding = 0;
  readonly #outbox: Outbox;
  readonly #actorBell: Doorbell;

  constructor(handle: MailboxHandle, limits: OutboxLimits = OUTBOX_LIMITS_DEFAULT) {
    this.#actorBell = new Doorbell(handle.actorBell);
    this.#outbox = new Outbox(handle.commands, this.#actorBell, limits);
    this.replies = new RingConsumer(handle.replies);
  }

  /** Where the command last reserved is to be written: ask after `reserve`, each time. */
  get bytes(): Uint8Array {
    return this.#outbox.bytes;
  }

  get queuedCount(): number {
    return this.#outbox.queuedCount;
  }

  get queuedBytes(): number {
    return this.#outbox.queuedBytes;
  }

  /** The offset in `bytes` for a command of up to `commandBytes`, or a `Refusal`: full or tooLarge. */
  reserve(commandBytes: number): number {
    return this.#outbox.reserve(commandBytes);
  }

  /** Ends the command; its reply will bear `tag`, a 32-bit integer. */
  commit(commandBytes: number, tag: number): void {
    this.#outbox.commit(commandBytes, tag);
    this.outstanding += 1;
  }

  /** Hands over what was committed, and what fits of the queue, and wakes the actor if it sleeps. */
  flush(): void {
    this.#outbox.flush();
  }

  /** Takes the next reply, or the next notice (`replies.isNotice`); false when none is complete. */
  nextReply(): boolean {
    if (!this.replies.next()) return false;
    if (this.replies.isNotice) return true;
    this.outstanding -= 1;
    assert(this.outstanding >= 0, 'I4: no more replies than commands');
    return true;
  }

  /** Gives back the room of the replies taken, and sends on what waited in the queue. */
  releaseReplies(): void {
    if (this.replies.release()) this.#actorBell.ring();
    if (this.#outbox.queuedCount !== 0) this.flush();
  }

  /** Whether a reply, or a part of one, waits: the second look before sleep. */
  hasWork(): boolean {
    if (this.#outbox.queuedCount !== 0) this.flush();
    return this.replies.hasMore();
  }
}
