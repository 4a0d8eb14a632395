import { assert } from '../../base/assert.ts';
import type { Member, NodeId } from '../identity.ts';
import { RecordLog } from './record-log.ts';
import type { ReplicationHost } from './replication-host.ts';
import type { LogRecord } from './replication-message.ts';

/** Nothing has been filled in since the copy was last emptied. */
const EMPTY = Number.POSITIVE_INFINITY;

/** What a copy begins with. */
export interface CopyStart {
  /** Above that of any copy that this start of the node had before; or the same, of one that goes on. */
  readonly generation: number;
  /**
   * What the store has, of a primary that was interrupted as the only member in sync. `last` is above the number of
   * every record that others may have of it, so that they are given a snapshot. Null: the store is empty.
   */
  readonly kept: { readonly epoch: number; readonly last: number; readonly resetEpoch: number } | null;
}

/**
 * What a copy holds, whoever it is at the moment: the latest records, how far they are committed, and how far the
 * store has them.
 *
 * Committed means: held by every member of the in-sync set, so that it cannot be undone while one of them lives. The
 * committed records of all copies of a partition are beginnings of one and the same sequence, until a reset.
 *
 * A copy is *clean* when its store has nothing that could turn out never to have been written. It is *dirty* up to
 * `dirtyUntil` while a snapshot fills it (a snapshot shows the primary's store, committed or not), and after it was a
 * primary that is none any more with records above `committed`.
 */
export class CopyData {
  readonly log = new RecordLog();
  readonly #partition: number;
  readonly #self: { readonly node: NodeId; readonly boot: number };
  readonly #host: ReplicationHost;
  #generation = 0;
  #committed = 0;
  #applied = 0;
  #dirtyUntil = 0;
  #dirtyEpoch = 0;
  #filledInEpoch = EMPTY;

  constructor(
    partition: number,
    self: { readonly node: NodeId; readonly boot: number },
    host: ReplicationHost,
    { generation, kept }: CopyStart,
  ) {
    this.#partition = partition;
    this.#self = self;
    this.#host = host;
    this.#generation = generation;
    if (kept === null) return;
    this.log.reset(kept.last, kept.epoch);
    this.#committed = kept.last;
    this.#applied = kept.last;
    this.#filledInEpoch = kept.resetEpoch;
  }

  /** How often the copy was emptied since the node started: another one is another copy. */
  get generation(): number {
    return this.#generation;
  }

  get member(): Member {
    return { node: this.#self.node, boot: this.#self.boot, generation: this.#generation };
  }

  get committed(): number {
    return this.#committed;
  }

  /** The last record whose effect the store has. */
  get applied(): number {
    return this.#applied;
  }

  /** Infinity while a snapshot is coming in. */
  get dirtyUntil(): number {
    return this.#dirtyUntil;
  }

  get isDirty(): boolean {
    return this.#dirtyUntil > this.#committed;
  }

  /** Dirty with what an earlier epoch's primary had not got committed. */
  isDirtyFromBefore(epoch: number): boolean {
    return this.isDirty && this.#dirtyEpoch < epoch;
  }

  get isEmpty(): boolean {
    return this.#filledInEpoch === EMPTY;
  }

  /** The epoch whose primary first gave it something; Infinity: nobody has. */
  get filledInEpoch(): number {
    return this.#filledInEpoch;
  }

  /** Whether the content goes back to before the partition was last reset, and so is worthless. */
  isFilledBefore(epoch: number): boolean {
    return this.#filledInEpoch < epoch;
  }

  /** Empties the copy. What it has acknowledged as this generation is worth nothing from here on. */
  discard(): void {
    this.#generation++;
    this.log.reset(0, 0);
    this.#committed = 0;
    this.#applied = 0;
    this.#dirtyUntil = 0;
    this.#filledInEpoch = EMPTY;
    this.#host.clear(this.#partition);
  }

  /** Empties the copy and begins to fill it from a snapshot which shows the state after the record `atSeq`. */
  beginSnapshot(atSeq: number, atEpoch: number, epoch: number): void {
    this.discard();
    this.log.reset(atSeq, atEpoch);
    this.#applied = atSeq;
    this.#dirtyUntil = Number.POSITIVE_INFINITY;
    this.#dirtyEpoch = epoch;
    this.#filledInEpoch = epoch;
  }

  /** The snapshot is complete, its last piece showing the state after `atSeq`. */
  endSnapshot(atSeq: number): void {
    this.#dirtyUntil = atSeq;
  }

  /** Marks an empty copy as one that begins with the partition itself. */
  beginEmpty(epoch: number): void {
    assert(this.isEmpty && this.log.last === 0, 'a partition begins with an empty copy');
    this.#filledInEpoch = epoch;
  }

  /** Takes the next record, given by the primary of `epoch`. */
  push(record: LogRecord, epoch: number): void {
    if (this.isEmpty) this.#filledInEpoch = epoch;
    this.log.push(record);
  }

  /** Drops what follows `seq`, which the primary does not have. */
  truncateAfter(seq: number): void {
    assert(seq >= this.#committed, `records up to ${this.#committed} are committed; none above ${seq} would be kept`);
    assert(seq >= this.#applied, `records up to ${this.#applied} are in the store; none above ${seq} would be kept`);
    this.log.truncateAfter(seq);
  }

  commitTo(seq: number): void {
    assert(seq >= this.#committed && seq <= this.log.last, `committed moves from ${this.#committed} to ${seq}`);
    this.#committed = seq;
  }

  /** Brings the store up to `seq`. */
  applyTo(seq: number): void {
    if (seq <= this.#applied) return;
    const records = this.log.slice(this.#applied + 1, seq, Number.POSITIVE_INFINITY);
    this.#applied = seq;
    this.#host.apply(this.#partition, records);
  }

  /** The store has the record already: it is a primary's, who does first and writes down then. */
  wasApplied(seq: number): void {
    assert(seq === this.#applied + 1, `record ${seq} was done after ${this.#applied}`);
    this.#applied = seq;
  }

  /** This copy decides from here on what was written: everything it holds. */
  becomePrimary(): void {
    this.applyTo(this.log.last);
    this.#dirtyUntil = 0;
  }

  /** This copy decided in `epoch` and does no more: others may not have what is not committed. */
  endPrimary(epoch: number): void {
    if (this.log.last <= this.#committed) return;
    this.#dirtyUntil = this.log.last;
    this.#dirtyEpoch = epoch;
  }

  trim(bytesMax: number): void {
    const to = Math.min(this.#committed, this.#applied);
    this.log.trimTo(this.log.trimPoint(to, bytesMax));
  }
}
