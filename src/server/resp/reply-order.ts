import { assert } from '../../base/assert.ts';
import { ByteShelf } from '../../base/byte-shelf.ts';
import type { Args } from '../../command/args.ts';
import type { Command } from '../../command/command.ts';
import { ReplyReader } from '../../command/reply.ts';
import type { ReplySink } from '../../shard/shard-client.ts';

/** Slots kept for further commands; a longer pipeline makes its own. */
const SLOTS_KEPT = 4096;
const slots: ReplySlot[] = [];
/** Of replies that came early. */
const shelf = new ByteShelf();

/** Where replies go in the order of their commands. */
export interface OrderedReplies {
  /**
   * Writes the reply of the oldest command that had none. It may be read during the call only, and only before another
   * command is begun.
   */
  onOrderedReply(slot: ReplySlot, reply: ReplyReader): void;
}

/** The place of one command in its connection's order: takes the reply whenever it comes. */
export class ReplySlot implements ReplySink {
  /** What the session notes of the command, for when its reply is written. */
  command: Command | null = null;
  /** NaN, or when the command began, by `performance.now`. */
  beganMs = Number.NaN;
  /** Its arguments, where they are kept for the slow log. */
  args: Args | null = null;
  /** How the reply is to be written: what a session's version and mode were when the command came. */
  mode = 0;
  next: ReplySlot | null = null;
  owner: ReplyOrder | null = null;
  /** The reply, when it came before its turn: `kept[keptStart..keptEnd)`. */
  kept: Uint8Array | null = null;
  keptStart = 0;
  keptEnd = 0;

  onReply(reply: ReplyReader): void {
    (this.owner as ReplyOrder).settle(this, reply);
  }
}

/**
 * Puts the replies of one connection's commands in the order of the commands (I4): a reply whose turn it is passes
 * through, one that comes early is kept.
 */
export class ReplyOrder {
  readonly #sink: OrderedReplies;
  readonly #reader = new ReplyReader();
  #oldest: ReplySlot | null = null;
  #newest: ReplySlot | null = null;
  #count = 0;
  #closed = false;

  constructor(sink: OrderedReplies) {
    this.#sink = sink;
  }

  /** Commands whose reply was not yet passed on. */
  get count(): number {
    return this.#count;
  }

  /** The place of a command that comes now. Its `onReply` is to be called once. */
  begin(command: Command | null, mode: number, beganMs: number): ReplySlot {
    const slot = slots.pop() ?? new ReplySlot();
    slot.owner = this;
    slot.command = command;
    slot.mode = mode;
    slot.beganMs = beganMs;
    if (this.#newest === null) this.#oldest = slot;
    else this.#newest.next = slot;
    this.#newest = slot;
    this.#count++;
    return slot;
  }

  settle(slot: ReplySlot, reply: ReplyReader): void {
    if (slot !== this.#oldest) {
      assert(slot.kept === null, 'I4: one reply a command');
      keep(slot, reply);
      return;
    }
    this.#pass(slot, reply);
    for (let next = this.#oldest; next !== null && next.kept !== null; next = this.#oldest) {
      this.#reader.open(next.kept, next.keptStart, next.keptEnd);
      this.#pass(next, this.#reader);
    }
  }

  /** Passes nothing on any more; replies that still come are dropped. */
  close(): void {
    this.#closed = true;
  }

  #pass(slot: ReplySlot, reply: ReplyReader): void {
    // Out of the order first: whoever is passed the reply may begin the next command.
    this.#oldest = slot.next;
    if (slot.next === null) this.#newest = null;
    this.#count--;
    if (!this.#closed) this.#sink.onOrderedReply(slot, reply);
    slot.next = null;
    slot.owner = null;
    slot.command = null;
    slot.args = null;
    slot.kept = null;
    if (slots.length < SLOTS_KEPT) slots.push(slot);
  }
}

/** Copies the whole reply, of which the first part was stepped to. */
function keep(slot: ReplySlot, reply: ReplyReader): void {
  const start = reply.partStart;
  reply.skip();
  while (!reply.done) {
    reply.next();
    reply.skip();
  }
  shelf.copy(reply.bytes, start, reply.nextStart);
  slot.kept = shelf.bytes;
  slot.keptStart = shelf.start;
  slot.keptEnd = shelf.start + reply.nextStart - start;
}
