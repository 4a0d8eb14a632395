import { mkdir, open, readdir, readFile, rename, unlink } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { JournalFile } from './journal-recovery.ts';
import type { JournalWrite } from './raft-journal.ts';

/** An open file, as far as a journal needs it. */
export interface FileHandle {
  write(bytes: Uint8Array, from: number, count: number, at: number): Promise<{ bytesWritten: number }>;
  datasync(): Promise<void>;
  close(): Promise<void>;
}

/** What a journal needs of a file system; a test's may fail. */
export interface FileSystem {
  create(path: string): Promise<FileHandle>;
  rename(from: string, to: string): Promise<void>;
  unlink(path: string): Promise<void>;
  /** Makes durable which files a directory has, and under which names. */
  syncDirectory(path: string): Promise<void>;
}

export const nodeFileSystem: FileSystem = {
  create: (path) => open(path, 'w'),
  rename,
  unlink,
  async syncDirectory(path) {
    const directory = await open(path, 'r');
    try {
      await directory.sync();
    } finally {
      await directory.close();
    }
  },
};

const NAME = /^raft-(\d{1,10})\.journal(\.tmp)?$/;

/** Makes the directory if there is none, and its name durable. */
export async function makeDirectory(directory: string, fileSystem: FileSystem): Promise<void> {
  const whole = resolve(directory);
  const made = await mkdir(whole, { recursive: true });
  if (made === undefined) return;
  for (let path = whole; path.length >= made.length; path = dirname(path)) {
    await fileSystem.syncDirectory(dirname(path));
  }
}

/** The newest of the directory's journals; older ones and unfinished ones stay until the first rewrite removes them. */
export async function readJournals(directory: string): Promise<JournalFile[]> {
  let newest = -1;
  for (const name of await readdir(directory)) {
    const match = NAME.exec(name);
    if (match !== null && match[2] === undefined) newest = Math.max(newest, Number(match[1]));
  }
  if (newest < 0) return [];
  return [{ generation: newest, bytes: new Uint8Array(await readFile(join(directory, fileName(newest)))) }];
}

/**
 * The file of a journal's current generation, `raft-<generation>.journal`. One call at a time. When one has failed, only
 * a rewrite may follow.
 */
export class JournalFileWriter {
  readonly #directory: string;
  readonly #fileSystem: FileSystem;
  #file: FileHandle | null = null;

  constructor(directory: string, fileSystem: FileSystem) {
    this.#directory = directory;
    this.#fileSystem = fileSystem;
  }

  /** Does the writes as one, durably when `isDurable`. What comes before a rewrite is held by it and left out. */
  async write(writes: readonly JournalWrite[], isDurable: boolean): Promise<void> {
    const from = writes.findLastIndex((write) => write.type === 'rewrite');
    const rest = from < 0 ? writes : writes.slice(from);
    const first = rest[0];
    if (first === undefined) return;
    const bytes = joined(rest);
    if (first.type === 'rewrite') await this.#replace(first.generation, bytes);
    else if (this.#file === null) throw new Error('the file was given up after a failure');
    else await this.#putOrGiveUp(this.#file, bytes, first.offset, isDurable);
  }

  async close(): Promise<void> {
    const file = this.#file;
    this.#file = null;
    await file?.close();
  }

  async #putOrGiveUp(file: FileHandle, bytes: Uint8Array, offset: number, isDurable: boolean): Promise<void> {
    try {
      await put(file, bytes, offset);
      if (isDurable) await file.datasync();
    } catch (error) {
      // After a sync that failed the next one may say that all is well though it is not.
      await this.close().catch(() => undefined);
      throw error;
    }
  }

  async #replace(generation: number, bytes: Uint8Array): Promise<void> {
    const path = join(this.#directory, fileName(generation));
    const unfinished = `${path}.tmp`;
    await this.close();
    const file = await this.#fileSystem.create(unfinished);
    try {
      await put(file, bytes, 0);
      await file.datasync();
      await this.#fileSystem.rename(unfinished, path);
      await this.#fileSystem.syncDirectory(this.#directory);
    } catch (error) {
      await file.close().catch(() => undefined);
      await this.#fileSystem.unlink(unfinished).catch(() => undefined);
      throw error;
    }
    this.#file = file;
    await this.#removeOthers(generation);
  }

  /** Files of other generations are of no use any more. One that cannot be removed does no harm. */
  async #removeOthers(generation: number): Promise<void> {
    for (const name of await readdir(this.#directory)) {
      if (!NAME.test(name) || name === fileName(generation)) continue;
      await this.#fileSystem.unlink(join(this.#directory, name)).catch(() => undefined);
    }
  }
}

function fileName(generation: number): string {
  return `raft-${generation}.journal`;
}

function joined(writes: readonly JournalWrite[]): Uint8Array {
  const [only] = writes;
  if (writes.length === 1 && only !== undefined) return only.bytes;
  const bytes = new Uint8Array(writes.reduce((sum, write) => sum + write.bytes.length, 0));
  let at = 0;
  for (const write of writes) {
    bytes.set(write.bytes, at);
    at += write.bytes.length;
  }
  return bytes;
}

/** Writes all of it: a write may take less than it is given, as on a disk that is nearly full. */
async function put(file: FileHandle, bytes: Uint8Array, offset: number): Promise<void> {
  let done = 0;
  while (done < bytes.length) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done, offset + done);
    if (bytesWritten === 0) throw new Error('the disk takes no more bytes');
    done += bytesWritten;
  }
}
