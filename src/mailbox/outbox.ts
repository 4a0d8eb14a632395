import type { Doorbell } from './doorbell.ts';
import { MessageCutter } from './message-cutter.ts';
import { type RingHandle, RingProducer } from './ring.ts';

/** What `reserve` answers, beside offsets, when a message is not taken. */
export const Refusal = {
  /** Ring and queue are full: try again later, or tell the client that the node is overloaded. */
  full: -1,
  /** The message is larger than the ring's limit and never will be taken. */
  tooLarge: -2,
} as const;

export interface OutboxLimits {
  /** Messages that may wait in front of a full ring, and the sum of their bytes. */
  readonly queuedCountMax: number;
  readonly queuedBytesMax: number;
}

interface QueuedMessage {
  readonly bytes: Uint8Array;
  readonly tag: number;
  readonly isNotice: boolean;
}

const SHIFTED_KEPT = 256;

/**
 * The sending side of a ring with a bounded queue in front of it. The sender writes a message in place at
 * `bytes[reserve(…)]`, which is the ring itself as long as there is room, and the message's own buffer when it must
 * wait or travel in chunks. Messages leave in the order of their commits.
 */
export class Outbox {
  /** Where the message last reserved is to be written. */
  bytes: Uint8Array;
  readonly ring: RingProducer;
  queuedBytes = 0;
  /** The consumer's. */
  readonly #bell: Doorbell;
  readonly #limits: OutboxLimits;
  readonly #cutter = new MessageCutter();
  readonly #queue: QueuedMessage[] = [];
  /** Index of the oldest message that waits; what is before it has left. */
  #queueStart = 0;
  #reservedInRing = true;

  constructor(handle: RingHandle, bell: Doorbell, limits: OutboxLimits, head?: number) {
    this.ring = new RingProducer(handle, head);
    this.bytes = this.ring.bytes;
    this.#bell = bell;
    this.#limits = limits;
  }

  get queuedCount(): number {
    return this.#queue.length - this.#queueStart;
  }

  /**
   * Answers the offset in `bytes` for a message of up to `messageBytes`, or a {@link Refusal}. Reserving again forgets
   * what was reserved and not committed.
   */
  reserve(messageBytes: number): number {
    const ring = this.ring;
    if (messageBytes <= ring.framePayloadBytesMax && (this.#queue.length === 0 || this.drain())) {
      const at = ring.tryReserve(messageBytes);
      if (at >= 0) {
        this.bytes = ring.bytes;
        this.#reservedInRing = true;
        return at;
      }
    }
    return this.#reserveQueued(messageBytes);
  }

  /** Ends the message; `messageBytes` is at most what was reserved. It leaves with the next `flush`. */
  commit(messageBytes: number, tag: number, isNotice = false): void {
    if (this.#reservedInRing) {
      this.ring.commit(messageBytes, tag, isNotice);
      return;
    }
    const bytes = messageBytes === this.bytes.length ? this.bytes : this.bytes.subarray(0, messageBytes);
    this.#queue.push({ bytes, tag, isNotice });
    this.queuedBytes += messageBytes;
    this.bytes = this.ring.bytes;
    this.#reservedInRing = true;
  }

  /**
   * Moves messages that wait into the ring; true when none is left. Of what it commits it publishes only what must be
   * read to make room for the rest. When it answers false, the consumer will ring once it has made room.
   */
  drain(): boolean {
    while (this.#queueStart < this.#queue.length) {
      const message = this.#queue[this.#queueStart] as QueuedMessage;
      if (!this.#send(message)) {
        this.#publish();
        if (!this.ring.awaitRoom(Math.min(message.bytes.length, this.ring.framePayloadBytesMax))) return false;
        continue;
      }
      this.queuedBytes -= message.bytes.length;
      this.#queueStart += 1;
      if (this.#queueStart === this.#queue.length || this.#queueStart === SHIFTED_KEPT) {
        this.#queue.splice(0, this.#queueStart);
        this.#queueStart = 0;
      }
    }
    return true;
  }

  /** Publishes what was committed and what fits of the queue, and wakes the consumer if it sleeps, unless `isQuiet`. */
  flush(isQuiet = false): void {
    if (this.#queue.length !== 0) this.drain();
    if (isQuiet) this.ring.publish();
    else this.#publish();
  }

  #publish(): void {
    if (this.ring.publish()) this.#bell.ring();
  }

  #send(message: QueuedMessage): boolean {
    const ring = this.ring;
    const count = message.bytes.length;
    if (count > ring.framePayloadBytesMax) {
      if (!this.#cutter.active) this.#cutter.begin(message.bytes, message.tag, message.isNotice);
      return this.#cutter.advance(ring);
    }
    const at = ring.tryReserve(count);
    if (at < 0) return false;
    ring.bytes.set(message.bytes, at);
    ring.commit(count, message.tag, message.isNotice);
    return true;
  }

  #reserveQueued(messageBytes: number): number {
    if (messageBytes > this.ring.messageBytesMax) return Refusal.tooLarge;
    if (
      this.queuedCount >= this.#limits.queuedCountMax ||
      // A message larger than the whole allowance may still wait alone.
      (this.queuedBytes + messageBytes > this.#limits.queuedBytesMax && this.queuedCount > 0)
    ) {
      return Refusal.full;
    }
    this.bytes = new Uint8Array(messageBytes);
    this.#reservedInRing = false;
    return 0;
  }
}
