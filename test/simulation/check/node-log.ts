import type { HardState, LogEntry, RaftAction, RaftState } from '../../../src/cluster/consensus/raft-types.ts';

interface Held {
  readonly entry: LogEntry;
  readonly number: number;
  /** A leader's snapshot stands for it now, which need not agree with it. */
  readonly isReplaced: boolean;
}

/** One node's consensus log as its persist actions tell it: what it holds, and how much of it survives a crash. */
export class NodeLog {
  snapshotIndex: number;
  durableHard: HardState;
  /** By index, less one. An entry with the number of the action that brought it. */
  #entries: (Held | undefined)[] = [];
  #snapshots: { readonly number: number; readonly index: number }[] = [];
  #durableSnapshotIndex: number;
  #durableNumber = 0;
  #hards: { readonly number: number; readonly hard: HardState }[] = [];

  constructor(restored: RaftState) {
    this.snapshotIndex = restored.snapshot?.index ?? 0;
    this.#durableSnapshotIndex = this.snapshotIndex;
    this.durableHard = restored.hard;
    for (const entry of restored.entries) this.#entries[entry.index - 1] = { entry, number: 0, isReplaced: false };
  }

  entry(index: number): LogEntry | undefined {
    const held = this.#entries[index - 1];
    return held?.isReplaced === false ? held.entry : undefined;
  }

  /** Entries below a snapshot count as held. */
  holds(entry: LogEntry): boolean {
    return entry.index <= this.snapshotIndex || this.#entries[entry.index - 1]?.entry.term === entry.term;
  }

  holdsDurably(entry: LogEntry): boolean {
    const own = this.#entries[entry.index - 1];
    if (own?.entry.term === entry.term && own.number <= this.#durableNumber) return true;
    return entry.index <= this.#durableSnapshotIndex;
  }

  /**
   * Index 0, the log's beginning, always is. What a snapshot took the place of counts as it did before: it was
   * committed, as nothing else is confirmed while the snapshot is on its way to the disk.
   */
  isDurable(index: number): boolean {
    const number = this.#entries[index - 1]?.number;
    if (number !== undefined && number <= this.#durableNumber) return true;
    return index <= this.#durableSnapshotIndex;
  }

  persisting(action: Extract<RaftAction, { type: 'persist' }>): void {
    const { number, hard, snapshot, entries } = action;
    if (hard !== null) this.#hards.push({ number, hard });
    if (snapshot !== null && snapshot.index > this.snapshotIndex) {
      const at = this.#entries[snapshot.index - 1];
      // The log stays what it is only when it holds the very entry that the snapshot ends with.
      if (at?.entry.term !== snapshot.term) {
        const below = this.#entries.slice(0, snapshot.index);
        this.#entries = below.map((held) => (held === undefined ? held : { ...held, isReplaced: true }));
      }
      this.#snapshots.push({ number, index: snapshot.index });
      this.snapshotIndex = snapshot.index;
    }
    const first = entries[0];
    if (first !== undefined && this.#entries.length >= first.index) this.#entries.length = first.index - 1;
    for (const entry of entries) this.#entries[entry.index - 1] = { entry, number, isReplaced: false };
  }

  persisted(number: number): void {
    this.#durableNumber = Math.max(this.#durableNumber, number);
    for (const dated of this.#hards) if (dated.number <= number) this.durableHard = dated.hard;
    this.#hards = this.#hards.filter((dated) => dated.number > number);
    for (const dated of this.#snapshots) if (dated.number <= number) this.#durableSnapshotIndex = dated.index;
    this.#snapshots = this.#snapshots.filter((dated) => dated.number > number);
  }

  /** What was not durable is taken for lost; the next start tells what is there. */
  crash(): void {
    this.#hards = [];
    this.#snapshots = [];
    const end = this.#entries.findIndex((one) => one !== undefined && one.number > this.#durableNumber);
    if (end >= 0) this.#entries.length = end;
  }
}
