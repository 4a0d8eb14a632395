import { assert } from '../../base/assert.ts';
import type { Member, NodeId } from '../identity.ts';
import { DiskMark } from './disk-mark.ts';
import type { KeptItem } from './kept-item.ts';
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
  /** What an earlier start of the node had written to its disk; the store has the records up to `committed`. */
  readonly recovered?: RecoveredData;
}

export interface RecoveredData {
  readonly log: RecordLog;
  readonly committed: number;
  /** Null: it is empty. */
  readonly filledInEpoch: number | null;
  /** The start in which the filling began. */
  readonly since: number;
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
  readonly log: RecordLog;
  readonly #partition: number;
  readonly #self: { readonly node: NodeId; readonly boot: number };
  readonly #host: ReplicationHost;
  #generation = 0;
  #committed = 0;
  #applied = 0;
  #dirtyUntil = 0;
  #dirtyEpoch = 0;
  #filledInEpoch = EMPTY;
  /** The start of the node in which the filling began. */
  #since: number;
  /** A snapshot fills it, or has and is not committed yet. */
  #isFilling = false;
  /** The disk shows records up to here although they were not committed; 0: none. */
  #dirtOnDisk = 0;
  readonly #disk = new DiskMark();

  constructor(
    partition: number,
    self: { readonly node: NodeId; readonly boot: number },
    host: ReplicationHost,
    { generation, kept, recovered }: CopyStart,
  ) {
    this.#partition = partition;
    this.#self = self;
    this.#host = host;
    this.#generation = generation;
    this.#since = recovered?.since ?? self.boot;
    this.log = recovered?.log ?? new RecordLog();
    if (recovered !== undefined) {
      this.#committed = recovered.committed;
      this.#applied = recovered.committed;
      this.#filledInEpoch = recovered.filledInEpoch ?? EMPTY;
      return;
    }
    if (kept !== null) {
      this.log.reset(kept.last, kept.epoch);
      this.#committed = kept.last;
      this.#applied = kept.last;
      this.#filledInEpoch = kept.resetEpoch;
    }
    this.#keepState(kept === null);
  }

  /** The last record that is on the node's own disk, where it must be there to count; -1: not even its beginning is. */
  get held(): number {
    return this.#disk.seq(this.log.last);
  }

  /** What was handed to the disk up to this place is there. Answers whether that tells anything new. */
  reached(place: number): boolean {
    return this.#disk.reached(place);
  }

  /** Something is on its way to the disk that has to be there before this copy counts. */
  get isPending(): boolean {
    return this.#disk.isPending;
  }

  /** How often the copy was emptied since the node started: another one is another copy. */
  get generation(): number {
    return this.#generation;
  }

  /** The start of the node in which this filling began. */
  get since(): number {
    return this.#since;
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

  /** As `isDirty`, for whoever is told: the disk must know that it is not. */
  get isClean(): boolean {
    return !this.isDirty && this.#disk.seq(this.#committed) >= this.#committed;
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
    this.#isFilling = false;
    this.#dirtOnDisk = 0;
    this.#since = this.#self.boot;
    this.#disk.reset();
    this.#host.clear(this.#partition);
    this.#keepState(true);
  }

  /** Empties the copy and begins to fill it from a snapshot which shows the state after the record `atSeq`. */
  beginSnapshot(atSeq: number, atEpoch: number, epoch: number): void {
    this.discard();
    this.log.reset(atSeq, atEpoch);
    this.#applied = atSeq;
    this.#dirtyUntil = Number.POSITIVE_INFINITY;
    this.#dirtyEpoch = epoch;
    this.#filledInEpoch = epoch;
    this.#isFilling = true;
    this.#keepState(false);
  }

  /** The snapshot is complete, its last piece showing the state after `atSeq`. */
  endSnapshot(atSeq: number): void {
    this.#dirtyUntil = atSeq;
    this.#keep({ type: 'whole', at: atSeq }, this.#committed);
    // All of it may have been committed before its last piece came.
    this.#tellFilled();
  }

  /** A piece of a snapshot. */
  load(entries: readonly Uint8Array[]): void {
    this.#host.load(this.#partition, entries);
    this.#keep({ type: 'load', entries }, 0);
  }

  /** Marks an empty copy as one that begins with the partition itself. */
  beginEmpty(epoch: number): void {
    assert(this.isEmpty && this.log.last === 0, 'a partition begins with an empty copy');
    this.#filledInEpoch = epoch;
    this.#keepState(false);
  }

  /** An entry names this copy as the one that the partition begins anew with, in `epoch`: it may lack the last writes. */
  beginAnew(epoch: number): void {
    this.#filledInEpoch = epoch;
    this.#keepState(false);
    for (const record of this.log.slice(this.#committed + 1, this.log.last, Number.POSITIVE_INFINITY)) {
      this.#keep({ type: 'record', record, committed: this.#committed }, record.seq);
    }
  }

  /** Takes the next record, given by the primary of `epoch`. */
  push(record: LogRecord, epoch: number): void {
    if (this.isEmpty) {
      this.#filledInEpoch = epoch;
      this.#keepState(false);
    }
    this.log.push(record);
    this.#keep({ type: 'record', record, committed: this.#committed }, record.seq);
  }

  /**
   * Hands to the disk all that the store does not show, and what the copy is, so that with a snapshot of the store that is
   * read after this nothing before is needed any more. Until there is one, what came before is, and nobody waits for this.
   */
  keepAll(): void {
    const { log, committed } = this;
    const keep = (item: KeptItem) => this.#host.keep?.(this.#partition, item);
    keep(this.#stateItem(false));
    const from = this.#isFilling ? log.trimmed : committed;
    for (const record of log.slice(from + 1, log.last, Number.POSITIVE_INFINITY)) {
      keep({ type: 'record', record, committed });
    }
    if (this.#isFilling && this.#dirtyUntil !== Number.POSITIVE_INFINITY) keep({ type: 'whole', at: this.#dirtyUntil });
  }

  /** Tells the disk what a snapshot of the store may show, all of which is committed. */
  keepCommitted(): void {
    if (!this.#isFilling) this.#host.keep?.(this.#partition, { type: 'commit', committed: this.#committed });
  }

  /** A snapshot of the store may show all that it has by now, committed or not. */
  keepDirt(): void {
    if (this.#isFilling || this.log.last <= this.#committed) return;
    this.#dirtOnDisk = this.log.last;
    this.#host.keep?.(this.#partition, { type: 'whole', at: this.#dirtOnDisk });
  }

  /** Drops what follows `seq`, which the primary does not have. */
  truncateAfter(seq: number): void {
    assert(seq >= this.#committed, `records up to ${this.#committed} are committed; none above ${seq} would be kept`);
    assert(seq >= this.#applied, `records up to ${this.#applied} are in the store; none above ${seq} would be kept`);
    this.log.truncateAfter(seq);
    this.#disk.cut(seq);
    this.#keep({ type: 'cut', after: seq }, 0);
  }

  commitTo(seq: number): void {
    assert(seq >= this.#committed && seq <= this.log.last, `committed moves from ${this.#committed} to ${seq}`);
    this.#committed = seq;
    this.#tellFilled();
    if (this.#dirtOnDisk === 0 || seq < this.#dirtOnDisk) return;
    this.#dirtOnDisk = 0;
    this.#keep({ type: 'commit', committed: seq }, seq);
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
    assert(!this.#isFilling, 'a primary is whole, and its disk is told so');
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

  /** The disk has to know that a filling is over: without it, it would have half a snapshot. */
  #tellFilled(): void {
    if (!this.#isFilling || this.isDirty) return;
    this.#isFilling = false;
    this.#keep({ type: 'commit', committed: this.#committed }, this.#committed);
  }

  #keepState(clears: boolean): void {
    const item = this.#stateItem(clears);
    this.#keep(item, item.at);
  }

  #stateItem(clears: boolean): Extract<KeptItem, { type: 'state' }> {
    const isFilling = this.#isFilling;
    const at = isFilling ? this.log.trimmed : this.#committed;
    return {
      type: 'state',
      clears,
      since: this.#since,
      generation: this.#generation,
      filledInEpoch: this.isEmpty ? null : this.#filledInEpoch,
      at,
      atEpoch: this.log.epochAt(at),
      isFilling,
    };
  }

  /** `seq`: the record that must not be confirmed before this is on the disk; 0: none in particular. */
  #keep(item: KeptItem, seq: number): void {
    const place = this.#host.keep?.(this.#partition, item) ?? 0;
    if (seq > 0 || item.type === 'state') this.#disk.handed(place, seq);
  }
}
