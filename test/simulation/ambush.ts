import type { PartitionCopy } from '../../src/cluster/replication/partition-copy.ts';
import type { SimulatedNode } from './simulated-node.ts';

/**
 * Moments in a node's life that chance alone seldom hits: they last a few milliseconds, and whatever happens to the node
 * in them is what a protocol forgets first.
 */
export const moments = {
  'is handing over': hasCopy((copy) => copy.role === 'handing-over'),
  'is being filled': hasCopy((copy) => copy.dirtyUntil > copy.committed),
  'fills another': hasCopy((copy) => copy.role === 'primary' && copy.peers().some(({ isFilling }) => isFilling)),
  'takes over': hasCopy((copy) => copy.role === 'primary' && copy.committed < copy.epochStart),
  'changes an in-sync set': hasCopy((copy) => copy.role === 'primary' && copy.proposedSets.length > 0),
  'has uncommitted writes': hasCopy((copy) => copy.role === 'primary' && copy.last > copy.committed + 1),
  'asks for votes': (node: SimulatedNode) => node.node?.coordinator.raft.role === 'candidate',
  'has uncommitted configurations': (node: SimulatedNode) => {
    const raft = node.node?.coordinator.raft;
    return raft?.role === 'leader' && raft.commitIndex < raft.lastIndex;
  },
  'has somebody to take into the group': (node: SimulatedNode) => {
    if (node.node === null) return false;
    const { raft, state } = node.node.coordinator;
    const { voters, learners } = raft.membership;
    return (
      raft.role === 'leader' && [...state.nodes.keys()].some((id) => !voters.includes(id) && !learners.includes(id))
    );
  },
} as const satisfies Record<string, (node: SimulatedNode) => boolean>;

export type Moment = keyof typeof moments;

function hasCopy(isSo: (copy: PartitionCopy) => boolean): (node: SimulatedNode) => boolean {
  return ({ node }) => {
    if (node === null) return false;
    for (const copy of node.copies()) if (isSo(copy)) return true;
    return false;
  };
}
