/** Writes a piece of a snapshot, as a job: see jobs/README.md. */
import { closeSync, fdatasyncSync, fsyncSync, ftruncateSync, openSync } from 'node:fs';
import type { StoreMemory } from '../store/arena.ts';
import { StoreReader } from '../store/reader.ts';
import { encodeHeader, type FileHeader } from './file-header.ts';
import { frameSeed } from './frame.ts';
import { type SnapshotCursor, writeSnapshotPiece } from './snapshot-piece.ts';
import { writeAll } from './write-all-file.ts';

export interface SnapshotJobInput {
  /** Of the shard. */
  readonly memory: StoreMemory;
  /** The slot in it that is this thread's. */
  readonly reader: number;
  /** Of the file that is being written; it is made with the first piece. */
  readonly path: string;
  readonly header: FileHeader;
  readonly from: SnapshotCursor;
  /** Of what the pieces before have written; 0: this is the first. */
  readonly length: number;
  /** It ends after about this time. */
  readonly pieceMs: number;
  /** Rests for so many times as long as it worked. */
  readonly restFactor: number;
}

export interface SnapshotJobOutput {
  readonly cursor: SnapshotCursor;
  readonly length: number;
}

/**
 * The disk is made to take what was written every so many bytes: so that the end need not wait long, and what the system
 * writes at once is never much, which the log would have to wait for.
 */
const SYNC_BYTES = 4 * 2 ** 20;
const REST_MS_MIN = 0.05;
/** An entry is there whatever the time: see `writeSnapshotPiece`. */
const timeless = { nowMs: () => 0 };
/** Nobody notifies this word: waiting on it is a sleep. */
const SLEEP = new Int32Array(new SharedArrayBuffer(4));

export function runJob(input: SnapshotJobInput): SnapshotJobOutput {
  const { memory, path, header, from, pieceMs, restFactor } = input;
  const endMs = performance.now() + pieceMs;
  let { length } = input;
  let unsynced = 0;
  const fd = openSync(path, length === 0 ? 'w' : 'r+');
  const write = (bytes: Uint8Array): void => {
    writeAll(fd, bytes, length);
    length += bytes.length;
    unsynced += bytes.length;
    if (unsynced < SYNC_BYTES) return;
    fdatasyncSync(fd);
    unsynced = 0;
  };
  try {
    if (length === 0) write(encodeHeader(header));
    // Of a piece that failed.
    else ftruncateSync(fd, length);
    const cursor = writeSnapshotPiece({
      reader: new StoreReader(memory, input.reader, timeless),
      from,
      seed: frameSeed(header.storeId),
      write,
      rest: (workedMs) => {
        if (restFactor > 0) Atomics.wait(SLEEP, 0, 0, Math.max(REST_MS_MIN, workedMs * restFactor));
        return performance.now() < endMs;
      },
    });
    if (unsynced > 0) fsyncSync(fd);
    return { cursor, length };
  } finally {
    closeSync(fd);
  }
}
