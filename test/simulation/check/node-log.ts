import type { HardState, LogEntry, RaftAction, RaftState } from '../../../src/cluster/consensus/raft-types.ts';

/** One node's consensus log as its persist actions tell it: what it holds, and how much of it survives a crash. */
export class NodeLog {
  snapshotIndex: number;
  durableHard: HardState;
  /** By index, less one. An entry with the number of the action that brought it. */
  #entries: ({ readonly entry: LogEntry; readonly number: number } | undefined)[] = [];
  #snapshotNumber = 0;
  #durableNumber = 0;
  #hards: { readonly number: number; readonly hard: HardState }[] = [];

  constructor(restored: RaftState) {
    this.snapshotIndex = restored.snapshot?.index ?? 0;
    this.durableHard = restored.hard;
    for (const entry of restored.entries) this.#entries[entry.index - 1] = { entry, number: 0 };
  }

  entry(index: number): LogEntry | undefined {
    return this.#entries[index - 1]?.entry;
  }

  /** Entries below a snapshot count as held. */
  holds(entry: LogEntry): boolean {
    return entry.index <= this.snapshotIndex || this.#entries[entry.index - 1]?.entry.term === entry.term;
  }

  holdsDurably(entry: LogEntry): boolean {
    return this.holds(entry) && this.isDurable(entry.index);
  }

  /** Index 0, the log's beginning, always is. */
  isDurable(index: number): boolean {
    const number = index <= this.snapshotIndex ? this.#snapshotNumber : this.#entries[index - 1]?.number;
    return number !== undefined && number <= this.#durableNumber;
  }

  persisting(action: Extract<RaftAction, { type: 'persist' }>): void {
    const { number, hard, snapshot, entries } = action;
    if (hard !== null) this.#hards.push({ number, hard });
    if (snapshot !== null && snapshot.index > this.snapshotIndex) {
      const at = this.#entries[snapshot.index - 1];
      // The log stays what it is only when it holds the very entry that the snapshot ends with.
      if (at === undefined || at.entry.term !== snapshot.term) {
        this.#entries = [];
        this.#snapshotNumber = number;
      } else if (at.number > this.#durableNumber) this.#snapshotNumber = Math.max(this.#snapshotNumber, at.number);
      this.snapshotIndex = snapshot.index;
    }
    const first = entries[0];
    if (first !== undefined && this.#entries.length >= first.index) this.#entries.length = first.index - 1;
    for (const entry of entries) this.#entries[entry.index - 1] = { entry, number };
  }

  persisted(number: number): void {
    this.#durableNumber = Math.max(this.#durableNumber, number);
    for (const dated of this.#hards) if (dated.number <= number) this.durableHard = dated.hard;
    this.#hards = this.#hards.filter((dated) => dated.number > number);
  }

  /** What was not durable is taken for lost; the next start tells what is there. */
  crash(): void {
    this.#hards = [];
    const end = this.#entries.findIndex((one) => one !== undefined && one.number > this.#durableNumber);
    if (end >= 0) this.#entries.length = end;
  }
}
