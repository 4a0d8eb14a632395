import type { PutRequest } from './view.ts';

/**
 * Told by the one writer of a store of what its writes did, in order, after readers can see it: enough to do the same to
 * another store, or to this one when it is read back from a disk. Unlike a `ChangeListener`, which is told that a key
 * changed, it is told to what; and what is told is absolute: done twice, it is as done once.
 *
 * `partition` is the number in the cluster, 0 of a store that knows of none. Only what happens to partitions that are
 * owned is told: what a replica repeats, or evicts, concerns nobody else. Bytes are valid during the call.
 *
 * Groups of writes: what was told since a `mark`, but for removals that stand, has not happened when `takeBack` is called
 * with it. Marks are taken one within the other; each is settled once, with or without having been taken back, and not used
 * after that.
 */
export interface EffectListener {
  /** The entry is now as the request says, under this version. */
  onPut(partition: number, request: PutRequest, version: number): void;
  /** The key is gone. `stands`: it expired or was evicted, which no group that is taken back brings back. */
  onRemove(partition: number, bytes: Uint8Array, start: number, end: number, stands: boolean): void;
  /** The entry's value and version are as they were; it expires at that time from now on (0: never). */
  onExpiry(partition: number, bytes: Uint8Array, start: number, end: number, expiresAtMs: number): void;
  /**
   * The entry has this fill token from now on, given under that version and good until then; a token of 0: none any more.
   * Its value and version are as they were.
   */
  onFill(
    partition: number,
    bytes: Uint8Array,
    start: number,
    end: number,
    token: number,
    untilMs: number,
    version: number,
  ): void;
  /**
   * What bears one of the tags and has a lower version is invalid since `timeMs` (Unix milliseconds): gone, or stale when
   * `isSoft`. The tags are a list as `EntryAttributes` has it. No group that is taken back takes it back.
   */
  onInvalidate(
    partition: number,
    tags: Uint8Array,
    start: number,
    end: number,
    version: number,
    timeMs: number,
    isSoft: boolean,
  ): void;
  /** All keys of the partition are gone. */
  onClear(partition: number): void;
  mark(): number;
  takeBack(mark: number): void;
  settle(mark: number): void;
}

/** What has become of a record or of a piece of a snapshot. */
export const ApplyResult = {
  applied: 0,
  /** Memory did not suffice for all of it: keys that could not be written are absent, all else is done. */
  outOfMemory: 1,
  /** It is not of this form, or names keys of another partition: nothing was done. */
  malformed: 2,
} as const;
export type ApplyResult = (typeof ApplyResult)[keyof typeof ApplyResult];

/** A piece of a partition, read for a snapshot. */
export interface PartitionPiece {
  /** To be given to `load`, all of them; may be empty although there is more. */
  readonly entries: readonly Uint8Array[];
  /** Where the next piece begins; null: this was the last. */
  readonly next: number | null;
}
