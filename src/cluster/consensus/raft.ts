import { assert, unreachable } from '../../base/assert.ts';
import type { NodeId } from '../identity.ts';
import { Campaign } from './campaign.ts';
import { Following } from './following.ts';
import { Leadership } from './leadership.ts';
import { isSane } from './raft-message-check.ts';
import { type RaftOptions, validateRaftOptions } from './raft-options.ts';
import { RaftSelf } from './raft-self.ts';
import type { Membership, RaftAction, RaftEvent, RaftMessage, RaftRole, RaftState } from './raft-types.ts';

export type { RaftOptions } from './raft-options.ts';

/** What a leader knows of another node, or of itself. */
export interface RaftProgress {
  /** Its log equals the leader's up to here, durably; -1: nothing is known. */
  readonly match: number;
  readonly recentlyActiveAtMs: number;
  /** It answers, and holds all that is committed: a learner that may be promoted. */
  readonly isCaughtUp: boolean;
}

/**
 * One node of a Raft group, as a pure step function: told an {@link RaftEvent} and the time, it answers with
 * {@link RaftAction}s to carry out in their order. After Ongaro's dissertation, with PreVote and CheckQuorum (sections
 * 6.2 and 9.6), read index (6.4), single-server membership changes (4), leadership transfer (3.10) and compaction (5).
 *
 * After a restart everything up to the snapshot counts as applied; the rest is applied again as its commitment becomes
 * known. A request is answered by `proposed`, `read-ready` or `refused`; a transfer of leadership only if it is
 * refused or given up. If it succeeds, or leadership is lost some other way, the change of role says so.
 */
export class Raft {
  readonly #self: RaftSelf;
  #role: RaftRole = 'follower';
  #leader: NodeId | null = null;
  #leadership: Leadership | null = null;
  #campaign: Campaign | null = null;
  #following: Following | null = null;
  /** When a leader was heard of last. */
  #heardAtMs = Number.NEGATIVE_INFINITY;
  #electionDueMs: number;
  #nowMs: number;
  /** For the check that it never falls. */
  #term: number;

  constructor(options: RaftOptions, restored: RaftState, nowMs: number) {
    const fault = validateRaftOptions(options);
    assert(fault === null, fault ?? '');
    this.#self = new RaftSelf(options, restored);
    this.#nowMs = nowMs;
    this.#term = restored.hard.term;
    this.#electionDueMs = this.#isAlone ? nowMs : this.#drawElectionDue();
  }

  get role(): RaftRole {
    return this.#role;
  }

  get term(): number {
    return this.#self.term;
  }

  /** Who leads, as far as this node knows. */
  get leader(): NodeId | null {
    return this.#leader;
  }

  /** The one that stands last in the log, committed or not. Nobody before a first snapshot. */
  get membership(): Membership {
    return this.#self.membership;
  }

  /** Of the first entry after the snapshot, whether it is there or not. */
  get firstIndex(): number {
    return this.#self.log.firstIndex;
  }

  get lastIndex(): number {
    return this.#self.log.lastIndex;
  }

  get commitIndex(): number {
    return this.#self.commit;
  }

  /** Infinity while it does not lead. */
  get leaderSinceMs(): number {
    return this.#leadership?.sinceMs ?? Number.POSITIVE_INFINITY;
  }

  /** When a `tick` is due next. */
  get wakeAtMs(): number {
    if (this.#leadership !== null) return this.#leadership.wakeAtMs;
    return this.#self.mayStand || this.#leader !== null ? this.#electionDueMs : Number.POSITIVE_INFINITY;
  }

  /** Undefined unless this node leads and `node` is a member. */
  progressOf(node: NodeId): RaftProgress | undefined {
    const leadership = this.#leadership;
    if (leadership === null) return undefined;
    if (node === this.#self.id) {
      return { match: this.#self.durability.index, recentlyActiveAtMs: this.#nowMs, isCaughtUp: true };
    }
    const progress = leadership.progressOf(node);
    if (progress === undefined) return undefined;
    const { match, recentlyActiveAtMs } = progress;
    return { match, recentlyActiveAtMs, isCaughtUp: leadership.isCaughtUp(node, this.#nowMs) };
  }

  step(event: RaftEvent, nowMs: number): RaftAction[] {
    this.#nowMs = Math.max(this.#nowMs, nowMs);
    switch (event.type) {
      case 'tick':
        this.#tick();
        break;
      case 'message':
        if (event.from !== this.#self.id && isSane(event.message)) this.#receive(event.from, event.message);
        break;
      case 'persisted':
        this.#persisted(event.number);
        break;
      case 'compact':
        this.#self.compact(event.index, event.data);
        break;
      case 'propose':
        if (this.#leadership === null) this.#self.refuse(event.request, 'not-leader', this.#leader);
        else this.#leadership.propose(event.request, event.payload, this.#nowMs);
        break;
      case 'read':
        if (this.#leadership === null) this.#self.refuse(event.request, 'not-leader', this.#leader);
        else this.#leadership.read(event.request, this.#nowMs);
        break;
      case 'change-membership':
        if (this.#leadership === null) this.#self.refuse(event.request, 'not-leader', this.#leader);
        else this.#leadership.changeMembership(event.request, event.change, this.#nowMs);
        break;
      case 'transfer':
        if (this.#leadership === null) this.#self.refuse(event.request, 'not-leader', this.#leader);
        else this.#leadership.transfer(event.request, event.to, this.#nowMs);
        break;
      default:
        unreachable(event);
    }
    if (this.#leadership?.isRemoved) {
      this.#leadership.handOver();
      this.#become('follower', null);
    }
    this.#check();
    return this.#self.finish();
  }

  #tick(): void {
    if (this.#leadership !== null) {
      if (this.#leadership.isQuorumLost(this.#nowMs)) this.#become('follower', null);
      else this.#leadership.tick(this.#nowMs);
    } else if (this.#nowMs >= this.#electionDueMs) {
      // Who has no say in an election still has to know that the leader is silent, to ask others for the next one.
      if (!this.#self.mayStand) this.#become('follower', null);
      // With a disk this slow another term would only have to be written too.
      else if (!this.#self.isHardDurable) this.#electionDueMs = this.#drawElectionDue();
      else if (this.#isAlone) this.#stand(false);
      else this.#preVote();
    }
  }

  #persisted(number: number): void {
    const self = this.#self;
    self.persisted(number);
    this.#following?.onPersisted();
    this.#leadership?.advance(this.#nowMs);
    // The own vote counts like any other: once it cannot be forgotten.
    const campaign = this.#campaign;
    if (campaign === null || campaign.isPreVote || !self.isHardDurable) return;
    campaign.grant(self.id);
    this.#countVotes(campaign);
  }

  #receive(from: NodeId, message: RaftMessage): void {
    switch (message.type) {
      case 'vote':
        this.#onVote(from, message);
        break;
      case 'voted':
        this.#onVoted(from, message);
        break;
      case 'append':
      case 'snapshot':
        this.#onLeaderMessage(from, message);
        break;
      case 'appended':
        if (message.term > this.#self.term) this.#onHigherTerm(from, message.term);
        else if (message.term === this.#self.term) this.#leadership?.onAppended(from, message, this.#nowMs);
        break;
      case 'timeout-now':
        if (message.term === this.#self.term && from === this.#leader && this.#self.mayStand) this.#stand(true);
        break;
      default:
        unreachable(message);
    }
  }

  #onVote(from: NodeId, message: Extract<RaftMessage, { type: 'vote' }>): void {
    const self = this.#self;
    // Whoever has no log may have had one, and have voted: it must not vote twice.
    if (self.isPassive) return;
    const isTransfer = message.isTransfer && !message.isPreVote && self.membership.voters.includes(from);
    if (message.term > self.term && !isTransfer && this.#hasLeader) {
      // A working leader is not replaced, and its term not outbid (dissertation, section 4.2.3).
      if (message.isPreVote) this.#answerVote(from, true, self.term, false);
      return;
    }
    const isUpToDate = self.isUpToDate(message.lastIndex, message.lastTerm);
    if (message.isPreVote) {
      const isGranted = message.term > self.term && isUpToDate;
      if (isGranted) this.#giveWay(from);
      this.#answerVote(from, true, isGranted ? message.term : self.term, isGranted);
      return;
    }
    if (message.term > self.term) this.#enterTerm(message.term, null);
    const isFree = self.vote === null && this.#leader === null;
    const isGranted = message.term === self.term && (self.vote === from || isFree) && isUpToDate;
    if (isGranted) {
      self.voteFor(from);
      if (this.#role === 'candidate') this.#become('follower', null);
      this.#electionDueMs = this.#drawElectionDue();
    }
    this.#answerVote(from, false, self.term, isGranted);
  }

  /**
   * Two that ask at once would both be told to stand, and split the votes: one of them waits. Only for a moment, as the
   * other may be one that nobody else hears.
   */
  #giveWay(to: NodeId): void {
    if (this.#campaign?.isPreVote && to < this.#self.id) this.#become('follower', null);
    const [shortestMs] = this.#self.options.electionTimeoutMs;
    this.#electionDueMs = Math.max(this.#electionDueMs, this.#nowMs + shortestMs / 2);
  }

  #answerVote(to: NodeId, isPreVote: boolean, term: number, isGranted: boolean): void {
    this.#self.send(to, { type: 'voted', term, isPreVote, isGranted });
  }

  #onVoted(from: NodeId, message: Extract<RaftMessage, { type: 'voted' }>): void {
    const campaign = this.#campaign;
    if (!message.isGranted) {
      if (message.term > this.#self.term) this.#onHigherTerm(from, message.term);
      else if (campaign !== null) this.#askAgainSoon(campaign);
      return;
    }
    if (campaign === null || campaign.isPreVote !== message.isPreVote || campaign.term !== message.term) return;
    campaign.grant(from);
    this.#countVotes(campaign);
  }

  #countVotes(campaign: Campaign): void {
    if (!campaign.isWon) return;
    if (campaign.isPreVote) this.#stand(false);
    // Elected by others before the own vote is durable: it leads once it is, so that a leader never forgets its term.
    else if (this.#self.isHardDurable) this.#become('leader', this.#self.id);
  }

  #onLeaderMessage(from: NodeId, message: Extract<RaftMessage, { type: 'append' | 'snapshot' }>): void {
    const self = this.#self;
    if (message.term < self.term) {
      const { round } = message;
      self.send(from, { type: 'appended', term: self.term, isAccepted: false, index: 0, hintTerm: 0, round });
      return;
    }
    if (message.term > self.term) this.#enterTerm(message.term, from);
    // There is one leader a term.
    else if (this.#leader === null) this.#become('follower', from);
    else if (this.#leader !== from) return;
    this.#heardAtMs = this.#nowMs;
    this.#electionDueMs = this.#drawElectionDue();
    assert(this.#following !== null, 'who knows its leader follows it');
    if (message.type === 'append') this.#following.onAppend(message);
    else this.#following.onSnapshot(message);
  }

  /** Somebody is in a later term. Who is no member cannot drag the group along. */
  #onHigherTerm(from: NodeId, term: number): void {
    if (this.#self.isPeer(from)) this.#enterTerm(term, null);
  }

  #preVote(): void {
    const { term, membership } = this.#self;
    this.#become('candidate', null);
    this.#campaign = new Campaign(true, term + 1, membership.voters);
    this.#askForVotes(this.#campaign, false);
    this.#campaign.grant(this.#self.id);
    this.#countVotes(this.#campaign);
  }

  #stand(isTransfer: boolean): void {
    const self = this.#self;
    self.enterTerm(self.term + 1);
    self.voteFor(self.id);
    this.#become('candidate', null);
    this.#campaign = new Campaign(false, self.term, self.membership.voters);
    this.#askForVotes(this.#campaign, isTransfer);
  }

  #askForVotes(campaign: Campaign, isTransfer: boolean): void {
    const { id, log, membership } = this.#self;
    const { isPreVote, term } = campaign;
    this.#electionDueMs = this.#drawElectionDue();
    const { lastIndex, lastTerm } = log;
    for (const voter of membership.voters) {
      if (voter === id) continue;
      this.#self.send(voter, { type: 'vote', term, isPreVote, isTransfer, lastIndex, lastTerm });
    }
  }

  /**
   * Whoever refused to say that an election is due may have heard of the leader a little later than this node, and agree
   * in a moment. Whoever refused to elect this node has elected another; if that one leads, it will be heard of, and if
   * votes were split, asking again costs nothing, as it begins with a pre-vote.
   */
  #askAgainSoon({ isPreVote }: Campaign): void {
    const { heartbeatMs, electionTimeoutMs } = this.#self.options;
    const spreadMs = isPreVote ? heartbeatMs : electionTimeoutMs[0];
    this.#electionDueMs = Math.min(this.#electionDueMs, this.#nowMs + heartbeatMs + spreadMs * this.#draw());
  }

  #enterTerm(term: number, leader: NodeId | null): void {
    this.#self.enterTerm(term);
    this.#become('follower', leader);
  }

  /** `any -> follower | candidate | leader`, in the term that has begun. */
  #become(role: RaftRole, leader: NodeId | null): void {
    const self = this.#self;
    const hasChanged = role !== this.#role || leader !== this.#leader || self.term !== this.#term;
    const wasLeader = this.#leadership !== null;
    this.#leadership?.resign(leader);
    this.#leadership = null;
    this.#campaign = null;
    this.#role = role;
    this.#leader = leader;
    this.#term = self.term;
    this.#following = role === 'follower' && leader !== null ? new Following(self, leader) : null;
    if (wasLeader) this.#electionDueMs = this.#drawElectionDue();
    if (hasChanged) self.emit({ type: 'role', role, term: self.term, leader });
    if (role === 'leader') this.#leadership = new Leadership(self, this.#nowMs);
  }

  /** Leads, or has heard of the leader too lately to help replacing it. */
  get #hasLeader(): boolean {
    if (this.#role === 'leader') return true;
    return this.#leader !== null && this.#nowMs < this.#heardAtMs + this.#self.options.electionTimeoutMs[0];
  }

  get #isAlone(): boolean {
    return this.#self.isVoter && this.#self.membership.voters.length === 1;
  }

  #drawElectionDue(): number {
    const [shortest, longest] = this.#self.options.electionTimeoutMs;
    return this.#nowMs + shortest + (longest - shortest) * this.#draw();
  }

  /** 0 to below 1. */
  #draw(): number {
    return this.#self.options.random.nextUint32() / 2 ** 32;
  }

  #check(): void {
    const { id, term } = this.#self;
    assert(term === this.#term, 'a term begins with a change of role');
    assert((this.#role === 'leader') === (this.#leadership !== null), 'a leader, and nobody else, leads');
    assert((this.#role === 'leader') === (this.#leader === id), 'a leader, and nobody else, knows itself as leader');
    assert((this.#role === 'candidate') === (this.#campaign !== null), 'a candidate, and nobody else, stands');
  }
}
