import { DataError, REPAIR } from './data-error.ts';
import { FRAME_HEAD_BYTES } from './frame.ts';
import { type ByteSource, FrameScanner } from './frame-scanner.ts';
import type { DataFile } from './recovery-plan.ts';
import { decodeSnapshotEnd, type SnapshotEnd } from './snapshot-marks.ts';

/** Takes the entries of a snapshot. */
export interface EntrySink {
  /** A record of puts; false: it is none. */
  load(bytes: Uint8Array, start: number, end: number): boolean;
  onProgress(bytes: number): void;
}

/** Hands over all entries of a snapshot. Throws a {@link DataError} that names the place where it is not whole. */
export function replaySnapshot(file: DataFile, source: ByteSource, seed: number, sink: EntrySink): SnapshotEnd {
  const scanner = new FrameScanner(source, seed, 0);
  while (scanner.next()) {
    const { frame, bytes } = scanner;
    sink.onProgress(FRAME_HEAD_BYTES + frame.bodyEnd - frame.bodyStart);
    const end = decodeSnapshotEnd(frame, bytes);
    if (end !== null) {
      if (end.entries === scanner.expected && scanner.offset === source.size) return end;
      throw new DataError(file.path, scanner.offset, `damaged: there is something behind its end. ${REPAIR}`);
    }
    if (!sink.load(bytes, frame.bodyStart, frame.bodyEnd)) {
      throw new DataError(
        file.path,
        scanner.offset,
        `the entries before this place are none that this version writes. ${REPAIR}`,
      );
    }
  }
  // It got its name when it was whole and on the disk: a tear is damage.
  const offset = scanner.end === null || scanner.end.kind === 'whole' ? source.size : scanner.end.offset;
  throw new DataError(file.path, offset, `damaged: the snapshot ends here, and was whole once. ${REPAIR}`);
}
