import { closeSync, fstatSync, fsyncSync, ftruncateSync, openSync, readdirSync, readSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { isUnfinished, readName, SHARD_FOLDER, shardFolder } from './data-names.ts';
import { decodeHeader, type FileHeader, HEADER_BYTES, type HeaderFault } from './file-header.ts';
import { frameSeed } from './frame.ts';
import type { ByteSource } from './frame-scanner.ts';
import { type LogEnd, type RecordSink, replayLog } from './log-replay.ts';
import { DataError, type DataFile, planRecovery, REPAIR, type RecoveryPlan } from './recovery-plan.ts';
import { replaySnapshot } from './snapshot-replay.ts';

/** A store that takes back what was kept of it. Every method answers false when bytes are not what they should be. */
export interface RecoveringStore {
  recover(partition: number, bytes: Uint8Array, start: number, end: number): boolean;
  recoverEntries(bytes: Uint8Array, start: number, end: number): boolean;
}

/** What was read back of one folder. */
export interface Recovered {
  /** Of the record that is to come next. */
  readonly next: number;
  /** The segment that the log goes on from, and up to where it is whole. */
  readonly last: { readonly path: string; readonly length: number };
  /** What a crash left behind that, never acknowledged as durable. */
  readonly tornBytes: number;
  readonly snapshotEntries: number;
  readonly records: number;
  readonly bytes: number;
}

export interface FolderOptions {
  readonly folder: string;
  readonly storeId: Uint8Array;
  /** So many bytes were read since the last call. */
  readonly onProgress: (bytes: number) => void;
}

const faults: Readonly<Record<HeaderFault, string>> = {
  'too-short': `it is shorter than its header. ${REPAIR}`,
  'not-ours': `it is no file of this kind, or its header is damaged. ${REPAIR}`,
  'other-format': `another version of FluxCache wrote it, or its header is damaged. ${REPAIR}`,
  damaged: `its header is damaged. ${REPAIR}`,
};

/** Bytes of a folder's data files: what there is to read. */
export function folderBytes(folder: string): number {
  let bytes = 0;
  for (const name of readdirSync(folder)) {
    if (readName(name) !== null) withFile(join(folder, name), (fd) => (bytes += fstatSync(fd).size));
  }
  return bytes;
}

/**
 * Reads a shard's data into a store. Nothing is changed on the disk. Throws a {@link DataError} that names the file, the
 * place, and what to do.
 */
export function readFolder({ folder, storeId, onProgress }: FolderOptions, store: RecoveringStore): Recovered {
  const plan = planRecovery(folder, dataFiles(folder, storeId));
  const seed = frameSeed(storeId);
  let bytes = 0;
  let records = 0;
  const progress = (count: number): void => {
    bytes += count;
    onProgress(count);
  };
  const { snapshot } = plan;
  const snapshotEnd =
    snapshot === null
      ? null
      : withFile(snapshot.path, (fd) =>
          replaySnapshot(snapshot, sourceOf(fd), seed, {
            load: (source, start, end) => store.recoverEntries(source, start, end),
            onProgress: progress,
          }),
        );
  const end = readSegments(plan, seed, {
    apply: (partition, source, start, stop) => {
      records++;
      return store.recover(partition, source, start, stop);
    },
    onProgress: progress,
  });
  if (snapshotEnd !== null && snapshot !== null && end.next < snapshotEnd.sequence) {
    const what = `damaged: it ends with number ${end.next - 1}, and ${snapshot.path} was made when number ${snapshotEnd.sequence - 1} was on the disk. ${REPAIR}`;
    throw new DataError(end.file.path, end.length, what);
  }
  return {
    next: end.next,
    last: { path: end.file.path, length: end.length },
    tornBytes: end.tornBytes,
    snapshotEntries: snapshotEnd?.entries ?? 0,
    records,
    bytes,
  };
}

/** Reads the records of a shard's log from its newest snapshot on, and nothing of that. Throws as `readFolder`. */
export function readLog({ folder, storeId, onProgress }: FolderOptions, apply: RecordSink['apply']): void {
  readSegments(planRecovery(folder, dataFiles(folder, storeId)), frameSeed(storeId), { apply, onProgress });
}

function readSegments({ segments, snapshot }: RecoveryPlan, seed: number, sink: RecordSink): LogEnd {
  // One at a time: there may be more segments than a process may have files.
  let open: number | null = null;
  const close = (): void => {
    if (open !== null) closeSync(open);
    open = null;
  };
  try {
    const source = (file: DataFile): ByteSource => {
      close();
      open = openSync(file.path, 'r');
      return sourceOf(open);
    };
    return replayLog(segments, source, seed, snapshot?.sequence ?? 0, sink);
  } finally {
    close();
  }
}

/**
 * Takes away what a crash left: the torn end of the log, and files that no longer serve or were never finished. What others
 * have put there is left alone.
 */
export function tidyFolder({ folder, storeId }: Pick<FolderOptions, 'folder' | 'storeId'>, recovered: Recovered): void {
  const { superfluous } = planRecovery(folder, dataFiles(folder, storeId));
  for (const { path } of superfluous) rmSync(path);
  for (const name of readdirSync(folder)) if (isUnfinished(name)) rmSync(join(folder, name));
  if (recovered.tornBytes === 0) return;
  const fd = openSync(recovered.last.path, 'r+');
  try {
    ftruncateSync(fd, recovered.last.length);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

function dataFiles(folder: string, storeId: Uint8Array): DataFile[] {
  const files: DataFile[] = [];
  for (const name of readdirSync(folder)) {
    const named = readName(name);
    if (named === null) continue;
    const path = join(folder, name);
    const header = headerOf(path);
    // A segment is made before it is said to follow: one without a whole header was never used.
    if (header === 'too-short' && named.kind === 'log') continue;
    if (typeof header === 'string') throw new DataError(path, 0, faults[header]);
    if (Buffer.compare(header.storeId, storeId) !== 0)
      throw new DataError(path, 16, `it belongs to another store. ${REPAIR}`);
    if (header.kind !== named.kind || header.sequence !== named.sequence) {
      throw new DataError(
        path,
        32,
        `it is the ${header.kind} of number ${header.sequence} under another name. ${REPAIR}`,
      );
    }
    // Keys that are not of the shard would be left out.
    if (SHARD_FOLDER.test(basename(folder)) && basename(folder) !== shardFolder(header.shard)) {
      throw new DataError(path, 8, `it belongs to shard ${header.shard}. ${REPAIR}`);
    }
    files.push({ path, kind: header.kind, sequence: header.sequence, isAnew: header.isAnew });
  }
  return files;
}

function headerOf(path: string): FileHeader | HeaderFault {
  try {
    return withFile(path, readHeader);
  } catch (error) {
    // Not every error of the system says which file it is about.
    const why = error instanceof Error ? error.message : String(error);
    throw new DataError(path, null, `it cannot be read: ${why}. ${REPAIR}`, { cause: error });
  }
}

export function readHeader(fd: number): FileHeader | HeaderFault {
  const bytes = new Uint8Array(HEADER_BYTES);
  return decodeHeader(bytes.subarray(0, readSync(fd, bytes, 0, HEADER_BYTES, 0)));
}

export function sourceOf(fd: number): ByteSource {
  return {
    size: fstatSync(fd).size,
    read: (position, target, at, length) => {
      for (let done = 0; done < length; ) {
        const count = readSync(fd, target, at + done, length - done, position + done);
        if (count === 0) throw new Error('the file became shorter while it was read');
        done += count;
      }
    },
  };
}

function withFile<T>(path: string, use: (fd: number) => T): T {
  const fd = openSync(path, 'r');
  try {
    return use(fd);
  } finally {
    closeSync(fd);
  }
}
