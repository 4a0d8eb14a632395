import { ASLEEP, AWAKE, DOORBELL_BYTES } from './layout.ts';

/** What is handed to the other threads. */
export interface DoorbellHandle {
  readonly sab: SharedArrayBuffer;
}

export function createDoorbell(): DoorbellHandle {
  return { sab: new SharedArrayBuffer(DOORBELL_BYTES) };
}

/**
 * Wakes one sleeping thread. A thread has one bell, whatever the number of rings it reads; every thread that writes to
 * one of them, or makes room in one it waits for, rings it.
 *
 * To sleep: `announce`, look once more at every ring, then `wait`, or `withdraw` if there was something. To wake:
 * publish, then `ring`. No wake-up is lost: in the one total order of sequentially consistent accesses either the
 * sleeper's announcement precedes the waker's look at it, who then rings, or the waker's publication precedes the
 * sleeper's second look, which then sees it.
 */
export class Doorbell {
  readonly word: Int32Array<SharedArrayBuffer>;

  constructor(handle: DoorbellHandle) {
    this.word = new Int32Array(handle.sab, 0, 1);
  }

  /** Wakes the thread if it sleeps or is about to; otherwise costs one load. */
  ring(): void {
    // Sequentially consistent after the store that published (see above); plain of cost while the thread is awake.
    if (Atomics.load(this.word, 0) === AWAKE) return;
    // Of several wakers one wakes. The store precedes the notification: a sleeper not yet in its wait finds the word
    // changed and does not begin to wait.
    if (Atomics.exchange(this.word, 0, AWAKE) === ASLEEP) Atomics.notify(this.word, 0, 1);
  }

  /** Says that this thread is going to sleep; it looks at its rings after this, and only then waits. */
  announce(): void {
    // Sequentially consistent before the second look at the rings.
    Atomics.store(this.word, 0, ASLEEP);
  }

  /** Takes the announcement back. */
  withdraw(): void {
    // Whoever rings from here on need not notify; one who already saw the announcement notifies nobody.
    Atomics.store(this.word, 0, AWAKE);
  }

  /** Blocks until rung (true), at most `timeoutMs` (false). Only for threads that have no event loop to serve. */
  wait(timeoutMs: number): boolean {
    // Returns at once when rung since the announcement: the word is no longer ASLEEP.
    const outcome = Atomics.wait(this.word, 0, ASLEEP, timeoutMs);
    this.withdraw();
    return outcome !== 'timed-out';
  }
}
