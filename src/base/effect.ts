import type { PutRequest } from './view.ts';

/**
 * Told by the one writer of a store of what its writes did, in order, after readers can see it: enough to do the same to
 * another store, or to this one when it is read back from a disk. Unlike a `ChangeListener`, which is told that a key
 * changed, it is told to what; and what is told is absolute: done twice, it is as done once.
 *
 * `partition` is the number in the cluster, 0 of a store that knows of none. Only what happens to partitions that are
 * owned is told: what a replica repeats, or evicts, concerns nobody else. Bytes are valid during the call.
 *
 * Groups of writes: what was told since a `mark` has not happened when `takeBack` is called with it. Marks are taken one
 * within the other; each is settled once, with or without having been taken back, and not used after that.
 */
export interface EffectListener {
  /** The entry is now as the request says, under this version. */
  onPut(partition: number, request: PutRequest, version: number): void;
  /** The key is gone: removed, expired or evicted. */
  onRemove(partition: number, bytes: Uint8Array, start: number, end: number): void;
  /** The entry's value and version are as they were; it expires at that time from now on (0: never). */
  onExpiry(partition: number, bytes: Uint8Array, start: number, end: number, expiresAtMs: number): void;
  /** All keys of the partition are gone. */
  onClear(partition: number): void;
  mark(): number;
  takeBack(mark: number): void;
  settle(mark: number): void;
}
