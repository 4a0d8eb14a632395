/**
 * A node's own monotonic clock: it began anywhere and runs up to four percent too fast or too slow. A suspended node
 * finds it further on when it wakes. It never stands still while true time passes, nor leaps while none does: that is
 * what a lease asks of a clock.
 */
export class SimulatedClock {
  readonly rate: number;
  readonly #offsetMs: number;

  constructor(trueNowMs: number, startsAtMs: number, rate: number) {
    this.rate = rate;
    this.#offsetMs = startsAtMs - trueNowMs * rate;
  }

  read(trueNowMs: number): number {
    return trueNowMs * this.rate + this.#offsetMs;
  }

  /** The first true moment at which the clock shows at least `localMs`. */
  trueTimeOf(localMs: number): number {
    // A little later than computed: rounding must not wake a node before its time, again and again.
    return (localMs - this.#offsetMs) / this.rate + 1e-5;
  }
}
