import { assert, unreachable } from '../../base/assert.ts';
import type { ClusterSettings, PartitionEntry } from '../controller/cluster-state.ts';
import { isSameMember, type Member, memberOf, type NodeId } from '../identity.ts';
import { desiredSet } from './desired-set.ts';
import { Follower } from './follower.ts';
import { type CopyContext, FollowerSender, isBeingSent } from './follower-sender.ts';
import { HandOver, type HandOverPhase } from './hand-over.ts';
import { InSyncChanges, isSameSet } from './in-sync-changes.ts';
import { PendingKeys } from './pending-keys.ts';
import type { ChunkCursor } from './replication-host.ts';
import type { LogRecord, ReplicationMessage } from './replication-message.ts';

type MessageOf<Type extends ReplicationMessage['type']> = Extract<ReplicationMessage, { type: Type }>;

/** While the lease is away nothing tells of its coming back but a look at it. */
const LEASE_RETRY_MS = 25;
/** A successor must have been up to date within so many keepalives. */
const SUCCESSOR_KEEPALIVES = 3;

/** The configuration as a copy sees it. */
export interface Configuration {
  readonly entry: PartitionEntry;
  readonly settings: ClusterSettings;
  readonly isFenced: (node: NodeId) => boolean;
}

/**
 * A copy as the primary of one epoch: numbers the writes, has them held by the others, and says what may be
 * acknowledged.
 *
 * Two marks follow each other. *Committed*: every member of the in-sync set, and of every set that may take its place
 * ({@link InSyncChanges}), holds it in this epoch: it cannot be undone, and the others put it into their stores.
 * *Acknowledged*: committed, while the set had `minInSync` members and the lease held: clients are told, reads see it.
 * They are two because a copy that joins must have all that may not be undone: did that depend on the number of
 * members, a set that has become too small could never grow again.
 *
 * A new primary does not know which of its last records its predecessor had acknowledged. It takes all of them for
 * its own, and moves neither mark before the others of the set hold all of them again.
 */
export class Primary {
  readonly epoch: number;
  /** The last record from before this epoch. */
  readonly epochStart: number;
  #configuration: Configuration;
  #acknowledged: number;
  #replicated: number;
  #isReviewDue = true;
  #nowMs: number;
  #tickedMs: number;
  #followers = new Map<NodeId, Follower>();
  readonly #pending = new PendingKeys();
  readonly #changes = new InSyncChanges();
  readonly #handOver: HandOver;
  readonly #sender: FollowerSender;
  readonly #context: CopyContext;

  constructor(context: CopyContext, configuration: Configuration, nowMs: number) {
    const { data, options } = context;
    this.epoch = configuration.entry.epoch;
    this.#context = context;
    this.#configuration = configuration;
    this.#nowMs = nowMs;
    this.#tickedMs = nowMs;
    this.#acknowledged = data.committed;
    this.#replicated = data.committed;
    this.#handOver = new HandOver(options, nowMs);
    data.becomePrimary();
    this.epochStart = data.log.last;
    this.#sender = new FollowerSender(context, this.epoch, this.epochStart);
    for (let seq = data.committed + 1; seq <= this.epochStart; seq++) this.#pending.add(this.#record(seq));
    this.configure(configuration, nowMs);
  }

  get acknowledged(): number {
    return this.#acknowledged;
  }

  /** At least one other member of the set holds it, or there is no other. */
  get replicated(): number {
    return this.#replicated;
  }

  get handOver(): HandOverPhase {
    return this.#handOver.state;
  }

  get followers(): ReadonlyMap<NodeId, Follower> {
    return this.#followers;
  }

  get required(): readonly Member[] {
    return this.#changes.required;
  }

  get proposedSets(): readonly (readonly Member[])[] {
    return this.#changes.sets;
  }

  get hasEnoughInSync(): boolean {
    const { entry, settings } = this.#configuration;
    return entry.inSync.length >= settings.minInSync;
  }

  get isOverloaded(): boolean {
    const { data, options } = this.#context;
    const { last } = data.log;
    return (
      last - this.#acknowledged >= options.uncommittedRecordsMax ||
      data.log.bytesAfter(this.#acknowledged) >= options.uncommittedBytesMax
    );
  }

  get wakeAtMs(): number {
    if (this.#isReviewDue) return this.#nowMs;
    let wakeAtMs = this.#handOver.wakeAtMs;
    for (const follower of this.#followers.values()) {
      wakeAtMs = Math.min(wakeAtMs, this.#sender.wakeAfter(follower, this.#nowMs));
    }
    if (this.#changes.isPending) {
      wakeAtMs = Math.min(wakeAtMs, this.#changes.askedMs + this.#context.options.proposeAgainMs);
    }
    const { data, host } = this.#context;
    const mayMove = this.#acknowledged < data.committed || this.#replicated < data.log.last;
    if (mayMove && this.#nowMs >= host.lease.endsAtMs) wakeAtMs = Math.min(wakeAtMs, this.#nowMs + LEASE_RETRY_MS);
    // A lease has come since the last look: where there is no follower to be heard of, nothing else would have it seen.
    if (this.#acknowledged < data.committed && this.#mayAcknowledge(this.#nowMs)) return this.#nowMs;
    return wakeAtMs;
  }

  pendingSeq(keyHash: number): number {
    return this.#pending.seqOf(keyHash);
  }

  /** A later entry of the same epoch, or other fences. */
  configure(configuration: Configuration, nowMs: number): void {
    const { entry } = configuration;
    const before = this.#configuration.entry;
    this.#configuration = configuration;
    this.#nowMs = nowMs;
    this.#isReviewDue = true;
    if (entry.version !== before.version) {
      if (!this.#handOver.isIdle) this.#handOver.giveUp(nowMs);
      this.#doubtRemoved(before.inSync, nowMs);
    }
    this.#changes.configure(entry.version, this.#currentSet);
    this.#meetFollowers(nowMs);
    this.#advance(nowMs);
  }

  append(keys: readonly number[], effect: Uint8Array, nowMs: number): number {
    assert(this.#handOver.state.phase !== 'proposed', 'a primary that hands over takes no writes');
    const { data } = this.#context;
    const record = { seq: data.log.last + 1, epoch: this.epoch, keys, effect };
    this.#nowMs = nowMs;
    data.push(record, this.epoch);
    data.wasApplied(record.seq);
    this.#pending.add(record);
    return record.seq;
  }

  onAck(message: MessageOf<'ack'>, nowMs: number): void {
    const follower = this.#meet(message.member, nowMs);
    const { last } = this.#context.data.log;
    if (follower === null || message.seq > last) return;
    follower.acknowledged(message.seq, last, nowMs);
    follower.stamped(message.stamp);
    if (message.isClean) follower.cleaned(message.version);
    if (memberOf(this.#configuration.entry.inSync, follower.node) === undefined) this.#isReviewDue = true;
    this.#advance(nowMs);
  }

  onNack(message: MessageOf<'nack'>, nowMs: number): void {
    const follower = this.#meet(message.member, nowMs);
    if (follower === null) return;
    follower.asked(message.ask);
    const { inSync } = this.#configuration.entry;
    switch (message.reason) {
      case 'gap':
        this.#sender.onGap(follower, message.seq, inSync, nowMs);
        break;
      case 'unusable':
        this.#sender.onUnusable(follower, inSync, nowMs);
        break;
      case 'newer-epoch':
        // It ends this primary, if it is true; and it is not of this epoch.
        break;
      default:
        unreachable(message.reason);
    }
  }

  onChunkAck(message: MessageOf<'chunk-ack'>, nowMs: number): void {
    const follower = this.#meet(message.member, nowMs, message);
    const { last } = this.#context.data.log;
    if (follower === null || message.seq > last) return;
    if (!this.#sender.onChunkTaken(follower, message.stream, message.index, nowMs)) return;
    follower.acknowledged(message.seq, last, nowMs);
  }

  chunkRead(stream: number, entries: readonly Uint8Array[], next: ChunkCursor, nowMs: number): void {
    this.#nowMs = nowMs;
    for (const { snapshot } of this.#followers.values()) {
      if (snapshot?.stream === stream && snapshot.chunk === null) {
        this.#sender.chunkRead(snapshot, entries, next, nowMs);
      }
    }
  }

  tick(nowMs: number): void {
    const sleptMs = nowMs - this.#tickedMs;
    this.#tickedMs = nowMs;
    // Whoever slept must not take the silence for the others'.
    if (sleptMs > 2 * this.#context.options.keepaliveMs) {
      for (const follower of this.#followers.values()) follower.excuse(sleptMs);
    }
    this.#isReviewDue = true;
    this.flush(nowMs);
  }

  /** Sends what was written since; to each follower one message at most, so that writes travel together. */
  flush(nowMs: number): void {
    this.#nowMs = nowMs;
    this.#advance(nowMs);
    if (this.#isReviewDue || this.#handOver.state.phase === 'stopping') this.#review(nowMs);
    for (const follower of this.#followers.values()) this.#sender.serve(follower, nowMs);
  }

  /**
   * Whoever left the set without this primary having asked for it was fenced, has started again or has lost its copy.
   * What was known of it may be of a copy that is no more.
   */
  #doubtRemoved(before: readonly Member[], nowMs: number): void {
    const { entry, isFenced } = this.#configuration;
    if (this.#changes.sets.some((set) => isSameSet(set, entry.inSync))) return;
    for (const member of before) {
      if (entry.inSync.some((other) => isSameMember(other, member))) continue;
      this.#followers.get(member.node)?.doubt(member, isFenced(member.node), nowMs);
    }
  }

  /** Every other copy that is in sync, or should be. What is known of those that stay so is kept. */
  #meetFollowers(nowMs: number): void {
    const { inSync, replicas } = this.#configuration.entry;
    const { data, options } = this.#context;
    const self = data.member.node;
    const followers = new Map<NodeId, Follower>();
    for (const node of [...inSync.map((member) => member.node), ...replicas]) {
      if (node === self || followers.has(node)) continue;
      followers.set(node, this.#followers.get(node) ?? new Follower(node, data.log.last, options, nowMs));
    }
    this.#followers = followers;
  }

  /** The follower that a message of this copy is about; null when it is to be ignored. */
  #meet(member: Member, nowMs: number, chunkAck?: MessageOf<'chunk-ack'>): Follower | null {
    this.#nowMs = nowMs;
    const follower = this.#followers.get(member.node);
    if (follower === undefined) return null;
    const { snapshot } = follower;
    const isOther = follower.hasBeenReplacedBy(member);
    if (!follower.meet(member, nowMs)) return null;
    if (!isOther) return follower;
    this.#isReviewDue = true;
    // Taking the first piece of a snapshot makes another copy of it: that is the one exception.
    const isFirstPiece =
      snapshot !== null &&
      chunkAck !== undefined &&
      chunkAck.index === 0 &&
      isBeingSent(snapshot, chunkAck.stream, chunkAck.index);
    if (!isFirstPiece) follower.snapshot = null;
    return follower;
  }

  /** Moves the marks as far as they may go by now. */
  #advance(nowMs: number): void {
    const { data, host, options, partition } = this.#context;
    // Its own disk counts like another copy.
    let held = data.held;
    let heldByOne = -1;
    const { inSync } = this.#configuration.entry;
    const self = data.member.node;
    for (const member of this.#changes.required) {
      if (member.node === self) continue;
      held = Math.min(held, this.#followers.get(member.node)?.ackedAs(member) ?? -1);
    }
    if (held >= this.epochStart && held > data.committed) data.commitTo(held);
    if (!this.#mayAcknowledge(nowMs)) return;
    for (const member of inSync) {
      if (member.node === self) continue;
      heldByOne = Math.max(heldByOne, this.#followers.get(member.node)?.ackedAs(member) ?? -1);
    }
    const replicated = Math.max(this.#replicated, data.committed, inSync.length === 1 ? data.held : heldByOne);
    if (this.#acknowledged === data.committed && this.#replicated === replicated) return;
    for (let seq = this.#acknowledged + 1; seq <= data.committed; seq++) this.#pending.settle(this.#record(seq));
    this.#acknowledged = data.committed;
    this.#replicated = replicated;
    data.trim(this.#isFilling ? options.catchUpBytesMax : options.retainedBytesMax);
    host.acknowledge(partition, this.#acknowledged, this.#replicated);
  }

  #mayAcknowledge(nowMs: number): boolean {
    const { data, host } = this.#context;
    return data.committed >= this.epochStart && this.hasEnoughInSync && nowMs < host.lease.endsAtMs;
  }

  get #isFilling(): boolean {
    for (const { snapshot } of this.#followers.values()) if (snapshot !== null) return true;
    return false;
  }

  /** Asks the coordinator for what should be otherwise. */
  #review(nowMs: number): void {
    this.#isReviewDue = false;
    const { state } = this.#handOver;
    if (state.phase === 'proposed') this.#pressHandOver(state.to, nowMs);
    else if (state.phase === 'stopping') this.#tryHandOver(state.untilMs, nowMs);
    else {
      const wanted = this.#desiredSet(nowMs);
      const set = this.#changes.next(wanted, this.#context.options.proposeAgainMs, nowMs);
      if (set !== null) this.#proposeSet(set);
      const to = this.#successor(nowMs);
      const isSettled = !this.#changes.isPending && this.#acknowledged >= this.epochStart;
      if (to === null || !isSettled || nowMs < state.notBeforeMs) return;
      this.#handOver.stop(to, nowMs);
      this.#tryHandOver(Number.POSITIVE_INFINITY, nowMs);
    }
  }

  #desiredSet(nowMs: number): Member[] {
    const { entry, settings, isFenced } = this.#configuration;
    const { data, options } = this.#context;
    return desiredSet({
      entry,
      self: data.member,
      followers: this.#followers,
      isFenced,
      minInSync: settings.minInSync,
      // Below `epochStart` there may be records that an earlier primary had acknowledged, although this one does not
      // know it yet: without them nobody may become the next primary.
      joinFrom: Math.max(data.committed, this.epochStart),
      shrinkAfterMs: options.shrinkAfterMs,
      nowMs,
    });
  }

  #proposeSet(members: readonly Member[]): void {
    const { entry } = this.#configuration;
    this.#context.host.propose({
      type: 'alter-in-sync',
      partition: this.#context.partition,
      by: this.#ownMember,
      epoch: entry.epoch,
      version: entry.version,
      members,
    });
  }

  /** A better place for the primary that could take over at once; null: none. */
  #successor(nowMs: number): NodeId | null {
    const { entry, isFenced } = this.#configuration;
    const { data, host, options } = this.#context;
    const self = data.member.node;
    if (nowMs >= host.lease.endsAtMs) return null;
    // The first replica is the preferred one; if this copy should not be here at all, any of them is better.
    const better = entry.replicas.includes(self) ? entry.replicas.slice(0, 1) : entry.replicas;
    for (const node of better) {
      if (node === self || isFenced(node)) continue;
      const member = memberOf(entry.inSync, node);
      const follower = this.#followers.get(node);
      if (member === undefined || follower === undefined || follower.ackedAs(member) < 0) continue;
      if (nowMs - follower.caughtUpMs <= SUCCESSOR_KEEPALIVES * options.keepaliveMs) return node;
    }
    return null;
  }

  #tryHandOver(untilMs: number, nowMs: number): void {
    const to = this.#successor(nowMs);
    if (to === null || nowMs >= untilMs) {
      this.#handOver.giveUp(nowMs);
      return;
    }
    if (this.#acknowledged < this.#context.data.log.last) return;
    this.#handOver.propose(to, nowMs);
    this.#proposeHandOver(to);
  }

  #pressHandOver(to: NodeId, nowMs: number): void {
    if (!this.#handOver.isRepeatDue(nowMs)) return;
    if (this.#handOver.isCancelDue(nowMs)) this.#proposeSet(this.#changes.ask(this.#currentSet, nowMs));
    else this.#proposeHandOver(to);
  }

  #proposeHandOver(to: NodeId): void {
    const { epoch, version } = this.#configuration.entry;
    const { host, partition } = this.#context;
    host.propose({ type: 'hand-over', partition, by: this.#ownMember, epoch, version, to });
  }

  /** The committed set, with this copy's real generation where it is named FRESH. */
  get #currentSet(): Member[] {
    const { member: self } = this.#context.data;
    return this.#configuration.entry.inSync.map((member) => (member.node === self.node ? self : member));
  }

  /** This copy as the entry names it: FRESH at first. */
  get #ownMember(): Member {
    const member = memberOf(this.#configuration.entry.inSync, this.#context.data.member.node);
    assert(member !== undefined, 'a primary is in sync');
    return member;
  }

  #record(seq: number): LogRecord {
    const record = this.#context.data.log.at(seq);
    assert(record !== undefined, `record ${seq} is not acknowledged, and so is kept`);
    return record;
  }
}
