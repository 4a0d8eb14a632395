import { assert } from '../base/assert.ts';
import { Doorbell, type DoorbellHandle } from './doorbell.ts';
import { Outbox, type OutboxLimits, Refusal } from './outbox.ts';
import { createRing, RingConsumer, type RingHandle } from './ring.ts';

/** A ring from one thread to another, as handed to both. */
export interface LaneHandle {
  readonly ring: RingHandle;
  /** Of the thread that reads: rung when there is something. */
  readonly consumerBell: DoorbellHandle;
  /** Of the thread that writes: rung when there is room again. */
  readonly producerBell: DoorbellHandle;
}

export interface LaneOptions {
  readonly consumerBell: DoorbellHandle;
  readonly producerBell: DoorbellHandle;
  /** A power of two. */
  readonly ringBytes: number;
  /** Of the largest message. */
  readonly messageBytesMax: number;
}

export function createLane({ consumerBell, producerBell, ringBytes, messageBytesMax }: LaneOptions): LaneHandle {
  return { ring: createRing(ringBytes, messageBytesMax), consumerBell, producerBell };
}

/** The outbox refuses nothing but what is too large: what may wait is decided by whoever sends. */
const UNLIMITED: OutboxLimits = {
  queuedCountMax: Number.POSITIVE_INFINITY,
  queuedBytesMax: Number.POSITIVE_INFINITY,
};

/**
 * The writing end of a lane, held by one thread, which never waits: beyond its limits what is sent is thrown away.
 * `flush` once in a turn, before sleep, and whenever the thread's bell was rung, since room may have come.
 *
 * Made again after its thread ended, it goes on behind what that one had published; the rest of that is lost.
 */
export class LaneSender {
  readonly #outbox: Outbox;
  readonly #limits: OutboxLimits;
  #room = 0;

  /** `limits` are of what may wait in front of a full ring. */
  constructor(handle: LaneHandle, limits: OutboxLimits) {
    this.#outbox = new Outbox(handle.ring, new Doorbell(handle.consumerBell), UNLIMITED);
    this.#limits = limits;
    // The former holder may have died between publishing and ringing.
    new Doorbell(handle.consumerBell).ring();
  }

  /** Where the message last reserved is to be written: ask after `reserve`, each time. */
  get bytes(): Uint8Array {
    return this.#outbox.bytes;
  }

  get queuedCount(): number {
    return this.#outbox.queuedCount;
  }

  get queuedBytes(): number {
    return this.#outbox.queuedBytes;
  }

  /** Bytes of the largest message. */
  get messageBytesMax(): number {
    return this.#outbox.ring.messageBytesMax;
  }

  /**
   * The offset in `bytes` for a message of up to `messageBytes`, or a `Refusal`: full or tooLarge. `isUrgent`: it waits
   * however much does so already.
   */
  reserve(messageBytes: number, isUrgent = false): number {
    const outbox = this.#outbox;
    this.#room = messageBytes;
    if (!isUrgent && outbox.queuedCount > 0) {
      const { queuedCountMax, queuedBytesMax } = this.#limits;
      if (outbox.queuedCount >= queuedCountMax || outbox.queuedBytes + messageBytes > queuedBytesMax) {
        return Refusal.full;
      }
    }
    return outbox.reserve(messageBytes);
  }

  /** Ends the message last reserved; it leaves with the next `flush`. `kind` is any 32-bit integer. */
  commit(messageBytes: number, kind: number): void {
    assert(messageBytes <= this.#room, 'a message stays within what was reserved for it');
    this.#outbox.commit(messageBytes, kind);
  }

  /** Copies a message of its own; false: thrown away. */
  send(message: Uint8Array, kind: number, isUrgent = false): boolean {
    const at = this.reserve(message.length, isUrgent);
    if (at < 0) return false;
    this.#outbox.bytes.set(message, at);
    this.commit(message.length, kind);
    return true;
  }

  /** Lets the other end see what was sent, as far as there is room, and wakes it if it sleeps. */
  flush(): void {
    this.#outbox.flush();
  }
}

/**
 * The reading end of a lane, held by one thread. After `next` answered true the message is `bytes[offset..offset +
 * length)`, until the following `next` or `release`. `release` after each batch, also when `next` had nothing: a large
 * message comes in chunks, whose room is needed for those that follow.
 *
 * Made again after its thread ended, it begins with what that one had not released: some of it may come twice.
 */
export class LaneReceiver {
  readonly #ring: RingConsumer;
  readonly #producerBell: Doorbell;

  constructor(handle: LaneHandle) {
    this.#ring = new RingConsumer(handle.ring);
    this.#producerBell = new Doorbell(handle.producerBell);
    // The former holder may have died between making room and ringing.
    this.#producerBell.ring();
  }

  get bytes(): Uint8Array {
    return this.#ring.bytes;
  }

  get offset(): number {
    return this.#ring.offset;
  }

  get length(): number {
    return this.#ring.length;
  }

  /** What the sender chose. */
  get kind(): number {
    return this.#ring.tag;
  }

  /** Takes the next message; false when none is complete. */
  next(): boolean {
    return this.#ring.next();
  }

  /** Gives back the room of what was taken. */
  release(): void {
    if (this.#ring.release()) this.#producerBell.ring();
  }

  /** Whether a message, or a part of one, waits: the second look before sleep. */
  hasMore(): boolean {
    return this.#ring.hasMore();
  }
}
