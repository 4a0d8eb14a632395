import type { Logger } from '../../base/ports.ts';
import { RecoveryState, type RecoveryWords } from '../../persistence/recovery-words.ts';

/** How far a node has come with what was kept of its keys. */
export interface LoadingFacts {
  /** Unix milliseconds. */
  readonly beganAtMs: number;
  /** Of the files of all shards; 0 before they have looked. */
  readonly totalBytes: number;
  readonly loadedBytes: number;
  /** 0 to 1. */
  readonly share: number;
  /** At the pace until now; at least 1, since clients wait for so long before they ask again. */
  readonly etaS: number;
}

export interface LoadingWatchParts {
  /** By shard. */
  readonly words: readonly RecoveryWords[];
  readonly logger: Logger;
  readonly nowMs: () => number;
}

const LOG_INTERVAL_MS = 5000;

/** Knows how far the shards are, all together, and logs it now and then until it is stopped. */
export class LoadingWatch {
  readonly #words: readonly RecoveryWords[];
  readonly #nowMs: () => number;
  readonly #beganAtMs: number;
  readonly #timer: NodeJS.Timeout;

  constructor({ words, logger, nowMs }: LoadingWatchParts) {
    this.#words = words;
    this.#nowMs = nowMs;
    this.#beganAtMs = nowMs();
    this.#timer = setInterval(() => {
      const { share, loadedBytes, totalBytes, etaS } = this.facts();
      const done = words.filter(({ state }) => state === RecoveryState.done).length;
      const percent = Math.floor(share * 100);
      const what = { percent, loadedBytes, totalBytes, shardsDone: done, shards: words.length, etaS };
      logger.info(what, 'what was kept on the disk is being read');
    }, LOG_INTERVAL_MS);
    this.#timer.unref();
  }

  facts(): LoadingFacts {
    const nowMs = this.#nowMs();
    let totalBytes = 0;
    let loadedBytes = 0;
    let etaMs = 0;
    for (const words of this.#words) {
      const bytes = words.get('bytes');
      const bytesRead = words.get('bytesRead');
      totalBytes += bytes;
      loadedBytes += bytesRead;
      // They read side by side: the last one counts.
      if (bytesRead > 0) etaMs = Math.max(etaMs, ((nowMs - words.get('beganAtMs')) * (bytes - bytesRead)) / bytesRead);
    }
    return {
      beganAtMs: this.#beganAtMs,
      totalBytes,
      loadedBytes,
      share: totalBytes === 0 ? 0 : Math.min(1, loadedBytes / totalBytes),
      etaS: Math.max(1, Math.round(etaMs / 1000)),
    };
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}
