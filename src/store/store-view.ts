import type { Clock } from '../base/ports.ts';
import type { EntryInfo, VisitKey } from '../base/view.ts';
import type { Arena } from './arena.ts';
import { EntryView } from './entry-view.ts';
import type { KeyIndex } from './key-index.ts';
import { Counter } from './layout.ts';
import type { Partitions } from './partitions.ts';
import { KeyScanner } from './scan.ts';
import { Verdict } from './tag-notes.ts';
import type { Validity } from './validity.ts';

/** What readers and the writer show alike: the entry found last, walks over the keys, and their number. */
export abstract class StoreView {
  readonly entry: EntryInfo;
  /**
   * 1 for each partition, by its number, whose keys scans, counts and random keys show; null: all. Of no effect where
   * the store knows of none.
   */
  shown: Uint8Array | null = null;
  protected readonly view: EntryView;
  protected readonly validity: Validity;
  readonly #arena: Arena;
  readonly #scanner: KeyScanner;
  readonly #clock: Clock;
  readonly #partitions: Partitions | null;

  constructor(arena: Arena, index: KeyIndex, clock: Clock, validity: Validity) {
    this.validity = validity;
    this.view = new EntryView(arena);
    this.entry = this.view;
    this.#arena = arena;
    this.#scanner = new KeyScanner(arena, index, this.view, validity);
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

  copyTags(target: Uint8Array, at: number): void {
    this.view.copyTags(target, at);
  }

  scan(cursor: number, count: number, visit: VisitKey, withStale = false): number {
    return this.#scanner.scan(cursor, count, this.#clock.nowMs(), visit, this.shown, withStale);
  }

  /**
   * Shows all entries from `cursor` on, as `KeyScanner.walk` does, but for those that were invalidated; of those that went
   * stale by that the expiry is when they did.
   */
  protected walkEntries(cursor: number, pagesMax: number, visit: (entry: EntryView) => boolean): number {
    return this.#scanner.walk(cursor, null, pagesMax, (ref) => {
      if (!this.showAnyAge(this.view, ref)) return true;
      return visit(this.view);
    });
  }

  /** Has the view show an entry of any age; false when it was invalidated. */
  protected showAnyAge(view: EntryView, ref: number): boolean {
    const header = this.#arena.word(ref * 2 + 1);
    const verdict = this.validity.verdict(ref, header);
    if (verdict === Verdict.hard) return false;
    if (verdict === Verdict.soft) this.validity.softEndsAtMs(ref, header);
    view.show(ref, header);
    if (verdict === Verdict.soft) view.expiresAtMs = this.validity.expiresAtMs;
    return true;
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
