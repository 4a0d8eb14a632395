import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../../base/ports.ts';
import { moduleBeside } from '../../base/spawn-thread.ts';
import type { Job, JobPool } from '../../jobs/job-pool.ts';
import { Doorbell, type DoorbellHandle } from '../../mailbox/doorbell.ts';
import { snapshotName, unfinished } from '../../persistence/data-names.ts';
import type { FileHeader } from '../../persistence/file-header.ts';
import { frameSeed } from '../../persistence/frame.ts';
import type { LogGate } from '../../persistence/log-gate.ts';
import { publishSnapshot, removeBefore } from '../../persistence/snapshot-file.ts';
import type { SnapshotJobInput, SnapshotJobOutput } from '../../persistence/snapshot-job.ts';
import type { SnapshotCursor } from '../../persistence/snapshot-piece.ts';
import type { StoreMemory } from '../../store/arena.ts';
import { HASHES } from '../../store/scan.ts';
import type { LogThread } from './log-thread.ts';

/** A shard of which snapshots are made. */
export interface SnapshotShard {
  readonly shard: number;
  /** Where its files are. */
  readonly folder: string;
  readonly memory: StoreMemory;
  readonly gate: LogGate;
  /** Its actor's. */
  readonly bell: DoorbellHandle;
  readonly thread: Pick<LogThread, 'restart' | 'sync' | 'mend'>;
  /** An actor serves it. */
  readonly isServing: () => boolean;
}

export interface SnapshotTakerOptions {
  readonly jobs: Pick<JobPool, 'run'>;
  /** The slot of jobs in every store. */
  readonly reader: number;
  readonly shards: number;
  readonly storeId: Uint8Array;
  readonly clock: Clock;
  readonly restFactor?: number;
  readonly pieceMs?: number;
  /** Has the folders of the shards be there; what is wrong with them, or null. */
  readonly prepare?: () => Promise<string | null>;
  /** What is under way is to be given up. */
  readonly isStopped: () => boolean;
  /** What became superfluous could not be removed. */
  readonly onLeftOver: (folder: string, error: unknown) => void;
}

export type SnapshotOutcome =
  | {
      readonly kind: 'done';
      /** Of the first record that is not in it. */
      readonly sequence: number;
      readonly entries: number;
      readonly bytes: number;
    }
  | { readonly kind: 'failed'; readonly reason: string };

/** Called while a snapshot is made, with how far it has come. */
export type OnPiece = (cursor: SnapshotCursor) => void;

const PIECE_MS = 500;
/** A piece takes half a second, and more when the disk is slow. */
const JOB_TIMEOUT_MS = 300_000;
/** It takes as much time off as it works: half a processor. */
const REST_FACTOR = 1;
const RESTART_LIMIT_MS = 2000;
const TURN_LIMIT_MS = 10_000;
const SYNC_LIMIT_MS = 10_000;
const LOOK_MS = 2;
const BUSY = 'the shard is busy for too long';
const SYNC_LOOK_MS = 250;

/**
 * Makes snapshots of shards that serve meanwhile:
 *
 * 1. The log begins a new segment, whose first record is number P.
 * 2. Jobs write all entries of the store to a file that does not count yet. What changes meanwhile is in it as it was at
 *    some time from P on, and in the log.
 * 3. The shard ends a turn, so that all that its store has shown is sent to the log; that is made to be on the disk, up to
 *    number Q.
 * 4. Q is written at the file's end, and it gets its name: from P on the log makes up for what has changed, and it has to be
 *    there up to Q at least.
 * 5. What lies before P is removed.
 *
 * A crash in between leaves what was there before, and perhaps what the next start removes.
 */
export class SnapshotTaker {
  readonly #options: SnapshotTakerOptions;
  readonly #seed: number;
  readonly #job: Job = {
    name: 'snapshot',
    entry: moduleBeside('../../persistence/snapshot-job', import.meta.url),
    timeoutMs: JOB_TIMEOUT_MS,
  };

  constructor(options: SnapshotTakerOptions) {
    this.#options = options;
    this.#seed = frameSeed(options.storeId);
  }

  /** Makes one; never rejects. One of a shard at a time. */
  async take(shard: SnapshotShard, onPiece: OnPiece): Promise<SnapshotOutcome> {
    if (!shard.isServing()) return failed('the shard does not serve just now');
    const { reign } = shard.gate;
    const obstacle = (await this.#options.prepare?.()) ?? null;
    if (obstacle !== null) return failed(obstacle);
    const sequence = await this.#restart(shard);
    if (typeof sequence === 'string') return failed(sequence);
    const path = join(shard.folder, snapshotName(sequence));
    const temporary = unfinished(path);
    try {
      const outcome = await this.#write(shard, sequence, reign, temporary, path, onPiece);
      if (outcome.kind === 'done') await this.#published(shard, sequence);
      else await rm(temporary, { force: true });
      return outcome;
    } catch (error) {
      await rm(temporary, { force: true }).catch(() => undefined);
      return failed(error instanceof Error ? error.message : String(error));
    }
  }

  async #write(
    shard: SnapshotShard,
    sequence: number,
    reign: number,
    temporary: string,
    path: string,
    onPiece: OnPiece,
  ): Promise<SnapshotOutcome> {
    const { gate } = shard;
    const { shards, storeId, clock } = this.#options;
    const begunAtMs = clock.nowMs();
    const header: FileHeader = {
      kind: 'snapshot',
      shard: shard.shard,
      shards,
      storeId,
      sequence,
      begunAtMs,
      isAnew: false,
    };
    // Copies in a cluster write what of them is in memory alone before entries are read.
    if (!(await this.#turnEnds(shard))) return failed(BUSY);
    let from: SnapshotCursor = { at: 0, entries: 0 };
    let length = 0;
    while (from.at < HASHES) {
      if (this.#options.isStopped()) return failed('the node stops');
      const piece = await this.#piece(shard.memory, temporary, header, from, length);
      if (typeof piece === 'string') return failed(piece);
      from = piece.cursor;
      length = piece.length;
      onPiece(from);
      // What that one did last may be in the file, and never reached the log.
      if (gate.reign !== reign) return failed('the actor of the shard died meanwhile');
    }
    const end = await this.#settle(shard);
    if (typeof end === 'string') return failed(end);
    if (gate.reign !== reign) return failed('the actor of the shard died meanwhile');
    const { entries } = from;
    const bytes = await publishSnapshot(temporary, path, length, { entries, sequence: end }, this.#seed);
    return { kind: 'done', sequence, entries, bytes };
  }

  async #piece(
    memory: StoreMemory,
    path: string,
    header: FileHeader,
    from: SnapshotCursor,
    length: number,
  ): Promise<SnapshotJobOutput | string> {
    const { jobs, reader, pieceMs = PIECE_MS, restFactor = REST_FACTOR } = this.#options;
    const input: SnapshotJobInput = { memory, reader, path, header, from, length, pieceMs, restFactor };
    const result = await jobs.run<SnapshotJobOutput>(this.#job, input);
    if (result.kind === 'done') return result.output;
    // The first line: the log of the node has the rest.
    return result.kind === 'stopped' ? 'the node stops' : (result.reason.split('\n')[0] ?? '');
  }

  /** Has all that the shard's store has shown be on the disk; returns the number of the record behind, or what is wrong. */
  async #settle(shard: SnapshotShard): Promise<number | string> {
    if (!(await this.#turnEnds(shard))) return BUSY;
    for (const isOver = this.#within(SYNC_LIMIT_MS); !isOver(); await pause(SYNC_LOOK_MS)) {
      const answer = await shard.thread.sync();
      if (answer === null) return 'the log has ended';
      if (answer.synced === answer.next) return answer.next;
    }
    return 'the log cannot be written';
  }

  /** Not in the midst of a command's records, and not while a write is tried again. */
  async #restart({ thread }: SnapshotShard): Promise<number | string> {
    let reason: string | null = null;
    for (const isOver = this.#within(RESTART_LIMIT_MS); !isOver(); ) {
      const answer = await thread.restart();
      if (answer === null) return 'the log has ended';
      if (answer.sequence !== null) return answer.sequence;
      reason = answer.trouble;
      // A disk does not come back within the time of a command.
      await pause(reason === null ? LOOK_MS : SYNC_LOOK_MS);
    }
    return reason === null ? 'the log cannot begin a file just now' : `the log cannot begin a file: ${reason}`;
  }

  /** All that the shard's store shows has been sent to its log; false: that took too long. */
  async #turnEnds({ gate, bell }: SnapshotShard): Promise<boolean> {
    const turn = gate.askForTurn();
    new Doorbell(bell).ring();
    for (const isOver = this.#within(TURN_LIMIT_MS); !gate.isTurnDone(turn); await pause(LOOK_MS)) {
      if (isOver()) return false;
    }
    return true;
  }

  #within(limitMs: number): () => boolean {
    const endMs = performance.now() + limitMs;
    return () => performance.now() > endMs || this.#options.isStopped();
  }

  async #published({ folder, thread }: SnapshotShard, sequence: number): Promise<void> {
    thread.mend(sequence);
    try {
      await removeBefore(folder, sequence);
    } catch (error) {
      this.#options.onLeftOver(folder, error);
    }
  }
}

function failed(reason: string): SnapshotOutcome {
  return { kind: 'failed', reason };
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
