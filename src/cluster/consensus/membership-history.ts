import { assert } from '../../base/assert.ts';
import { noMembership } from './membership.ts';
import { decodeMembership } from './raft-fields.ts';
import type { LogEntry, Membership, RaftSnapshot } from './raft-types.ts';

interface Dated {
  /** Of the entry that brought it, or of the snapshot. */
  readonly index: number;
  readonly membership: Membership;
}

/**
 * The memberships that stand in a log, oldest first. The last one is in force, committed or not, so a log that loses
 * its tail falls back to an older one (dissertation, section 4.1).
 */
export class MembershipHistory {
  readonly #dated: Dated[] = [];

  /** In force now; nobody where there is no log yet. */
  get current(): Membership {
    return this.#dated.at(-1)?.membership ?? noMembership;
  }

  /** Where {@link current} stands in the log; 0 where there is none. */
  get currentIndex(): number {
    return this.#dated.at(-1)?.index ?? 0;
  }

  /** In force at `index`, which no snapshot has gone beyond. */
  at(index: number): Membership {
    const dated = this.#dated.findLast((one) => one.index <= index);
    assert(dated !== undefined, `no membership is known at ${index}`);
    return dated.membership;
  }

  /** In force at `index` or later. */
  since(index: number): Membership[] {
    const first = this.#dated.findLastIndex((one) => one.index <= index);
    return this.#dated.slice(Math.max(first, 0)).map(({ membership }) => membership);
  }

  append(entry: LogEntry): void {
    if (entry.kind !== 'membership') return;
    assert(entry.index > this.currentIndex, `membership ${entry.index} comes after ${this.currentIndex}`);
    this.#dated.push({ index: entry.index, membership: decodeMembership(entry.payload) });
  }

  truncateFrom(index: number): void {
    while (this.#dated.length > 1 && this.currentIndex >= index) this.#dated.pop();
    assert(this.currentIndex < index, 'a truncated log keeps a membership');
  }

  /** Forgets what was in force only before `snapshot`. */
  compactTo(snapshot: RaftSnapshot): void {
    const later = this.#dated.filter((dated) => dated.index > snapshot.index);
    this.#dated.length = 0;
    this.#dated.push({ index: snapshot.index, membership: snapshot.membership }, ...later);
  }

  resetTo(snapshot: RaftSnapshot): void {
    this.#dated.length = 0;
    this.#dated.push({ index: snapshot.index, membership: snapshot.membership });
  }
}
