import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks';
import { DelayWindow } from './delay-window.ts';
import type { EventLoopDelay } from './facts.ts';

const RESOLUTION_MS = 10;

/**
 * Watches how late timers of this thread run: what every request may have to wait, whatever it asks for. One asks for the
 * delays since it asked before, every second; anybody else for those of the last minute, which takes nothing from others.
 */
export class EventLoopWatch {
  readonly #histogram: IntervalHistogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  readonly #window = new DelayWindow();

  constructor() {
    this.#histogram.enable();
  }

  /** The delays since the last call. The timer's own interval, which the histogram includes, is taken off. */
  take(): EventLoopDelay {
    const histogram = this.#histogram;
    const lateMs = (ns: number) => (Number.isFinite(ns) ? Math.max(0, ns / 1e6 - RESOLUTION_MS) : 0);
    const steps = histogram.count === 0 ? [] : [...histogram.percentiles];
    const delay = this.#window.add(
      histogram.count,
      steps.map(([percentile, ns]) => [percentile, lateMs(ns)]),
    );
    histogram.reset();
    return delay;
  }

  /** The delays of the last minute, as far as they were taken. */
  recent(): EventLoopDelay {
    return this.#window.delay();
  }

  stop(): void {
    this.#histogram.disable();
  }
}
