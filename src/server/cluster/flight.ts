import type { Command } from '../../command/command.ts';
import type { ReplyReader, ReplySink } from '../../command/reply.ts';
import type { RefusalReason } from '../../shard/guarded-reply.ts';
import type { OrderedSession } from '../dispatch/ordered-session.ts';
import type { TargetSink } from './target.ts';

/** What becomes of commands that were sent. */
export interface FlightOwner {
  landed(flight: Flight, reply: ReplyReader): void;
  turnedAway(flight: Flight, reason: RefusalReason, bytes: Uint8Array, start: number, length: number): void;
}

/** No target, partition or session's count. */
export const NONE = -1;

/** One command, or the part of one that goes to one target, from the first attempt to send it to its one reply (I4). */
export class Flight implements TargetSink {
  readonly #owner: FlightOwner;
  command: Command;
  sink: ReplySink;
  session: OrderedSession | null;
  /** Another node asked for it: it is run here or refused, and never kept or sent on. */
  asker: TargetSink | null = null;
  /** Commands have their turn in this order, however often they are refused; one higher with each. */
  order: number;
  /** When it is given up, if it waits for a target; 0: it has not waited yet. */
  deadlineMs = 0;
  /** The target among whose commands the session counts it. */
  countedAt = NONE;
  /** Bits of `TargetFlag` that it is sent with in any case. */
  flags = 0;
  /** Partitions of its keys. */
  readonly partitions: number[] = [];
  /** Why it was refused last; null: it was not. */
  reason: RefusalReason | null = null;

  constructor(owner: FlightOwner, command: Command, sink: ReplySink, session: OrderedSession | null, order: number) {
    this.#owner = owner;
    this.command = command;
    this.sink = sink;
    this.session = session;
    this.order = order;
  }

  onReply(reply: ReplyReader): void {
    this.#owner.landed(this, reply);
  }

  onRefused(reason: RefusalReason, bytes: Uint8Array, start: number, length: number): void {
    this.#owner.turnedAway(this, reason, bytes, start, length);
  }
}
