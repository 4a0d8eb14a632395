/**
 * Decides when an actor hangs, from what its activity word reads at each check.
 *
 * The word is above 0 while the actor works, and changes with every command and every bounded step of upkeep; so an actor
 * hangs when it has stayed the same for longer than `hangMs`. While the actor sleeps the word is below 0, and changes each
 * time it wakes, every `sleepMs` at least: then it hangs when that is overdue by `hangMs`. At 0 there is no actor. What
 * counts is time in which this process ran too: when checks come late (the process was suspended, the thread was stalled), an
 * interval counts as twice the planned one at most, or a healthy actor would be blamed for a pause of the machine.
 */
export class Watchdog {
  readonly #hangMs: number;
  readonly #sleepMs: number;
  readonly #intervalMs: number;
  #activity = 0;
  #sameForMs = 0;
  #checkedAtMs: number;

  constructor(hangMs: number, sleepMs: number, intervalMs: number, nowMs: number) {
    this.#hangMs = hangMs;
    this.#sleepMs = sleepMs;
    this.#intervalMs = intervalMs;
    this.#checkedAtMs = nowMs;
  }

  /** True when the actor hangs. `nowMs` is monotonic time. */
  check(activity: number, nowMs: number): boolean {
    const passedMs = Math.min(nowMs - this.#checkedAtMs, this.#intervalMs * 2);
    this.#checkedAtMs = nowMs;
    if (activity === 0 || activity !== this.#activity) {
      this.#activity = activity;
      this.#sameForMs = 0;
      return false;
    }
    this.#sameForMs += passedMs;
    return this.#sameForMs > this.#hangMs + (activity < 0 ? this.#sleepMs : 0);
  }

  /** Forgets what it saw: the actor was replaced. */
  reset(nowMs: number): void {
    this.#activity = 0;
    this.#sameForMs = 0;
    this.#checkedAtMs = nowMs;
  }
}
