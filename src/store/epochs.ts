import type { Arena } from './arena.ts';
import { Control, ReaderSlot } from './layout.ts';

/**
 * The writer's side of epoch-based reclamation. A reader announces the epoch in its slot before it reads and clears
 * the slot after. What the writer takes out of everyone's reach it stamps with the epoch of that moment; the memory is
 * free for reuse once no slot holds that epoch or an older one.
 *
 * Order: a reader's `Atomics.store` of its slot comes before its loads of the directory, and the writer's
 * `Atomics.store` that unlinks comes before its loads of the slots; all are sequentially consistent, so either the
 * writer sees the reader's announcement or the reader sees that the memory is unlinked. Which epoch it announces matters
 * less: it reads that by a plain load, and one older than the present only holds back more than need be.
 */
export class Epochs {
  readonly #words: Int32Array;
  readonly #firstSlot: number;
  readonly #slotsEnd: number;

  constructor(arena: Arena) {
    this.#words = arena.words;
    this.#firstSlot = arena.readerSlots + ReaderSlot.epoch;
    this.#slotsEnd = arena.readerSlots + arena.readersMax * ReaderSlot.words;
  }

  /** The stamp for what was just unlinked; later readers announce a younger epoch. */
  stamp(): number {
    const epoch = this.#words[Control.epoch] as number;
    const next = (epoch + 1) | 0;
    Atomics.store(this.#words, Control.epoch, next === 0 ? 1 : next);
    return epoch;
  }

  /** Whether no reader can still see what was stamped with `epoch`. Epochs wrap: they are compared by difference. */
  passed(epoch: number): boolean {
    for (let slot = this.#firstSlot; slot < this.#slotsEnd; slot += ReaderSlot.words) {
      const announced = Atomics.load(this.#words, slot);
      if (announced !== 0 && ((announced - epoch) | 0) <= 0) return false;
    }
    return true;
  }

  /** Waits until `epoch` has passed, at most about `limitMs`; readers stay inside for one synchronous turn at most. */
  waitPassed(epoch: number, limitMs: number): boolean {
    for (let spin = 0; spin < 1000; spin++) if (this.passed(epoch)) return true;
    for (let waitedMs = 0; waitedMs < limitMs; waitedMs++) {
      // Nobody notifies this word: the wait is a sleep that a thread without an event loop can take.
      Atomics.wait(SLEEP, 0, 0, 1);
      if (this.passed(epoch)) return true;
    }
    return false;
  }
}

const SLEEP = new Int32Array(new SharedArrayBuffer(4));
