import { assert } from '../../base/assert.ts';
import type { NodeId } from '../identity.ts';
import type { CopyContext } from './follower-sender.ts';
import type { Freshness } from './freshness.ts';
import type { LogRecord, ReplicationMessage } from './replication-message.ts';

type MessageOf<Type extends ReplicationMessage['type']> = Extract<ReplicationMessage, { type: Type }>;

/**
 * A copy that follows the primary of one epoch.
 *
 * What it holds from earlier epochs stays until it turns out to differ: some of it may have been acknowledged, and
 * the new primary then has it as well. `verified` is how far the two logs are known to be equal; only that far does
 * it acknowledge, commit and apply. A difference can only be above what is committed, and that is not in the store.
 *
 * Answers are kept until `flush`: one acknowledgement does for all that came in one batch.
 */
export class Replica {
  readonly epoch: number;
  readonly leader: NodeId;
  #verified = 0;
  #isAcquainted = false;
  #isAckDue = false;
  #gapAt = -1;
  /** Records that it lacks were the last thing it asked for. */
  #isMissing = false;
  /** How often it has asked for anything. */
  #asked = 0;
  #stream = 0;
  #nextIndex = 0;
  #chunkMs: number;
  readonly #freshness: Freshness;
  readonly #context: CopyContext;

  constructor(context: CopyContext, epoch: number, leader: NodeId, freshness: Freshness, nowMs: number) {
    this.epoch = epoch;
    this.leader = leader;
    this.#context = context;
    this.#freshness = freshness;
    this.#chunkMs = nowMs;
  }

  get verified(): number {
    return this.#verified;
  }

  get hasAnswers(): boolean {
    return this.#isAckDue || this.#gapAt >= 0;
  }

  /**
   * `isBeginningKnown`: this node has seen the configuration up to this epoch, so it knows of every reset. Only then
   * is a difference below what is committed a defect: else the partition may have begun anew.
   */
  onAppend(message: MessageOf<'append'>, isBeginningKnown: boolean, nowMs: number): void {
    const { data, options } = this.#context;
    const { log } = data;
    const { previousSeq, previousEpoch, records } = message;
    if (!areConsecutive(message)) return;
    if (data.dirtyUntil === Number.POSITIVE_INFINITY && nowMs - this.#chunkMs >= options.snapshotStallMs) {
      // Half a snapshot, and nobody goes on with it.
      this.#nack('unusable', 0);
      return;
    }
    if (previousSeq > log.last) {
      this.#gapAt = log.last;
      return;
    }
    if (previousSeq < log.trimmed && !isBeginningKnown) {
      // There is nothing left to compare with, and this copy may be of an earlier life of the partition.
      return;
    }
    if (previousSeq >= log.trimmed && log.epochAt(previousSeq) !== previousEpoch) {
      if (previousSeq <= data.committed) this.#discardOther(isBeginningKnown);
      this.#gapAt = data.committed;
      return;
    }
    if (!this.#take(records, isBeginningKnown)) return;
    this.#verified = Math.max(this.#verified, Math.min(previousSeq + records.length, log.last));
    this.#isAcquainted = true;
    this.#isMissing = false;
    this.#isAckDue = true;
    this.#commit(Math.min(message.committed, this.#verified));
    this.#freshness.echoed(message.echo, message.committed, data.applied, nowMs);
  }

  onChunk(message: MessageOf<'chunk'>, nowMs: number): void {
    const { data, host, partition } = this.#context;
    const { stream, index, atSeq, atEpoch } = message;
    if (stream < this.#stream) return;
    if (stream > this.#stream) {
      // One that comes late, when records have made the copy whole, would undo what it has said since.
      if (index !== 0 || !this.#isMissing || message.ask !== this.#asked) return;
      // From here on it is another copy, even if it was empty: the one that was here had acknowledged something.
      data.beginSnapshot(atSeq, atEpoch, this.epoch);
      this.#freshness.reset();
      this.#stream = stream;
      this.#nextIndex = 0;
      this.#verified = atSeq;
      this.#gapAt = -1;
    } else if (index > this.#nextIndex) return;
    if (index === this.#nextIndex) {
      // Records before it are missing, or some of after it are here already: it is for another time.
      if (data.dirtyUntil !== Number.POSITIVE_INFINITY || data.log.last !== atSeq) return;
      data.load(message.entries);
      this.#nextIndex++;
      if (message.isLast) data.endSnapshot(atSeq);
    }
    this.#chunkMs = nowMs;
    host.send(this.leader, {
      type: 'chunk-ack',
      partition,
      epoch: this.epoch,
      member: data.member,
      stream,
      index,
      seq: this.#verified,
    });
  }

  /** The copy was emptied: nothing is known of it any more, and what was on its way to it is for another one. */
  forget(): void {
    this.#verified = 0;
    this.#isAcquainted = false;
    this.#isAckDue = false;
    this.#gapAt = -1;
    this.#freshness.reset();
  }

  /** Has the primary told again where this copy stands. */
  confirm(): void {
    if (this.#isAcquainted) this.#isAckDue = true;
  }

  /** Sends what is due. `isClean` and the `version` of the entry: what is to be said of it. */
  flush(isClean: boolean, version: number, nowMs: number): void {
    const { data, host, partition } = this.#context;
    if (this.#isAckDue) {
      this.#isAckDue = false;
      // What is not on this node's own disk yet is told when it is.
      const seq = Math.min(this.#verified, data.held);
      if (seq >= 0) {
        const { member } = data;
        const { epoch } = this;
        host.send(this.leader, { type: 'ack', partition, epoch, member, seq, isClean, version, stamp: nowMs });
      }
    }
    if (this.#gapAt >= 0) {
      const seq = this.#gapAt;
      this.#gapAt = -1;
      this.#nack('gap', seq);
    }
  }

  /** Answers false if it had to give itself up. */
  #take(records: readonly LogRecord[], isBeginningKnown: boolean): boolean {
    const { data, options } = this.#context;
    const { log } = data;
    for (const record of records) {
      if (record.seq < log.trimmed) continue;
      if (record.seq <= log.last) {
        if (log.epochAt(record.seq) === record.epoch) continue;
        if (record.seq <= data.committed) {
          this.#discardOther(isBeginningKnown);
          this.#gapAt = 0;
          return false;
        }
        data.truncateAfter(record.seq - 1);
      }
      // A primary stops far below that; what follows comes again.
      if (log.bytesAfter(Math.max(data.committed, log.trimmed)) > 2 * options.uncommittedBytesMax) break;
      data.push(record, this.epoch);
    }
    return true;
  }

  #commit(seq: number): void {
    const { data, options } = this.#context;
    if (seq > data.committed) data.commitTo(seq);
    // While a snapshot comes in the store follows at once: its pieces show records that are not committed either.
    data.applyTo(Math.max(data.committed, Math.min(data.dirtyUntil, this.#verified)));
    this.#freshness.applied(data.applied);
    data.trim(options.retainedBytesMax);
  }

  /** The primary's log has another beginning: the partition was reset. */
  #discardOther(isBeginningKnown: boolean): void {
    const { data } = this.#context;
    assert(!isBeginningKnown, `what is committed up to ${data.committed} differs from the primary's`);
    data.discard();
    this.forget();
  }

  #nack(reason: 'gap' | 'unusable', seq: number): void {
    this.#isMissing = true;
    this.#asked++;
    const { data, host, partition } = this.#context;
    host.send(this.leader, {
      type: 'nack',
      partition,
      epoch: this.epoch,
      member: data.member,
      reason,
      seq,
      ask: this.#asked,
    });
  }
}

function areConsecutive({ records, previousSeq, previousEpoch, epoch }: MessageOf<'append'>): boolean {
  let seq = previousSeq;
  let recordEpoch = previousEpoch;
  for (const record of records) {
    seq++;
    if (record.seq !== seq || record.epoch < recordEpoch || record.epoch > epoch) return false;
    recordEpoch = record.epoch;
  }
  return true;
}
