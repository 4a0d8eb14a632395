import type { Clock } from '../base/ports.ts';
import type { EntryInfo, VisitKey } from '../base/view.ts';
import type { Arena } from './arena.ts';
import { EntryView } from './entry-view.ts';
import type { KeyIndex } from './key-index.ts';
import { Counter } from './layout.ts';
import { KeyScanner } from './scan.ts';

/** What readers and the writer show alike: the entry found last, walks over the keys, and their number. */
export abstract class StoreView {
  readonly entry: EntryInfo;
  protected readonly view: EntryView;
  readonly #arena: Arena;
  readonly #scanner: KeyScanner;
  readonly #clock: Clock;

  constructor(arena: Arena, index: KeyIndex, clock: Clock) {
    this.view = new EntryView(arena);
    this.entry = this.view;
    this.#arena = arena;
    this.#scanner = new KeyScanner(arena, index, this.view);
    this.#clock = clock;
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

  scan(cursor: number, count: number, visit: VisitKey): number {
    return this.#scanner.scan(cursor, count, this.#clock.nowMs(), visit);
  }

  randomKey(target: Uint8Array, random: number): number {
    return this.#scanner.randomKey(target, random, this.#clock.nowMs());
  }

  get keyCount(): number {
    return this.#arena.counter(Counter.keys);
  }

  get expiringKeyCount(): number {
    return this.#arena.counter(Counter.expiringKeys);
  }
}
