import type { EffectListener } from '../../base/effect.ts';

/** What the store did since it was last asked, as one record for each partition: see `store/effect-log.ts`. */
export interface RecordedEffects extends EffectListener {
  readonly isEmpty: boolean;
  /** Of all records together, as they are now; some more than what is handed over. */
  readonly bytes: number;
  /** Of the partition's record as it is now. */
  bytesOf(partition: number): number;
  /** Hands over every record, in the order in which their partitions were first touched, and forgets them. */
  drain(visit: (partition: number, keyHashes: number[], record: Uint8Array, clears: boolean) => void): void;
  clear(): void;
}
