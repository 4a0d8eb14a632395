import type { PushTarget } from '../pubsub/push.ts';
import { Invalidation } from './invalidation.ts';

/** More than these, waiting for one connection, become one that says that all may have changed. */
const LATE_MAX = 1000;

interface Late {
  readonly invalidation: Invalidation;
  /** Commands taken, all of which are to be answered before. */
  readonly readAt: number;
}

/** Invalidations that are to be told again once reads, which were under way when they were told first, are answered. */
export class LateInvalidations {
  readonly #target: PushTarget;
  readonly #tell: (invalidation: Invalidation) => void;
  #waiting: Late[] = [];
  #isScheduled = false;

  constructor(target: PushTarget, tell: (invalidation: Invalidation) => void) {
    this.#target = target;
    this.#tell = tell;
  }

  /** `readAt` never becomes less from call to call. */
  add(invalidation: Invalidation, readAt: number): void {
    if (this.#waiting.length === LATE_MAX) this.#waiting = [{ invalidation: new Invalidation(null), readAt }];
    this.#waiting.push({ invalidation, readAt });
    this.#schedule();
  }

  clear(): void {
    this.#waiting = [];
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.#target.whenAnswered(() => this.#run());
  }

  #run(): void {
    this.#isScheduled = false;
    const { answered } = this.#target;
    const waiting = this.#waiting;
    const later = waiting.findIndex(({ readAt }) => readAt > answered);
    this.#waiting = later < 0 ? [] : waiting.slice(later);
    for (let index = 0; index < (later < 0 ? waiting.length : later); index++) {
      this.#tell((waiting[index] as Late).invalidation);
    }
    if (this.#waiting.length > 0) this.#schedule();
  }
}
