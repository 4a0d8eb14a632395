import type { NodeId } from '../identity.ts';
import type { RaftSelf } from './raft-self.ts';
import type { RaftMessage } from './raft-types.ts';

type Append = Extract<RaftMessage, { type: 'append' }>;
type Snapshot = Extract<RaftMessage, { type: 'snapshot' }>;

/**
 * How the log follows one leader for one term. An acknowledgement counts as a copy on disk, so it names only what is
 * durable; what becomes so later is acknowledged then, once for all appends that waited.
 */
export class Following {
  readonly #self: RaftSelf;
  readonly #leader: NodeId;
  /** The log equals the leader's up to here. */
  #matched: number;
  #round = 0;
  /** An acknowledgement is due when more is durable. */
  #isOwed = false;
  #acknowledged = -1;

  constructor(self: RaftSelf, leader: NodeId) {
    this.#self = self;
    this.#leader = leader;
    this.#matched = self.commit;
  }

  onAppend(message: Append): void {
    const self = this.#self;
    const { log } = self;
    this.#round = Math.max(this.#round, message.round);
    if (self.isPassive) {
      this.#refuse(0);
      return;
    }
    // What the own snapshot stands for is committed, and so the same: a leader that says otherwise is none.
    const isPartlyOld = message.previousIndex < log.snapshotIndex;
    const same = message.entries.find(({ index }) => index === log.snapshotIndex);
    if (same !== undefined && same.term !== log.snapshotTerm) return;
    const entries = isPartlyOld ? message.entries.filter(({ index }) => index > log.snapshotIndex) : message.entries;
    const previousIndex = isPartlyOld ? log.snapshotIndex : message.previousIndex;
    if (!isPartlyOld && log.termAt(previousIndex) !== message.previousTerm) {
      // Terms above the leader's cannot be the leader's entries: skips them all at once.
      this.#refuse(log.highestOfTerm(previousIndex - 1, message.previousTerm));
      return;
    }
    const firstNew = entries.find(({ index, term }) => log.termAt(index) !== term);
    if (firstNew !== undefined) {
      // No leader contradicts what is committed, or itself.
      if (firstNew.index <= Math.max(self.commit, this.#matched)) return;
      if (firstNew.index <= log.lastIndex) self.truncateFrom(firstNew.index);
      self.append(entries.slice(firstNew.index - previousIndex - 1));
    }
    this.#matched = Math.max(this.#matched, previousIndex + entries.length);
    self.commitTo(Math.max(self.commit, Math.min(message.commit, this.#matched)));
    this.#isOwed = true;
    if (firstNew === undefined) this.acknowledge();
  }

  onSnapshot(message: Snapshot): void {
    const self = this.#self;
    const { snapshot } = message;
    this.#round = Math.max(this.#round, message.round);
    if (!self.isPassive && self.log.termAt(snapshot.index) === snapshot.term) {
      self.commitTo(Math.max(self.commit, snapshot.index));
    } else if (self.isPassive || snapshot.index > this.#matched) {
      self.install(snapshot);
    }
    this.#matched = Math.max(this.#matched, self.commit);
    this.#isOwed = true;
    if (self.durability.index >= this.#matched) this.acknowledge();
  }

  /** Some persist action is durable. */
  onPersisted(): void {
    if (this.#isOwed && this.#durable > this.#acknowledged) this.acknowledge();
  }

  /** Says how far the log is the leader's, and will be after a crash. */
  acknowledge(): void {
    const self = this.#self;
    if (!self.isHardDurable || self.isPassive) return;
    const index = this.#durable;
    // A log that was just begun and is not on disk yet.
    if (index < 0) return;
    this.#acknowledged = index;
    this.#isOwed = index < this.#matched;
    const round = this.#round;
    self.send(this.#leader, { type: 'appended', term: self.term, isAccepted: true, index, hintTerm: 0, round });
  }

  get #durable(): number {
    return Math.min(this.#matched, this.#self.durability.index);
  }

  #refuse(index: number): void {
    const self = this.#self;
    const hintTerm = self.log.termAt(index) ?? 0;
    const { term } = self;
    self.send(this.#leader, { type: 'appended', term, isAccepted: false, index, hintTerm, round: this.#round });
  }
}
