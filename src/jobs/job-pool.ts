import { inspect } from 'node:util';
import type { Worker } from 'node:worker_threads';
import { Piscina } from 'piscina';
import type { Logger } from '../base/ports.ts';
import { moduleBeside } from '../base/spawn-thread.ts';

/** Work beside the commands of clients, which a thread of its own does. */
export interface Job {
  /** For the log. */
  readonly name: string;
  /** Module whose `runJob` is called with the input, in the thread, and gives the output, or a promise of it. */
  readonly entry: URL;
  /** Its thread is ended when it takes longer. */
  readonly timeoutMs: number;
}

export type JobResult<Output> =
  | { readonly kind: 'done'; readonly output: Output }
  /** It threw, its thread died or it took too long: that is logged already. */
  | { readonly kind: 'failed'; readonly reason: string }
  /** The pool was stopped before it was done. */
  | { readonly kind: 'stopped' };

export interface JobPoolOptions {
  readonly logger: Logger;
  /** Called when a thread has ended amidst a job, before the next job begins: to tidy up what it held. */
  readonly onThreadLost?: () => void;
  /** JavaScript heap of a job's thread, in MiB. */
  readonly heapMiB?: number;
  /** A thread without a job ends after this time; the next job starts another, which takes some tens of milliseconds. */
  readonly idleMs?: number;
}

const HEAP_MIB_DEFAULT = 256;
const IDLE_MS_DEFAULT = 30_000;
/** See `ShardSupervisor`: a thread that reaches its heap limit is to end, not the process. */
const YOUNG_HEAP_MIB = 12;

/**
 * Runs jobs one after the other, in the order in which they came, on one thread that is there while it is needed. So a
 * job may count on it that no other job runs: it has the shards' slot for job readers to itself.
 *
 * The thread has the priority of any other. A lower one would make it likelier to be put to sleep by the system while it
 * reads a store, and writers that need the memory it may see wait for it; jobs rest between small steps instead.
 */
export class JobPool {
  readonly #options: JobPoolOptions;
  readonly #pool: Piscina;
  readonly #runner: string;
  #last: Promise<unknown> = Promise.resolve();
  #thread: { readonly worker: Worker; readonly ended: Promise<void> } | null = null;
  /** Ends the job that runs. */
  #ending: AbortController | null = null;
  #stopped: Promise<void> | null = null;

  constructor(options: JobPoolOptions) {
    this.#options = options;
    const { heapMiB = HEAP_MIB_DEFAULT, idleMs = IDLE_MS_DEFAULT } = options;
    const { runner, execArgv } = threadStart(import.meta.url);
    this.#runner = runner.href;
    this.#pool = new Piscina({
      minThreads: 0,
      maxThreads: 1,
      idleTimeout: idleMs,
      recordTiming: false,
      ...(execArgv === null ? {} : { execArgv }),
      resourceLimits: { maxOldGenerationSizeMb: heapMiB, maxYoungGenerationSizeMb: YOUNG_HEAP_MIB },
    });
    // Of a thread that failed while it had no job.
    this.#pool.on('error', (err) => options.logger.error({ err }, 'the thread for jobs failed'));
  }

  /** Runs a job when those before it are done. Never rejects. The input and the output are copied by structured clone. */
  run<Output>(job: Job, input: unknown): Promise<JobResult<Output>> {
    const result = this.#last.then(() => this.#run<Output>(job, input));
    this.#last = result;
    return result;
  }

  /** Ends the job that runs, and its thread; no job begins any more. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #stop(): Promise<void> {
    this.#ending?.abort();
    await this.#last;
    await this.#pool.destroy();
  }

  async #run<Output>(job: Job, input: unknown): Promise<JobResult<Output>> {
    if (this.#stopped !== null) return { kind: 'stopped' };
    const ending = new AbortController();
    this.#ending = ending;
    let isTooLong = false;
    const deadline = setTimeout(() => {
      isTooLong = true;
      ending.abort();
    }, job.timeoutMs);
    try {
      const task: JobTask = { entry: job.entry.href, input };
      const running: Promise<Output> = this.#pool.run(task, {
        filename: this.#runner,
        name: 'runJob',
        signal: ending.signal,
      });
      this.#watchThread();
      return { kind: 'done', output: await running };
    } catch (error) {
      await this.#threadSettled();
      if (this.#stopped !== null) return { kind: 'stopped' };
      const reason = isTooLong ? `it took longer than ${job.timeoutMs} ms` : reasonOf(error);
      this.#options.logger.error({ job: job.name, reason }, 'a job failed');
      return { kind: 'failed', reason };
    } finally {
      clearTimeout(deadline);
      this.#ending = null;
    }
  }

  /** Notes the thread that has the job: it is started with the job when there is none. */
  #watchThread(): void {
    const [worker] = this.#pool.threads;
    if (worker === undefined || worker === this.#thread?.worker) return;
    const ended = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
    this.#thread = { worker, ended };
  }

  /** After a failure: if the thread is being ended, waits until it runs no more. */
  async #threadSettled(): Promise<void> {
    const thread = this.#thread;
    if (thread === null || this.#pool.threads.includes(thread.worker)) return;
    await thread.ended;
    this.#thread = null;
    this.#options.onThreadLost?.();
  }
}

/** What a thread is sent. */
export interface JobTask {
  readonly entry: string;
  readonly input: unknown;
}

/**
 * How a thread begins. From TypeScript sources, jobs have to be loaded through tsx (see `spawnThread`), and the loader that
 * a thread inherits by the arguments of its process is in the way of that. Null: it inherits them, whatever they are; not
 * all that a process may have can be given to a thread.
 */
function threadStart(base: string): { readonly runner: URL; readonly execArgv: string[] | null } {
  if (base.endsWith('.ts')) return { runner: new URL('run-source-job.mjs', base), execArgv: [] };
  return { runner: moduleBeside('./run-job', base), execArgv: null };
}

/** What a thread throws comes as a copy, of which little may be left. */
function reasonOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : inspect(error);
}
