import { crc32 } from 'node:zlib';
import { readUint64, writeUint64 } from './uint64.ts';

/**
 * What files consist of behind their header: frames, each written at once and whole or torn. Little-endian:
 *
 * | offset | type | what |
 * | --- | --- | --- |
 * | 0 | uint32 | {@link FRAME_MAGIC} |
 * | 4 | uint32 | CRC-32 of all that follows in the frame, begun with the CRC-32 of the store's id |
 * | 8 | uint32 | bytes of the body |
 * | 12 | uint32 | records in the body |
 * | 16 | uint64 | number of the first of them; without any, of the one to come |
 * | 24 | uint64 | number below which all records were known to be on the disk when the frame was written |
 * | 32 | | the body |
 *
 * In a log, records are numbered by their sequence; a record is the number of its partition and its length, both unsigned
 * LEB128, and its bytes (`store/effect-codec.ts`). In a snapshot, entries are counted from 0; the body is one record of
 * puts. A frame without records is a mark: in a log it tells what is on the disk, and at the end of a snapshot that it is
 * whole.
 */
export const FRAME_HEAD_BYTES = 32;
/** Bytes F5 42 41 54. */
export const FRAME_MAGIC = 0x544142f5;
/** Bodies are no longer. A frame has the records of one command at least, whatever that did. */
export const FRAME_BODY_BYTES_MAX = 2 ** 32 - 1;

export interface Frame {
  readonly count: number;
  /** Of the first record. */
  readonly first: number;
  readonly durable: number;
  /** In the bytes it was read from. */
  readonly bodyStart: number;
  readonly bodyEnd: number;
}

/** Writes the head of a frame whose body is `bytes[FRAME_HEAD_BYTES..length)`. */
export function sealFrame(
  bytes: Uint8Array,
  length: number,
  { count, first, durable }: Pick<Frame, 'count' | 'first' | 'durable'>,
  seed: number,
): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, length);
  view.setUint32(0, FRAME_MAGIC, true);
  view.setUint32(8, length - FRAME_HEAD_BYTES, true);
  view.setUint32(12, count, true);
  writeUint64(view, 16, first);
  writeUint64(view, 24, durable);
  view.setUint32(4, crc32(bytes.subarray(8, length), seed), true);
}

/** Bytes of the body of the frame that may begin at `at`; -1: none begins there. All of its head is in `bytes`. */
export function frameBodyBytes(bytes: Uint8Array, at: number): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset + at, FRAME_HEAD_BYTES);
  if (view.getUint32(0, true) !== FRAME_MAGIC) return -1;
  return view.getUint32(8, true);
}

/** What the head at `at` says, which may be none. */
export function frameHead(bytes: Uint8Array, at: number): Pick<Frame, 'count' | 'first' | 'durable'> {
  const view = new DataView(bytes.buffer, bytes.byteOffset + at, FRAME_HEAD_BYTES);
  return { count: view.getUint32(12, true), first: readUint64(view, 16), durable: readUint64(view, 24) };
}

/** The frame at `at`, whose head and body are in `bytes`; null when its checksum says that it is none. */
export function openFrame(bytes: Uint8Array, at: number, seed: number): Frame | null {
  const bodyBytes = frameBodyBytes(bytes, at);
  if (bodyBytes < 0) return null;
  const bodyStart = at + FRAME_HEAD_BYTES;
  const bodyEnd = bodyStart + bodyBytes;
  const view = new DataView(bytes.buffer, bytes.byteOffset + at, FRAME_HEAD_BYTES);
  if (view.getUint32(4, true) !== crc32(bytes.subarray(at + 8, bodyEnd), seed)) return null;
  return {
    count: view.getUint32(12, true),
    first: readUint64(view, 16),
    durable: readUint64(view, 24),
    bodyStart,
    bodyEnd,
  };
}

/** What checksums of a store's frames begin with. */
export function frameSeed(storeId: Uint8Array): number {
  return crc32(storeId);
}
