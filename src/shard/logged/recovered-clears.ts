import { isClearAlone } from '../../store/effect-codec.ts';
import type { PartitionedWriter } from '../../store/partitioned-writer.ts';

/**
 * Partitions that a log has emptied, until something else is read back from it: FLUSHALL empties all of them one by one,
 * and each time is a walk over the whole index.
 */
export class RecoveredClears {
  readonly #store: Pick<PartitionedWriter, 'clearPartitions'>;
  readonly #mask: Uint8Array;
  #isEmpty = true;

  constructor(store: Pick<PartitionedWriter, 'clearPartitions' | 'partitionsTotal'>) {
    this.#store = store;
    this.#mask = new Uint8Array(store.partitionsTotal);
  }

  /** Whether the record says no more than that the partition was emptied, which is then to be done by `settle`. */
  take(partition: number, bytes: Uint8Array, start: number, end: number): boolean {
    if (end - start !== 2 || !isClearAlone(bytes.subarray(start, end))) return false;
    this.#mask[partition] = 1;
    this.#isEmpty = false;
    return true;
  }

  /** Before anything else is done to the store. */
  settle(): void {
    if (this.#isEmpty) return;
    this.#store.clearPartitions(this.#mask);
    this.#mask.fill(0);
    this.#isEmpty = true;
  }
}
