import { closeSync, fstatSync, fsyncSync, ftruncateSync, openSync, readdirSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { sourceOf } from './byte-source-file.ts';
import { DataError, REPAIR } from './data-error.ts';
import { isUnfinished, readName } from './data-names.ts';
import type { FileHeader, HeaderFault } from './file-header.ts';
import { frameSeed } from './frame.ts';
import type { ByteSource } from './frame-scanner.ts';
import { checkHeader, isFault } from './header-check.ts';
import { readHeader } from './header-file.ts';
import { type LogEnd, type RecordSink, replayLog } from './log-replay.ts';
import { type DataFile, planRecovery, type RecoveryPlan } from './recovery-plan.ts';
import { replaySnapshot } from './snapshot-replay.ts';
import { withFile } from './with-file.ts';

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

/** Bytes of a folder's data files: what there is to read. */
export function folderBytes(folder: string): number {
  let bytes = 0;
  for (const name of readdirSync(folder)) {
    if (readName(name) !== null) withFile(join(folder, name), 'r', (fd) => (bytes += fstatSync(fd).size));
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
      : withFile(snapshot.path, 'r', (fd) =>
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
  withFile(recovered.last.path, 'r+', (fd) => {
    ftruncateSync(fd, recovered.last.length);
    fsyncSync(fd);
  });
}

function dataFiles(folder: string, storeId: Uint8Array): DataFile[] {
  const files: DataFile[] = [];
  for (const name of readdirSync(folder)) {
    const named = readName(name);
    if (named === null) continue;
    const path = join(folder, name);
    const header = checkHeader(headerOf(path), { ...named, storeId, folder: basename(folder) });
    if (isFault(header)) {
      // A segment is made before it is said to follow: one without a whole header was never used.
      if (header.kind === 'too-short' && named.kind === 'log') continue;
      throw new DataError(path, header.offset, `${header.says}. ${REPAIR}`);
    }
    files.push({ path, kind: header.kind, sequence: header.sequence, isAnew: header.isAnew });
  }
  return files;
}

function headerOf(path: string): FileHeader | HeaderFault {
  try {
    return withFile(path, 'r', readHeader);
  } catch (error) {
    // Not every error of the system says which file it is about.
    const why = error instanceof Error ? error.message : String(error);
    throw new DataError(path, null, `it cannot be read: ${why}. ${REPAIR}`, { cause: error });
  }
}
