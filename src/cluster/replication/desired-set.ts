import type { PartitionEntry } from '../controller/cluster-state.ts';
import { isSameMember, type Member, memberOf, type NodeId } from '../identity.ts';
import type { Follower } from './follower.ts';

export interface DesiredSetInput {
  readonly entry: PartitionEntry;
  /** The primary's own copy, by its real generation. */
  readonly self: Member;
  readonly followers: ReadonlyMap<NodeId, Follower>;
  readonly isFenced: (node: NodeId) => boolean;
  readonly minInSync: number;
  /** What a copy must have acknowledged to join: all that is committed, or may have been in an earlier epoch. */
  readonly joinFrom: number;
  readonly shrinkAfterMs: number;
  readonly nowMs: number;
}

/** The in-sync set that a primary would have: those who keep up, and no others. Its own copy is always among them. */
export function desiredSet(input: DesiredSetInput): Member[] {
  const { entry, self } = input;
  const members = entry.inSync.map((member) => (member.node === self.node ? self : member));
  return withoutSurplus(withJoiners(withoutGone(members, input), input), input);
}

/**
 * Without those that fell behind, the longest silent first. Never fewer than could acknowledge anything: below that
 * a smaller set would help nobody, and would lose the promise that the others hold what is committed.
 */
function withoutGone(members: Member[], input: DesiredSetInput): Member[] {
  const { self, followers, isFenced, minInSync, shrinkAfterMs, nowMs } = input;
  const gone = members
    .filter((member) => {
      if (member.node === self.node) return false;
      const follower = followers.get(member.node);
      if (follower === undefined) return false;
      return follower.hasReplaced(member) || nowMs - follower.caughtUpMs >= shrinkAfterMs;
    })
    .sort((left, right) => caughtUpMs(followers, left) - caughtUpMs(followers, right));
  let kept = members;
  for (const member of gone) {
    if (kept.length <= Math.max(1, minInSync) && !isFenced(member.node)) continue;
    kept = kept.filter((other) => other !== member);
  }
  return kept;
}

function caughtUpMs(followers: ReadonlyMap<NodeId, Follower>, { node }: Member): number {
  return followers.get(node)?.caughtUpMs ?? Number.NEGATIVE_INFINITY;
}

function withJoiners(members: Member[], input: DesiredSetInput): Member[] {
  const { entry, self, followers } = input;
  let joined = members;
  for (const node of entry.replicas) {
    const follower = followers.get(node);
    if (node === self.node || follower === undefined || !mayJoin(follower, input)) continue;
    const before = memberOf(joined, node);
    if (before !== undefined && isSameMember(before, follower.member)) continue;
    joined = [...joined.filter((member) => member !== before), follower.member];
  }
  return joined;
}

/**
 * A joiner must have applied the very entry that the set is asked for at. Between that entry and the one with it in the
 * set there is none: with an older one it might still have to learn that it was to be no more, and throw itself away.
 */
function mayJoin(follower: Follower, { entry, isFenced, joinFrom, shrinkAfterMs, nowMs }: DesiredSetInput): boolean {
  return (
    follower.isClean &&
    follower.version >= entry.version &&
    follower.acked >= joinFrom &&
    follower.snapshot === null &&
    !follower.isDoubted(nowMs) &&
    nowMs - follower.heardMs <= shrinkAfterMs / 2 &&
    !isFenced(follower.node)
  );
}

/** Copies that should be elsewhere leave when all that should be here are: a move never lowers their number. */
function withoutSurplus(members: Member[], { entry, self }: DesiredSetInput): Member[] {
  // A primary that should be elsewhere hands over first; then it is the next one's business.
  if (!entry.replicas.includes(self.node)) return members;
  const isComplete = entry.replicas.every((node) => memberOf(entry.inSync, node) !== undefined);
  if (!isComplete) return members;
  const placed = members.filter(({ node }) => entry.replicas.includes(node));
  // One of those that should be here is just leaving.
  if (placed.length < entry.replicas.length) return members;
  return placed;
}
