import { byteText } from '../../base/byte-text.ts';
import type { EntryInfo, ValueType } from '../../base/view.ts';

/** A large key, as it was when it was looked at last. */
export interface KnownKey {
  readonly shard: number;
  /** Its bytes, a character each. */
  readonly key: string;
  readonly type: ValueType;
  readonly bytes: number;
  /** 0: it does not expire. */
  readonly expiresAtMs: number;
}

/** The largest of the keys it is shown, as many as it may keep. */
export class LargestKeys {
  readonly #max: number;
  /** By key: a key is in one shard only. */
  readonly #known = new Map<string, KnownKey>();
  /** Bytes of the smallest that is kept; 0 while there is room for more. */
  #leastBytes = 0;

  constructor(max: number) {
    this.#max = max;
  }

  offer(shard: number, keys: Uint8Array, start: number, end: number, entry: EntryInfo): void {
    const bytes = entry.memoryBytes;
    if (bytes <= this.#leastBytes) return;
    const key = byteText(keys, start, end);
    this.#known.delete(key);
    if (this.#known.size >= this.#max) this.#dropSmallest();
    this.#known.set(key, { shard, key, type: entry.type, bytes, expiresAtMs: entry.expiresAtMs });
    this.#leastBytes = this.#known.size < this.#max ? 0 : this.#smallest().bytes;
  }

  /** The largest first. */
  list(): KnownKey[] {
    return [...this.#known.values()].sort((a, b) => b.bytes - a.bytes);
  }

  #dropSmallest(): void {
    this.#known.delete(this.#smallest().key);
  }

  #smallest(): KnownKey {
    return [...this.#known.values()].reduce((least, known) => (known.bytes < least.bytes ? known : least));
  }
}
