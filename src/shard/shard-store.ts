import type { ChangeListener } from '../base/change.ts';
import type { ApplyResult, EffectListener, PartitionPiece } from '../base/effect.ts';
import type { WriteView } from '../base/view.ts';

/** What an actor asks of the store whose only writer it is, beside what commands ask. */
export interface ShardStore extends WriteView {
  /** Whether lookups count as hits and misses. */
  countsLookups: boolean;
  /** Who is told of changes; null: nobody. */
  changes: ChangeListener | null;
  /** Groups of writes begun and not ended, one within the other. */
  readonly openGroups: number;
  /** Removes at most `limit` entries that had expired at `nowMs`, and returns how many. */
  expireDue(nowMs: number, limit: number): number;
  /** Milliseconds since the Unix epoch before which `expireDue` has nothing to do; -1 when nothing expires. */
  nextExpiryMs(): number;
  /** One bounded step of what the store has to do behind its commands; false when there was nothing. */
  maintain(): boolean;
}

/**
 * What an actor asks of a store whose entries are parted: one that holds copies of partitions, named by their numbers in
 * the cluster. `clear` empties the partitions that are owned, and no others.
 *
 * A partition is *owned* while this copy is its primary, and at first all are. What is done to owned partitions, by
 * commands, expiry and eviction, is told to `effects`; nothing is told of the others. Entries of the others do not
 * expire by themselves: reads take them for absent when their time has come, and their primary says when they go.
 */
export interface ReplicatedStore extends ShardStore {
  /** Who is told what writes did; null: nobody. Also commands that failed may have evicted something. */
  effects: EffectListener | null;
  /** 1 for each partition (by its number) that scans, counts and random keys show; null: all. Set it anew at any time. */
  shown: Uint8Array | null;
  setOwned(partition: number, isOwned: boolean): void;
  isOwned(partition: number): boolean;
  /**
   * Has nothing expire by itself in a partition that is owned, until it is taken back, or the partition is given up. What
   * is evicted there is told all the same.
   */
  holdExpiry(partition: number, isHeld: boolean): void;
  /** Does to the partition what an `EffectLog` has recorded, also to one that is not owned. Tells nobody. */
  applyEffects(partition: number, record: Uint8Array): ApplyResult;
  /** Puts what `readPartition` of another store has given. */
  load(partition: number, entries: readonly Uint8Array[]): ApplyResult;
  /** Reads entries from `cursor` (null: the first) until they are about `bytesMax` long, one at least. */
  readPartition(partition: number, cursor: number | null, bytesMax: number): PartitionPiece;
  /**
   * Removes every entry of the partitions that have 1 in `mask`, by their numbers, in one walk over the store's whole
   * index: 10 to 20 ms for each million of entries that the store holds, whatever the number of partitions, and about a
   * microsecond for each entry removed; a store of which nothing stays is emptied at once. Readers are turned away
   * meanwhile.
   */
  clearPartitions(mask: Uint8Array): void;
  /**
   * Takes back what is known of tags that were invalidated in a partition that is empty: what is put into it next comes
   * from elsewhere, and has versions of its own.
   */
  forgetInvalidations(partition: number): void;
  /** Entries of the partition, those included that have expired and are still there. */
  keysOfPartition(partition: number): number;
  /** Likewise of all partitions that have 1 in `mask`, by their numbers. */
  keyCountOf(mask: Uint8Array): number;
  expiringKeysOfPartition(partition: number): number;
}
