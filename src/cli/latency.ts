import { RefusedError } from './key-pages.ts';
import { Exit, openConnection, pause, print, type Run } from './run.ts';

const BETWEEN_PINGS_MS = 10;
const ONCE_MS = 1000;
const HISTORY_MS = 15_000;
const CLEAR_LINE = '\r\x1b[2K';

/** Times of one round, in milliseconds. */
export class LatencyRound {
  count = 0;
  minMs = Number.POSITIVE_INFINITY;
  maxMs = 0;
  #sumMs = 0;

  add(ms: number): void {
    this.count++;
    this.#sumMs += ms;
    this.minMs = Math.min(this.minMs, ms);
    this.maxMs = Math.max(this.maxMs, ms);
  }

  get averageMs(): number {
    return this.#sumMs / this.count;
  }

  /** One line without its end. */
  text(format: Run['format']): string {
    const [min, max, avg] = [this.minMs, this.maxMs, this.averageMs].map((ms) => ms.toFixed(3));
    switch (format) {
      case 'raw':
        return `${min} ${max} ${avg} ${this.count}`;
      case 'csv':
        return `${min},${max},${avg},${this.count}`;
      case 'json':
      case 'quoted-json':
        return `{"minMs":${min},"maxMs":${max},"avgMs":${avg},"samples":${this.count}}`;
      case 'people':
        return `min: ${min} ms, max: ${max} ms, avg: ${avg} ms (${this.count} samples)`;
    }
  }
}

/**
 * Measures the time from a PING to its answer. `--latency` goes on for ever on a terminal and ends after one round
 * elsewhere; `--latency-history` prints a line a round. `-r` limits the rounds.
 */
export async function runLatency(run: Run): Promise<Exit> {
  const isHistory = run.values.latencyHistory;
  const isLive = process.stdout.isTTY === true && run.format === 'people';
  const roundMs = run.values.interval ?? (isHistory ? HISTORY_MS : isLive ? Number.POSITIVE_INFINITY : ONCE_MS);
  const { repeat } = run.values;
  const isEndless = run.given.has('repeat') ? repeat < 0 : isHistory || isLive;
  const connection = await openConnection(run);
  for (let left = isEndless ? Number.POSITIVE_INFINITY : repeat; left > 0; left--) {
    const round = new LatencyRound();
    const startMs = performance.now();
    let elapsedMs = 0;
    while (elapsedMs < roundMs) {
      const sentMs = performance.now();
      const reply = await connection.request(['PING']);
      if (reply.kind === 'error') throw new RefusedError(`PING was refused: ${reply.text}`);
      round.add(performance.now() - sentMs);
      if (isLive) await print(`${CLEAR_LINE}${round.text(run.format)}`);
      await pause(BETWEEN_PINGS_MS);
      elapsedMs = performance.now() - startMs;
    }
    const range = run.format === 'people' && isHistory ? ` -- ${(elapsedMs / 1000).toFixed(2)} s` : '';
    await print(`${isLive ? CLEAR_LINE : ''}${round.text(run.format)}${range}\n`);
  }
  connection.close();
  return Exit.ok;
}
