import type { Mutation } from './mutation.ts';

/** The configuration, its leases, and who decides on both, broken. */
export const controllerMutations: readonly Mutation[] = [
  {
    name: 'keep-old-incarnations',
    file: 'controller/node-commands.ts',
    find: 'const isOfEarlier = partition.inSync.some((member) => member.node === node && member.boot !== boot);',
    replace: `const isOfEarlier = false;
    const members = partition.inSync.map((member) => (member.node === node ? { ...member, boot } : member));
    if (members.some((member) => member.node === node)) return { ...partition, inSync: members };`,
    why: 'A restarted node, whose memory is empty, stays in sync with what its last process held.',
  },
  {
    name: 'promote-from-outside',
    file: 'controller/partition-entry.ts',
    find: 'if (fit.some((member) => member.node === node)) return node;',
    replace: 'if (isLive(nodes, node)) return node;',
    why: 'A copy that lacks acknowledged writes becomes primary.',
  },
  {
    name: 'alter-without-version',
    file: 'controller/partition-commands.ts',
    find: 'if (entry.epoch !== epoch || entry.version !== version) {',
    replace: 'if (entry.epoch !== epoch) {',
    why: 'A change of the in-sync set that was given up, or came late, is applied.',
  },
  {
    name: 'join-while-fenced',
    file: 'controller/partition-commands.ts',
    find: 'if (node.isFenced) return',
    replace: 'if (node.weight < 0) return',
    why: 'A fenced node is in sync, though nobody waits for its lease.',
  },
  {
    name: 'give-up-the-last-copy',
    file: 'controller/partition-entry.ts',
    find: 'withMembers(entry, others.length > 0 ? others : entry.inSync, nodes)',
    replace: 'withMembers(entry, others, nodes)',
    why: 'A pause of the last node with a copy loses all it holds.',
  },
  {
    name: 'fence-before-lease-ends',
    file: 'controller/node-watch.ts',
    find: 'this.#waitMs = leaseMs * (1 + this.#drift);',
    replace: 'this.#waitMs = leaseMs * 0.7;',
    why: 'Another primary is named while the old one may still answer reads.',
  },
  {
    name: 'fence-at-once-as-new-leader',
    file: 'controller/node-watch.ts',
    find: 'Math.max(watched.heardAtMs, sinceMs, this.#awakeSinceMs) + this.#waitMs',
    replace: 'Math.max(watched.heardAtMs, sinceMs - this.#waitMs) + this.#waitMs',
    why: 'A new leader takes partitions from nodes to which the old one has given leases.',
  },
  {
    name: 'lease-from-arrival',
    file: 'raft-coordinator.ts',
    find: 'this.#lease.offer(message.sentAtMs, message.index, this.#appliedIndex);',
    replace: 'this.#lease.offer(nowMs, message.index, this.#appliedIndex);',
    why: 'A lease lasts longer than the controller waits.',
  },
  {
    name: 'lease-before-index',
    file: 'lease-keeper.ts',
    find: 'if (offer.index <= appliedIndex) this.#endsAtMs',
    replace: 'this.#endsAtMs',
    why: 'A node reads by its new lease before it has seen that it is no longer the primary.',
  },
  {
    name: 'go-on-in-the-same-epoch',
    profile: 'kept',
    file: 'controller/partition-entry.ts',
    find: 'entry.primary === id ? { ...entry, primary: null } : entry, members, nodes);',
    replace: 'entry, members, nodes);',
    why: 'A primary that comes back gives numbers anew under which others have records that its disk lost.',
  },
];
