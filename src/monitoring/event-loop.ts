import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks';
import type { EventLoopDelay } from './facts.ts';

const RESOLUTION_MS = 10;

/** Watches how late timers of this thread run: what every request may have to wait, whatever it asks for. */
export class EventLoopWatch {
  readonly #histogram: IntervalHistogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });

  constructor() {
    this.#histogram.enable();
  }

  /** The delays since the last call. The timer's own interval, which the histogram includes, is taken off. */
  take(): EventLoopDelay {
    const lateMs = (ns: number) => (Number.isFinite(ns) ? Math.max(0, ns / 1e6 - RESOLUTION_MS) : 0);
    const delay =
      this.#histogram.count === 0
        ? { p50Ms: 0, p99Ms: 0, maxMs: 0 }
        : {
            p50Ms: lateMs(this.#histogram.percentile(50)),
            p99Ms: lateMs(this.#histogram.percentile(99)),
            maxMs: lateMs(this.#histogram.max),
          };
    this.#histogram.reset();
    return delay;
  }

  stop(): void {
    this.#histogram.disable();
  }
}
