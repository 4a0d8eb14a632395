import type { NodeId } from '../identity.ts';
import { VOTERS_MAX } from '../limits.ts';
import type { Membership, MembershipChange } from './raft-types.ts';

export const noMembership: Membership = { voters: [], learners: [] };

export function isMember(membership: Membership, node: NodeId): boolean {
  return membership.voters.includes(node) || membership.learners.includes(node);
}

/** Of voters: more than half. */
export function majorityOf(voters: number): number {
  return Math.floor(voters / 2) + 1;
}

/** The highest value that a majority of the voters has reached; -Infinity without voters. */
export function reachedByMajority(voters: readonly NodeId[], reached: (voter: NodeId) => number): number {
  const values = voters.map(reached).sort((left, right) => right - left);
  return values[majorityOf(voters.length) - 1] ?? Number.NEGATIVE_INFINITY;
}

/** The membership after a change; null if it changes nothing, names nobody, or leaves too many or no voters. */
export function changeMembership(membership: Membership, change: MembershipChange): Membership | null {
  const { node } = change;
  const isVoter = membership.voters.includes(node);
  const isLearner = membership.learners.includes(node);
  const voters = membership.voters.filter((other) => other !== node);
  const learners = membership.learners.filter((other) => other !== node);
  switch (change.type) {
    case 'add-learner':
      return isVoter || isLearner ? null : { voters, learners: [...learners, node] };
    case 'promote':
      return isLearner && voters.length < VOTERS_MAX ? { voters: [...voters, node], learners } : null;
    case 'demote':
      return isVoter && voters.length > 0 ? { voters, learners: [...learners, node] } : null;
    case 'remove':
      return (isVoter && voters.length > 0) || isLearner ? { voters, learners } : null;
  }
}
