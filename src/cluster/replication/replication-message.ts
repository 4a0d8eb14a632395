import type { Member } from '../identity.ts';

/** One write as every copy repeats it: what came of it, not the command. */
export interface LogRecord {
  /** Counted from 1 in each partition, without gaps. */
  readonly seq: number;
  /** The epoch in which a primary gave it this number; records of equal seq and epoch are equal. */
  readonly epoch: number;
  /** Hashes (32 bits) of the keys it changes: a read of one of these waits until the record is committed. */
  readonly keys: readonly number[];
  /** Absolute: doing it twice is as doing it once. Opaque here. */
  readonly effect: Uint8Array;
}

/** What copies of one partition tell each other. `epoch` is always the sender's. */
export type ReplicationMessage =
  | {
      readonly type: 'append';
      readonly partition: number;
      readonly epoch: number;
      /** The record before `records`: the receiver must have that very one. 0 and 0: the log's beginning. */
      readonly previousSeq: number;
      readonly previousEpoch: number;
      readonly records: readonly LogRecord[];
      readonly committed: number;
      /** The latest `stamp` of the receiver the primary knows, told back while its lease holds; else -1. */
      readonly echo: number;
    }
  | {
      readonly type: 'ack';
      readonly partition: number;
      readonly epoch: number;
      /** The copy that holds it. */
      readonly member: Member;
      /** The receiver's log equals the primary's up to here. */
      readonly seq: number;
      /** Nothing in its store can turn out to be uncommitted: it may be in sync. */
      readonly isClean: boolean;
      /**
       * Of the newest entry the sender has applied: what came before has no more effect on this copy. It joins only
       * when nothing of that is left, for an older entry could have it throw itself away.
       */
      readonly version: number;
      /** The sender's clock, milliseconds, for it alone to read. */
      readonly stamp: number;
    }
  | {
      readonly type: 'nack';
      readonly partition: number;
      /** The newest epoch the sender knows. Higher than the receiver's: it is no longer the primary. */
      readonly epoch: number;
      readonly member: Member;
      /** `gap`: append from `seq` + 1 on. `unusable`: what this copy holds does not fit; send a snapshot. */
      readonly reason: 'newer-epoch' | 'gap' | 'unusable';
      readonly seq: number;
      /** Counts what this copy has asked for in this epoch; told back in `chunk`. */
      readonly ask: number;
    }
  /**
   * The next piece of a snapshot. The receiver takes it only when its log stands at exactly `atSeq`, the number of
   * the last write when the piece was read; so pieces and records are one stream, and what it makes is exact. Piece
   * 0 makes it throw away what it had, and sets its log to `atSeq`, `atEpoch`.
   */
  | {
      readonly type: 'chunk';
      readonly partition: number;
      readonly epoch: number;
      /** Tells one snapshot from another of the same epoch. */
      readonly stream: number;
      readonly index: number;
      /** The latest `nack` of the receiver that the primary knows: piece 0 is an answer to that one, or comes late. */
      readonly ask: number;
      readonly atSeq: number;
      readonly atEpoch: number;
      readonly entries: readonly Uint8Array[];
      readonly isLast: boolean;
    }
  | {
      readonly type: 'chunk-ack';
      readonly partition: number;
      readonly epoch: number;
      readonly member: Member;
      readonly stream: number;
      readonly index: number;
      /** Where its log stands. */
      readonly seq: number;
    };
