import type { Clock } from '../../base/ports.ts';
import type { LatencyEvent, LatencySample } from '../../command/control.ts';

/** As Redis: samples kept of one kind of event. */
const SAMPLES_MAX = 160;
/** How often it is looked how late the event loop is. */
const LOOK_MS = 50;

interface Kept {
  maxMs: number;
  /** The oldest first. */
  samples: LatencySample[];
}

/**
 * What took longer than a threshold, by the kind of event: `event-loop` when the main thread was late by so much, and
 * what others tell by `sample`. With a threshold of 0 nothing is watched.
 */
export class LatencyEvents {
  readonly #clock: Clock;
  readonly #kinds = new Map<string, Kept>();
  #thresholdMs = 0;
  #timer: NodeJS.Timeout | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get thresholdMs(): number {
    return this.#thresholdMs;
  }

  set thresholdMs(thresholdMs: number) {
    this.#thresholdMs = thresholdMs;
    this.stop();
    if (thresholdMs > 0) this.#watchEventLoop();
  }

  /** Keeps an event if it took as long as the threshold. Of those within one second the longest is kept, as in Redis. */
  sample(name: string, latencyMs: number): void {
    if (this.#thresholdMs === 0 || latencyMs < this.#thresholdMs) return;
    let kept = this.#kinds.get(name);
    if (kept === undefined) {
      kept = { maxMs: 0, samples: [] };
      this.#kinds.set(name, kept);
    }
    const whole = Math.round(latencyMs);
    kept.maxMs = Math.max(kept.maxMs, whole);
    const atMs = this.#clock.nowMs();
    const last = kept.samples.at(-1);
    if (last !== undefined && Math.floor(last.atMs / 1000) === Math.floor(atMs / 1000)) {
      if (last.latencyMs < whole) kept.samples[kept.samples.length - 1] = { atMs, latencyMs: whole };
      return;
    }
    kept.samples.push({ atMs, latencyMs: whole });
    if (kept.samples.length > SAMPLES_MAX) kept.samples.shift();
  }

  *events(): Iterable<LatencyEvent> {
    for (const [name, { maxMs, samples }] of this.#kinds) yield { name, maxMs, samples };
  }

  /** Forgets the events of these names, or all; returns of how many kinds there were some. */
  reset(names: readonly string[] | null): number {
    let count = 0;
    for (const name of names ?? [...this.#kinds.keys()]) if (this.#kinds.delete(name)) count++;
    return count;
  }

  /** Ends the watching of the event loop. */
  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
  }

  #watchEventLoop(): void {
    let dueMs = performance.now() + LOOK_MS;
    this.#timer = setInterval(() => {
      const nowMs = performance.now();
      this.sample('event-loop', nowMs - dueMs);
      dueMs = nowMs + LOOK_MS;
    }, LOOK_MS);
    this.#timer.unref();
  }
}
