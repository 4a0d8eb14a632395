import { assert } from '../base/assert.ts';
import { copyBytes } from '../base/copy-bytes.ts';
import { type LaneHandle, LaneSender } from '../mailbox/lane.ts';
import { LogGate, type LogGateHandle, LogState } from './log-gate.ts';
import { MORE_OF_COMMAND, MORE_OF_RECORD } from './record-assembly.ts';

/** What a shard's actor is given of its log. */
export interface ShardLogHandle {
  readonly lane: LaneHandle;
  readonly gate: LogGateHandle;
  /** Writes are refused while the disk takes nothing. */
  readonly failsWithDisk: boolean;
  /** Of records that the log's thread has not taken. */
  readonly queueBytesMax: number;
}

/** Of the records of a command that can do without limit, a transaction: so much, or so many messages. */
const COMMAND_BYTES_MAX = 2 ** 28;
const COMMAND_MESSAGES_MAX = 3;

/** Why a write is not to be done. */
export type LogRefusal = 'disk-failed' | 'overloaded';

/**
 * The shard's end of its log: what was done is sent to the log's thread as records, numbered from `next` on. Nothing here
 * ever waits for the disk.
 */
export class ShardLog {
  readonly gate: LogGate;
  /** Of the record that is to come next. */
  next: number;
  readonly #lane: LaneSender;
  #turn = 0;
  readonly #failsWithDisk: boolean;
  readonly #queueBytesMax: number;
  readonly #commandBytesMax: number;

  /** `next`: of the first record that is to come. */
  constructor(handle: ShardLogHandle, next: number) {
    const queuedBytesMax = handle.queueBytesMax;
    this.#lane = new LaneSender(handle.lane, { queuedBytesMax, queuedCountMax: Number.POSITIVE_INFINITY });
    this.gate = new LogGate(handle.gate);
    this.#failsWithDisk = handle.failsWithDisk;
    this.#queueBytesMax = queuedBytesMax;
    this.#commandBytesMax = Math.max(COMMAND_BYTES_MAX, COMMAND_MESSAGES_MAX * this.#lane.messageBytesMax);
    this.next = next;
  }

  /** Whether a command may do so much that its records are of so many bytes. */
  hasRoomFor(bytes: number): boolean {
    return bytes <= this.#commandBytesMax;
  }

  /** Nothing waits to be sent. */
  get isSent(): boolean {
    return this.#lane.queuedCount === 0;
  }

  /** Null: a write may be done. */
  refusal(): LogRefusal | null {
    if (this.#lane.queuedBytes > this.#queueBytesMax) return 'overloaded';
    const { state } = this.gate;
    return state === LogState.well || !this.#failsWithDisk ? null : 'disk-failed';
  }

  /** The log does not take what is done, and nobody is to wait for it. */
  get goesOnWithout(): boolean {
    return !this.#failsWithDisk && this.gate.state !== LogState.well;
  }

  /** Returns the record's sequence. It leaves with `flush`. */
  append(partition: number, record: Uint8Array, isLastOfCommand: boolean): number {
    const kind = isLastOfCommand ? partition : partition | MORE_OF_COMMAND;
    const { messageBytesMax } = this.#lane;
    let start = 0;
    for (; record.length - start > messageBytesMax; start += messageBytesMax) {
      this.#send(record.subarray(start, start + messageBytesMax), kind | MORE_OF_RECORD);
    }
    this.#send(start === 0 ? record : record.subarray(start), kind);
    return this.next++;
  }

  /** Likewise of the only record of a command: a byte of 0, and `bytes[start..end)`. */
  appendOne(partition: number, bytes: Uint8Array, start: number, end: number): number {
    const length = 1 + end - start;
    const lane = this.#lane;
    if (length > lane.messageBytesMax) {
      const record = new Uint8Array(length);
      record.set(bytes.subarray(start, end), 1);
      return this.append(partition, record, true);
    }
    const at = lane.reserve(length, true);
    assert(at >= 0, 'a record fits a message');
    lane.bytes[at] = 0;
    copyBytes(bytes, start, lane.bytes, at + 1, end - start);
    lane.commit(length, partition);
    return this.next++;
  }

  #send(message: Uint8Array, kind: number): void {
    // What is done has to be logged, whatever waits: whether it may be done is asked before.
    const sent = this.#lane.send(message, kind, true);
    assert(sent, 'a piece of a record fits a message');
  }

  /**
   * Before the replies of what was appended are seen. Whatever the store shows must have been appended. `endsTurn`: what else
   * somebody asked for who asked for a turn is done.
   */
  flush(endsTurn = true): void {
    const asked = this.gate.turnAsked;
    this.gate.setAppended(this.next - 1);
    this.#lane.flush();
    // What does not fit the ring yet is not in the log's hands.
    if (endsTurn && asked !== this.#turn && this.#lane.queuedCount === 0) {
      this.#turn = asked;
      this.gate.endTurn(asked);
    }
  }
}
