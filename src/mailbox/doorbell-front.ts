import type { Doorbell } from './doorbell.ts';
import { ASLEEP } from './layout.ts';

/** What a drain came to, by which the next one is timed. */
export const Drained = {
  /** Nothing is awaited: no look is due until something is sent. */
  idle: 0,
  /** Nothing was there, and something is awaited. */
  nothing: 1,
  /** Something was there, and more is awaited. */
  some: 2,
  /** The bound of one turn was reached: more may be there. */
  more: 3,
} as const;
export type Drained = (typeof Drained)[keyof typeof Drained];

/** What an event-loop thread does about its mailboxes. */
export interface BellWork {
  /** Lets the other ends see what was committed. */
  flush(): void;
  /** Takes what there is from every mailbox, within bounds: one must not starve the others, nor all the sockets. */
  drain(): Drained;
  /** The second look after sleep was announced: whether any mailbox has something. */
  hasWork(): boolean;
}

/** Measured: more turns cost processor time at every depth; none costs more under HTTP load. */
const SPIN_TURNS_MAX_DEFAULT = 2;

/**
 * Has an event-loop thread send, and be woken by its bell; it never blocks.
 *
 * What was committed in one turn of the loop leaves at the turn's end, with one look at each bell. While something is
 * awaited the loop goes round `spinTurnsMax` times on its own before it sleeps: a reply of a busy actor is there within
 * microseconds, and a thread woken takes fifty.
 *
 * It sleeps by `Atomics.waitAsync`. A message port costs about the same processor time and needs a port for every pair
 * of threads. Polling by `setImmediate` for as long as replies are outstanding takes a third more processor time for a
 * lone round trip, and up to twice as much beside a busy neighbour, from the very cores the actor needs. The figures
 * are in README.md beside this file.
 */
export class DoorbellFront {
  readonly #bell: Doorbell;
  readonly #work: BellWork;
  readonly #spinTurnsMax: number;
  readonly #turn = (): void => this.#onTurn();
  readonly #rung = (): void => this.#onRung();
  /** A turn is due: whatever is committed until then leaves with it. */
  #scheduled = false;
  /** A wait for the bell is pending. It may outlast several sleeps: one that is over in a turn's time leaves it be. */
  #waiting = false;
  #idleTurns = 0;
  #stopped = false;

  constructor(bell: Doorbell, work: BellWork, spinTurnsMax = SPIN_TURNS_MAX_DEFAULT) {
    this.#bell = bell;
    this.#work = work;
    this.#spinTurnsMax = spinTurnsMax;
  }

  /** To be called at the start, and after every commit outside of `drain`; cheap when a turn is due already. */
  schedule(): void {
    if (this.#scheduled) return;
    this.#idleTurns = 0;
    this.#turnSoon();
  }

  /** Calls nothing of its work any more. */
  stop(): void {
    this.#stopped = true;
    // Ends a pending wait, which would keep the bell's memory.
    if (this.#waiting) {
      this.#bell.announce();
      this.#bell.ring();
    }
  }

  /** Sockets come first: this is after them in the loop. */
  #turnSoon(): void {
    this.#scheduled = true;
    setImmediate(this.#turn);
  }

  #onTurn(): void {
    this.#scheduled = false;
    if (this.#stopped) return;
    // Awake: nobody needs to ring.
    if (this.#waiting) this.#bell.withdraw();
    this.#work.flush();
    this.#drain();
  }

  #onRung(): void {
    this.#waiting = false;
    if (this.#stopped) return;
    this.#bell.withdraw();
    // A turn that is due takes what there is.
    if (!this.#scheduled) this.#drain();
  }

  #drain(): void {
    // Work that throws has others behind it that did not get their turn.
    let drained: Drained = Drained.more;
    try {
      drained = this.#work.drain();
    } finally {
      this.#rest(drained);
    }
  }

  /** Decides how the next arrival is noticed. */
  #rest(drained: Drained): void {
    if (this.#scheduled || this.#stopped || drained === Drained.idle) return;
    this.#idleTurns = drained === Drained.nothing ? this.#idleTurns + 1 : 0;
    if (drained === Drained.more || this.#idleTurns < this.#spinTurnsMax) {
      this.#turnSoon();
      return;
    }
    this.#bell.announce();
    // What came before the announcement was not rung for.
    if (this.#work.hasWork()) {
      this.#bell.withdraw();
      this.#turnSoon();
      return;
    }
    if (this.#waiting) return;
    // As in `Doorbell.wait`: one who rang since the announcement has changed the word.
    const wait = Atomics.waitAsync(this.#bell.word, 0, ASLEEP);
    if (wait.async) {
      this.#waiting = true;
      void wait.value.then(this.#rung);
    } else {
      this.#turnSoon();
    }
  }
}
