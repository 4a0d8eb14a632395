import { FRAME_HEAD_BYTES, type Frame, sealFrame } from './frame.ts';
import { readUint64, writeUint64 } from './uint64.ts';

/**
 * The frame at the end of a snapshot: without records, and with a body of two uint64: how many entries there are, and the
 * sequence of the record that was to come next in the log when the last of them was read. Entries are as they were at any
 * time from the header's sequence to that one, so the log is needed up to it.
 */
export interface SnapshotEnd {
  readonly entries: number;
  readonly sequence: number;
}

const BODY_BYTES = 16;
export const SNAPSHOT_END_BYTES = FRAME_HEAD_BYTES + BODY_BYTES;

export function encodeSnapshotEnd({ entries, sequence }: SnapshotEnd, seed: number): Uint8Array {
  const bytes = new Uint8Array(FRAME_HEAD_BYTES + BODY_BYTES);
  const view = new DataView(bytes.buffer);
  writeUint64(view, FRAME_HEAD_BYTES, entries);
  writeUint64(view, FRAME_HEAD_BYTES + 8, sequence);
  sealFrame(bytes, bytes.length, { count: 0, first: entries, durable: 0 }, seed);
  return bytes;
}

/** Of an end that is the last of these bytes, and is known to be one. */
export function lastSnapshotEnd(bytes: Uint8Array): SnapshotEnd {
  const view = new DataView(bytes.buffer, bytes.byteOffset + bytes.length - BODY_BYTES, BODY_BYTES);
  return { entries: readUint64(view, 0), sequence: readUint64(view, 8) };
}

/** Null: the frame, whose body is in `bytes`, is none of an end. */
export function decodeSnapshotEnd(frame: Frame, bytes: Uint8Array): SnapshotEnd | null {
  if (frame.count !== 0 || frame.bodyEnd - frame.bodyStart !== BODY_BYTES) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset + frame.bodyStart, BODY_BYTES);
  return { entries: readUint64(view, 0), sequence: readUint64(view, 8) };
}
