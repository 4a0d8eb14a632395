import type { Mutation } from './mutation.ts';

/** Raft, broken. */
export const consensusMutations: readonly Mutation[] = [
  {
    name: 'forget-vote',
    file: 'consensus/raft-self.ts',
    find: 'hard: this.#isHardUnsaved ? this.#hard : null,',
    replace: 'hard: this.#isHardUnsaved ? { term: this.#hard.term, vote: null } : null,',
    why: 'A node that crashes after its vote votes again in the same term.',
  },
  {
    name: 'vote-before-durable',
    file: 'consensus/raft-self.ts',
    find: `    if (this.isHardDurable) {
      this.#actions.push`,
    replace: `    if (this.isHardDurable || message.type === 'voted') {
      this.#actions.push`,
    why: 'A vote leaves before the disk has it.',
  },
  {
    name: 'vote-for-the-outdated',
    file: 'consensus/raft.ts',
    find: 'const isUpToDate = self.isUpToDate(message.lastIndex, message.lastTerm);',
    replace: 'const isUpToDate = self.isUpToDate(message.lastIndex, message.lastTerm) || message.lastIndex > 0;',
    why: 'A node without committed entries is elected.',
  },
  {
    name: 'confirm-before-durable',
    file: 'consensus/following.ts',
    find: 'return Math.min(this.#matched, this.#self.durability.index);',
    replace: 'return this.#matched;',
    why: 'An entry counts as held by a node whose disk may lose it.',
  },
  {
    name: 'commit-older-term-by-counting',
    file: 'consensus/leadership.ts',
    find: 'if (index <= self.commit || log.termAt(index) !== self.term) return;',
    replace: 'if (index <= self.commit) return;',
    why: 'An entry of an older term is committed that a later leader may overwrite (Raft, figure 8).',
  },
  {
    name: 'membership-before-first-commit',
    file: 'consensus/leadership.ts',
    find: 'self.memberships.currentIndex > self.commit || !this.#hasCommittedInTerm || this.isTransferring',
    replace: 'self.memberships.currentIndex > self.commit || this.isTransferring',
    why: 'Two leaders may count different majorities (Ongaro, 2015).',
  },
  {
    name: 'two-memberships-at-once',
    file: 'consensus/leadership.ts',
    find: 'self.memberships.currentIndex > self.commit || !this.#hasCommittedInTerm || this.isTransferring',
    replace: '!this.#hasCommittedInTerm || this.isTransferring',
    why: 'Memberships two changes apart need not share a majority.',
  },
  {
    name: 'read-without-round',
    file: 'consensus/leadership.ts',
    find: 'this.#reads.add(request, this.#round + 1, this.#hasCommittedInTerm ? self.commit : -1);',
    replace: 'this.#reads.add(request, this.#confirmedRound, this.#hasCommittedInTerm ? self.commit : -1);',
    why: 'A deposed leader renews leases.',
  },
  {
    name: 'keep-conflicting-entries',
    file: 'consensus/following.ts',
    find: 'const firstNew = entries.find(({ index, term }) => log.termAt(index) !== term);',
    replace: 'const firstNew = entries.find(({ index }) => index > log.lastIndex);',
    why: 'A follower keeps entries that its leader does not have, and confirms them.',
  },
];
