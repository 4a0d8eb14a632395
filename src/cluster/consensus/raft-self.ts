import { assert } from '../../base/assert.ts';
import type { NodeId } from '../identity.ts';
import { isMember } from './membership.ts';
import { MembershipHistory } from './membership-history.ts';
import { RaftDurability } from './raft-durability.ts';
import { RaftLog } from './raft-log.ts';
import type { RaftOptions } from './raft-options.ts';
import type {
  HardState,
  LogEntry,
  Membership,
  RaftAction,
  RaftMessage,
  RaftRefusal,
  RaftSnapshot,
  RaftState,
} from './raft-types.ts';

interface Held {
  readonly number: number;
  readonly to: NodeId;
  readonly message: RaftMessage;
}

/**
 * What a node of a group is, whatever its role: term and vote, log, what is committed, and the actions of the step
 * under way. Everything that must be durable is changed here, and nothing leaves in a term (or with a vote) that a
 * crash could still take back: such messages are held until it is durable.
 */
export class RaftSelf {
  readonly options: RaftOptions;
  readonly log: RaftLog;
  readonly memberships = new MembershipHistory();
  readonly durability: RaftDurability;
  #hard: HardState;
  #commit: number;
  #actions: RaftAction[] = [];
  #held: Held[] = [];
  #isHardUnsaved = false;
  #unsavedSnapshot: RaftSnapshot | null = null;
  /** Entries from here on are not in a persist action yet. */
  #unsavedFrom = Number.POSITIVE_INFINITY;

  constructor(options: RaftOptions, restored: RaftState) {
    this.options = options;
    this.#hard = restored.hard;
    this.log = new RaftLog(restored.snapshot, restored.entries);
    if (restored.snapshot !== null) this.memberships.resetTo(restored.snapshot);
    for (const entry of restored.entries) this.memberships.append(entry);
    // Whoever has no log has not even its beginning on disk.
    this.durability = new RaftDurability(restored.snapshot === null ? -1 : this.log.lastIndex);
    this.#commit = this.log.snapshotIndex;
    assert(this.log.lastTerm <= this.term, `term ${this.term} is not below the log's ${this.log.lastTerm}`);
  }

  get id(): NodeId {
    return this.options.id;
  }

  get term(): number {
    return this.#hard.term;
  }

  get vote(): NodeId | null {
    return this.#hard.vote;
  }

  /** Everything up to here is committed, and was handed out to be applied. */
  get commit(): number {
    return this.#commit;
  }

  get membership(): Membership {
    return this.memberships.current;
  }

  get isVoter(): boolean {
    return this.membership.voters.includes(this.id);
  }

  /**
   * Whether it may ask for an election: as a voter, or as one that was a voter before a change that is not known to be
   * committed. The group may need its log to commit the change (dissertation, section 4.2.2).
   */
  get mayStand(): boolean {
    return !this.isPassive && this.memberships.since(this.#commit).some(({ voters }) => voters.includes(this.id));
  }

  /** In no group yet: takes what a leader sends, and has no say. */
  get isPassive(): boolean {
    return this.log.snapshot === null;
  }

  /** Whether term and vote as they are will survive a crash. */
  get isHardDurable(): boolean {
    return !this.#isHardUnsaved && this.durability.isPersisted(this.durability.hardNumber);
  }

  isPeer(node: NodeId): boolean {
    return node !== this.id && isMember(this.membership, node);
  }

  /** Whether a log that ends so holds everything that this one does (dissertation, section 3.6.1). */
  isUpToDate(lastIndex: number, lastTerm: number): boolean {
    const { log } = this;
    return lastTerm > log.lastTerm || (lastTerm === log.lastTerm && lastIndex >= log.lastIndex);
  }

  enterTerm(term: number): void {
    assert(term > this.term, `term ${term} comes after ${this.term}`);
    this.#hard = { term, vote: null };
    this.#isHardUnsaved = true;
  }

  voteFor(node: NodeId): void {
    assert(this.vote === null || this.vote === node, `one vote in term ${this.term}, and ${this.vote} has it`);
    if (this.vote === node) return;
    this.#hard = { term: this.term, vote: node };
    this.#isHardUnsaved = true;
  }

  append(entries: readonly LogEntry[]): void {
    const first = entries[0];
    if (first === undefined) return;
    this.log.append(entries);
    for (const entry of entries) this.memberships.append(entry);
    assert(this.log.lastTerm <= this.term, `no entry comes from a later term than ${this.term}`);
    this.#unsavedFrom = Math.min(this.#unsavedFrom, first.index);
  }

  /** Other entries must follow in the same step. */
  truncateFrom(index: number): void {
    assert(index > this.#commit, `entry ${index} is not committed (${this.#commit} is)`);
    this.log.truncateFrom(index);
    this.memberships.truncateFrom(index);
    this.durability.cutAfter(index - 1);
    this.#unsavedFrom = index;
  }

  commitTo(index: number): void {
    assert(index >= this.#commit && index <= this.log.lastIndex, `${index} can be committed after ${this.#commit}`);
    if (index === this.#commit) return;
    this.#actions.push({ type: 'apply', entries: this.log.between(this.#commit + 1, index) });
    this.#commit = index;
  }

  /** A leader's snapshot takes the place of everything here. */
  install(snapshot: RaftSnapshot): void {
    assert(this.isPassive || snapshot.index > this.#commit, `snapshot ${snapshot.index} is ahead of ${this.#commit}`);
    // What was committed here is part of the snapshot, and durable if it was; the rest is not the leader's log.
    this.durability.cutAfter(this.#commit);
    this.log.resetTo(snapshot);
    this.memberships.resetTo(snapshot);
    this.#commit = snapshot.index;
    this.#unsavedSnapshot = snapshot;
    this.#unsavedFrom = Number.POSITIVE_INFINITY;
    this.#actions.push({ type: 'restore', snapshot });
  }

  compact(index: number, data: Uint8Array): void {
    assert(index <= this.#commit, `what is saved after ${index} was applied (${this.#commit} is)`);
    const term = this.log.termAt(index);
    if (index <= this.log.snapshotIndex || term === undefined) return;
    const snapshot = { index, term, membership: this.memberships.at(index), data };
    this.log.compactTo(snapshot);
    this.memberships.compactTo(snapshot);
    this.#unsavedSnapshot = snapshot;
  }

  send(to: NodeId, message: RaftMessage): void {
    if (this.isHardDurable) {
      this.#actions.push({ type: 'send', to, message });
      return;
    }
    // A newer message of the same kind says all that an older one does, so this list is as short as the group.
    this.#held = this.#held.filter((held) => held.to !== to || held.message.type !== message.type);
    const number = this.#isHardUnsaved ? this.durability.nextNumber : this.durability.hardNumber;
    this.#held.push({ number, to, message });
  }

  refuse(request: number, reason: RaftRefusal, leader: NodeId | null): void {
    this.#actions.push({ type: 'refused', request, reason, leader });
  }

  emit(action: RaftAction): void {
    this.#actions.push(action);
  }

  persisted(number: number): void {
    this.durability.persisted(number);
    for (const { number: due, to, message } of this.#held) {
      if (this.durability.isPersisted(due)) this.#actions.push({ type: 'send', to, message });
    }
    this.#held = this.#held.filter((held) => !this.durability.isPersisted(held.number));
  }

  /** Ends a step: what it leads to, first of all what is to be made durable. */
  finish(): RaftAction[] {
    const actions = this.#actions;
    this.#actions = [];
    const { log, durability } = this;
    assert(log.snapshotIndex <= this.#commit && this.#commit <= log.lastIndex, 'what is committed is in the log');
    assert(log.lastTerm <= this.term, 'no entry comes from a later term');
    const hasEntries = this.#unsavedFrom <= log.lastIndex;
    assert(hasEntries || this.#unsavedFrom === Number.POSITIVE_INFINITY, 'other entries follow those cut off');
    if (!hasEntries && !this.#isHardUnsaved && this.#unsavedSnapshot === null) return actions;
    const number = durability.nextNumber;
    const persist: RaftAction = {
      type: 'persist',
      number,
      hard: this.#isHardUnsaved ? this.#hard : null,
      snapshot: this.#unsavedSnapshot,
      entries: hasEntries ? log.between(this.#unsavedFrom, log.lastIndex) : [],
    };
    durability.issued(number, this.isPassive ? -1 : log.lastIndex, this.#isHardUnsaved);
    this.#isHardUnsaved = false;
    this.#unsavedSnapshot = null;
    this.#unsavedFrom = Number.POSITIVE_INFINITY;
    return [persist, ...actions];
  }
}
