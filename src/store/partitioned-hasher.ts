import type { Arena } from './arena.ts';
import { KeyHasher } from './hash.ts';
import type { Partitions } from './partitions.ts';

/** What hashes the keys of this store. */
export function hasherOf(arena: Arena): KeyHasher {
  const { hashKeyLow, hashKeyHigh, partitions } = arena;
  return partitions === null ? new KeyHasher(hashKeyLow, hashKeyHigh) : new PartitionedHasher(arena, partitions);
}

/** Hashes keys such that a hash tells the key's partition: see {@link Partitions}. */
class PartitionedHasher extends KeyHasher {
  readonly #partitions: Partitions;
  readonly #arenaWords: Int32Array;
  readonly #arenaBytes: Uint8Array;
  readonly #ownBytes: Uint8Array;

  constructor(arena: Arena, partitions: Partitions) {
    super(arena.hashKeyLow, arena.hashKeyHigh);
    this.#partitions = partitions;
    this.#arenaWords = arena.words;
    this.#arenaBytes = arena.bytes;
    this.#ownBytes = new Uint8Array(this.words.buffer);
  }

  override hashWords(words: Int32Array, at: number, keyBytes: number): number {
    const hash = super.hashWords(words, at, keyBytes);
    // Keys stand in memory byte by byte, whatever the words they are read as.
    const bytes = words === this.#arenaWords ? this.#arenaBytes : this.#ownBytes;
    const partition = this.#partitions.ofKey(bytes, at * 4, at * 4 + keyBytes);
    return this.#partitions.place(hash, partition);
  }
}
