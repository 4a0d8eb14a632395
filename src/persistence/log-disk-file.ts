import { closeSync, fdatasyncSync, fsyncSync, ftruncateSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { logName } from './data-names.ts';
import { encodeHeader, type FileHeader } from './file-header.ts';
import { frameSeed } from './frame.ts';
import { followedMark } from './frame-marks.ts';
import type { LogDisk } from './log-disk.ts';

export interface LogDiskFileOptions {
  /** Of the shard. */
  readonly folder: string;
  readonly header: Pick<FileHeader, 'shard' | 'shards' | 'storeId'>;
  /** The segment that the first one follows, and its length; null: none. */
  readonly previous: { readonly path: string; readonly length: number } | null;
  readonly nowMs: () => number;
}

/** A log's segments as files of a folder, which is there. */
export class LogDiskFile implements LogDisk {
  length = 0;
  readonly #options: LogDiskFileOptions;
  readonly #seed: number;
  #fd = -1;

  constructor(options: LogDiskFileOptions) {
    this.#options = options;
    this.#seed = frameSeed(options.header.storeId);
    if (options.previous === null) return;
    this.#fd = openSync(options.previous.path, 'r+');
    this.length = options.previous.length;
  }

  begin(firstSequence: number, isAnew: boolean): void {
    const { folder, header, nowMs } = this.#options;
    const bytes = encodeHeader({ ...header, kind: 'log', sequence: firstSequence, begunAtMs: nowMs(), isAnew });
    // One that could not be finished before, or that follows a failure, bears the same name: it holds nothing.
    const fd = openSync(join(folder, logName(firstSequence)), 'w');
    try {
      writeAll(fd, bytes, 0);
      fsyncSync(fd);
      syncFolder(folder);
      // The mark need not be on the disk: a segment that is there without it is taken as well.
      if (this.#fd >= 0 && !isAnew) writeAll(this.#fd, followedMark(firstSequence, this.#seed), this.length);
    } catch (error) {
      closeSync(fd);
      throw error;
    }
    if (this.#fd >= 0) closeSync(this.#fd);
    this.#fd = fd;
    this.length = bytes.length;
  }

  append(bytes: Uint8Array): void {
    let written = 0;
    try {
      while (written < bytes.length) {
        written += writeSync(this.#fd, bytes, written, bytes.length - written, this.length + written);
      }
    } finally {
      this.length += written;
    }
  }

  truncate(length: number): void {
    ftruncateSync(this.#fd, length);
    this.length = length;
  }

  sync(): void {
    fdatasyncSync(this.#fd);
  }

  close(): void {
    if (this.#fd < 0) return;
    closeSync(this.#fd);
    this.#fd = -1;
  }
}

/** Has the names of a folder's files be on the disk. */
export function syncFolder(folder: string): void {
  const fd = openSync(folder, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

function writeAll(fd: number, bytes: Uint8Array, position: number): void {
  for (let written = 0; written < bytes.length; ) {
    written += writeSync(fd, bytes, written, bytes.length - written, position + written);
  }
}
