/** Something that must have happened by a time, or else `onDue` is called once. */
export interface Deadline {
  /** By the clock of `performance.now`. */
  dueMs: number;
  onDue(): void;
}

/**
 * Time limits of slow requests, looked at now and then by one timer: a limit is kept to within {@link sweepMs}, and
 * costs its request nothing but a place in a set.
 */
export class Deadlines {
  readonly #pending = new Set<Deadline>();
  readonly #timer: NodeJS.Timeout;

  /** `beforeSweep` is called first, each time. */
  constructor(beforeSweep: () => void) {
    this.#timer = setInterval(() => {
      beforeSweep();
      this.#sweep();
    }, sweepMs);
    this.#timer.unref();
  }

  add(deadline: Deadline): void {
    this.#pending.add(deadline);
  }

  delete(deadline: Deadline): void {
    this.#pending.delete(deadline);
  }

  close(): void {
    clearInterval(this.#timer);
    this.#pending.clear();
  }

  #sweep(): void {
    const nowMs = performance.now();
    for (const deadline of this.#pending) {
      if (deadline.dueMs > nowMs) continue;
      this.#pending.delete(deadline);
      deadline.onDue();
    }
  }
}

const sweepMs = 250;
