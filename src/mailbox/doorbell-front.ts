import { Doorbell, type DoorbellHandle } from './doorbell.ts';
import { ASLEEP } from './layout.ts';

/** What an event-loop thread does about its mailboxes. */
export interface BellWork {
  /** The second look after sleep was announced: whether any mailbox has something. */
  hasWork(): boolean;
  /** Takes what there is from every mailbox. */
  drain(): void;
}

/**
 * Has an event-loop thread woken by its bell: calls `drain` whenever there is something, and never blocks.
 *
 * It waits by `Atomics.waitAsync`. A message port costs about the same processor time and needs a port for every pair
 * of threads. Polling by `setImmediate` while replies are outstanding takes a third more processor time for a lone
 * round trip, and up to twice as much beside a busy neighbour, from the very cores the actor needs. Polling for a few
 * turns before the wait helped in bare echo loops and could not be told from noise behind HTTP, so it is left out. The
 * figures are in README.md beside this file.
 */
export class DoorbellFront {
  readonly #bell: Doorbell;
  readonly #work: BellWork;
  #stopped = false;
  readonly #onRung = (): void => this.#turn();

  constructor(handle: DoorbellHandle, work: BellWork) {
    this.#bell = new Doorbell(handle);
    this.#work = work;
  }

  start(): void {
    this.#turn();
  }

  /** Calls `drain` no more. */
  stop(): void {
    this.#stopped = true;
    this.#bell.ring();
  }

  #turn(): void {
    if (this.#stopped) return;
    this.#work.drain();
    this.#bell.announce();
    if (this.#work.hasWork()) {
      this.#bell.withdraw();
      // Sockets come first: what arrived meanwhile is taken in the next turn of the loop.
      setImmediate(this.#onRung);
      return;
    }
    // As in `Doorbell.wait`: one who rang since the announcement has changed the word.
    const waiting = Atomics.waitAsync(this.#bell.word, 0, ASLEEP);
    if (waiting.async) void waiting.value.then(this.#onRung);
    else setImmediate(this.#onRung);
  }
}
