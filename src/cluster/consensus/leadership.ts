import { assert } from '../../base/assert.ts';
import type { NodeId } from '../identity.ts';
import { changeMembership, reachedByMajority } from './membership.ts';
import { Progress } from './progress.ts';
import { encodeMembership } from './raft-fields.ts';
import type { RaftSelf } from './raft-self.ts';
import type { LogEntry, MembershipChange, RaftMessage } from './raft-types.ts';
import { ReadQueue } from './read-queue.ts';

interface Transfer {
  readonly request: number;
  readonly to: NodeId;
  readonly deadlineMs: number;
}

/** A node that was removed is told so, as long as it listens. */
interface Leaver {
  /** Of the entry that removed it. */
  readonly index: number;
  readonly untilMs: number;
  /** The first round in which it could hear that this is committed; 0 before. */
  round: number;
}

/** Removed nodes are spoken to for so many of the longest election timeouts. */
const LEAVE_TIMEOUTS = 10;

/** What a leader does, from its election to its end: one term. */
export class Leadership {
  readonly sinceMs: number;
  readonly #self: RaftSelf;
  readonly #progress = new Map<NodeId, Progress>();
  readonly #leavers = new Map<NodeId, Leaver>();
  readonly #reads = new ReadQueue();
  #round = 0;
  #confirmedRound = 0;
  #hasCommittedInTerm = false;
  #unfinishedBytes = 0;
  #heartbeatDueMs: number;
  #transfer: Transfer | null = null;

  constructor(self: RaftSelf, nowMs: number) {
    assert(self.isHardDurable, 'who leads a term will know it after a crash');
    this.#self = self;
    this.sinceMs = nowMs;
    this.#heartbeatDueMs = nowMs;
    for (const entry of self.log.between(self.commit + 1, self.log.lastIndex)) {
      this.#unfinishedBytes += entry.payload.length;
    }
    this.#syncProgress(nowMs);
    this.#append('blank', new Uint8Array(0));
    this.#speak(nowMs);
  }

  get wakeAtMs(): number {
    return Math.min(
      this.#heartbeatDueMs,
      this.#quorumHeardAtMs(Number.POSITIVE_INFINITY) + this.#self.options.electionTimeoutMs[1],
      this.#transfer?.deadlineMs ?? Number.POSITIVE_INFINITY,
    );
  }

  /** The leadership is being handed over: nothing new begins. */
  get isTransferring(): boolean {
    return this.#transfer !== null;
  }

  /** It has committed that it is no voter (any more). */
  get isRemoved(): boolean {
    const { memberships, commit, isVoter } = this.#self;
    return !isVoter && memberships.currentIndex <= commit;
  }

  progressOf(node: NodeId): Progress | undefined {
    return this.#leavers.has(node) ? undefined : this.#progress.get(node);
  }

  /** No majority has answered for too long: somebody else may lead by now (CheckQuorum). */
  isQuorumLost(nowMs: number): boolean {
    return nowMs >= this.#quorumHeardAtMs(nowMs) + this.#self.options.electionTimeoutMs[1];
  }

  tick(nowMs: number): void {
    const transfer = this.#transfer;
    if (transfer !== null && nowMs >= transfer.deadlineMs) this.#endTransfer();
    if (nowMs < this.#heartbeatDueMs) return;
    for (const [node, leaver] of this.#leavers) {
      if (nowMs < leaver.untilMs) continue;
      this.#leavers.delete(node);
      this.#progress.delete(node);
    }
    this.#speak(nowMs);
    this.#pushTransfer();
  }

  propose(request: number, payload: Uint8Array, nowMs: number): void {
    const self = this.#self;
    const bytes = this.#unfinishedBytes + payload.length;
    if (this.isTransferring) self.refuse(request, 'not-leader', null);
    else if (this.#unfinishedBytes > 0 && bytes > self.options.unfinishedBytesMax) {
      self.refuse(request, 'overloaded', self.id);
    } else this.#proposed(request, this.#append('command', payload), nowMs);
  }

  changeMembership(request: number, change: MembershipChange, nowMs: number): void {
    const self = this.#self;
    // Two memberships that differ by one node share a majority; two changes at once would break that (Ongaro, 2015).
    const isBusy = self.memberships.currentIndex > self.commit || !this.#hasCommittedInTerm || this.isTransferring;
    const membership = changeMembership(self.membership, change);
    if (isBusy) self.refuse(request, 'membership-busy', self.id);
    else if (membership === null) self.refuse(request, 'membership-invalid', self.id);
    else if (change.type === 'promote' && !this.isCaughtUp(change.node, nowMs)) {
      self.refuse(request, 'not-caught-up', self.id);
    } else {
      const entry = this.#append('membership', encodeMembership(membership));
      this.#syncProgress(nowMs);
      this.#proposed(request, entry, nowMs);
    }
  }

  /** Whether a node answers and holds all that is committed. */
  isCaughtUp(node: NodeId, nowMs: number): boolean {
    const progress = this.#progress.get(node);
    if (progress === undefined || progress.match < this.#self.commit) return false;
    return nowMs - progress.recentlyActiveAtMs < this.#self.options.electionTimeoutMs[0];
  }

  transfer(request: number, to: NodeId, nowMs: number): void {
    const self = this.#self;
    const isFit = self.membership.voters.includes(to) && this.isCaughtUp(to, nowMs);
    if (this.isTransferring) self.refuse(request, 'membership-busy', self.id);
    else if (to === self.id) self.refuse(request, 'membership-invalid', self.id);
    else if (!isFit) self.refuse(request, 'not-caught-up', self.id);
    else {
      this.#transfer = { request, to, deadlineMs: nowMs + self.options.transferTimeoutMs };
      this.#pushTransfer();
    }
  }

  read(request: number, nowMs: number): void {
    const self = this.#self;
    if (this.#reads.size >= self.options.readsMax) {
      self.refuse(request, 'overloaded', self.id);
      return;
    }
    // A round that is under way began too early for this read; the next one begins when it ends, or by the clock.
    const isUnderWay = this.#confirmedRound < this.#round && this.#reads.waitsFor(this.#round);
    this.#reads.add(request, this.#round + 1, this.#hasCommittedInTerm ? self.commit : -1);
    if (!isUnderWay) this.#speak(nowMs);
    this.#confirm(nowMs);
  }

  onAppended(from: NodeId, message: Extract<RaftMessage, { type: 'appended' }>, nowMs: number): void {
    const progress = this.#progress.get(from);
    const { log, options } = this.#self;
    if (progress === undefined || message.round > this.#round || message.index > log.lastIndex) return;
    progress.recentlyActiveAtMs = nowMs;
    progress.ackedRound = Math.max(progress.ackedRound, message.round);
    if (message.isAccepted) {
      progress.onAccepted(message.index);
      this.#forgetLeaver(from, progress);
      this.advance(nowMs);
      this.#feed(from, progress, false, nowMs);
      this.#pushTransfer();
    } else if (progress.state === 'snapshot') {
      if (progress.isSnapshotOverdue(nowMs, options.snapshotResendMs)) this.#sendSnapshot(from, progress, nowMs);
    } else if (progress.onRefused(message.index, message.hintTerm, log)) {
      this.#feed(from, progress, false, nowMs);
    } else if (progress.next <= log.firstIndex && progress.match < log.snapshotIndex) {
      // It refuses even where the log begins: it has nothing at all.
      this.#sendSnapshot(from, progress, nowMs);
    }
    this.#confirm(nowMs);
  }

  /** Commits what a majority holds, if it is of this term (dissertation, section 3.6.2), and tells everybody. */
  advance(nowMs: number): void {
    const self = this.#self;
    const { log, durability } = self;
    const index = reachedByMajority(self.membership.voters, (voter) =>
      voter === self.id ? durability.index : (this.#progress.get(voter)?.match ?? -1),
    );
    if (index <= self.commit || log.termAt(index) !== self.term) return;
    for (const entry of log.between(self.commit + 1, index)) this.#unfinishedBytes -= entry.payload.length;
    self.commitTo(index);
    if (!this.#hasCommittedInTerm) {
      this.#hasCommittedInTerm = true;
      this.#reads.committedInTerm(index);
      this.#confirm(nowMs);
    }
    this.#feedAll(nowMs);
  }

  /** It leads no more. */
  resign(leader: NodeId | null): void {
    for (const { request } of this.#reads.takeAll()) this.#self.refuse(request, 'not-leader', leader);
  }

  /** On leaving the group: whoever is furthest need not wait for a timeout. */
  handOver(): void {
    const { membership, term } = this.#self;
    const matchOf = (voter: NodeId) => this.#progress.get(voter)?.match ?? -1;
    const heir = membership.voters.reduce<NodeId | null>(
      (best, voter) => (best === null || matchOf(voter) > matchOf(best) ? voter : best),
      null,
    );
    if (heir !== null) this.#self.send(heir, { type: 'timeout-now', term });
  }

  /** When the majority that was heard of last had been heard of; this node hears itself at `nowMs`. */
  #quorumHeardAtMs(nowMs: number): number {
    const { id, membership } = this.#self;
    return reachedByMajority(membership.voters, (voter) =>
      voter === id ? nowMs : (this.#progress.get(voter)?.recentlyActiveAtMs ?? this.sinceMs),
    );
  }

  #append(kind: LogEntry['kind'], payload: Uint8Array): LogEntry {
    const self = this.#self;
    const entry: LogEntry = { index: self.log.lastIndex + 1, term: self.term, kind, payload };
    self.append([entry]);
    this.#unfinishedBytes += payload.length;
    return entry;
  }

  #proposed(request: number, entry: LogEntry, nowMs: number): void {
    this.#self.emit({ type: 'proposed', request, index: entry.index, term: entry.term });
    this.#feedAll(nowMs);
  }

  /** Follows the membership in force. */
  #syncProgress(nowMs: number): void {
    const { membership, memberships, log, options } = this.#self;
    const peers = [...membership.voters, ...membership.learners].filter((node) => this.#self.isPeer(node));
    for (const node of peers) {
      const isBack = this.#leavers.delete(node);
      if (isBack || !this.#progress.has(node)) this.#progress.set(node, new Progress(log.lastIndex + 1, nowMs));
    }
    for (const node of this.#progress.keys()) {
      if (peers.includes(node) || this.#leavers.has(node)) continue;
      const untilMs = nowMs + LEAVE_TIMEOUTS * options.electionTimeoutMs[1];
      this.#leavers.set(node, { index: memberships.currentIndex, untilMs, round: 0 });
    }
    const to = this.#transfer?.to;
    if (to !== undefined && !membership.voters.includes(to)) this.#endTransfer();
  }

  #forgetLeaver(node: NodeId, progress: Progress): void {
    const leaver = this.#leavers.get(node);
    if (leaver === undefined || leaver.round === 0 || progress.ackedRound < leaver.round) return;
    if (progress.match < leaver.index) return;
    this.#leavers.delete(node);
    this.#progress.delete(node);
  }

  /** Begins a round: everybody is spoken to, whether there is news or not. */
  #speak(nowMs: number): void {
    this.#round++;
    this.#heartbeatDueMs = nowMs + this.#self.options.heartbeatMs;
    for (const leaver of this.#leavers.values()) {
      if (leaver.round === 0 && leaver.index <= this.#self.commit) leaver.round = this.#round;
    }
    for (const [node, progress] of this.#progress) this.#feed(node, progress, true, nowMs);
  }

  #feedAll(nowMs: number): void {
    for (const [node, progress] of this.#progress) this.#feed(node, progress, false, nowMs);
  }

  /** Sends a node what it lacks, as far as it may be sent now; if `isForced`, at least an empty append. */
  #feed(node: NodeId, progress: Progress, isForced: boolean, nowMs: number): void {
    const { log, options, commit } = this.#self;
    if (progress.state === 'snapshot') {
      if (isForced) this.#sendAppend(node, progress, log.snapshotIndex, []);
      return;
    }
    if (progress.next < log.firstIndex) {
      this.#sendSnapshot(node, progress, nowMs);
      return;
    }
    const batchAt = (from: number) =>
      from > log.lastIndex ? [] : log.batch(from, options.appendEntriesMax, options.appendBytesMax);
    if (progress.state === 'probe') {
      // Without an answer to the first probe there may be nobody: the next ones carry nothing.
      if (progress.isProbing && !isForced) return;
      this.#sendAppend(node, progress, progress.next - 1, progress.isProbing ? [] : batchAt(progress.next));
      progress.isProbing = true;
      return;
    }
    let isSent = false;
    while (progress.next <= log.lastIndex && progress.inFlight < options.appendsInFlightMax) {
      const batch = batchAt(progress.next);
      this.#sendAppend(node, progress, progress.next - 1, batch);
      progress.onStreamed(progress.next - 1 + batch.length);
      isSent = true;
    }
    const isNews = progress.commitSent < Math.min(commit, progress.next - 1);
    if (!isSent && (isForced || isNews)) this.#sendAppend(node, progress, progress.next - 1, []);
  }

  #sendAppend(node: NodeId, progress: Progress, previousIndex: number, entries: readonly LogEntry[]): void {
    const { term, log, commit } = this.#self;
    const previousTerm = log.termAt(previousIndex);
    assert(previousTerm !== undefined, `the log holds the term of ${previousIndex}`);
    progress.commitSent = commit;
    const round = this.#round;
    this.#self.send(node, { type: 'append', term, previousIndex, previousTerm, entries, commit, round });
  }

  #sendSnapshot(node: NodeId, progress: Progress, nowMs: number): void {
    const { term, log } = this.#self;
    const { snapshot } = log;
    assert(snapshot !== null, 'a leader has a snapshot');
    progress.onSnapshotSent(snapshot.index, nowMs);
    this.#self.send(node, { type: 'snapshot', term, snapshot, round: this.#round });
  }

  /** Answers the reads that the majority's answers allow. */
  #confirm(nowMs: number): void {
    const { id, membership } = this.#self;
    const confirmed = reachedByMajority(membership.voters, (voter) =>
      voter === id ? this.#round : (this.#progress.get(voter)?.ackedRound ?? 0),
    );
    const isEnd = this.#confirmedRound < this.#round && confirmed === this.#round;
    this.#confirmedRound = Math.max(this.#confirmedRound, confirmed);
    for (const { request, index } of this.#reads.takeReady(this.#confirmedRound)) {
      this.#self.emit({ type: 'read-ready', request, index });
    }
    if (!isEnd || !this.#reads.waitsFor(this.#round + 1) || this.#reads.waitsFor(this.#round)) return;
    this.#speak(nowMs);
  }

  #pushTransfer(): void {
    const to = this.#transfer?.to;
    const { term, log } = this.#self;
    if (to === undefined || this.#progress.get(to)?.match !== log.lastIndex) return;
    this.#self.send(to, { type: 'timeout-now', term });
  }

  #endTransfer(): void {
    const transfer = this.#transfer;
    this.#transfer = null;
    if (transfer !== null) this.#self.refuse(transfer.request, 'not-caught-up', this.#self.id);
  }
}
