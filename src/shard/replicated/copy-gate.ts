import { GateRole, type PartitionGates, ReignStage } from '../../cluster/partition-gates.ts';
import type { PartitionCopy } from '../../cluster/replication/partition-copy.ts';

/** An effect that could not be appended yet. */
interface HeldEffect {
  readonly keys: readonly number[];
  readonly record: Uint8Array;
  readonly clears: boolean;
}

/** Forgotten places in front of the queue before it is moved. */
const COMPACT_FROM = 1024;

const roles = {
  none: GateRole.none,
  replica: GateRole.replica,
  primary: GateRole.primary,
  'handing-over': GateRole.handingOver,
} as const;

/**
 * What other threads are told of one copy, kept in step with it: see `PartitionGates`. What takes something away from
 * them is told at once, what gives them something when the copy is looked at next.
 */
export class CopyGate {
  readonly partition: number;
  /** Of the reign under way; even: none is. */
  reign = 0;
  /** What happened to the store while the copy could not append: evictions of a primary that hands over. */
  held: HeldEffect[] = [];
  readonly #gates: PartitionGates;
  readonly #nowMs: () => number;
  /** Up to here are writes of reigns before this one. */
  #epochStart = 0;
  /** Whether the reign has come to these stages. */
  #hasOpened = false;
  #hasWritten = false;
  /** Nothing here is read by others, and the copy's reads wait, until so much is acknowledged. */
  #closedUntil = 0;
  #acknowledged = 0;
  /** Slots of writes that are not acknowledged, with the writes' numbers; from `#head` on, in order. */
  #seqs: number[] = [];
  #slots: number[] = [];
  #head = 0;

  constructor(partition: number, gates: PartitionGates, nowMs: () => number) {
    this.partition = partition;
    this.#gates = gates;
    this.#nowMs = nowMs;
    // Whoever was here before has died, and what it knew with it.
    gates.setOpenForReads(partition, false);
    gates.setFresh(partition, null);
    gates.endReign(partition);
    gates.setRole(partition, GateRole.none);
  }

  get isReigning(): boolean {
    return (this.reign & 1) === 1;
  }

  /** Up to which write a read of anything here has to wait; 0: none. */
  get closedUntil(): number {
    return this.#closedUntil > this.#acknowledged ? this.#closedUntil : 0;
  }

  /** The copy has become primary, and its store shows all it holds. */
  beginReign(copy: PartitionCopy): void {
    const { partition } = this;
    this.#acknowledged = copy.acknowledged;
    this.#closedUntil = copy.epochStart;
    this.#epochStart = copy.epochStart;
    this.#hasOpened = false;
    this.#hasWritten = false;
    this.#gates.setFresh(partition, null);
    this.#gates.setLast(partition, copy.last);
    this.#gates.beginReign(partition, copy.epoch, copy.acknowledged);
    this.#gates.setStage(partition, ReignStage.begun, this.#nowMs());
    this.reign = this.#gates.reign(partition);
  }

  /** The copy is no longer primary: nobody knows what becomes of writes that are not acknowledged. */
  endReign(): void {
    const { partition } = this;
    this.closeReads();
    this.#gates.endReign(partition);
    this.reign = this.#gates.reign(partition);
    this.held = [];
    this.#settle(Number.POSITIVE_INFINITY);
  }

  /** Other threads read nothing here until `refresh` lets them. */
  closeReads(): void {
    this.#gates.setOpenForReads(this.partition, false);
  }

  /** What is in the store may turn out never to have been written, or is about to be thrown away. */
  soil(): void {
    this.#gates.setFresh(this.partition, null);
  }

  /** The write of that number, or whatever it did to keys that nobody named, is seen by nobody before its acknowledgement. */
  closeUntil(seq: number): void {
    this.#closedUntil = seq;
    this.closeReads();
  }

  /** The copy has a write of that number. */
  appended(seq: number): void {
    this.#gates.setLast(this.partition, seq);
  }

  /** A key of this slot was changed by the write of that number, for which its slot is pending already. */
  await(seq: number, slot: number): void {
    this.#seqs.push(seq);
    this.#slots.push(slot);
  }

  acknowledged(seq: number): void {
    this.#acknowledged = seq;
    this.#gates.setAcknowledged(this.partition, seq);
    this.#settle(seq);
    if (this.#hasWritten || !this.isReigning || seq <= this.#epochStart) return;
    this.#hasWritten = true;
    this.#gates.setStage(this.partition, ReignStage.written, this.#nowMs());
  }

  /** Brings what the others know up to date. The reign has been begun or ended before. */
  refresh(copy: PartitionCopy): void {
    const { partition } = this;
    const gates = this.#gates;
    const isOpen = this.isReigning && copy.takesRecords && this.closedUntil === 0;
    gates.setOpenForReads(partition, isOpen);
    if (isOpen && !this.#hasOpened) {
      this.#hasOpened = true;
      gates.setStage(partition, ReignStage.opened, this.#nowMs());
    }
    gates.setFresh(partition, copy.freshAtMs);
    gates.setRole(partition, roles[copy.role]);
  }

  #settle(seq: number): void {
    const seqs = this.#seqs;
    let head = this.#head;
    while (head < seqs.length && (seqs[head] as number) <= seq) {
      this.#gates.removePending(this.#slots[head] as number);
      head++;
    }
    this.#head = head;
    if (head === seqs.length) {
      this.#seqs = [];
      this.#slots = [];
      this.#head = 0;
    } else if (head >= COMPACT_FROM && head * 2 >= seqs.length) {
      this.#seqs = seqs.slice(head);
      this.#slots = this.#slots.slice(head);
      this.#head = 0;
    }
  }
}
