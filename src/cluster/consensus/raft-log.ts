import { assert } from '../../base/assert.ts';
import type { LogEntry, RaftSnapshot } from './raft-types.ts';

/** A snapshot and the entries after it, in memory. */
export class RaftLog {
  #snapshot: RaftSnapshot | null;
  #entries: LogEntry[] = [];

  constructor(snapshot: RaftSnapshot | null, entries: readonly LogEntry[]) {
    assert(snapshot !== null || entries.length === 0, 'entries stand on a snapshot');
    this.#snapshot = snapshot;
    this.append(entries);
  }

  /** Null: nothing was ever received, so this node is in no group yet. */
  get snapshot(): RaftSnapshot | null {
    return this.#snapshot;
  }

  get snapshotIndex(): number {
    return this.#snapshot?.index ?? 0;
  }

  get snapshotTerm(): number {
    return this.#snapshot?.term ?? 0;
  }

  /** Of the first entry that there is, or will be. */
  get firstIndex(): number {
    return this.snapshotIndex + 1;
  }

  get lastIndex(): number {
    return this.snapshotIndex + this.#entries.length;
  }

  get lastTerm(): number {
    return this.#entries.at(-1)?.term ?? this.snapshotTerm;
  }

  /** Undefined for what is not there yet, or not any more. */
  termAt(index: number): number | undefined {
    if (index === this.snapshotIndex) return this.snapshotTerm;
    return this.#entries[index - this.firstIndex]?.term;
  }

  /** The highest index up to `index` whose entry is of at most `term`; the snapshot's if there is none. */
  highestOfTerm(index: number, term: number): number {
    let at = Math.min(index, this.lastIndex);
    while (at > this.snapshotIndex && (this.termAt(at) ?? 0) > term) at--;
    return Math.max(at, this.snapshotIndex);
  }

  /** Entries `from` to `to`, both included. */
  between(from: number, to: number): LogEntry[] {
    assert(from >= this.firstIndex && to <= this.lastIndex, `the log holds ${from} to ${to}`);
    return this.#entries.slice(from - this.firstIndex, to - this.snapshotIndex);
  }

  /** Entries from `from` on, as many as both limits allow, and at least one if there is one. */
  batch(from: number, entriesMax: number, bytesMax: number): LogEntry[] {
    const batch = this.between(from, Math.min(this.lastIndex, from + entriesMax - 1));
    let bytes = 0;
    const tooMany = batch.findIndex((entry, at) => {
      bytes += entry.payload.length;
      return at > 0 && bytes > bytesMax;
    });
    return tooMany < 0 ? batch : batch.slice(0, tooMany);
  }

  append(entries: readonly LogEntry[]): void {
    for (const entry of entries) {
      assert(entry.index === this.lastIndex + 1, `entry ${entry.index} follows ${this.lastIndex}`);
      assert(entry.term >= this.lastTerm, `term ${entry.term} of entry ${entry.index} follows ${this.lastTerm}`);
      this.#entries.push(entry);
    }
  }

  truncateFrom(index: number): void {
    assert(index > this.snapshotIndex && index <= this.lastIndex, `the log is cut at ${index}`);
    this.#entries.length = index - this.firstIndex;
  }

  /** The entries up to the snapshot go. */
  compactTo(snapshot: RaftSnapshot): void {
    assert(this.termAt(snapshot.index) === snapshot.term, `the log holds what snapshot ${snapshot.index} stands for`);
    this.#entries = this.#entries.slice(snapshot.index - this.snapshotIndex);
    this.#snapshot = snapshot;
  }

  resetTo(snapshot: RaftSnapshot): void {
    this.#entries = [];
    this.#snapshot = snapshot;
  }
}
