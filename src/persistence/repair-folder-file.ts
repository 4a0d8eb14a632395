import {
  closeSync,
  constants,
  copyFileSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { logName, snapshotName, unfinished } from './data-names.ts';
import { encodeHeader, type FileHeader, HEADER_BYTES } from './file-header.ts';
import { FRAME_HEAD_BYTES, frameSeed, sealFrame } from './frame.ts';
import { FrameScanner } from './frame-scanner.ts';
import { syncFolder } from './log-disk-file.ts';
import type { RepairStep } from './repair-plan.ts';
import { readHeader, sourceOf } from './shard-data-file.ts';
import { encodeSnapshotEnd } from './snapshot-marks.ts';

export interface RepairFolderOptions {
  readonly folder: string;
  /** Where files are kept as they were before; made when the first one is. Not within `folder`. */
  readonly asideFolder: string;
  readonly header: Pick<FileHeader, 'shard' | 'shards' | 'storeId' | 'begunAtMs'>;
}

const COPY_BYTES = 2 ** 20;

/** Does what was planned. Every file is copied aside, and is on the disk there, before it is changed or removed. */
export function repairFolder(options: RepairFolderOptions, steps: readonly RepairStep[]): void {
  const { folder, header } = options;
  for (const step of steps) {
    if (step.kind === 'make-folder') {
      mkdirSync(folder, { recursive: true });
      syncFolder(join(folder, '..'));
    } else if (step.kind === 'aside') {
      keepAside(options, step.name);
      rmSync(join(folder, step.name));
    } else if (step.kind === 'cut') {
      keepAside(options, step.name);
      cut(join(folder, step.name), step.length);
    } else if (step.kind === 'begin') {
      const bytes = encodeHeader({ ...header, kind: 'log', sequence: step.sequence, isAnew: false });
      publish(join(folder, logName(step.sequence)), (fd) => writeAll(fd, bytes));
    } else if (step.kind === 'empty') {
      publishSnapshot(options, step.sequence, () => ({ entries: 0, reaches: step.sequence }));
    } else if (step.kind === 'salvage') {
      keepAside(options, step.name);
      salvage(options, step.name, step.sequence);
    } else {
      keepAside(options, step.name);
      detach(options, step);
    }
  }
  syncFolder(folder);
}

function keepAside({ folder, asideFolder }: RepairFolderOptions, name: string): void {
  mkdirSync(asideFolder, { recursive: true });
  const copy = join(asideFolder, name);
  copyFileSync(join(folder, name), copy, constants.COPYFILE_FICLONE);
  withFile(copy, 'r+', fsyncSync);
  syncFolder(asideFolder);
}

function cut(path: string, length: number): void {
  withFile(path, 'r+', (fd) => {
    ftruncateSync(fd, length);
    fsyncSync(fd);
  });
}

/** Writes what can be read of a snapshot as a whole one. */
function salvage(options: RepairFolderOptions, name: string, sequence: number): void {
  const seed = frameSeed(options.header.storeId);
  withFile(join(options.folder, name), 'r', (from) => {
    publishSnapshot(options, sequence, (fd) => {
      const scanner = new FrameScanner(sourceOf(from), seed, 0);
      let entries = 0;
      while (scanner.next() || scanner.skip()) {
        const { frame, bytes } = scanner;
        if (frame.count === 0) continue;
        const copy = bytes.slice(frame.bodyStart - FRAME_HEAD_BYTES, frame.bodyEnd);
        sealFrame(copy, copy.length, { count: frame.count, first: entries, durable: 0 }, seed);
        writeAll(fd, copy);
        entries += frame.count;
      }
      // How far the log has to come is not known: what it has is all there is.
      return { entries, reaches: sequence };
    });
  });
}

/** Has a snapshot that began at `sequence` be one that began when it ended. */
function detach(options: RepairFolderOptions, { name, reaches }: { name: string; reaches: number }): void {
  const path = join(options.folder, name);
  withFile(path, 'r', (from) => {
    const header = readHeader(from);
    if (typeof header === 'string') throw new Error(`${path} has no header`);
    publish(join(options.folder, snapshotName(reaches)), (fd) => {
      writeAll(fd, encodeHeader({ ...header, sequence: reaches }));
      const buffer = new Uint8Array(COPY_BYTES);
      let at = HEADER_BYTES;
      for (let count = -1; count !== 0; at += count) {
        count = readSync(from, buffer, 0, buffer.length, at);
        writeAll(fd, buffer.subarray(0, count));
      }
    });
  });
  rmSync(path);
}

function publishSnapshot(
  { folder, header }: RepairFolderOptions,
  sequence: number,
  write: (fd: number) => { readonly entries: number; readonly reaches: number },
): void {
  publish(join(folder, snapshotName(sequence)), (fd) => {
    writeAll(fd, encodeHeader({ ...header, kind: 'snapshot', sequence, isAnew: false }));
    const { entries, reaches } = write(fd);
    writeAll(fd, encodeSnapshotEnd({ entries, sequence: reaches }, frameSeed(header.storeId)));
  });
}

/** A file appears under its name when it is on the disk. */
function publish(path: string, write: (fd: number) => void): void {
  const temporary = unfinished(path);
  withFile(temporary, 'w', (fd) => {
    write(fd);
    fsyncSync(fd);
  });
  renameSync(temporary, path);
}

function withFile(path: string, flags: string, use: (fd: number) => void): void {
  const fd = openSync(path, flags);
  try {
    use(fd);
  } finally {
    closeSync(fd);
  }
}

function writeAll(fd: number, bytes: Uint8Array): void {
  for (let written = 0; written < bytes.length; ) written += writeSync(fd, bytes, written, bytes.length - written);
}
