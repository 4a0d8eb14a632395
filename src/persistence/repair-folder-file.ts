import { fsyncSync, ftruncateSync, mkdirSync, readSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { sourceOf } from './byte-source-file.ts';
import { logName, snapshotName } from './data-names.ts';
import { encodeHeader, type FileHeader, HEADER_BYTES } from './file-header.ts';
import { FRAME_HEAD_BYTES, frameSeed, sealFrame } from './frame.ts';
import { FrameScanner } from './frame-scanner.ts';
import { readHeader } from './header-file.ts';
import { keepAside } from './keep-aside-file.ts';
import { publishFile } from './publish-file.ts';
import type { RepairStep } from './repair-plan.ts';
import { encodeSnapshotEnd } from './snapshot-marks.ts';
import { syncFolder } from './sync-folder-file.ts';
import { withFile } from './with-file.ts';
import { writeAll } from './write-all-file.ts';

export interface RepairFolderOptions {
  readonly folder: string;
  /** Where files are kept as they were before; made when the first one is. Not within `folder`. */
  readonly asideFolder: string;
  readonly header: Pick<FileHeader, 'shard' | 'shards' | 'storeId' | 'begunAtMs'>;
}

const COPY_BYTES = 2 ** 20;

/** Does what was planned. Every file is copied aside, and is on the disk there, before it is changed or removed. */
export function repairFolder(options: RepairFolderOptions, steps: readonly RepairStep[]): void {
  const { folder, asideFolder, header } = options;
  for (const step of steps) {
    if (step.kind === 'make-folder') {
      mkdirSync(folder, { recursive: true });
      syncFolder(join(folder, '..'));
    } else if (step.kind === 'aside') {
      keepAside(join(folder, step.name), asideFolder);
      rmSync(join(folder, step.name));
    } else if (step.kind === 'cut') {
      keepAside(join(folder, step.name), asideFolder);
      cut(join(folder, step.name), step.length);
    } else if (step.kind === 'begin') {
      const bytes = encodeHeader({ ...header, kind: 'log', sequence: step.sequence, isAnew: false });
      publishFile(join(folder, logName(step.sequence)), (fd) => writeAll(fd, bytes));
    } else if (step.kind === 'empty') {
      writeSnapshot(options, step.sequence, () => ({ entries: 0, reaches: step.sequence }));
    } else if (step.kind === 'salvage') {
      keepAside(join(folder, step.name), asideFolder);
      salvage(options, step.name, step.sequence);
    } else {
      keepAside(join(folder, step.name), asideFolder);
      detach(options, step);
    }
  }
  syncFolder(folder);
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
    writeSnapshot(options, sequence, (fd) => {
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
    publishFile(join(options.folder, snapshotName(reaches)), (fd) => {
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

function writeSnapshot(
  { folder, header }: RepairFolderOptions,
  sequence: number,
  write: (fd: number) => { readonly entries: number; readonly reaches: number },
): void {
  publishFile(join(folder, snapshotName(sequence)), (fd) => {
    writeAll(fd, encodeHeader({ ...header, kind: 'snapshot', sequence, isAnew: false }));
    const { entries, reaches } = write(fd);
    writeAll(fd, encodeSnapshotEnd({ entries, sequence: reaches }, frameSeed(header.storeId)));
  });
}
