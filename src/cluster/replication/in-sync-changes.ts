import { isSameMember, type Member } from '../identity.ts';

/** So many different sets are asked for at one version; they all add to what a write needs. */
const SETS_MAX = 4;

/**
 * The in-sync sets that a primary has asked for at the entry's current version.
 *
 * A request may be applied at any time, or may have been without this node having heard of it; silence or an error
 * proves nothing. What does prove that it never will be is that the version has moved past the one it was made for.
 * Until then, whoever becomes primary may come from any set that was asked for. So a write has to be held by every
 * member of each of them. A request that was a mistake is called off by asking for the present set: whichever of the
 * two is applied moves the version, and with it the other one is dead.
 */
export class InSyncChanges {
  #version = -1;
  #current: readonly Member[] = [];
  #sets: (readonly Member[])[] = [];
  #askedMs = Number.NEGATIVE_INFINITY;
  #required: readonly Member[] = [];

  /** The entry as it is now committed. */
  configure(version: number, current: readonly Member[]): void {
    if (version === this.#version) return;
    this.#version = version;
    this.#current = current;
    this.#sets = [];
    this.#required = current;
  }

  /** Every copy that has to hold a write: those of the committed set, and of all that are asked for. */
  get required(): readonly Member[] {
    return this.#required;
  }

  get sets(): readonly (readonly Member[])[] {
    return this.#sets;
  }

  get isPending(): boolean {
    return this.#sets.length > 0;
  }

  get askedMs(): number {
    return this.#askedMs;
  }

  /**
   * The set to ask for now, if any, given the one that is wanted. A request under way is repeated every `againMs`, or
   * another one is made if something else is wanted by now.
   */
  next(wanted: readonly Member[], againMs: number, nowMs: number): readonly Member[] | null {
    if (this.#sets.length === 0) return isSameSet(wanted, this.#current) ? null : this.ask(wanted, nowMs);
    if (nowMs - this.#askedMs < againMs) return null;
    return this.ask(wanted, nowMs);
  }

  /** Notes that `members` is asked for, from now on until the version moves. */
  ask(members: readonly Member[], nowMs: number): readonly Member[] {
    this.#askedMs = nowMs;
    const known = this.#sets.find((set) => isSameSet(set, members));
    if (known !== undefined) return known;
    // Rather call all of it off than need ever more copies.
    if (this.#sets.length >= SETS_MAX && !isSameSet(members, this.#current)) return this.ask(this.#current, nowMs);
    this.#sets.push(members);
    const added = members.filter((member) => !this.#required.some((other) => isSameMember(other, member)));
    if (added.length > 0) this.#required = [...this.#required, ...added];
    return members;
  }
}

export function isSameSet(left: readonly Member[], right: readonly Member[]): boolean {
  return left.length === right.length && left.every((member) => right.some((other) => isSameMember(member, other)));
}
