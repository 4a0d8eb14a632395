import type { Barrier } from '../../shard/barrier.ts';

/** Slots of the barrier that no transaction has. A front end's own: it alone gives them out. */
export class BarrierSlots {
  readonly #barrier: Barrier | null;
  readonly #free: number[];

  constructor(barrier: Barrier | null) {
    this.#barrier = barrier;
    this.#free = Array.from({ length: barrier?.slotCount ?? 0 }, (_, slot) => slot);
  }

  /** A slot in its first state; -1 when all are taken. */
  take(): number {
    const slot = this.#free.pop() ?? -1;
    if (slot >= 0) this.#barrier?.clear(slot);
    return slot;
  }

  /** Once every participant has answered. */
  give(slot: number): void {
    this.#free.push(slot);
  }
}
