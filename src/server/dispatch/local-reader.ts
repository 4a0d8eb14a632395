import type { ReadView } from '../../base/view.ts';

/** A front end's reader of a shard's shared memory; what is read is read between `enter` and `leave`, in one turn. */
export interface LocalReader extends ReadView {
  /** Begins to read; false, with nothing begun, while a group of writes is being published. */
  enter(): boolean;
  /** Ends reading; false when a group of writes was published meanwhile. */
  leave(): boolean;
  /** Makes the reads until `release` cheaper, which is to follow in the same turn and soon: see `StoreReader`. */
  hold(): void;
  release(): void;
  /** In a cluster: by partition, 1 where what scans and counts is to show keys. Null: everywhere. */
  shown?: Uint8Array | null;
}
