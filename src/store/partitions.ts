import { slotOf } from '../base/slot.ts';
import { Control } from './layout.ts';

/** Words of a partition's row: entries, and those of them that expire. */
export const PARTITION_ROW_WORDS = 2;
/** 2^32 divided by the golden ratio: the high bits of a product with it depend on all bits of the other factor. */
const GOLDEN = 0x9e37_79b1;

/**
 * The partitions of a store's keys, named by their numbers in the cluster, and how many entries each has.
 *
 * The hash under which an entry is kept tells its partition, so that a walk over the index picks a partition's entries
 * without a look at them: its low bits are the partition's place among the store's, mixed with the bits above them.
 * Mixed, because a partition's hashes are spread like any others then: one that holds all the keys (of a single hash
 * tag, say) finds as many pages and slots as all partitions together would.
 */
export class Partitions {
  readonly first: number;
  readonly count: number;
  /** Of the cluster. */
  readonly total: number;
  readonly #words: Int32Array;
  readonly #table: number;
  readonly #bits: number;
  readonly #mask: number;

  constructor(words: Int32Array, count: number) {
    this.#words = words;
    this.first = words[Control.partitionFirst] as number;
    this.count = count;
    this.total = words[Control.partitionsTotal] as number;
    this.#table = words[Control.partitionTable] as number;
    this.#bits = Math.ceil(Math.log2(count));
    this.#mask = 2 ** this.#bits - 1;
  }

  /** The partition of a key, as `PartitionMap` of the same total has it. */
  ofKey(bytes: Uint8Array, start: number, end: number): number {
    return Math.floor((slotOf(bytes, start, end) * this.total) / 16_384);
  }

  has(partition: number): boolean {
    return partition >= this.first && partition < this.first + this.count;
  }

  /** The partition of an entry that is kept under this hash. */
  ofHash(hash: number): number {
    return this.first + ((hash ^ this.#mixed(hash)) & this.#mask);
  }

  /** The hash under which a key of this partition is kept; `hash` is any of the key. */
  place(hash: number, partition: number): number {
    return (hash & ~this.#mask) | (((partition - this.first) ^ this.#mixed(hash)) & this.#mask);
  }

  keys(partition: number): number {
    return this.#words[this.#table + (partition - this.first) * PARTITION_ROW_WORDS] as number;
  }

  expiringKeys(partition: number): number {
    return this.#words[this.#table + (partition - this.first) * PARTITION_ROW_WORDS + 1] as number;
  }

  /** Of the writer. */
  countKeys(partition: number, by: number): void {
    const at = this.#table + (partition - this.first) * PARTITION_ROW_WORDS;
    this.#words[at] = (this.#words[at] as number) + by;
  }

  /** Of the writer. */
  countExpiringKeys(partition: number, by: number): void {
    const at = this.#table + (partition - this.first) * PARTITION_ROW_WORDS + 1;
    this.#words[at] = (this.#words[at] as number) + by;
  }

  /** Of the writer: no partition has entries. */
  resetCounts(): void {
    this.#words.fill(0, this.#table, this.#table + this.count * PARTITION_ROW_WORDS);
  }

  /** Entries of the partitions that have 1 in `mask`; null: of all. */
  keysIn(mask: Uint8Array | null): number {
    let keys = 0;
    for (let partition = this.first; partition < this.first + this.count; partition++) {
      if (mask === null || mask[partition] === 1) keys += this.keys(partition);
    }
    return keys;
  }

  expiringKeysIn(mask: Uint8Array | null): number {
    let keys = 0;
    for (let partition = this.first; partition < this.first + this.count; partition++) {
      if (mask === null || mask[partition] === 1) keys += this.expiringKeys(partition);
    }
    return keys;
  }

  #mixed(hash: number): number {
    return Math.imul(hash >>> this.#bits, GOLDEN) >>> (32 - this.#bits);
  }
}
