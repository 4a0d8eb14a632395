import { assert } from '../../base/assert.ts';
import { encodeJournalPayload, type JournalPayload, type Save } from './journal-payload.ts';
import { encodeRecord } from './journal-record.ts';
import type { RecoveredJournal } from './journal-recovery.ts';
import { StoredState } from './stored-state.ts';

/** What a disk is to do. Writes are done in the order in which they were asked for. */
export type JournalWrite =
  /** `bytes` go to `offset`, the end, of the file of this generation. A crash may leave any part of them, or none. */
  | {
      readonly type: 'append';
      readonly generation: number;
      readonly offset: number;
      readonly bytes: Uint8Array;
    }
  /**
   * A new file, which holds everything: it appears whole and durably or not at all (written under another name, synced,
   * renamed, the directory synced). Then files of earlier generations are of no use, and may be deleted.
   */
  | {
      readonly type: 'rewrite';
      readonly generation: number;
      readonly offset: 0;
      readonly bytes: Uint8Array;
    };

export interface JournalOptions {
  /** A file up to this size is never rewritten. */
  readonly rewriteBytesMin: number;
  /** A larger one is when it has this many times the bytes of what it says. */
  readonly rewriteFactor: number;
}

const defaults: JournalOptions = { rewriteBytesMin: 256 * 1024, rewriteFactor: 4 };

/**
 * Says what is to be written where so that a node finds its {@link RaftState} again after any crash. Pure: whoever has
 * the disk does the writes, and tells when they are durable.
 *
 * A journal is one file at a time. It begins with an image, a record of all there is, and goes on with a record for each
 * save. When it has grown far beyond what it says, a file of the next generation takes its place. Each start begins with
 * such a file, which holds the counter of starts raised by one, so that nothing is ever appended behind a torn record.
 *
 * What recovery (`journal-recovery.ts`) makes of a file that is not as it was written:
 * - A record that is not whole, and behind it nothing that says that it was durable: a write that a crash cut off. It is
 *   left out, with all behind it. Nobody was told that it was durable, unless the disk lost it, see below.
 * - A record that is not whole below what a later record says was durable; or an image that is not whole: damage. It is
 *   refused. Each record tells how far the file was durable when it was written; `mark` writes one that only does that.
 * - A record that one flipped bit has changed is refused wherever it stands, also the last.
 *
 * Not noticed: damage of more than one bit in the very last record, when no mark behind it reached the disk; and a file
 * that ends early, or is gone, with all that would tell of it. In both cases the node comes back with an older state.
 */
export class RaftJournal {
  /** Which start of the node this is, from 1 on. */
  readonly boot: number;
  readonly #options: JournalOptions;
  readonly #state: StoredState;
  readonly #generationFound: number;
  #generation: number;
  /** Of the current file, as far as it was asked for. */
  #fileBytes = 0;
  #syncedBytes = 0;
  /** How far the last record says that the file is durable. */
  #notedBytes = 0;
  #mustRewrite = true;

  constructor(recovered: RecoveredJournal, options: Partial<JournalOptions> = {}) {
    this.boot = recovered.boot + 1;
    this.#options = { ...defaults, ...options };
    this.#state = new StoredState(recovered.raft);
    this.#generationFound = recovered.generation;
    this.#generation = recovered.generation;
  }

  /** A file of the next generation that holds everything told so far: what a start begins with. */
  begin(): JournalWrite {
    this.#mustRewrite = false;
    this.#generation += 1;
    this.#fileBytes = 0;
    this.#notedBytes = 0;
    this.#syncedBytes = 0;
    const bytes = this.#append({ type: 'image', boot: this.boot, raft: this.#state });
    // Whoever finds the file finds this much of it.
    this.#syncedBytes = bytes.length;
    this.#notedBytes = bytes.length;
    return { type: 'rewrite', generation: this.#generation, offset: 0, bytes };
  }

  next(save: Save): JournalWrite {
    this.#take(save);
    const { rewriteBytesMin, rewriteFactor } = this.#options;
    if (this.#mustRewrite || this.#fileBytes > Math.max(rewriteBytesMin, this.#state.bytes * rewriteFactor))
      return this.begin();
    return this.#appending({ type: 'save', save });
  }

  /**
   * A write failed, and it and those after it were given up: nobody knows what the file holds behind them. The next save
   * (of nothing, if there is none) will be a new file, which makes good for all that failed.
   */
  failed(): void {
    this.#mustRewrite = true;
  }

  /** As `next`, and nothing is written: the next save will be a new file, which holds this, too. */
  hold(save: Save): void {
    this.#take(save);
    this.#mustRewrite = true;
  }

  /** The write, and those before it, will survive a crash. */
  synced(write: JournalWrite): void {
    if (write.generation !== this.#generation) return;
    this.#syncedBytes = Math.max(this.#syncedBytes, write.offset + write.bytes.length);
  }

  /**
   * Notes how far the file is durable, for when nothing else is to be written; null when that is noted already. It need
   * not be synced, and nothing waits for it: without it damage in the last record looks like a crash while it was written.
   */
  mark(): JournalWrite | null {
    return this.#mustRewrite || this.#syncedBytes === this.#notedBytes ? null : this.#appending({ type: 'mark' });
  }

  #take(save: Save): void {
    assert(this.#generation > this.#generationFound, 'a start writes its counter before anything else');
    const misfit = this.#state.misfit(save);
    assert(misfit === null, `a save follows those before it: ${misfit}`);
    this.#state.apply(save);
  }

  #appending(payload: JournalPayload): JournalWrite {
    const offset = this.#fileBytes;
    return { type: 'append', generation: this.#generation, offset, bytes: this.#append(payload) };
  }

  #append(payload: JournalPayload): Uint8Array {
    const record = encodeRecord(encodeJournalPayload(payload), this.#generation, this.#fileBytes, this.#syncedBytes);
    this.#fileBytes += record.length;
    this.#notedBytes = this.#syncedBytes;
    return record;
  }
}
