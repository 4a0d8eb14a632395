import { assert } from '../base/assert.ts';
import { type LaneHandle, LaneSender } from '../mailbox/lane.ts';
import { LogGate, type LogGateHandle, LogState } from './log-gate.ts';

/** What a shard's actor is given of its log. */
export interface ShardLogHandle {
  readonly lane: LaneHandle;
  readonly gate: LogGateHandle;
  /** Replies of writes wait until these are on the disk. */
  readonly waitsForDisk: boolean;
  /** Writes are refused while the disk takes nothing. */
  readonly failsWithDisk: boolean;
  /** Of records that the log's thread has not taken. */
  readonly queueBytesMax: number;
}

/** Of a record's kind in the lane: the record behind it is of the same command, and is written together with it. */
export const MORE_OF_COMMAND = 1 << 20;

/** Why a write is not to be done. */
export type LogRefusal = 'disk-failed' | 'overloaded';

/**
 * The shard's end of its log: what was done is sent to the log's thread as records, numbered from `next` on. Nothing here
 * ever waits for the disk.
 */
export class ShardLog {
  readonly waitsForDisk: boolean;
  readonly gate: LogGate;
  /** Of the record that is to come next. */
  next: number;
  readonly #lane: LaneSender;
  #turn = 0;
  readonly #failsWithDisk: boolean;
  readonly #queueBytesMax: number;

  /** `next`: of the first record that is to come. */
  constructor(handle: ShardLogHandle, next: number) {
    const queuedBytesMax = handle.queueBytesMax;
    this.#lane = new LaneSender(handle.lane, { queuedBytesMax, queuedCountMax: Number.POSITIVE_INFINITY });
    this.gate = new LogGate(handle.gate);
    this.waitsForDisk = handle.waitsForDisk;
    this.#failsWithDisk = handle.failsWithDisk;
    this.#queueBytesMax = queuedBytesMax;
    this.next = next;
  }

  /** Bytes of the largest record. */
  get recordBytesMax(): number {
    return this.#lane.messageBytesMax;
  }

  /** Null: a write may be done. */
  refusal(): LogRefusal | null {
    if (this.#lane.queuedBytes > this.#queueBytesMax) return 'overloaded';
    const { state } = this.gate;
    return state === LogState.well || !this.#failsWithDisk ? null : 'disk-failed';
  }

  /** Returns the record's sequence. It leaves with `flush`. */
  append(partition: number, record: Uint8Array, isLastOfCommand: boolean): number {
    // What is done has to be logged, whatever waits: whether it may be done is asked before.
    const sent = this.#lane.send(record, isLastOfCommand ? partition : partition | MORE_OF_COMMAND, true);
    assert(sent, 'a record fits a message');
    return this.next++;
  }

  /** Before the replies of what was appended are seen. Whatever the store shows must have been appended. */
  flush(): void {
    const asked = this.gate.turnAsked;
    this.gate.setAppended(this.next - 1);
    this.#lane.flush();
    // What does not fit the ring yet is not in the log's hands.
    if (asked !== this.#turn && this.#lane.queuedCount === 0) {
      this.#turn = asked;
      this.gate.endTurn(asked);
    }
  }
}
