import { assert } from '../base/assert.ts';

/** What is handed to the actors' threads. */
export interface BarrierHandle {
  readonly sab: SharedArrayBuffer;
  readonly shardCount: number;
}

/** Transactions over several shards that may be under way at once. */
const SLOT_COUNT = 1024;
/** Words from one to the next of what different threads write: 64 bytes. */
const LINE_WORDS = 16;

/**
 * Where a transaction over several shards stands. It goes up step by step, each step made once all participants are
 * ready for it, or to one of the last two, from wherever it is, by whoever finds a reason.
 */
export const BarrierState = {
  /** Not all participants have come. */
  gathering: 0,
  /** All have come: each turns readers away and looks at its watches. */
  locking: 1,
  /** All hold readers off and all watches hold: each runs its part. */
  running: 2,
  /** All parts are run: it stands, whatever happens to whom. */
  completed: 3,
  /** A watched key has changed: nothing was run. */
  refused: 4,
  /** A participant died, did not come in time or has no memory: what was run is taken back. */
  undone: 5,
} as const;
export type BarrierState = (typeof BarrierState)[keyof typeof BarrierState];

/**
 * Where the shards that take part in one transaction meet. Shared words:
 *
 * | words | written by | meaning |
 * | --- | --- | --- |
 * | a line each shard | the shard's actor | slot of the transaction it takes part in, plus 1; 0: none |
 * | a line each slot: word 0 | whoever takes the step, by compare-and-exchange | its {@link BarrierState} |
 * | behind it, one a participant | the participant | the state it is ready for |
 *
 * The front end takes a slot before it sends the parts and gives it back when all are answered, so that nobody looks at
 * it in between but the participants. The state decides for all of them: `completed` is stored before any of them lets
 * readers in again, so a participant that dies after that stands too (its successor asks `settle`).
 */
export class Barrier {
  readonly #words: Int32Array;
  readonly #shardCount: number;
  readonly #slotWords: number;

  constructor({ sab, shardCount }: BarrierHandle) {
    this.#words = new Int32Array(sab);
    this.#shardCount = shardCount;
    this.#slotWords = slotWords(shardCount);
  }

  static create(shardCount: number): BarrierHandle {
    const words = shardCount * LINE_WORDS + SLOT_COUNT * slotWords(shardCount);
    return { sab: new SharedArrayBuffer(words * 4), shardCount };
  }

  get slotCount(): number {
    return SLOT_COUNT;
  }

  /** Makes a slot ready for its next transaction: before any participant can know of it. */
  clear(slot: number): void {
    const at = this.#at(slot);
    for (let word = at; word < at + this.#slotWords; word++) Atomics.store(this.#words, word, 0);
  }

  /**
   * The shard takes part in the slot's transaction from now on. Stored before anything that its successor must know of:
   * this store and the one that turns readers away are both sequentially consistent, so where the second is seen, the
   * first is. The successor looks when the actor's thread has ended, which all of its stores come before.
   */
  enter(shard: number, slot: number): void {
    Atomics.store(this.#words, shard * LINE_WORDS, slot + 1);
  }

  /**
   * The shard has let readers in again. Stored behind that: who finds 0 here (the successor of an actor that died, by
   * `settle`) sees a store that the transaction is done with. One that dies in between is settled once more, to no effect:
   * the slot is not cleared before all parts are answered, and this part's answer is sent behind `leave`.
   */
  leave(shard: number): void {
    Atomics.store(this.#words, shard * LINE_WORDS, 0);
  }

  /**
   * Who finds a state here sees all that was stored before the step to it: by whoever took the step, and, since that one
   * loaded their readiness, by every participant before it was ready. So `running` means that all of them hold readers off.
   */
  state(slot: number): BarrierState {
    return Atomics.load(this.#words, this.#at(slot)) as BarrierState;
  }

  /**
   * Brings the slot from state `from` to `to`, unless another was faster; returns the state that it is in then. One
   * exchange, so of two that differ (`completed` and `undone`) one wins for all. The wake-up comes behind it: who looks
   * at the state before it sleeps (`Atomics.wait` does so itself) either sees the new one or is woken.
   */
  move(slot: number, from: BarrierState, to: BarrierState): BarrierState {
    const at = this.#at(slot);
    const found = Atomics.compareExchange(this.#words, at, from, to);
    if (found !== from) return found as BarrierState;
    Atomics.notify(this.#words, at);
    return to;
  }

  /**
   * A participant is done with state `from`; the last to be so takes the step to the next state. All stores of
   * readiness and all looks at them are sequentially consistent: whoever stores last sees all of the others'.
   */
  ready(slot: number, ordinal: number, participants: number, from: BarrierState): void {
    const at = this.#at(slot);
    Atomics.store(this.#words, at + 1 + ordinal, from + 1);
    for (let other = 0; other < participants; other++) {
      if (Atomics.load(this.#words, at + 1 + other) <= from) return;
    }
    this.move(slot, from, (from + 1) as BarrierState);
  }

  /** Sleeps until the slot leaves state `from`, at most `timeoutMs`. Only for threads without an event loop. */
  wait(slot: number, from: BarrierState, timeoutMs: number): void {
    Atomics.wait(this.#words, this.#at(slot), from, timeoutMs);
  }

  /** Undoes the slot's transaction unless it is decided already; returns what it comes to. */
  giveUp(slot: number): BarrierState {
    for (;;) {
      const state = this.state(slot);
      if (state >= BarrierState.completed) return state;
      this.move(slot, state, BarrierState.undone);
    }
  }

  /** The shard's actor has died: decides the transaction that it was in, if any, and tells whether that stands. */
  settle(shard: number): boolean {
    assert(shard < this.#shardCount, 'a shard of the node');
    const slot = Atomics.load(this.#words, shard * LINE_WORDS) - 1;
    return slot >= 0 && this.giveUp(slot) === BarrierState.completed;
  }

  #at(slot: number): number {
    return this.#shardCount * LINE_WORDS + slot * this.#slotWords;
  }
}

/** State and readiness of one slot, in whole lines. */
function slotWords(shardCount: number): number {
  return Math.ceil((1 + shardCount) / LINE_WORDS) * LINE_WORDS;
}
