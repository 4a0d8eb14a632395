import type { EntryInfo, Freshness, ReadView, VisitKey } from '../../base/view.ts';
import type { LocalReader } from '../dispatch/local-reader.ts';

/**
 * What a shard's reader shows of one partition, and nothing while `isShown` says so. A cursor over such views, in the
 * order of the partitions, means the same on every node: which partition, and how far in it.
 */
export class PartitionView implements ReadView {
  readonly #reader: LocalReader;
  readonly #mask: Uint8Array;
  readonly #isShown: () => boolean;

  constructor(reader: LocalReader, partition: number, partitions: number, isShown: () => boolean) {
    this.#reader = reader;
    this.#mask = new Uint8Array(partitions);
    this.#mask[partition] = 1;
    this.#isShown = isShown;
  }

  get entry(): EntryInfo {
    return this.#reader.entry;
  }

  get keyCount(): number {
    return this.#masked(() => this.#reader.keyCount, 0);
  }

  get expiringKeyCount(): number {
    return this.#masked(() => this.#reader.expiringKeyCount, 0);
  }

  nowMs(): number {
    return this.#reader.nowMs();
  }

  lookup(source: Uint8Array, start: number, end: number): boolean {
    return this.#reader.lookup(source, start, end);
  }

  peek(source: Uint8Array, start: number, end: number): boolean {
    return this.#reader.peek(source, start, end);
  }

  lookupStale(source: Uint8Array, start: number, end: number): Freshness {
    return this.#reader.lookupStale(source, start, end);
  }

  peekStale(source: Uint8Array, start: number, end: number): Freshness {
    return this.#reader.peekStale(source, start, end);
  }

  noteLookup(source: Uint8Array, start: number, end: number, freshness: Freshness): void {
    this.#reader.noteLookup(source, start, end, freshness);
  }

  copyValue(target: Uint8Array, at: number): void {
    this.#reader.copyValue(target, at);
  }

  copyValueRange(from: number, length: number, target: Uint8Array, at: number): void {
    this.#reader.copyValueRange(from, length, target, at);
  }

  copyContentType(target: Uint8Array, at: number): void {
    this.#reader.copyContentType(target, at);
  }

  copyTags(target: Uint8Array, at: number): void {
    this.#reader.copyTags(target, at);
  }

  scan(cursor: number, count: number, visit: VisitKey, withStale = false): number {
    // Else it would look at all that the shard has of other partitions.
    if (this.keyCount === 0) return 0;
    return this.#masked(() => this.#reader.scan(cursor, count, visit, withStale), 0);
  }

  randomKey(target: Uint8Array, random: number): number {
    return this.#masked(() => this.#reader.randomKey(target, random), -1);
  }

  #masked<Result>(look: () => Result, hidden: Result): Result {
    if (!this.#isShown()) return hidden;
    const reader = this.#reader;
    const { shown } = reader;
    reader.shown = this.#mask;
    try {
      return look();
    } finally {
      reader.shown = shown ?? null;
    }
  }
}
