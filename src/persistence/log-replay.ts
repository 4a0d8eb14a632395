import { AssertionError } from '../base/assert.ts';
import { DataError, REPAIR } from './data-error.ts';
import { FRAME_HEAD_BYTES } from './frame.ts';
import { FrameRecords } from './frame-buffer.ts';
import { FOLLOWED } from './frame-marks.ts';
import { type ByteSource, FrameScanner } from './frame-scanner.ts';
import type { DataFile } from './recovery-plan.ts';

/** Takes what is read back; false: it is not of the form it should have. */
export interface RecordSink {
  apply(partition: number, bytes: Uint8Array, start: number, end: number): boolean;
  /** So many bytes of files are read, all together. */
  onProgress(bytes: number): void;
}

/** Where the log goes on. */
export interface LogEnd {
  /** Of the record that is to come next. */
  readonly next: number;
  /** The last segment. */
  readonly file: DataFile;
  /** Up to where it is whole: what lies behind is to be cut off. */
  readonly length: number;
  readonly tornBytes: number;
}

/**
 * Reads the segments one after the other, and hands on every record from number `from` on. `open` gives a file's bytes,
 * which are not read any more once it is called for the next. Throws a {@link DataError} that names the place when
 * something is missing or damaged in the middle; a tear at the end is what a crash leaves.
 */
export function replayLog(
  segments: readonly DataFile[],
  open: (file: DataFile) => ByteSource,
  seed: number,
  from: number,
  sink: RecordSink,
): LogEnd {
  let next = segments[0]?.sequence ?? from;
  const records = new FrameRecords();
  for (const [index, file] of segments.entries()) {
    const isLast = index === segments.length - 1;
    if (file.sequence !== next) {
      const what = `it begins with number ${file.sequence}; ${next} is due, so that a file is missing before it. ${REPAIR}`;
      throw new DataError(file.path, null, what);
    }
    const source = open(file);
    const scanner = new FrameScanner(source, seed, next);
    let isFollowed = false;
    while (scanner.next()) {
      const { frame } = scanner;
      if (frame.count === 0 && frame.durable === FOLLOWED) isFollowed = true;
      if (scanner.expected > from && frame.count > 0) {
        replayFrame(scanner, records, from, sink, file);
      }
      sink.onProgress(FRAME_HEAD_BYTES + frame.bodyEnd - frame.bodyStart);
    }
    const end = scanner.end ?? { kind: 'whole' };
    next = scanner.expected;
    if (end.kind === 'damaged') throw new DataError(file.path, end.offset, `damaged: ${end.reason}. ${REPAIR}`);
    const follower = segments[index + 1];
    // The mark that a segment is followed may be torn, and nothing else may.
    if (end.kind === 'torn' && follower !== undefined && follower.sequence !== next) {
      throw new DataError(file.path, end.offset, `damaged: the log goes on in ${follower.path}. ${REPAIR}`);
    }
    if (!isLast) continue;
    if (isFollowed) throw new DataError(file.path, null, `the file that follows it is missing. ${REPAIR}`);
    const length = end.kind === 'torn' ? end.offset : source.size;
    return { next, file, length, tornBytes: source.size - length };
  }
  throw new AssertionError('a plan has a log');
}

function replayFrame(
  scanner: FrameScanner,
  records: FrameRecords,
  from: number,
  sink: RecordSink,
  file: DataFile,
): void {
  const { frame, bytes } = scanner;
  records.open(bytes, frame.bodyStart, frame.bodyEnd);
  let number = frame.first;
  let isSound = true;
  while (isSound && records.next()) {
    if (number++ >= from) isSound = sink.apply(records.partition, bytes, records.start, records.end);
  }
  if (isSound && !records.isFaulty && number === frame.first + frame.count) return;
  throw new DataError(
    file.path,
    null,
    `the record of number ${number - 1} is none that this version writes. ${REPAIR}`,
  );
}
