import { fdatasync } from 'node:fs';
import type { Worker } from 'node:worker_threads';
import type { Logger } from '../../base/ports.ts';
import { moduleBeside, spawnThread } from '../../base/spawn-thread.ts';
import { Doorbell } from '../../mailbox/doorbell.ts';
import { LogSyncer } from '../../persistence/log-syncer.ts';
import type { LogAnswer, LogRequest, LogThreadData, Restarted } from '../../persistence/log-thread-data.ts';
import type { Synced } from '../../persistence/log-writer.ts';

export interface LogThreadListeners {
  readonly logger: Logger;
  /** It ended without being asked to: nothing of its shard reaches the disk any more. */
  readonly onDeath: (reason: string) => void;
  /** Module of the thread. */
  readonly entry?: URL;
}

/** Troubles of one kind are logged once in this time. */
const TROUBLE_INTERVAL_MS = 5000;

/** The main thread's end of a log's thread. */
export class LogThread {
  /** Fulfilled when the log is open; rejected when it cannot be. */
  readonly opened: Promise<void>;
  readonly #data: LogThreadData;
  readonly #worker: Worker;
  readonly #bell: Doorbell;
  readonly #syncer: LogSyncer;
  readonly #waiting = new Map<number, (answer: LogAnswer | null) => void>();
  readonly #logger: Logger;
  #nextId = 1;
  #onClosed: (isComplete: boolean) => void = () => undefined;
  #isStopping = false;
  #hasEnded = false;
  #troubledAtMs = Number.NEGATIVE_INFINITY;
  #trouble = '';

  constructor(data: LogThreadData, { logger, onDeath, entry }: LogThreadListeners) {
    this.#data = data;
    this.#logger = logger;
    this.#bell = new Doorbell(data.lane.consumerBell);
    this.#syncer = new LogSyncer(data.syncer);
    this.#worker = spawnThread(entry ?? moduleBeside('../../persistence/log-thread', import.meta.url), {
      name: `log-${data.shard}`,
      workerData: data,
    });
    let reason = '';
    let isOpen = false;
    this.opened = new Promise((resolve, reject) => {
      this.#worker.on('message', (answer: LogAnswer) => {
        if (answer.kind === 'open') {
          isOpen = true;
          resolve();
        } else this.#onAnswer(answer);
      });
      this.#worker.on('error', (error) => {
        reason = error instanceof Error ? error.message : String(error);
      });
      this.#worker.on('exit', (code) => {
        this.#hasEnded = true;
        for (const settle of this.#waiting.values()) settle(null);
        this.#waiting.clear();
        this.#onClosed(false);
        if (this.#isStopping) return;
        const why = reason || `its thread exited with ${code}`;
        if (isOpen) onDeath(why);
        else reject(new Error(`The log of shard ${data.shard} cannot be opened: ${why}`));
      });
    });
    this.opened.catch(() => undefined);
  }

  /** What the disk said when something failed last; empty: nothing has. */
  get trouble(): string {
    return this.#trouble;
  }

  /** Begins a segment for a snapshot; null: the thread has ended. */
  async restart(): Promise<Restarted | null> {
    const answer = await this.#ask('restart');
    return answer?.kind === 'restarted' ? answer : null;
  }

  /** Has all that was sent be on the disk, and tells how far that is so; null: the thread has ended. */
  async sync(): Promise<Synced | null> {
    const answer = await this.#ask('sync');
    return answer?.kind === 'synced' ? answer : null;
  }

  mend(sequence: number): void {
    this.#send({ kind: 'mend', sequence });
  }

  /**
   * The shard's actor has ended: returns the number of the record that its successor begins with, which is behind all that
   * has come; null: the thread has ended.
   */
  async succeed(): Promise<number | null> {
    const answer = await this.#ask('succeed');
    return answer?.kind === 'succeeded' ? answer.next : null;
  }

  /** Writes what is left, and ends; false when something could not be written in that time. */
  stop(deadlineMs: number): Promise<boolean> {
    if (this.#hasEnded) return Promise.resolve(false);
    this.#isStopping = true;
    return new Promise((resolve) => {
      // A disk that does not answer keeps the thread for as long as it likes.
      const deadline = setTimeout(() => {
        const { shard, folder } = this.#data;
        this.#logger.error({ shard, folder, deadlineMs }, 'the log was given up: the disk does not answer');
        resolve(false);
        void this.#worker.terminate();
      }, deadlineMs);
      this.#onClosed = (isComplete) => {
        clearTimeout(deadline);
        resolve(isComplete);
      };
      this.#send({ kind: 'stop' });
    });
  }

  #ask(kind: 'restart' | 'sync' | 'succeed'): Promise<LogAnswer | null> {
    const id = this.#nextId++;
    if (this.#hasEnded) return Promise.resolve(null);
    return new Promise((resolve) => {
      this.#waiting.set(id, resolve);
      this.#send({ kind, id });
    });
  }

  #send(request: LogRequest): void {
    this.#worker.postMessage(request);
    this.#bell.ring();
  }

  #onAnswer(answer: Exclude<LogAnswer, { kind: 'open' }>): void {
    if (answer.kind === 'sync') this.#sync();
    else if (answer.kind === 'closed') this.#onClosed(answer.isComplete);
    else if (answer.kind === 'trouble') this.#onTrouble(answer);
    else {
      this.#waiting.get(answer.id)?.(answer);
      this.#waiting.delete(answer.id);
    }
  }

  #sync(): void {
    // On a thread of the system's pool: nobody waits for it here.
    fdatasync(this.#syncer.file, (error) => {
      this.#syncer.done(error?.errno ?? 0);
      this.#bell.ring();
    });
  }

  #onTrouble({ what, message, code }: Extract<LogAnswer, { kind: 'trouble' }>): void {
    const nowMs = performance.now();
    const isNew = message !== this.#trouble;
    this.#trouble = message;
    if (!isNew && nowMs - this.#troubledAtMs < TROUBLE_INTERVAL_MS) return;
    this.#troubledAtMs = nowMs;
    const { shard, folder } = this.#data;
    this.#logger.error({ shard, folder, what, code, reason: message }, 'the log on the disk is in trouble');
  }
}
