import type { Save } from './journal-payload.ts';
import type { HardState, LogEntry, RaftSnapshot, RaftState } from './raft-types.ts';

/** What a disk holds of a {@link RaftState} besides payloads, in bytes, a little more than it takes. */
const ENTRY_BYTES = 16;
const STATE_BYTES = 512;

/** A {@link RaftState} to which one save after the other is applied, as a disk holds them. */
export class StoredState implements RaftState {
  #hard: HardState;
  #snapshot: RaftSnapshot | null;
  #entries: LogEntry[];
  #payloadBytes = 0;

  constructor(state: RaftState) {
    this.#hard = state.hard;
    this.#snapshot = state.snapshot;
    this.#entries = [...state.entries];
    for (const entry of this.#entries) this.#payloadBytes += entry.payload.length;
  }

  get hard(): HardState {
    return this.#hard;
  }

  get snapshot(): RaftSnapshot | null {
    return this.#snapshot;
  }

  get entries(): readonly LogEntry[] {
    return this.#entries;
  }

  /** About as many bytes as the state takes when it is written as a whole. */
  get bytes(): number {
    const snapshotBytes = this.#snapshot?.data.length ?? 0;
    return STATE_BYTES + snapshotBytes + this.#payloadBytes + this.#entries.length * ENTRY_BYTES;
  }

  /** Why `save` does not fit what is there: a gap, or a step back. Null when it does. */
  misfit(save: Save): string | null {
    const { hard, snapshot, entries } = save;
    if (hard !== null && hard.term < this.#hard.term) return 'the term goes back';
    const snapshotIndex = this.#snapshot?.index ?? 0;
    if (snapshot !== null && snapshot.index < snapshotIndex) return 'the snapshot goes back';
    const first = entries[0];
    if (first === undefined) return null;
    const start = snapshot?.index ?? snapshotIndex;
    const keptLast = snapshot === null || this.#holds(snapshot) ? Math.max(this.#lastIndex(), start) : start;
    if (first.index <= start) return 'entries stand in a snapshot already';
    return first.index > keptLast + 1 ? 'entries are missing' : null;
  }

  /** Applies a save that fits. */
  apply(save: Save): void {
    if (save.hard !== null) this.#hard = save.hard;
    if (save.snapshot !== null) this.#replaceBy(save.snapshot);
    const first = save.entries[0];
    if (first === undefined) return;
    this.#drop(first.index - this.#startIndex(), this.#entries.length);
    for (const entry of save.entries) {
      this.#entries.push(entry);
      this.#payloadBytes += entry.payload.length;
    }
  }

  /** Entries up to the snapshot go; those behind it stay when they are known to follow it. */
  #replaceBy(snapshot: RaftSnapshot): void {
    const kept = this.#holds(snapshot) ? snapshot.index + 1 - this.#startIndex() : this.#entries.length;
    this.#drop(0, kept);
    this.#snapshot = snapshot;
  }

  #holds(snapshot: RaftSnapshot): boolean {
    const before = this.#snapshot;
    if (before !== null && before.index === snapshot.index) return before.term === snapshot.term;
    return this.#entries[snapshot.index - this.#startIndex()]?.term === snapshot.term;
  }

  /** Index of the first entry there is or will be. */
  #startIndex(): number {
    return (this.#snapshot?.index ?? 0) + 1;
  }

  #lastIndex(): number {
    return this.#startIndex() + this.#entries.length - 1;
  }

  /** Removes the entries at the places from `from` to before `to`. */
  #drop(from: number, to: number): void {
    for (const entry of this.#entries.splice(from, to - from)) this.#payloadBytes -= entry.payload.length;
  }
}
