import { assert } from '../base/assert.ts';
import { SLOT_COUNT, slotOf } from '../base/slot.ts';

export const PARTITION_COUNT_DEFAULT = 64;

/**
 * Which shard of this node serves a key: key → slot → partition → shard.
 *
 * Partition p of P holds the slots from ceil(p · 16384 / P) up to, not including, ceil((p + 1) · 16384 / P), so the
 * partitions are contiguous slot ranges that differ in size by at most one slot. P is a property of the cluster and
 * outlives every node; the number of shards is a property of this process.
 *
 * Shards hold contiguous partitions too: shard = floor(partition · shards / P). CRC16 is linear, so keys that differ in
 * their last digit alone differ in the top bits of the slot and hardly in those that partition mod shards looks at: of
 * `key:0` to `key:9` on 4 shards, mod puts 8 on one shard, this 3.
 */
export class PartitionMap {
  readonly partitionCount: number;
  readonly shardCount: number;
  readonly #partitionOfSlot = new Uint16Array(SLOT_COUNT);
  readonly #shardOfSlot = new Uint16Array(SLOT_COUNT);

  constructor(partitionCount: number, shardCount: number) {
    assert(
      Number.isInteger(partitionCount) && partitionCount >= 1 && partitionCount <= SLOT_COUNT,
      `partition count ${partitionCount} is outside 1 to ${SLOT_COUNT}`,
    );
    assert(
      Number.isInteger(shardCount) && shardCount >= 1 && shardCount <= partitionCount,
      `shard count ${shardCount} is outside 1 to the ${partitionCount} partitions`,
    );
    this.partitionCount = partitionCount;
    this.shardCount = shardCount;
    for (let slot = 0; slot < SLOT_COUNT; slot++) {
      const partition = Math.floor((slot * partitionCount) / SLOT_COUNT);
      this.#partitionOfSlot[slot] = partition;
      this.#shardOfSlot[slot] = this.shardOfPartition(partition);
    }
  }

  partitionOfSlot(slot: number): number {
    return this.#partitionOfSlot[slot] as number;
  }

  shardOfPartition(partition: number): number {
    return Math.floor((partition * this.shardCount) / this.partitionCount);
  }

  shardOfSlot(slot: number): number {
    return this.#shardOfSlot[slot] as number;
  }

  /** The shard of the key `bytes[start..end)`. */
  shardOfKey(bytes: Uint8Array, start: number, end: number): number {
    // A node with one shard does not look at the key at all.
    if (this.shardCount === 1) return 0;
    return this.#shardOfSlot[slotOf(bytes, start, end)] as number;
  }

  /** The first slot of a partition; `firstSlotOf(partition + 1)` is where it ends. */
  firstSlotOf(partition: number): number {
    return Math.ceil((partition * SLOT_COUNT) / this.partitionCount);
  }
}
