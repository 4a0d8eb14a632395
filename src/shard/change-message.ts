import type { ChangeKind } from '../base/change.ts';

/**
 * Changes on their way from a shard to a front end, any number of them one behind the other:
 *
 *     kind (bits 0 to 2) and flags (bits 3 to 7) · row id · length of the key · the key's bytes
 *
 * The first is a byte, the numbers are unsigned LEB128. Both ends are threads of one process, so a message that does not
 * decode is a defect and not bad input.
 */

/** In place of a row: no command did it. */
export const UPKEEP_ROW = 0xffff;
/** At most, for a change without its key. */
export const CHANGE_HEAD_BYTES_MAX = 1 + 3 + 5;

const FLAGS_SHIFT = 3;
const KIND_MASK = 7;

/** One change as it stands in a message. */
export interface ChangeRecord {
  kind: ChangeKind;
  flags: number;
  row: number;
  /** Range of the key. */
  start: number;
  end: number;
  /** Where the change behind it begins. */
  nextAt: number;
}

/** Writes what comes before the key at `target[at..)`, and returns where the key is to be written. */
export function writeChangeHead(
  kind: ChangeKind,
  flags: number,
  row: number,
  keyBytes: number,
  target: Uint8Array,
  at: number,
): number {
  target[at] = kind | (flags << FLAGS_SHIFT);
  return writeNumber(keyBytes, target, writeNumber(row, target, at + 1));
}

/** Fills `record` with the change at `source[at..)`. */
export function openChanges(source: Uint8Array, at: number, record: ChangeRecord): void {
  const head = source[at] as number;
  record.kind = (head & KIND_MASK) as ChangeKind;
  record.flags = head >> FLAGS_SHIFT;
  numberEnd = at + 1;
  record.row = readNumber(source);
  const keyBytes = readNumber(source);
  record.start = numberEnd;
  record.end = numberEnd + keyBytes;
  record.nextAt = record.end;
}

/** Where the number last read ends: a second result that costs no object. */
let numberEnd = 0;

function writeNumber(value: number, target: Uint8Array, at: number): number {
  let rest = value;
  let to = at;
  while (rest > 0x7f) {
    target[to++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  target[to++] = rest;
  return to;
}

function readNumber(source: Uint8Array): number {
  let value = 0;
  let shift = 0;
  let byte: number;
  do {
    byte = source[numberEnd++] as number;
    value |= (byte & 0x7f) << shift;
    shift += 7;
  } while (byte > 0x7f);
  return value >>> 0;
}
