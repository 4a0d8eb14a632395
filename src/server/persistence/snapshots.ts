import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock, Logger } from '../../base/ports.ts';
import type { JobPool } from '../../jobs/job-pool.ts';
import { readName } from '../../persistence/data-names.ts';
import { readSnapshotEnd } from '../../persistence/snapshot-file.ts';
import { type SnapshotReason, type SnapshotRules, snapshotDue } from './snapshot-due.ts';
import { type SnapshotOutcome, type SnapshotShard, SnapshotTaker } from './snapshot-taker.ts';

export interface SnapshotsOptions {
  readonly shards: readonly SnapshotShard[];
  readonly jobs: Pick<JobPool, 'run'>;
  /** The slot of jobs in every store. */
  readonly reader: number;
  readonly storeId: Uint8Array;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Looked at each time; they may change. */
  readonly rules: SnapshotRules;
  /** How often it is looked whether one is due. */
  readonly lookMs?: number;
  /** See `SnapshotTakerOptions`. */
  readonly prepare?: () => Promise<string | null>;
  readonly restFactor?: number;
  readonly pieceMs?: number;
}

/** What is told of a node's snapshots. Times of day are Unix milliseconds. */
export interface SnapshotFacts {
  readonly isRunning: boolean;
  /** Since when; 0: none is being made. */
  readonly runningSinceMs: number;
  /** Entries written of the one that is being made. */
  readonly runningEntries: number;
  /** Every shard has one that is not older than this; 0: there is none of some shard. */
  readonly lastAtMs: number;
  /** Whether the last one that was begun was finished. */
  readonly isLastDone: boolean;
  /** How long the last one of each shard took, together. */
  readonly lastTookMs: number;
  /** In the newest ones of all shards. */
  readonly entries: number;
  readonly bytes: number;
  /** Since the node was started, of single shards. */
  readonly taken: number;
  readonly failed: number;
  /** Of the logs since the newest snapshots. */
  readonly logBytes: number;
  /** Records since then. */
  readonly changes: number;
}

/** What came of all shards' snapshots. */
export type SnapshotsOutcome =
  | { readonly kind: 'done'; readonly entries: number; readonly bytes: number; readonly tookMs: number }
  | { readonly kind: 'failed'; readonly reason: string };

/** One that is to be made. */
interface Task {
  readonly reason: SnapshotReason;
  readonly waiting: ((outcome: SnapshotOutcome) => void)[];
}

/** What is known of a shard's snapshots. */
interface ShardState {
  readonly shard: SnapshotShard;
  /** Of the newest. */
  sequence: number;
  bytes: number;
  entries: number;
  atMs: number;
  tookMs: number;
  reign: number;
  /** Of the log when it was begun, as the gate counts them; less than 0 for what was there before this process. */
  logBytesBefore: number;
  failures: number;
  failedAtMs: number;
}

const LOOK_MS = 500;

/**
 * Has snapshots of a node's shards made, one after the other: when asked, when they are due by time or by growth of the log,
 * and when the log lacks something. One that fails is tried again after a while, and the log goes on meanwhile.
 */
export class Snapshots {
  readonly #options: SnapshotsOptions;
  readonly #taker: SnapshotTaker;
  readonly #states: readonly ShardState[];
  /** By shard, in the order in which they come. */
  readonly #tasks = new Map<number, Task>();
  readonly #timer: NodeJS.Timeout;
  readonly #openedAtMs: number;
  #running: Promise<void> | null = null;
  #runningSinceMs = 0;
  #runningEntries = 0;
  #isLastDone = true;
  #taken = 0;
  #failed = 0;
  #isStopped = false;

  constructor(options: SnapshotsOptions) {
    const { shards, logger, lookMs = LOOK_MS } = options;
    this.#options = options;
    this.#openedAtMs = options.clock.nowMs();
    this.#taker = new SnapshotTaker({
      ...options,
      shards: shards.length,
      isStopped: () => this.#isStopped,
      onLeftOver: (folder, err) =>
        logger.warn({ folder, err }, 'files that a snapshot makes superfluous are still there'),
    });
    this.#states = shards.map((shard) => ({ ...foundIn(shard), shard, reign: shard.gate.reign }));
    this.#timer = setInterval(() => this.#look(), lookMs);
    this.#timer.unref();
  }

  get isRunning(): boolean {
    return this.#running !== null;
  }

  /** Makes one of every shard, begun after this call. Never rejects. */
  async take(reason: SnapshotReason = 'asked'): Promise<SnapshotsOutcome> {
    const beganMs = performance.now();
    const outcomes = await Promise.all(this.#states.map((_, shard) => this.#request(shard, reason)));
    let entries = 0;
    let bytes = 0;
    for (const [shard, outcome] of outcomes.entries()) {
      if (outcome.kind === 'failed') return { kind: 'failed', reason: `shard ${shard}: ${outcome.reason}` };
      entries += outcome.entries;
      bytes += outcome.bytes;
    }
    return { kind: 'done', entries, bytes, tookMs: performance.now() - beganMs };
  }

  facts(): SnapshotFacts {
    const sum = (of: (state: ShardState) => number) => this.#states.reduce((total, state) => total + of(state), 0);
    return {
      isRunning: this.isRunning,
      runningSinceMs: this.#runningSinceMs,
      runningEntries: this.#runningEntries,
      lastAtMs: Math.min(...this.#states.map(({ atMs }) => atMs)),
      isLastDone: this.#isLastDone,
      lastTookMs: sum(({ tookMs }) => tookMs),
      entries: sum(({ entries }) => entries),
      bytes: sum(({ bytes }) => bytes),
      taken: this.#taken,
      failed: this.#failed,
      logBytes: sum(logBytesOf),
      changes: sum(changesOf),
    };
  }

  /** No more begin; the one that is being made is given up. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    clearInterval(this.#timer);
    for (const [shard, task] of this.#tasks) {
      this.#tasks.delete(shard);
      for (const settle of task.waiting) settle({ kind: 'failed', reason: 'the node stops' });
    }
    await this.#running;
  }

  #look(): void {
    const nowMs = this.#options.clock.nowMs();
    for (const [shard, state] of this.#states.entries()) {
      if (this.#tasks.has(shard)) continue;
      const { gate } = state.shard;
      const reason = snapshotDue(
        {
          logState: gate.state,
          isRestarted: gate.reign !== state.reign,
          logBytes: logBytesOf(state),
          snapshotBytes: state.bytes,
          changes: changesOf(state),
          ageMs: nowMs - (state.atMs || this.#openedAtMs),
          failures: state.failures,
          sinceFailureMs: performance.now() - state.failedAtMs,
        },
        this.#options.rules,
        this.#states.length,
      );
      // While one is made it is too early to say whether another is needed.
      if (reason !== null && !this.isRunning) void this.#request(shard, reason);
    }
  }

  #request(shard: number, reason: SnapshotReason): Promise<SnapshotOutcome> {
    if (this.#isStopped) return Promise.resolve({ kind: 'failed', reason: 'the node stops' });
    let task = this.#tasks.get(shard);
    if (task === undefined) {
      task = { reason, waiting: [] };
      this.#tasks.set(shard, task);
    }
    const { waiting } = task;
    const outcome = new Promise<SnapshotOutcome>((resolve) => waiting.push(resolve));
    this.#running ??= this.#run().finally(() => {
      this.#running = null;
      this.#runningSinceMs = 0;
    });
    return outcome;
  }

  async #run(): Promise<void> {
    this.#runningSinceMs = this.#options.clock.nowMs();
    for (let next = first(this.#tasks); next !== undefined; next = first(this.#tasks)) {
      const [shard, task] = next;
      this.#tasks.delete(shard);
      const outcome = await this.#take(this.#states[shard] as ShardState, task.reason);
      for (const settle of task.waiting) settle(outcome);
    }
  }

  async #take(state: ShardState, reason: SnapshotReason): Promise<SnapshotOutcome> {
    const { clock, logger } = this.#options;
    const { shard, gate } = state.shard;
    const beganMs = performance.now();
    const { reign } = gate;
    const logBytesBefore = gate.get('logBytes');
    this.#runningEntries = 0;
    const outcome = await this.#taker.take(state.shard, ({ entries }) => {
      this.#runningEntries = entries;
    });
    const tookMs = Math.round(performance.now() - beganMs);
    this.#isLastDone = outcome.kind === 'done';
    if (outcome.kind === 'failed') {
      this.#failed++;
      state.failures++;
      state.failedAtMs = performance.now();
      if (!this.#isStopped) logger.warn({ shard, reason, why: outcome.reason, tookMs }, 'a snapshot could not be made');
      return outcome;
    }
    const { sequence, entries, bytes } = outcome;
    this.#taken++;
    Object.assign(state, { sequence, entries, bytes, reign, logBytesBefore, tookMs, failures: 0, atMs: clock.nowMs() });
    logger.info({ shard, reason, entries, bytes, tookMs }, 'a snapshot was made');
    return outcome;
  }
}

function first<Key, Value>(map: ReadonlyMap<Key, Value>): [Key, Value] | undefined {
  for (const entry of map) return entry;
  return undefined;
}

function logBytesOf({ shard, logBytesBefore }: ShardState): number {
  return Math.max(0, shard.gate.get('logBytes') - logBytesBefore);
}

function changesOf({ shard, sequence }: ShardState): number {
  return Math.max(0, shard.gate.get('written') + 1 - sequence);
}

/** What is known from the files of a shard that was just read. */
function foundIn({ folder, gate }: SnapshotShard): Omit<ShardState, 'shard' | 'reign'> {
  let newest = { sequence: 1, bytes: 0, entries: 0, atMs: 0 };
  let logBytes = 0;
  for (const name of readdirSync(folder)) {
    const named = readName(name);
    if (named === null) continue;
    const { size, mtimeMs } = statSync(join(folder, name));
    if (named.kind === 'log') logBytes += size;
    else if (named.sequence >= newest.sequence) {
      const { entries } = readSnapshotEnd(join(folder, name));
      newest = { sequence: named.sequence, bytes: size, entries, atMs: Math.round(mtimeMs) };
    }
  }
  const logBytesBefore = gate.get('logBytes') - logBytes;
  return { ...newest, tookMs: 0, logBytesBefore, failures: 0, failedAtMs: 0 };
}
