import { assert } from '../../base/assert.ts';
import type { LogRecord } from './replication-message.ts';

/** Bytes that a record itself takes besides its effect and its keys: an estimate. */
const RECORD_BYTES = 64;
const KEY_BYTES = 8;

/** Below that many forgotten places the arrays are not worth moving. */
const COMPACT_FROM = 1024;

const FORGOTTEN: LogRecord = { seq: 0, epoch: 0, keys: [], effect: new Uint8Array(0) };

export function recordBytes(record: LogRecord): number {
  return RECORD_BYTES + KEY_BYTES * record.keys.length + record.effect.length;
}

/**
 * The latest records of a partition, without gaps, from {@link trimmed} + 1 to {@link last}. Of the one at `trimmed`
 * only its epoch is known. Pushing, trimming and looking up cost O(1), amortised.
 */
export class RecordLog {
  #records: LogRecord[] = [];
  /** Bytes of all records ever pushed since the last reset, up to and with each one: differences are sizes. */
  #ends: number[] = [];
  /** Where the record after `trimmed` stands; those before it are forgotten but not yet moved away. */
  #head = 0;
  #trimmed = 0;
  #trimmedEpoch = 0;
  #trimmedEnd = 0;

  get last(): number {
    return this.#trimmed + this.#records.length - this.#head;
  }

  get lastEpoch(): number {
    return this.epochAt(this.last);
  }

  get trimmed(): number {
    return this.#trimmed;
  }

  get bytes(): number {
    return this.bytesAfter(this.#trimmed);
  }

  /** The record with this number, if it is kept. */
  at(seq: number): LogRecord | undefined {
    return seq > this.#trimmed ? this.#records[this.#head + seq - this.#trimmed - 1] : undefined;
  }

  epochAt(seq: number): number {
    if (seq === this.#trimmed) return this.#trimmedEpoch;
    const record = this.at(seq);
    assert(record !== undefined, `record ${seq} is not kept; kept are ${this.#trimmed + 1} to ${this.last}`);
    return record.epoch;
  }

  /** Bytes of the records above `seq`. */
  bytesAfter(seq: number): number {
    return this.#endAt(this.last) - this.#endAt(seq);
  }

  push(record: LogRecord): void {
    assert(record.seq === this.last + 1, `record ${record.seq} follows ${this.last}`);
    assert(
      record.epoch >= this.lastEpoch,
      `record ${record.seq} of epoch ${record.epoch} follows one of a later epoch`,
    );
    this.#ends.push(this.#endAt(this.last) + recordBytes(record));
    this.#records.push(record);
  }

  /** The records from `from` on up to `to`, as many as have `bytesMax`, but at least one if there is one. */
  slice(from: number, to: number, bytesMax: number): LogRecord[] {
    assert(from > this.#trimmed, `record ${from} is not kept; kept are ${this.#trimmed + 1} to ${this.last}`);
    const first = this.#head + from - this.#trimmed - 1;
    const before = this.#endAt(from - 1);
    let end = first + Math.max(0, Math.min(to, this.last) - from + 1);
    if (end > first && (this.#ends[end - 1] ?? 0) - before > bytesMax) {
      let low = first + 1;
      while (low < end) {
        const middle = (low + end) >> 1;
        if ((this.#ends[middle] ?? 0) - before <= bytesMax) low = middle + 1;
        else end = middle;
      }
    }
    return this.#records.slice(first, end);
  }

  /** Forgets what is above `seq`: it turned out never to have been written. */
  truncateAfter(seq: number): void {
    assert(seq >= this.#trimmed && seq <= this.last, `the log is cut at ${seq}, between ${this.#trimmed} and its end`);
    const length = this.#head + seq - this.#trimmed;
    this.#records.length = length;
    this.#ends.length = length;
  }

  /** Forgets records up to `seq`. */
  trimTo(seq: number): void {
    if (seq <= this.#trimmed) return;
    assert(seq <= this.last, `the log is trimmed to ${seq}, no further than its end`);
    this.#trimmedEpoch = this.epochAt(seq);
    this.#trimmedEnd = this.#endAt(seq);
    const head = this.#head + seq - this.#trimmed;
    // What is forgotten must not stay in memory until the arrays are moved.
    this.#records.fill(FORGOTTEN, this.#head, head);
    this.#head = head;
    this.#trimmed = seq;
    if (head < COMPACT_FROM || head * 2 < this.#records.length) return;
    this.#records = this.#records.slice(this.#head);
    this.#ends = this.#ends.slice(this.#head);
    this.#head = 0;
  }

  /** Up to where to trim so that the records from there to `to` have at most `bytesMax`. */
  trimPoint(to: number, bytesMax: number): number {
    let seq = this.#trimmed;
    while (seq < to && this.bytesAfter(seq) - this.bytesAfter(to) > bytesMax) seq++;
    return seq;
  }

  /** Begins anew behind the record `seq` of `epoch`; 0 and 0 is the very beginning. */
  reset(seq: number, epoch: number): void {
    this.#records = [];
    this.#ends = [];
    this.#head = 0;
    this.#trimmed = seq;
    this.#trimmedEpoch = epoch;
    this.#trimmedEnd = 0;
  }

  #endAt(seq: number): number {
    if (seq === this.#trimmed) return this.#trimmedEnd;
    const end = this.#ends[this.#head + seq - this.#trimmed - 1];
    assert(seq > this.#trimmed && end !== undefined, `record ${seq} is not kept`);
    return end;
  }
}
