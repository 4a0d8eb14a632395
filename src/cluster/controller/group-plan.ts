import type { NodeId } from '../identity.ts';
import type { ClusterState } from './cluster-state.ts';

/** Who votes in the consensus group, and who only listens. */
export interface Group {
  readonly voters: readonly NodeId[];
  readonly learners: readonly NodeId[];
}

export interface GroupChange {
  readonly type: 'add-learner' | 'promote' | 'demote' | 'remove';
  readonly node: NodeId;
}

export interface GroupView {
  readonly self: NodeId;
  readonly state: ClusterState;
  readonly group: Group;
  readonly votersMax: number;
  /** Whether a member's log is close behind this leader's. */
  isCaughtUp(node: NodeId): boolean;
  /** Whether a node has been fenced for so long that it is not expected back. */
  isGone(node: NodeId): boolean;
  /** Whether a member of the group without an entry in the state is not one that is yet to register. */
  isForeign(node: NodeId): boolean;
}

/**
 * The next change of the consensus group, or null. Registered nodes become learners, and learners that have caught up
 * become voters up to `votersMax`; nodes that were removed leave; a voter that is gone makes room for one that is
 * there, which is promoted first. None is proposed that would leave fewer live voters than a majority.
 */
export function nextGroupChange(view: GroupView): GroupChange | null {
  return demotion(view) ?? removal(view) ?? promotion(view) ?? addition(view);
}

/** To whom leadership should go, because this leader is to leave the cluster, or about to end. */
export function successorOf({ self, state, group, isCaughtUp }: GroupView): NodeId | null {
  const own = state.nodes.get(self);
  if (own === undefined || (!own.isDraining && own.life === 'running')) return null;
  const fit = group.voters.filter((voter) => {
    const node = state.nodes.get(voter);
    if (voter === self || node === undefined || node.isFenced || node.isDraining) return false;
    return node.life === 'running' && isCaughtUp(voter);
  });
  return inOrder(fit)[0] ?? null;
}

/** Of an even number of voters, or one too many, a voter that is gone only makes the majority harder to reach. */
function demotion(view: GroupView): GroupChange | null {
  const { voters } = view.group;
  if (voters.length % 2 === 1 && voters.length <= view.votersMax) return null;
  for (const node of inOrder(voters)) {
    if (node !== view.self && view.isGone(node) && keepsMajority(view, without(voters, node))) {
      return { type: 'demote', node };
    }
  }
  return null;
}

function removal(view: GroupView): GroupChange | null {
  const { voters, learners } = view.group;
  for (const node of inOrder([...voters, ...learners])) {
    if (node === view.self || view.state.nodes.has(node) || !view.isForeign(node)) continue;
    if (!voters.includes(node) || keepsMajority(view, without(voters, node))) return { type: 'remove', node };
  }
  return null;
}

function promotion(view: GroupView): GroupChange | null {
  const { voters, learners } = view.group;
  const isFull = voters.length >= view.votersMax;
  // One above the maximum, for as long as it takes to demote the one that is gone.
  const hasRoom = !isFull || (voters.length === view.votersMax && voters.some((node) => view.isGone(node)));
  if (!hasRoom) return null;
  for (const node of inOrder(learners)) {
    const entry = view.state.nodes.get(node);
    if (entry === undefined || entry.isFenced || entry.isDraining || !view.isCaughtUp(node)) continue;
    if (keepsMajority(view, [...voters, node])) return { type: 'promote', node };
  }
  return null;
}

function addition({ state, group }: GroupView): GroupChange | null {
  for (const { id, isFenced } of state.nodes.values()) {
    if (!isFenced && !group.voters.includes(id) && !group.learners.includes(id))
      return { type: 'add-learner', node: id };
  }
  return null;
}

function keepsMajority({ self, state }: GroupView, voters: readonly NodeId[]): boolean {
  const live = voters.filter((node) => node === self || state.nodes.get(node)?.isFenced === false).length;
  return live > voters.length / 2;
}

function without(nodes: readonly NodeId[], node: NodeId): NodeId[] {
  return nodes.filter((other) => other !== node);
}

function inOrder(nodes: readonly NodeId[]): NodeId[] {
  return [...nodes].sort();
}
