import { assert } from '../../base/assert.ts';
import { crc32c, isOneBitOff } from '../../base/crc32c.ts';
import { uint32At } from '../../base/msgpack-wire.ts';

/**
 * How records lie in a journal's file, one behind the other:
 *
 * | offset | type       | meaning                                                                             |
 * | ------ | ---------- | ----------------------------------------------------------------------------------- |
 * | 0      | uint32, BE | bytes of the payload                                                                |
 * | 4      | uint32, BE | synced: when this was written, the file was known to be durable up to there         |
 * | 8      | uint32, BE | CRC-32C of the payload                                                              |
 * | 12     | uint32, BE | CRC-32C of the file's generation, this record's offset (uint32 both), bytes 0 to 11 |
 * | 16     |            | payload                                                                             |
 *
 * The header's sum is bound to file and place, so that headers can be looked for at any offset behind damage, and old
 * contents of a disk's blocks are not taken for records.
 */

export const RECORD_HEADER_BYTES = 16;
/** Of a file, so that 32 bits hold every offset. */
const FILE_BYTES_MAX = 2 ** 32 - 1;

const headerSumInput = new Uint8Array(8);

export function encodeRecord(payload: Uint8Array, generation: number, offset: number, synced: number): Uint8Array {
  assert(synced <= offset, 'a record is written behind what is durable');
  assert(offset + RECORD_HEADER_BYTES + payload.length <= FILE_BYTES_MAX, 'a journal has offsets of 32 bits');
  const record = new Uint8Array(RECORD_HEADER_BYTES + payload.length);
  record.set(payload, RECORD_HEADER_BYTES);
  writeUint32(record, 0, payload.length);
  writeUint32(record, 4, synced);
  writeUint32(record, 8, crc32c(payload));
  writeUint32(record, 12, headerSum(record, 0, generation, offset));
  return record;
}

/** What stands where a record should. */
export type Found =
  | { readonly type: 'record'; readonly synced: number; readonly start: number; readonly end: number }
  /** What a write that was never completed leaves. */
  | { readonly type: 'torn' }
  /**
   * A whole record but for one bit. A write that was never completed hardly ever leaves that: only when the block it lost
   * had one bit set in it, or by a chance of `8 * bytes / 2^32`.
   */
  | { readonly type: 'flipped' };

export function recordAt(file: Uint8Array, generation: number, offset: number): Found {
  if (offset + RECORD_HEADER_BYTES > file.length) return { type: 'torn' };
  const noted = uint32At(file, offset + 12);
  const sum = headerSum(file, offset, generation, offset);
  if (noted !== sum) return { type: isOneBitOff(noted, sum, 12) ? 'flipped' : 'torn' };
  const start = offset + RECORD_HEADER_BYTES;
  const end = start + uint32At(file, offset);
  if (end > file.length) return { type: 'torn' };
  const payloadNoted = uint32At(file, offset + 8);
  const payloadSum = crc32c(file, start, end);
  if (payloadNoted === payloadSum) return { type: 'record', synced: uint32At(file, offset + 4), start, end };
  return { type: isOneBitOff(payloadNoted, payloadSum, end - start) ? 'flipped' : 'torn' };
}

/** How far the file was durable by what headers behind `offset` say; 0 when there are none. */
export function syncedBehind(file: Uint8Array, generation: number, offset: number): number {
  let synced = 0;
  for (let at = offset + 1; at + RECORD_HEADER_BYTES <= file.length; at++) {
    if (uint32At(file, at + 12) !== headerSum(file, at, generation, at)) continue;
    synced = Math.max(synced, uint32At(file, at + 4));
  }
  return synced;
}

function headerSum(bytes: Uint8Array, at: number, generation: number, offset: number): number {
  writeUint32(headerSumInput, 0, generation);
  writeUint32(headerSumInput, 4, offset);
  return crc32c(bytes, at, at + 12, crc32c(headerSumInput));
}

function writeUint32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
}
