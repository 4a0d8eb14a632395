import { DirectoryLockedError, lockDirectory, type Unlock } from '../../base/directory-lock-file.ts';
import { type FileSystem, JournalFileWriter, makeDirectory, nodeFileSystem, readJournals } from './journal-file.ts';
import type { Save } from './journal-payload.ts';
import { recoverJournal } from './journal-recovery.ts';
import { type JournalOptions, type JournalWrite, RaftJournal } from './raft-journal.ts';
import { RaftLogError } from './raft-log-error.ts';
import type { RaftState } from './raft-types.ts';

const LOCK_NAME = 'raft.lock';

export interface RaftLogOptions extends Partial<JournalOptions> {
  readonly fileSystem?: FileSystem;
}

interface Waiting {
  readonly write: JournalWrite;
  resolve(): void;
  reject(error: RaftLogError): void;
}

/**
 * What a node must not forget of consensus, in a directory of its own. When this resolves, the counter of starts has been
 * raised durably. Throws a `DamagedJournalError` when the files do not hold what was durable, a {@link RaftLogError} when
 * the disk refuses or another process has the directory.
 */
export async function openRaftLog(directory: string, options: RaftLogOptions = {}): Promise<RaftLog> {
  const { fileSystem = nodeFileSystem, ...journalOptions } = options;
  const unlock = await lock(directory, fileSystem);
  try {
    const recovered = recoverJournal(await readJournals(directory));
    const journal = new RaftJournal(recovered, journalOptions);
    const file = new JournalFileWriter(directory, fileSystem);
    const first = journal.begin();
    await file.write([first], true).catch((error) => {
      throw failure(error);
    });
    journal.synced(first);
    return new RaftLog(journal, recovered.raft, file, unlock);
  } catch (error) {
    await unlock();
    throw error;
  }
}

async function lock(directory: string, fileSystem: FileSystem): Promise<Unlock> {
  try {
    await makeDirectory(directory, fileSystem);
    return await lockDirectory(directory, LOCK_NAME);
  } catch (error) {
    if (error instanceof DirectoryLockedError) throw new RaftLogError('locked', error.message);
    throw error instanceof RaftLogError ? error : failure(error);
  }
}

export class RaftLog {
  /** Which start of the node this is, from 1 on. */
  readonly boot: number;
  /** What was found. */
  readonly raft: RaftState;
  readonly #journal: RaftJournal;
  readonly #file: JournalFileWriter;
  readonly #unlock: Unlock;
  #waiting: Waiting[] = [];
  #writing: Promise<void> | null = null;
  #isClosed = false;

  constructor(journal: RaftJournal, found: RaftState, file: JournalFileWriter, unlock: Unlock) {
    this.boot = journal.boot;
    this.raft = found;
    this.#journal = journal;
    this.#file = file;
    this.#unlock = unlock;
  }

  /**
   * Resolves when this and all before it will survive a crash. Saves made while one is being written are written
   * together. Rejects with a {@link RaftLogError} when it is not known to be durable, and so do those that wait behind
   * it; a later save that succeeds (also one of nothing) makes them durable, too.
   */
  save(save: Save): Promise<void> {
    if (this.#isClosed) return Promise.reject(new RaftLogError('closed', 'the log is closed'));
    return new Promise((resolve, reject) => {
      this.#waiting.push({ write: this.#journal.next(save), resolve, reject });
      this.#writing ??= this.#writeAll();
    });
  }

  /** Leaves this to the next save, which makes it durable with its own: for a disk that refuses just now. */
  hold(save: Save): void {
    if (!this.#isClosed) this.#journal.hold(save);
  }

  /** Waits for saves under way. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.#writing;
    await this.#file.close();
    await this.#unlock();
  }

  async #writeAll(): Promise<void> {
    // Saves made in the same turn are written together.
    await Promise.resolve();
    while (this.#waiting.length > 0) await this.#writeWaiting();
    await this.#writeMark();
    this.#writing = this.#waiting.length > 0 ? this.#writeAll() : null;
  }

  async #writeWaiting(): Promise<void> {
    const batch = this.#waiting;
    this.#waiting = [];
    const writes = batch.map((waiting) => waiting.write);
    try {
      await this.#file.write(writes, true);
    } catch (error) {
      this.#fail(batch, error);
      return;
    }
    for (const { write, resolve } of batch) {
      this.#journal.synced(write);
      resolve();
    }
  }

  /** Those that came meanwhile continue the file where the failed ones would have ended it. */
  #fail(batch: readonly Waiting[], error: unknown): void {
    const failed = [...batch, ...this.#waiting];
    this.#waiting = [];
    this.#journal.failed();
    for (const { reject } of failed) reject(failure(error));
  }

  async #writeMark(): Promise<void> {
    const mark = this.#journal.mark();
    if (mark === null) return;
    try {
      await this.#file.write([mark], false);
    } catch (error) {
      this.#fail([], error);
    }
  }
}

function failure(error: unknown): RaftLogError {
  return new RaftLogError('failed', `the log of consensus cannot be written: ${String(error)}`, error);
}
