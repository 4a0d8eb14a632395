import type { Save } from './journal-payload.ts';
import type { RaftLog } from './raft-log-file.ts';

/** Milliseconds. */
const RETRY_MIN_MS = 100;
const RETRY_MAX_MS = 2000;
/** A disk that takes longer for a save is told of. */
const SLOW_MS = 3000;

export interface JournalKeeperHost {
  /** The save of this number, and all before it, will survive a crash. */
  durable(number: number): void;
  /** The disk refuses, and why, or takes saves again: told once a change. */
  changed(trouble: string | null): void;
  /** Monotonic, in milliseconds. */
  nowMs(): number;
}

/**
 * The log of consensus on a disk that may refuse for a while: what was to be saved is saved once it can be. Until then its
 * number is not told, and whoever waits for that (a vote, an acknowledgement) says nothing.
 *
 *     well -> failing     a save failed: nobody knows what the file holds of it, or of those behind it
 *     failing -> well     a new file was written that has all of them; tried every 0.1 s at first, every 2 s at last
 */
export class JournalKeeper {
  readonly #log: Pick<RaftLog, 'save' | 'hold' | 'close'>;
  readonly #host: JournalKeeperHost;
  #last = 0;
  #durable = 0;
  #trouble: string | null = null;
  #failures = 0;
  #retryMs = RETRY_MIN_MS;
  #timer: NodeJS.Timeout | null = null;
  /** Since when something waits to become durable; null: nothing does. */
  #waitsSinceMs: number | null = null;
  #isClosed = false;

  constructor(log: Pick<RaftLog, 'save' | 'hold' | 'close'>, host: JournalKeeperHost) {
    this.#log = log;
    this.#host = host;
  }

  /** Attempts that the disk has refused. */
  get failures(): number {
    return this.#failures;
  }

  /** Why what was to be saved is not; null: it is, or not for long. */
  trouble(nowMs: number): string | null {
    if (this.#trouble !== null) return this.#trouble;
    if (this.#waitsSinceMs === null || nowMs - this.#waitsSinceMs < SLOW_MS) return null;
    return 'the log of consensus cannot be written: the disk does not answer';
  }

  /** Numbers follow each other, from 1 on. */
  save(number: number, save: Save): void {
    this.#last = number;
    this.#waitsSinceMs ??= this.#host.nowMs();
    // The new file is to have it: each attempt is at a file, and so they are not as many as what is to be saved.
    if (this.#timer !== null) this.#log.hold(save);
    else this.#attempt(save);
  }

  /** Waits for what is being written, not for what cannot be. */
  async close(): Promise<void> {
    this.#isClosed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    await this.#log.close();
  }

  #attempt(save: Save): void {
    const number = this.#last;
    this.#log.save(save).then(
      () => this.#saved(number),
      (error: Error) => this.#failed(error.message),
    );
  }

  #saved(number: number): void {
    if (this.#isClosed || number <= this.#durable) return;
    this.#durable = number;
    this.#waitsSinceMs = number === this.#last ? null : this.#host.nowMs();
    if (this.#timer === null) {
      this.#retryMs = RETRY_MIN_MS;
      this.#become(null);
    }
    this.#host.durable(number);
  }

  #failed(reason: string): void {
    if (this.#isClosed) return;
    this.#failures++;
    this.#become(reason);
    // Those that waited behind it fail with it.
    if (this.#timer !== null) return;
    this.#timer = setTimeout(() => this.#retry(), this.#retryMs);
    this.#retryMs = Math.min(this.#retryMs * 2, RETRY_MAX_MS);
  }

  #retry(): void {
    this.#timer = null;
    // Of nothing: the new file holds all that was told to the log, in its order.
    this.#attempt({ hard: null, snapshot: null, entries: [] });
  }

  #become(trouble: string | null): void {
    if (trouble === this.#trouble) return;
    this.#trouble = trouble;
    this.#host.changed(trouble);
  }
}
