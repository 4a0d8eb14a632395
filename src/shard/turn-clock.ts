import type { Clock } from '../base/ports.ts';

/** A clock that stands still while a command runs: one time for all that the command does, and one look at the clock. */
export class TurnClock implements Clock {
  readonly #clock: Clock;
  #nowMs: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#nowMs = clock.nowMs();
  }

  /** Looks at the real clock, and returns the time that holds until the next look. */
  tick(): number {
    this.#nowMs = this.#clock.nowMs();
    return this.#nowMs;
  }

  /** Until the next look it is this time. */
  standAt(nowMs: number): void {
    this.#nowMs = nowMs;
  }

  nowMs(): number {
    return this.#nowMs;
  }
}
