import type { ReplicatedStore } from '../shard-store.ts';

/**
 * Partitions that are empty by what their copies say, and whose entries are still in the store: what takes them out is a
 * walk over the whole store, so it is put off until something is to be put into one of them, or the batch of messages is
 * over, and done once for all of them. Other threads may see the entries until then, as copies that are no newer than what
 * they were told.
 */
export class DoomedPartitions {
  readonly #store: ReplicatedStore;
  readonly #onStep: () => void;
  readonly #mask: Uint8Array;
  #isAny = false;

  /** `partitions` are the cluster's. */
  constructor(store: ReplicatedStore, partitions: number, onStep: () => void) {
    this.#store = store;
    this.#onStep = onStep;
    this.#mask = new Uint8Array(partitions);
  }

  add(partition: number): void {
    if (this.#store.keysOfPartition(partition) === 0) {
      this.#store.forgetInvalidations(partition);
      return;
    }
    this.#mask[partition] = 1;
    this.#isAny = true;
  }

  /** Before anything is done to the partition. */
  settle(partition: number): void {
    if (this.#mask[partition] === 1) this.clear();
  }

  /** Empties them all. */
  clear(): void {
    if (!this.#isAny) return;
    this.#onStep();
    this.#store.clearPartitions(this.#mask);
    this.#mask.fill(0);
    this.#isAny = false;
    this.#onStep();
  }
}
