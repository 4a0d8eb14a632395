import type { Call } from './call.ts';

/**
 * The time-outs of calls. Calls with the client's own time-out run out in the order they were made, so that one timer for
 * the oldest serves them all; a call with a time-out of its own has its own timer.
 */
export class Deadlines {
  readonly #timeoutMs: number;
  readonly #onDue: (call: Call) => void;
  /** Unsettled calls with the client's time-out, oldest first. */
  readonly #calls = new Set<Call>();
  readonly #timers = new Map<Call, NodeJS.Timeout>();
  #timer: NodeJS.Timeout | undefined;

  /** @param timeoutMs the client's; 0: calls never run out */
  constructor(timeoutMs: number, onDue: (call: Call) => void) {
    this.#timeoutMs = timeoutMs;
    this.#onDue = onDue;
  }

  /** The time by which a call that is made now runs out. */
  deadlineMs(ownTimeoutMs: number | undefined): number {
    const timeoutMs = ownTimeoutMs ?? this.#timeoutMs;
    return timeoutMs === 0 ? Number.POSITIVE_INFINITY : performance.now() + timeoutMs;
  }

  add(call: Call): void {
    if (call.deadlineMs === Number.POSITIVE_INFINITY) return;
    if (call.options.timeoutMs === undefined) {
      this.#calls.add(call);
      if (this.#timer === undefined) this.#arm(this.#timeoutMs);
    } else {
      this.#timers.set(
        call,
        setTimeout(() => this.#onDue(call), call.options.timeoutMs),
      );
    }
  }

  delete(call: Call): void {
    if (this.#calls.delete(call) || this.#timers.size === 0) return;
    clearTimeout(this.#timers.get(call));
    this.#timers.delete(call);
  }

  /** Ends the timers; only when no call is left. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #arm(delayMs: number): void {
    this.#timer = setTimeout(() => this.#sweep(), delayMs);
    // The connection keeps the process alive, for as long as there is one.
    this.#timer.unref();
  }

  #sweep(): void {
    this.#timer = undefined;
    const nowMs = performance.now();
    for (const call of this.#calls) {
      // Timers may fire a millisecond early.
      if (call.deadlineMs > nowMs + 1) {
        this.#arm(call.deadlineMs - nowMs);
        return;
      }
      this.#onDue(call);
    }
  }
}
