import type { Worker } from 'node:worker_threads';
import { assert } from '../base/assert.ts';
import { FluxError } from '../base/errors.ts';
import type { Logger } from '../base/ports.ts';
import { moduleBeside, spawnThread } from '../base/spawn-thread.ts';
import type { Claim } from '../cluster/identity.ts';
import { Doorbell } from '../mailbox/doorbell.ts';
import type { Recovered } from '../persistence/shard-data-file.ts';
import { RestartBackoff } from './restart-backoff.ts';
import { ShardControl, SLEEP_MS_MAX } from './shard-control.ts';
import type { ShardThreadData, ShardThreadMessage } from './shard-thread-data.ts';
import { Watchdog } from './watchdog.ts';

export interface SupervisorLimits {
  /** A command that runs longer than this hangs, and so does an actor that wakes so much too late; it is replaced. */
  readonly hangMs: number;
  /** Time for an actor to start and to attach to its memory; the walk of a large store takes seconds. */
  readonly startMs: number;
  /** JavaScript heap of an actor's thread, in MiB; the store is not in it. */
  readonly heapMiB: number;
  readonly restartFirstMs: number;
  readonly restartCapMs: number;
  /** An actor that served this long is restarted at once when it dies. */
  readonly steadyMs: number;
}

const SUPERVISOR_LIMITS_DEFAULT: SupervisorLimits = {
  hangMs: 5000,
  startMs: 60_000,
  heapMiB: 512,
  restartFirstMs: 50,
  restartCapMs: 5000,
  steadyMs: 10_000,
};

/**
 * Node.js ends a thread that reaches its heap limit, and lends it 16 MiB for the time that takes. A young generation
 * that can be larger may all be promoted at once, past that too, and V8 then ends the whole process.
 */
const YOUNG_HEAP_MIB = 12;

export interface SupervisorOptions {
  readonly logger: Logger;
  readonly limits?: Partial<SupervisorLimits>;
  /** Module of the actors' threads. */
  readonly entry?: URL;
  /** Called when an actor died, with what is known of the reason, before it is started again. */
  readonly onDeath?: (shard: number, reason: string) => void;
  /** What was kept of a shard is in its memory; it serves next. */
  readonly onRecovered?: (shard: number, folders: readonly Recovered[], claims: readonly Claim[]) => void;
  /** Fulfilled when an actor that died may be started again. */
  readonly beforeRestart?: (shard: number) => Promise<void>;
}

/**
 * The life of one actor, over all its threads.
 *
 *     starting -> serving            the thread attached to its memory
 *     starting | serving -> down     the thread ended: it threw, ran out of heap, hung or took too long to start
 *     down -> starting               the back-off passed
 *     any -> stopped                 asked to stop, and its thread has ended
 */
type ActorState =
  | { readonly kind: 'starting'; readonly worker: Worker; readonly deadline: NodeJS.Timeout }
  | { readonly kind: 'serving'; readonly worker: Worker; readonly sinceMs: number }
  | { readonly kind: 'down'; readonly restart: NodeJS.Timeout }
  | { readonly kind: 'stopped' };

/**
 * Starts the threads of all shards, watches over them, and replaces one that dies or hangs. A replacement attaches to
 * the same memory and mailboxes: the command that was being run is answered `indeterminate`, those queued are run, and
 * reads of other threads go on meanwhile.
 */
export class ShardSupervisor {
  readonly #actors: readonly SupervisedActor[];
  readonly #watch: NodeJS.Timeout;

  constructor(shards: readonly ShardThreadData[], options: SupervisorOptions) {
    const limits = { ...SUPERVISOR_LIMITS_DEFAULT, ...options.limits };
    const intervalMs = Math.max(limits.hangMs / 8, 10);
    this.#actors = shards.map((data) => new SupervisedActor(data, limits, intervalMs, options));
    this.#watch = setInterval(() => {
      const nowMs = performance.now();
      for (const actor of this.#actors) actor.check(nowMs);
    }, intervalMs);
    this.#watch.unref();
  }

  /** Resolves when every actor has served for the first time; rejects when one of them died before that. */
  async started(): Promise<void> {
    await Promise.all(this.#actors.map((actor) => actor.firstServing));
  }

  /** Times an actor of this shard was replaced. */
  restarts(shard: number): number {
    return (this.#actors[shard] as SupervisedActor).restarts;
  }

  /** Whether an actor serves this shard now; if not, its commands wait. */
  serving(shard: number): boolean {
    return (this.#actors[shard] as SupervisedActor).serving;
  }

  /**
   * Has every actor end once it has answered all that was sent to it, and waits for that, or ends it after
   * `deadlineMs`. Nothing may be sent after this.
   */
  async stop(deadlineMs: number): Promise<void> {
    await Promise.all(this.#actors.map((actor) => actor.stop(deadlineMs)));
    clearInterval(this.#watch);
  }
}

class SupervisedActor {
  restarts = 0;
  readonly firstServing: Promise<void>;
  readonly #data: ShardThreadData;
  readonly #limits: SupervisorLimits;
  readonly #options: SupervisorOptions;
  readonly #control: ShardControl;
  readonly #bell: Doorbell;
  readonly #watchdog: Watchdog;
  readonly #backoff: RestartBackoff;
  #onFirstServing: () => void = () => {};
  #onFirstDeath: (error: Error) => void = () => {};
  #state: ActorState;
  /** Why the thread that is about to end does so, when it is known before it ends. */
  #reason: string | null = null;
  /** What was kept of it cannot be read: there is no sense in trying again. */
  #isUnreadable = false;
  /** The time to stop by itself is over: its next end is the last, however it comes about. */
  #isGivenUp = false;
  #stopping: { readonly done: Promise<void>; readonly onDone: () => void } | null = null;

  constructor(data: ShardThreadData, limits: SupervisorLimits, intervalMs: number, options: SupervisorOptions) {
    this.#data = data;
    this.#limits = limits;
    this.#options = options;
    this.#control = new ShardControl(data.control);
    this.#bell = new Doorbell(data.bell);
    this.#watchdog = new Watchdog(limits.hangMs, SLEEP_MS_MAX, intervalMs, performance.now());
    this.#backoff = new RestartBackoff(limits.restartFirstMs, limits.restartCapMs, limits.steadyMs);
    this.firstServing = new Promise((resolve, reject) => {
      this.#onFirstServing = resolve;
      this.#onFirstDeath = reject;
    });
    // Whoever did not ask whether the start succeeded is not to be told by an unhandled rejection.
    this.firstServing.catch(() => {});
    this.#state = this.#start();
  }

  get serving(): boolean {
    return this.#state.kind === 'serving';
  }

  /** Looks whether the actor hangs, and ends its thread if so; the end leads to the restart. */
  check(nowMs: number): void {
    if (this.#state.kind !== 'serving' || this.#reason !== null) return;
    const { activity } = this.#control;
    if (!this.#watchdog.check(activity, nowMs)) return;
    const { hangMs } = this.#limits;
    const what = activity < 0 ? 'it overslept by' : 'a command or another step of its work ran for';
    this.#end(this.#state.worker, `${what} more than ${hangMs} ms`);
  }

  stop(deadlineMs: number): Promise<void> {
    if (this.#stopping !== null) return this.#stopping.done;
    if (this.#state.kind === 'stopped') return Promise.resolve();
    this.#control.requestStop();
    this.#bell.ring();
    const deadline = setTimeout(() => {
      const state = this.#state;
      this.#isGivenUp = true;
      if (state.kind === 'starting' || state.kind === 'serving') {
        this.#end(state.worker, `it did not stop within ${deadlineMs} ms`);
      } else if (state.kind === 'down') {
        clearTimeout(state.restart);
        this.#stopped();
      }
    }, deadlineMs);
    let onDone = (): void => {};
    const done = new Promise<void>((resolve) => {
      onDone = () => {
        clearTimeout(deadline);
        resolve();
      };
    });
    this.#stopping = { done, onDone };
    return done;
  }

  #start(): ActorState {
    const worker = spawnThread(this.#options.entry ?? moduleBeside('./shard-thread', import.meta.url), {
      name: `shard-${this.#data.shard}`,
      workerData: this.#data,
      resourceLimits: { maxOldGenerationSizeMb: this.#limits.heapMiB, maxYoungGenerationSizeMb: YOUNG_HEAP_MIB },
    });
    this.#reason = null;
    worker.on('message', (message: ShardThreadMessage) => this.#onMessage(worker, message));
    // Comes before 'exit', also for a thread out of heap.
    worker.on('error', (error) => {
      this.#reason ??= String(error instanceof Error ? (error.stack ?? error.message) : error);
    });
    worker.on('exit', (code) => this.#onExit(code));
    const { startMs } = this.#limits;
    const deadline = setTimeout(() => this.#end(worker, `it did not serve within ${startMs} ms`), startMs);
    deadline.unref();
    return { kind: 'starting', worker, deadline };
  }

  #onMessage(worker: Worker, message: ShardThreadMessage): void {
    const { shard } = this.#data;
    if (message.kind === 'defect') {
      const { command, error, unreported } = message;
      this.#options.logger.error({ shard, command, err: error, unreported }, 'a command failed in a shard');
      return;
    }
    if (message.kind === 'trouble') {
      this.#options.logger.warn({ shard, what: message.what }, 'a copy in the shard is in trouble');
      return;
    }
    // A thread may end before this message of its is read.
    if (this.#state.kind !== 'starting') return;
    if (message.kind === 'recovering') {
      this.#state.deadline.refresh();
      return;
    }
    if (message.kind === 'recovered') {
      this.#options.onRecovered?.(shard, message.folders, message.claims);
      return;
    }
    if (message.kind === 'unreadable') {
      this.#reason = message.message;
      this.#isUnreadable = true;
      return;
    }
    clearTimeout(this.#state.deadline);
    const nowMs = performance.now();
    this.#state = { kind: 'serving', worker, sinceMs: nowMs };
    this.#watchdog.reset(nowMs);
    this.#onFirstServing();
    if (this.restarts > 0) this.#options.logger.info({ shard, restarts: this.restarts }, 'the shard serves again');
  }

  #onExit(code: number): void {
    const state = this.#state;
    assert(state.kind === 'starting' || state.kind === 'serving', 'a thread ends once');
    if (state.kind === 'starting') clearTimeout(state.deadline);
    const { shard } = this.#data;
    // The thread ended wherever it was: its word would look like a command that never ends.
    this.#control.ended();
    const reason = this.#reason ?? `its thread exited with ${code}`;
    if (this.#stopping !== null && (code === 0 || this.#isGivenUp)) {
      if (code !== 0) this.#options.logger.warn({ shard, reason }, 'the shard was ended');
      this.#stopped();
      return;
    }
    if (this.#isUnreadable) {
      this.#onFirstDeath(new FluxError('not-ready', reason));
      this.#stopped();
      return;
    }
    const delayMs = this.#backoff.delayMs(state.kind === 'serving' ? performance.now() - state.sinceMs : 0);
    this.#options.logger.error({ shard, reason, restartInMs: delayMs }, 'the shard died and is restarted');
    this.#options.onDeath?.(shard, reason);
    this.#onFirstDeath(new FluxError('not-ready', `shard ${shard} did not start: ${reason}`));
    this.restarts++;
    this.#state = {
      kind: 'down',
      restart: setTimeout(() => void this.#restart(), delayMs),
    };
  }

  async #restart(): Promise<void> {
    await this.#options.beforeRestart?.(this.#data.shard);
    // It may have been given up meanwhile.
    if (this.#state.kind === 'down') this.#state = this.#start();
  }

  #end(worker: Worker, reason: string): void {
    this.#reason ??= reason;
    // The exit is what counts, and is listened for.
    void worker.terminate();
  }

  #stopped(): void {
    this.#state = { kind: 'stopped' };
    this.#stopping?.onDone();
  }
}
