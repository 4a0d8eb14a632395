import { assert } from '../../base/assert.ts';
import type { ChunkCursor } from './replication-host.ts';
import type { ReplicationOptions } from './replication-options.ts';

interface Chunk {
  readonly atSeq: number;
  readonly atEpoch: number;
  readonly entries: readonly Uint8Array[];
  readonly next: ChunkCursor;
}

/**
 * A snapshot on its way to one follower: pieces of the store, one after the other, between the records.
 *
 *     reading -> sending   the store has given the piece: it shows the state after the last record, `atSeq`
 *     sending -> reading   the follower has taken it; the next one is asked for
 *     sending -> done      it was the last one
 *
 * While a piece is being sent no records above its `atSeq` follow, because the follower takes it only while its log
 * ends there. While one is being read they flow. Before the first was taken the follower holds something else, and
 * gets no records at all.
 */
export class SnapshotSender {
  /** Tells it from other snapshots of this copy. */
  readonly stream: number;
  #index = 0;
  #chunk: Chunk | null = null;
  #isDone = false;
  #sentMs = Number.NEGATIVE_INFINITY;
  #progressMs: number;
  readonly #options: ReplicationOptions;

  constructor(stream: number, options: ReplicationOptions, nowMs: number) {
    this.stream = stream;
    this.#options = options;
    this.#progressMs = nowMs;
  }

  get index(): number {
    return this.#index;
  }

  /** The piece that is being sent; null while it is being read. */
  get chunk(): Chunk | null {
    return this.#chunk;
  }

  /** The follower has taken the last piece. */
  get isDone(): boolean {
    return this.#isDone;
  }

  get isBeforeFirst(): boolean {
    return this.#index === 0;
  }

  /** Up to which record the follower may be sent. */
  get recordsTo(): number {
    return this.#chunk?.atSeq ?? Number.POSITIVE_INFINITY;
  }

  /** Neither the store nor the follower did anything about it for too long. */
  isStalled(nowMs: number): boolean {
    return nowMs >= this.stallAtMs;
  }

  isSendDue(nowMs: number): boolean {
    return this.#chunk !== null && nowMs - this.#sentMs >= this.#options.resendMs;
  }

  /** When the piece is to be sent, or sent again; but for a stall. */
  get sendAtMs(): number {
    return Math.min(this.stallAtMs, this.#sentMs + this.#options.resendMs);
  }

  get stallAtMs(): number {
    return this.#progressMs + this.#options.snapshotStallMs;
  }

  read(chunk: Chunk, nowMs: number): void {
    assert(this.#chunk === null, 'one piece of a snapshot is read at a time');
    this.#chunk = chunk;
    this.#sentMs = Number.NEGATIVE_INFINITY;
    this.#progressMs = nowMs;
  }

  sent(nowMs: number): void {
    this.#sentMs = nowMs;
  }

  /** The piece that is being sent was taken. Answers where the next one begins, null behind the last. */
  taken(nowMs: number): ChunkCursor {
    const chunk = this.#chunk;
    assert(chunk !== null, 'what was taken was sent');
    this.#chunk = null;
    this.#index++;
    this.#progressMs = nowMs;
    this.#isDone = chunk.next === null;
    return chunk.next;
  }
}
