/**
 * Decides when an actor hangs, from what its activity word reads at each check.
 *
 * The word is 0 while the actor sleeps, and changes with every command and every bounded step of upkeep while it
 * works; so an actor hangs when the word has stayed the same, and not 0, for longer than `hangMs`. What counts is time
 * in which this process ran too: when checks come late (the process was suspended, the thread was stalled), an
 * interval counts as twice the planned one at most, or a healthy actor would be blamed for a pause of the machine.
 */
export class Watchdog {
  readonly #hangMs: number;
  readonly #intervalMs: number;
  #activity = 0;
  #sameForMs = 0;
  #checkedAtMs: number;

  constructor(hangMs: number, intervalMs: number, nowMs: number) {
    this.#hangMs = hangMs;
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
    return this.#sameForMs > this.#hangMs;
  }

  /** Forgets what it saw: the actor was replaced. */
  reset(nowMs: number): void {
    this.#activity = 0;
    this.#sameForMs = 0;
    this.#checkedAtMs = nowMs;
  }
}
