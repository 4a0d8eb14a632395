import {
  closeSync,
  fdatasyncSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { getSystemErrorMap } from 'node:util';
import { logName } from './data-names.ts';
import { encodeHeader, type FileHeader } from './file-header.ts';
import { frameSeed } from './frame.ts';
import { followedMark } from './frame-marks.ts';
import type { LogDisk } from './log-disk.ts';
import type { LogSyncer } from './log-syncer.ts';
import { syncFolder } from './sync-folder-file.ts';
import { writeAll } from './write-all-file.ts';

export interface LogDiskFileOptions {
  /** Of the shard. */
  readonly folder: string;
  readonly header: Pick<FileHeader, 'shard' | 'shards' | 'storeId'>;
  /** The segment that the first one follows, and its length; null: none. */
  readonly previous: { readonly path: string; readonly length: number } | null;
  readonly nowMs: () => number;
  /** Null, or left out: every sync is made by the thread itself. */
  readonly syncer?: { readonly words: LogSyncer; readonly tell: () => void } | null;
}

/** A log's segments as files of a folder, which is there. */
export class LogDiskFile implements LogDisk {
  length = 0;
  readonly #options: LogDiskFileOptions;
  readonly #seed: number;
  #fd = -1;
  /** Of the segment. */
  #path = '';

  constructor(options: LogDiskFileOptions) {
    this.#options = options;
    this.#seed = frameSeed(options.header.storeId);
    if (options.previous === null) return;
    this.#fd = openSync(options.previous.path, 'r+');
    this.#path = options.previous.path;
    this.length = options.previous.length;
  }

  begin(firstSequence: number, isAnew: boolean): void {
    const { folder, header, nowMs } = this.#options;
    const bytes = encodeHeader({ ...header, kind: 'log', sequence: firstSequence, begunAtMs: nowMs(), isAnew });
    const path = join(folder, logName(firstSequence));
    // One that could not be finished before, that follows a failure, or to which nothing was added before the node was
    // started anew, bears the same name: it holds nothing.
    const fd = openSync(path, 'w');
    try {
      writeAll(fd, bytes, 0);
      fsyncSync(fd);
      syncFolder(folder);
    } catch (error) {
      closeSync(fd);
      // The log goes on in the segment before, and one that is there without going on from that would be a gap.
      if (path !== this.#path) removeIfPossible(path);
      throw error;
    }
    if (this.#fd >= 0 && !isAnew && path !== this.#path) this.#markFollowed(firstSequence);
    if (this.#fd >= 0) this.#closeFile();
    this.#fd = fd;
    this.#path = path;
    this.length = bytes.length;
  }

  /** A segment that is there without the mark before it is taken as well: it need not be on the disk. */
  #markFollowed(next: number): void {
    try {
      writeAll(this.#fd, followedMark(next, this.#seed), this.length);
    } catch {
      // Torn, if anything of it is there.
    }
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
    this.#closeFile();
    this.#fd = -1;
  }

  beginSync(): boolean {
    const { syncer = null } = this.#options;
    if (syncer === null) return false;
    syncer.words.ask(this.#fd);
    syncer.tell();
    return true;
  }

  get isSyncing(): boolean {
    return this.#options.syncer?.words.isUnderWay === true;
  }

  endSync(): void {
    const errno = this.#options.syncer?.words.wait() ?? 0;
    if (errno === 0) return;
    const { code = 'EIO' } = systemError(errno);
    throw Object.assign(new Error(`${code}: fdatasync`), { code, errno });
  }

  check(): void {
    if (this.#fd < 0) return;
    const named = statSync(this.#path);
    const { ino, dev } = fstatSync(this.#fd);
    if (named.ino === ino && named.dev === dev) return;
    throw Object.assign(new Error(`ESTALE: another file is in the place of ${this.#path}`), { code: 'ESTALE' });
  }

  #closeFile(): void {
    // Its number may be another file's at once.
    this.#options.syncer?.words.wait();
    closeSync(this.#fd);
  }
}

function systemError(errno: number): { readonly code?: string } {
  const [code] = getSystemErrorMap().get(errno) ?? [];
  return code === undefined ? {} : { code };
}

function removeIfPossible(path: string): void {
  try {
    rmSync(path);
  } catch {
    // A disk that takes nothing may refuse this as well.
  }
}
