import type { Clock } from '../base/ports.ts';
import type { EntryInfo, VisitKey } from '../base/view.ts';
import type { Arena } from './arena.ts';
import { EntryView } from './entry-view.ts';
import type { KeyIndex } from './key-index.ts';
import { Counter } from './layout.ts';
import type { Partitions } from './partitions.ts';
import { KeyScanner } from './scan.ts';

/** What readers and the writer show alike: the entry found last, walks over the keys, and their number. */
export abstract class StoreView {
  readonly entry: EntryInfo;
  /**
   * 1 for each partition, by its number, whose keys scans, counts and random keys show; null: all. Of no effect where
   * the store knows of none.
   */
  shown: Uint8Array | null = null;
  protected readonly view: EntryView;
  readonly #arena: Arena;
  readonly #scanner: KeyScanner;
  readonly #clock: Clock;
  readonly #partitions: Partitions | null;

  constructor(arena: Arena, index: KeyIndex, clock: Clock) {
    this.view = new EntryView(arena);
    this.entry = this.view;
    this.#arena = arena;
    this.#scanner = new KeyScanner(arena, index, this.view);
    this.#clock = clock;
    this.#partitions = arena.partitions;
  }

  nowMs(): number {
    return this.#clock.nowMs();
  }

  copyValue(target: Uint8Array, at: number): void {
    this.view.copyValueRange(0, this.view.valueBytes, target, at);
  }

  copyValueRange(from: number, length: number, target: Uint8Array, at: number): void {
    this.view.copyValueRange(from, length, target, at);
  }

  copyContentType(target: Uint8Array, at: number): void {
    this.view.copyContentType(target, at);
  }

  copyTags(_target: Uint8Array, _at: number): void {}

  scan(cursor: number, count: number, visit: VisitKey): number {
    return this.#scanner.scan(cursor, count, this.#clock.nowMs(), visit, this.shown);
  }

  /** Shows all entries from `cursor` on, as `KeyScanner.walk` does. */
  protected walkEntries(cursor: number, pagesMax: number, visit: (entry: EntryView) => boolean): number {
    return this.#scanner.walk(cursor, null, pagesMax, (ref) => {
      this.view.show(ref, this.#arena.word(ref * 2 + 1));
      return visit(this.view);
    });
  }

  randomKey(target: Uint8Array, random: number): number {
    return this.#scanner.randomKey(target, random, this.#clock.nowMs(), this.shown);
  }

  get keyCount(): number {
    if (this.#partitions !== null && this.shown !== null) return this.#partitions.keysIn(this.shown);
    return this.#arena.counter(Counter.keys);
  }

  get expiringKeyCount(): number {
    // The counter is of the heap, where only entries of owned partitions have to be.
    if (this.#partitions !== null) return this.#partitions.expiringKeysIn(this.shown);
    return this.#arena.counter(Counter.expiringKeys);
  }

  /** Entries of the partitions that have 1 in `mask`, by their numbers. */
  keyCountOf(mask: Uint8Array): number {
    return this.#partitions === null ? this.keyCount : this.#partitions.keysIn(mask);
  }
}
