import type { Logger } from '../../base/ports.ts';
import type { Doorbell } from '../../mailbox/doorbell.ts';
import { type LogGate, LogState } from '../../persistence/log-gate.ts';

export interface LogWatchParts {
  /** By shard. */
  readonly gates: readonly LogGate[];
  /** What a shard's disk said last; empty: nothing. */
  readonly reasonOf: (shard: number) => string;
  /** Of those who wait for replies. */
  readonly fronts: readonly Doorbell[];
  /** Writes are refused while the disk takes nothing. */
  readonly failsWithDisk: boolean;
  readonly logger: Logger;
  readonly nowMs: () => number;
}

interface Watched {
  state: LogState;
  sinceMs: number;
  acknowledged: number;
  /** Since when nothing has moved though something waits; Infinity: nothing waits. */
  stalledSinceMs: number;
  isStalled: boolean;
}

const LOOK_MS = 250;
/** A disk that is so slow is worth a word. */
const STALL_MS = 2000;

const troubles: Readonly<Record<LogState, string>> = {
  [LogState.closed]: 'is not open',
  [LogState.well]: '',
  [LogState.failing]: 'cannot be written; it is tried again',
  [LogState.broken]: 'has a gap, since the disk failed; a snapshot has to make up for it',
  [LogState.mending]: 'has a gap, since the disk failed; a snapshot that makes up for it is being made',
};

/** Looks how the logs fare, for health, for the log, and for replies that have waited for long enough. */
export class LogWatch {
  readonly #parts: LogWatchParts;
  readonly #watched: readonly Watched[];
  readonly #timer: NodeJS.Timeout;

  /** The logs are open. */
  constructor(parts: LogWatchParts) {
    this.#parts = parts;
    const { gates, nowMs } = parts;
    this.#watched = gates.map(({ acknowledged }) => ({
      state: LogState.well,
      sinceMs: nowMs(),
      acknowledged,
      stalledSinceMs: Number.POSITIVE_INFINITY,
      isStalled: false,
    }));
    this.#timer = setInterval(() => this.look(), LOOK_MS);
    this.#timer.unref();
  }

  /** What is not as it should be, for people; nothing of it keeps reads from being answered. */
  troubles(): string[] {
    const { gates, failsWithDisk, reasonOf, nowMs } = this.#parts;
    const said: string[] = [];
    for (const [shard, { isStalled, stalledSinceMs }] of this.#watched.entries()) {
      const { state } = gates[shard] as LogGate;
      if (state !== LogState.well) {
        const effect = failsWithDisk ? 'writes are refused' : 'writes go on in memory alone';
        const reason = reasonOf(shard);
        said.push(`the log of shard ${shard} ${troubles[state]}: ${effect}${reason === '' ? '' : ` (${reason})`}`);
      } else if (isStalled) {
        const seconds = Math.round((nowMs() - stalledSinceMs) / 1000);
        said.push(`the log of shard ${shard} has waited ${seconds} s for the disk`);
      }
    }
    return said;
  }

  look(): void {
    for (const shard of this.#watched.keys()) this.#lookAt(shard);
    // Whose time is over is told so though no disk answers.
    for (const bell of this.#parts.fronts) bell.ring();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #lookAt(shard: number): void {
    const { gates, logger, reasonOf, nowMs } = this.#parts;
    const gate = gates[shard] as LogGate;
    const watched = this.#watched[shard] as Watched;
    const { state, acknowledged } = gate;
    if (state !== watched.state) {
      const forMs = Math.round(nowMs() - watched.sinceMs);
      if (state === LogState.well) logger.info({ shard, forMs }, 'the log on the disk is written again');
      else if (state !== LogState.closed)
        logger.error({ shard, reason: reasonOf(shard) }, `the log on the disk ${troubles[state]}`);
      watched.state = state;
      watched.sinceMs = nowMs();
    }
    if (acknowledged !== watched.acknowledged || gate.waiting === 0) {
      if (watched.isStalled) logger.info({ shard }, 'the disk takes the log again');
      watched.acknowledged = acknowledged;
      watched.stalledSinceMs = gate.waiting === 0 ? Number.POSITIVE_INFINITY : nowMs();
      watched.isStalled = false;
      return;
    }
    watched.stalledSinceMs = Math.min(watched.stalledSinceMs, nowMs());
    if (watched.isStalled || state !== LogState.well || nowMs() - watched.stalledSinceMs < STALL_MS) return;
    watched.isStalled = true;
    logger.warn({ shard, records: gate.waiting }, 'the disk does not take the log');
  }
}
