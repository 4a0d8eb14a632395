import { assert } from '../base/assert.ts';
import { SLOT_COUNT } from '../base/slot.ts';
import { type WaitSource, WaitState } from '../base/wait-state.ts';

/** What is handed to every thread of a node. */
export interface PartitionGatesHandle {
  readonly sab: SharedArrayBuffer;
  readonly partitions: number;
}

const HEADER_WORDS = 64;
const LEASE_ENDS_WORD = 0;
const LEASE_VALID_WORD = 1;
const PARTITION_WORDS = 32;
const READS_WORD = 0;
const REIGN_WORD = 1;
const ACKNOWLEDGED_WORD = 2;
const ROLE_WORD = 3;
const FRESH_WORD = 4;
const FRESH_VALID_WORD = 5;
const GENERATION_WORD = 6;
const EPOCH_WORD = 7;
const LAST_LOW_WORD = 8;
const LAST_HIGH_WORD = 9;
const ENDED_WORD = 10;

/** How far a reign has come, of {@link PartitionGates.stageMs}: words of a partition. */
export const ReignStage = {
  /** It takes writes. */
  begun: 11,
  /** All that its predecessor may have acknowledged is held by the others again: its values may be read. */
  opened: 12,
  /** The first write of its own was acknowledged; that a key has expired is one, too. */
  written: 13,
} as const;
export type ReignStage = (typeof ReignStage)[keyof typeof ReignStage];

/** Of {@link PartitionGates.role}. */
export const GateRole = { none: 0, replica: 1, primary: 2, handingOver: 3 } as const;
export type GateRole = (typeof GateRole)[keyof typeof GateRole];

/**
 * What all threads of a node may know of its copies without asking: whether a value read from shared memory may be
 * answered, and how far writes are acknowledged. Numbers of writes are the low 32 bits of their `seq`, compared by the
 * sign of their difference; times are whole milliseconds of `monotonicMs`, likewise.
 *
 * | words | written by | meaning |
 * | --- | --- | --- |
 * | lease ends, lease valid | cluster actor; main, once that has ended | up to when this node may answer reads as a primary |
 * | of a partition: reads | its shard's actor | odd: its values may be read from shared memory; another number after every change |
 * | reign | its shard's actor | odd while this copy takes writes as primary; one higher at each beginning and end |
 * | acknowledged | its shard's actor | every write of this reign up to here is acknowledged |
 * | ended | its shard's actor | of the last reign that is over: how far its writes were acknowledged |
 * | role | its shard's actor | a {@link GateRole} |
 * | fresh, fresh valid | its shard's actor | a clean replica: what it holds was current then |
 * | generation | its shard's actor | one more than the copy's, for whoever takes its place; 0: there was none |
 * | epoch, last | its shard's actor | of the reign under way, and the last write of it, for whoever takes its place |
 * | begun, opened, written | its shard's actor | when the last reign came to each {@link ReignStage}; 0: it has not |
 * | of a slot: pending | its shard's actor | writes to keys of the slot that are begun and not acknowledged |
 *
 * A reader reads in this order: `openForReads`, the value, then `mayAnswer`. Writers raise `pending` before they publish
 * a value, and lower it after it was acknowledged; all of these accesses are sequentially consistent, so a reader that saw
 * an unacknowledged value sees its slot pending.
 */
export class PartitionGates implements WaitSource {
  readonly partitions: number;
  readonly #words: Int32Array;
  readonly #pendingAt: number;

  constructor(handle: PartitionGatesHandle) {
    this.partitions = handle.partitions;
    this.#words = new Int32Array(handle.sab);
    this.#pendingAt = HEADER_WORDS + handle.partitions * PARTITION_WORDS;
  }

  static create(partitions: number): PartitionGatesHandle {
    const words = HEADER_WORDS + partitions * PARTITION_WORDS + SLOT_COUNT;
    return { sab: new SharedArrayBuffer(words * 4), partitions };
  }

  /** Of the cluster actor: the lease as `Coordinator.lease` has it. */
  setLease(endsAtMs: number): void {
    if (endsAtMs === Number.NEGATIVE_INFINITY) {
      Atomics.store(this.#words, LEASE_VALID_WORD, 0);
      return;
    }
    // Rounded down: a lease is never longer than it was given.
    Atomics.store(this.#words, LEASE_ENDS_WORD, Math.floor(endsAtMs) | 0);
    Atomics.store(this.#words, LEASE_VALID_WORD, 1);
  }

  /** Milliseconds of the lease that are left; 0 or less: it is over. -Infinity: there never was one. */
  leaseLeftMs(nowMs: number): number {
    if (Atomics.load(this.#words, LEASE_VALID_WORD) === 0) return Number.NEGATIVE_INFINITY;
    return (Atomics.load(this.#words, LEASE_ENDS_WORD) - (Math.ceil(nowMs) | 0)) | 0;
  }

  /** To be asked before a value is read: a number for {@link mayAnswer}, or 0 when it may not be read here. */
  openForReads(partition: number): number {
    const reads = Atomics.load(this.#words, this.#at(partition) + READS_WORD);
    return (reads & 1) === 1 ? reads : 0;
  }

  /** Whether a value that was read after `openForReads` answered `opened` may be answered. */
  mayAnswer(partition: number, slot: number, opened: number, nowMs: number): boolean {
    const words = this.#words;
    return (
      Atomics.load(words, this.#pendingAt + slot) === 0 &&
      this.leaseLeftMs(nowMs) > 0 &&
      Atomics.load(words, this.#at(partition) + READS_WORD) === opened
    );
  }

  setOpenForReads(partition: number, isOpen: boolean): void {
    const at = this.#at(partition) + READS_WORD;
    const reads = this.#words[at] as number;
    if (((reads & 1) === 1) !== isOpen) Atomics.store(this.#words, at, (reads + 1) | 0);
  }

  reign(partition: number): number {
    return Atomics.load(this.#words, this.#at(partition) + REIGN_WORD);
  }

  /** The last write of the reign that was under way when the actor died; null: none was. */
  unfinishedReign(partition: number): { epoch: number; last: number } | null {
    const at = this.#at(partition);
    const words = this.#words;
    if ((Atomics.load(words, at + REIGN_WORD) & 1) === 0) return null;
    const last = (words[at + LAST_HIGH_WORD] as number) * 2 ** 32 + ((words[at + LAST_LOW_WORD] as number) >>> 0);
    return { epoch: words[at + EPOCH_WORD] as number, last };
  }

  /** Before anybody hears of the write. */
  setLast(partition: number, seq: number): void {
    const at = this.#at(partition);
    // Plain stores: nobody looks before the thread has ended.
    this.#words[at + LAST_HIGH_WORD] = Math.floor(seq / 2 ** 32);
    this.#words[at + LAST_LOW_WORD] = seq | 0;
  }

  /** A reign begins, with every write up to `acknowledged` known to be so. */
  beginReign(partition: number, epoch: number, acknowledged: number): void {
    const at = this.#at(partition);
    // Before the epoch: whoever sees the new one sees no stage of the one before.
    for (const stage of Object.values(ReignStage)) Atomics.store(this.#words, at + stage, 0);
    Atomics.store(this.#words, at + EPOCH_WORD, epoch);
    assert(((this.#words[at + REIGN_WORD] as number) & 1) === 0, 'a reign begins after the one before has ended');
    Atomics.store(this.#words, at + ACKNOWLEDGED_WORD, acknowledged | 0);
    Atomics.add(this.#words, at + REIGN_WORD, 1);
  }

  /** Writes that are not acknowledged by now have an outcome that nobody knows. */
  endReign(partition: number): void {
    const at = this.#at(partition);
    if (((this.#words[at + REIGN_WORD] as number) & 1) === 0) return;
    Atomics.store(this.#words, at + ENDED_WORD, this.#words[at + ACKNOWLEDGED_WORD] as number);
    Atomics.add(this.#words, at + REIGN_WORD, 1);
  }

  /** The reign under way has come so far, for the first time. */
  setStage(partition: number, stage: ReignStage, nowMs: number): void {
    // 0 says that it has not: a millisecond is no matter.
    Atomics.store(this.#words, this.#at(partition) + stage, Math.floor(nowMs) | 0 || 1);
  }

  /** When the reign of this epoch came so far, as a time of `monotonicMs`; null: it has not, or another one has begun. */
  stageMs(partition: number, epoch: number, stage: ReignStage, nowMs: number): number | null {
    const words = this.#words;
    const at = this.#at(partition);
    if (Atomics.load(words, at + EPOCH_WORD) !== epoch) return null;
    const low = Atomics.load(words, at + stage);
    if (low === 0 || Atomics.load(words, at + EPOCH_WORD) !== epoch) return null;
    const wholeMs = Math.floor(nowMs);
    return wholeMs + ((low - (wholeMs | 0)) | 0);
  }

  setAcknowledged(partition: number, seq: number): void {
    Atomics.store(this.#words, this.#at(partition) + ACKNOWLEDGED_WORD, seq | 0);
  }

  /** `reign` is the one in which the write was done, `seqLow` the low 32 bits of its number. */
  waitState(partition: number, reign: number, seqLow: number): WaitState {
    const at = this.#at(partition);
    const acknowledged = Atomics.load(this.#words, at + ACKNOWLEDGED_WORD);
    // After the number: one that was read in another reign says nothing of this one's writes.
    const present = Atomics.load(this.#words, at + REIGN_WORD);
    if (present === reign) return isReached(acknowledged, seqLow) ? WaitState.acknowledged : WaitState.waiting;
    if (present !== ((reign + 1) | 0)) return WaitState.abandoned;
    // It is over, and no other has begun: how far it got is kept until another one ends.
    const ended = Atomics.load(this.#words, at + ENDED_WORD);
    if (Atomics.load(this.#words, at + REIGN_WORD) !== present) return WaitState.abandoned;
    return isReached(ended, seqLow) ? WaitState.acknowledged : WaitState.abandoned;
  }

  role(partition: number): GateRole {
    return Atomics.load(this.#words, this.#at(partition) + ROLE_WORD) as GateRole;
  }

  setRole(partition: number, role: GateRole): void {
    Atomics.store(this.#words, this.#at(partition) + ROLE_WORD, role);
  }

  /** When what a clean replica holds was last known to be current; null: this copy is not one. */
  setFresh(partition: number, atMs: number | null): void {
    const at = this.#at(partition);
    if (atMs === null) {
      Atomics.store(this.#words, at + FRESH_VALID_WORD, 0);
      return;
    }
    Atomics.store(this.#words, at + FRESH_WORD, Math.floor(atMs) | 0);
    Atomics.store(this.#words, at + FRESH_VALID_WORD, 1);
  }

  /** Milliseconds since the replica was known to be current: to be asked after the value was read. Infinity: never. */
  stalenessMs(partition: number, nowMs: number): number {
    const at = this.#at(partition);
    if (Atomics.load(this.#words, at + FRESH_VALID_WORD) === 0) return Number.POSITIVE_INFINITY;
    return ((Math.ceil(nowMs) | 0) - Atomics.load(this.#words, at + FRESH_WORD)) | 0;
  }

  /** The generation of a copy that is made in the place of the one that was here, if any: it is another one. */
  nextGeneration(partition: number): number {
    return Atomics.load(this.#words, this.#at(partition) + GENERATION_WORD);
  }

  /** Before anybody hears of the copy that has this generation. */
  setGeneration(partition: number, generation: number): void {
    Atomics.store(this.#words, this.#at(partition) + GENERATION_WORD, generation + 1);
  }

  /** Before a write that may change a key of the slot is begun. */
  addPending(slot: number): void {
    Atomics.add(this.#words, this.#pendingAt + slot, 1);
  }

  removePending(slot: number): void {
    const before = Atomics.sub(this.#words, this.#pendingAt + slot, 1);
    assert(before > 0, 'a slot has as many writes ended as begun');
  }

  /** Of a shard's actor that takes another's place, for the slots of its partitions. */
  clearPending(slot: number): void {
    Atomics.store(this.#words, this.#pendingAt + slot, 0);
  }

  #at(partition: number): number {
    return HEADER_WORDS + partition * PARTITION_WORDS;
  }
}

function isReached(acknowledged: number, seqLow: number): boolean {
  return ((acknowledged - seqLow) | 0) >= 0;
}
