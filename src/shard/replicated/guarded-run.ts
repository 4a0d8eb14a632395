import type { ReadRefusal, WriteRefusal } from '../../cluster/replication/refusal.ts';
import type { Args } from '../../command/args.ts';
import type { Command } from '../../command/command.ts';
import type { ReplyWriter } from '../../command/reply.ts';
import type { Barrier } from '../barrier.ts';
import type { Guard } from '../guard.ts';
import {
  GuardKind,
  REFUSED_HEAD_BYTES,
  RESUMES,
  RefusalReason,
  WAIT_BYTES,
  WAITS_HEAD_BYTES,
} from '../guarded-reply.ts';
import { logMessages } from '../logged/logged-run.ts';
import { Fences } from './fences.ts';
import type { ReplicatedShard } from './replicated-shard.ts';
import { Touched } from './touched.ts';

/** Waits for about a thousand partitions. */
const HEAD_BYTES_USUAL = 10_240;

const reasons: Readonly<Record<WriteRefusal['reason'] | ReadRefusal['reason'], RefusalReason>> = {
  'not-primary': RefusalReason.notPrimary,
  'handing-over': RefusalReason.handingOver,
  'no-lease': RefusalReason.noLease,
  offline: RefusalReason.offline,
  lost: RefusalReason.lost,
  'too-few-in-sync': RefusalReason.tooFewInSync,
  overloaded: RefusalReason.overloaded,
};

export interface GuardedRunParts {
  readonly shard: ReplicatedShard;
  readonly commands: readonly Command[];
  /** The row of `flux.exec`. */
  readonly transactionRow: Command | undefined;
  readonly barrier: Barrier;
  readonly mailboxes: number;
}

/**
 * Runs one command on the copies of a shard, if they may take it, and says what its reply waits for: in `head`, which
 * goes in front of the reply (see guarded-reply.ts).
 *
 * While a write is not acknowledged nobody may see it: its keys' slots are pending for readers of shared memory from
 * before it is done, and a read that comes by mailbox waits for it as its own reply does.
 */
export class GuardedRun implements Guard {
  /** What goes in front of the reply: `head[0..headBytes)`. */
  head: Uint8Array;
  headBytes = 0;
  /** The command was not run: what goes behind the head is the command as it came. */
  isRefused = false;
  readonly isRungLater = false;
  readonly #shard: ReplicatedShard;
  readonly #transactionRow: Command | undefined;
  readonly #commands: readonly Command[];
  readonly #barrier: Barrier;
  readonly #touched: Touched;
  readonly #fences: readonly Fences[];
  /** By partition: the write that a read of the command's keys waits for. */
  readonly #waits: Float64Array;

  constructor({ shard, commands, transactionRow, barrier, mailboxes }: GuardedRunParts) {
    const { partitions } = shard.gates;
    this.#shard = shard;
    this.#commands = commands;
    this.#transactionRow = transactionRow;
    this.#barrier = barrier;
    this.#touched = new Touched(partitions, commands);
    this.#fences = Array.from({ length: mailboxes }, () => new Fences(partitions));
    this.#waits = new Float64Array(partitions);
    this.head = new Uint8Array(WAITS_HEAD_BYTES + WAIT_BYTES * partitions);
  }

  /** So much is kept free in front of replies; a head with more has a reply that is small, or is told to be too large. */
  get headBytesUsual(): number {
    return Math.min(this.head.length, HEAD_BYTES_USUAL);
  }

  /** In front of a reply that says nothing of the store. */
  plain(): void {
    this.isRefused = false;
    this.head[0] = GuardKind.plain;
    this.headBytes = 1;
  }

  /** Whether what the command at hand did to each partition can be sent as one record. */
  mayStand(): boolean {
    const touched = this.#touched;
    for (let index = 0; index < touched.partitionCount; index++) {
      if (!this.#shard.hasRoomForRecord(touched.partition(index))) return false;
    }
    return true;
  }

  /**
   * `word` is the row's id, with `RESUMES` or without it. `run` runs the command on the store and writes its reply; it
   * is not called if the command is refused.
   */
  run(
    mailbox: number,
    word: number,
    args: Args,
    reply: ReplyWriter,
    run: (command: Command | undefined) => void,
  ): void {
    const command = this.#commands[word & ~RESUMES];
    const touched = this.#touched;
    if (command === undefined) touched.clear();
    else if (command === this.#transactionRow) touched.fillTransaction(args);
    else touched.fill(command, args);
    this.plain();
    const refusal = this.#refusal(mailbox, (word & RESUMES) !== 0);
    if (refusal !== null) {
      // The others of the transaction must not run their parts.
      if (touched.barrierSlot >= 0) this.#barrier.giveUp(touched.barrierSlot);
      this.#refuse(refusal);
      return;
    }
    const hindrance = this.#writes ? this.#shard.logRefusal : null;
    if (hindrance !== null) {
      if (touched.barrierSlot >= 0) this.#barrier.giveUp(touched.barrierSlot);
      reply.error(hindrance, logMessages[hindrance]);
      return;
    }
    this.#begin();
    run(command);
    this.#shard.append();
    this.#end();
    this.#tellWaits(reply);
    this.#shard.clearSeqs();
  }

  get #writes(): boolean {
    const touched = this.#touched;
    for (let index = 0; index < touched.partitionCount; index++) {
      if (touched.writesTo(touched.partition(index))) return true;
    }
    return touched.sweeps;
  }

  #refuse(reason: RefusalReason): void {
    this.isRefused = true;
    this.head[0] = GuardKind.refused;
    this.head[1] = reason;
    this.headBytes = REFUSED_HEAD_BYTES;
  }

  /** Also raises fences, and lifts them. */
  #refusal(mailbox: number, resumes: boolean): RefusalReason | null {
    const touched = this.#touched;
    const fences = this.#fences[mailbox] as Fences;
    let refusal: RefusalReason | null = null;
    if (!fences.isEmpty) {
      for (let index = 0; index < touched.partitionCount; index++) {
        const partition = touched.partition(index);
        if (resumes) fences.lift(partition);
        else refusal ??= fences.reasonAt(partition);
      }
    }
    refusal ??= this.#refusalByCopies();
    if (refusal === null) return null;
    for (let index = 0; index < touched.partitionCount; index++) fences.raise(touched.partition(index), refusal);
    return refusal;
  }

  #refusalByCopies(): RefusalReason | null {
    const touched = this.#touched;
    const shard = this.#shard;
    if (!shard.isConfigured) return touched.sweeps || touched.partitionCount > 0 ? RefusalReason.notReady : null;
    const nowMs = shard.nowMs();
    for (let index = 0; index < touched.partitionCount; index++) {
      const partition = touched.partition(index);
      if (!shard.isOwn(partition)) return RefusalReason.notReady;
      const copy = shard.copy(partition);
      if (copy === null) return RefusalReason.notPrimary;
      const refusal = touched.writesTo(partition) ? copy.writeRefusal(nowMs) : copy.readRefusal(nowMs);
      if (refusal !== null) return reasons[refusal.reason];
    }
    return touched.sweeps ? this.#refusalOfSweep(nowMs) : null;
  }

  /** All that this copy is primary of, or nothing. */
  #refusalOfSweep(nowMs: number): RefusalReason | null {
    let reason: RefusalReason | null = null;
    this.#shard.forEachPrimary((partition) => {
      const refusal = this.#shard.copy(partition)?.writeRefusal(nowMs) ?? null;
      if (refusal !== null) reason ??= reasons[refusal.reason];
    });
    return reason;
  }

  /** Before anybody can see anything of it. */
  #begin(): void {
    const touched = this.#touched;
    const { gates } = this.#shard;
    for (let key = 0; key < touched.keyCount; key++) {
      if (touched.isWritten(key)) gates.addPending(touched.slot(key));
    }
    if (touched.sweeps) this.#shard.forEachPrimary((partition) => this.#shard.gate(partition).closeReads());
  }

  /** Slots stay pending for what was written, and for nothing else. */
  #end(): void {
    const touched = this.#touched;
    const { gates, seqs } = this.#shard;
    for (let key = 0; key < touched.keyCount; key++) {
      if (!touched.isWritten(key)) continue;
      const slot = touched.slot(key);
      const partition = touched.partitionOf(key);
      const seq = seqs[partition] as number;
      if (seq > 0) this.#shard.gate(partition).await(seq, slot);
      else gates.removePending(slot);
    }
    if (touched.sweeps) this.#shard.refreshPrimaries();
  }

  #tellWaits(reply: ReplyWriter): void {
    const touched = this.#touched;
    const shard = this.#shard;
    this.#findWaits();
    let count = 0;
    let isChanged = false;
    let refusal: RefusalReason | null = null;
    for (let index = 0; index < touched.partitionCount; index++) {
      const partition = touched.partition(index);
      const seq = shard.seqs[partition] as number;
      if (seq > 0) isChanged = true;
      const wait = seq > 0 ? seq : (this.#waits[partition] as number);
      this.#waits[partition] = 0;
      if (wait > 0) this.#putWait(count++, partition, wait);
      if (seq === 0) refusal ??= this.#readRefusal(partition);
    }
    if (touched.sweeps) {
      shard.forEachPrimary((partition) => {
        const seq = shard.seqs[partition] as number;
        if (seq === 0 || touched.touches(partition)) return;
        isChanged = true;
        this.#putWait(count++, partition, seq);
      });
    }
    if (refusal !== null) this.#takeBack(refusal, isChanged, reply);
    else if (count > 0) {
      this.head[0] = GuardKind.waits;
      this.head[1] = count & 0xff;
      this.head[2] = count >> 8;
      this.headBytes = WAITS_HEAD_BYTES + count * WAIT_BYTES;
    }
  }

  /** The lease ended while the command ran: nothing that it read may be told. */
  #takeBack(refusal: RefusalReason, isChanged: boolean, reply: ReplyWriter): void {
    if (!isChanged && this.#touched.barrierSlot < 0) {
      this.#refuse(refusal);
      return;
    }
    this.plain();
    reply.clear();
    reply.error('indeterminate', 'this node lost its lease while it ran the command, which may have taken effect');
  }

  #readRefusal(partition: number): RefusalReason | null {
    const refusal = this.#shard.copy(partition)?.readRefusal(this.#shard.nowMs()) ?? null;
    return refusal === null ? null : reasons[refusal.reason];
  }

  /** What was done before to the keys that the command names, and is not acknowledged: its reply tells of it. */
  #findWaits(): void {
    const touched = this.#touched;
    const shard = this.#shard;
    for (let key = 0; key < touched.keyCount; key++) {
      const partition = touched.partitionOf(key);
      const copy = shard.copy(partition);
      if (copy === null || copy.last === copy.acknowledged || (shard.seqs[partition] as number) > 0) continue;
      const seq = Math.max(copy.pendingSeq(touched.keyHash(key)), shard.gate(partition).closedUntil);
      if (seq > (this.#waits[partition] as number)) this.#waits[partition] = seq;
    }
  }

  #putWait(index: number, partition: number, seq: number): void {
    const at = WAITS_HEAD_BYTES + index * WAIT_BYTES;
    const { head } = this;
    head[at] = partition & 0xff;
    head[at + 1] = partition >> 8;
    putInt32(head, at + 2, this.#shard.gate(partition).reign);
    putInt32(head, at + 6, seq);
  }
}

/** The low 32 bits of it. */
function putInt32(bytes: Uint8Array, at: number, value: number): void {
  const low = value | 0;
  bytes[at] = low & 0xff;
  bytes[at + 1] = (low >> 8) & 0xff;
  bytes[at + 2] = (low >> 16) & 0xff;
  bytes[at + 3] = low >>> 24;
}
