import { isSameMember, type Member, type NodeId } from '../identity.ts';
import type { ReplicationOptions } from './replication-options.ts';
import type { SnapshotSender } from './snapshot-sender.ts';

/** Beats in the time between two keepalives. */
const BEATS = 2;

/**
 * What a primary knows, in its epoch, of one other copy, and how it sends to it.
 *
 * `probing`: it is not known where the two logs agree; one message at a time asks whether at `next` - 1.
 * `streaming`: they agree up to `acked`; messages follow each other without waiting, a few at most.
 *
 * Within one epoch the primary's log only grows, and a copy of one generation never gives up what it had in common
 * with it. So what a copy has acknowledged stays true however late it is heard, and the highest number counts. Heard
 * of another generation, everything is forgotten; heard late of an earlier one, it is ignored.
 */
export class Follower {
  readonly node: NodeId;
  snapshot: SnapshotSender | null = null;
  #boot = -1;
  #generation = -1;
  #acked = -1;
  #isClean = false;
  #version = -1;
  #ask = 0;
  #stampMs = -1;
  #heardMs: number;
  #doubtedUntilMs = Number.NEGATIVE_INFINITY;
  #next: number;
  #isProbing = true;
  /** Last numbers of the messages with records that were sent and not acknowledged. */
  #inFlight: number[] = [];
  #sentMs = Number.NEGATIVE_INFINITY;
  /** When what is in flight was sent, or last made progress. */
  #waitingSinceMs = Number.NEGATIVE_INFINITY;
  #isWaiting = false;
  #caughtUpMs: number;
  #markSeq: number;
  #markMs: number;
  readonly #options: ReplicationOptions;

  /** `last` is the end of the primary's log: the first question is whether the follower has it all. */
  constructor(node: NodeId, last: number, options: ReplicationOptions, nowMs: number) {
    this.node = node;
    this.#next = last + 1;
    this.#heardMs = nowMs;
    this.#caughtUpMs = nowMs;
    this.#markSeq = last;
    this.#markMs = nowMs;
    this.#options = options;
  }

  /** The copy that is there; generation -1 until it was heard of. */
  get member(): Member {
    return { node: this.node, boot: this.#boot, generation: this.#generation };
  }

  get isKnown(): boolean {
    return this.#boot >= 0;
  }

  /** Its log equals the primary's up to here; -1: not known. */
  get acked(): number {
    return this.#acked;
  }

  get isClean(): boolean {
    return this.#isClean;
  }

  /** Of the newest entry it had applied when it said that it is clean; -1: it has not. */
  get version(): number {
    return this.#version;
  }

  /** The number of the last thing it asked for. */
  get ask(): number {
    return this.#ask;
  }

  get stampMs(): number {
    return this.#stampMs;
  }

  get next(): number {
    return this.#next;
  }

  get isProbing(): boolean {
    return this.#isProbing;
  }

  get heardMs(): number {
    return this.#heardMs;
  }

  /** It had everything that was written before this time. */
  get caughtUpMs(): number {
    return this.#caughtUpMs;
  }

  /** What the copy that an in-sync set names has acknowledged: of any other one it would mean nothing. */
  ackedAs(member: Member): number {
    return this.isKnown && isSameMember(member, this.member) ? this.#acked : -1;
  }

  /** Whether the named copy is no more: the node has told of a later one. */
  hasReplaced(member: Member): boolean {
    return this.#compare(member) < 0;
  }

  /** Whether a message of this copy tells of another one than was known. */
  hasBeenReplacedBy(member: Member): boolean {
    return this.#compare(member) > 0;
  }

  /** Nothing was heard of it for so long that sending it records is a waste. */
  isSilent(nowMs: number): boolean {
    return nowMs - this.#heardMs >= this.#options.shrinkAfterMs;
  }

  /**
   * A message of this copy has come. Answers false if it is of one that is no more, and so is to be ignored. A new
   * one is met with a probe, from where the talk was.
   */
  meet(member: Member, nowMs: number): boolean {
    const order = this.#compare(member);
    if (order < 0) return false;
    this.#heardMs = nowMs;
    if (order === 0) return true;
    this.#boot = member.boot;
    this.#generation = member.generation;
    this.#acked = -1;
    this.#isClean = false;
    this.#version = -1;
    this.#ask = 0;
    this.#stampMs = -1;
    this.#caughtUpMs = nowMs;
    this.#doubtedUntilMs = Number.NEGATIVE_INFINITY;
    this.probeAt(this.#next - 1);
    return true;
  }

  /**
   * Others took this copy out of the in-sync set: what it said before proves nothing any more. If not because its
   * node was silent, then because it is gone, and for a while even what comes from it may be from before.
   */
  doubt(member: Member, isSilence: boolean, nowMs: number): void {
    if (this.#compare(member) !== 0) return;
    this.#acked = -1;
    this.#isClean = false;
    this.snapshot = null;
    this.probeAt(this.#next - 1);
    if (!isSilence) this.#doubtedUntilMs = nowMs + 2 * this.#options.shrinkAfterMs;
  }

  /** It may be of a copy that is gone. */
  isDoubted(nowMs: number): boolean {
    return nowMs < this.#doubtedUntilMs;
  }

  /** The primary itself slept for so long, and could not have heard it. */
  excuse(sleptMs: number): void {
    this.#heardMs += sleptMs;
    this.#caughtUpMs += sleptMs;
    this.#markMs += sleptMs;
  }

  /** Its log equals the primary's up to `seq`; the primary's ends at `last`. */
  acknowledged(seq: number, last: number, nowMs: number): void {
    if (seq >= last) this.#caughtUpMs = nowMs;
    else if (seq >= this.#markSeq) this.#caughtUpMs = Math.max(this.#caughtUpMs, this.#markMs);
    if (seq >= this.#markSeq) {
      this.#markSeq = last;
      this.#markMs = nowMs;
    }
    if (seq > this.#acked) {
      this.#acked = seq;
      this.#waitingSinceMs = nowMs;
    }
    if (this.#isProbing) {
      this.#isProbing = false;
      this.#isWaiting = false;
      this.#next = this.#acked + 1;
    }
    let done = 0;
    while (done < this.#inFlight.length && (this.#inFlight[done] ?? 0) <= this.#acked) done++;
    if (done > 0) this.#inFlight.splice(0, done);
    this.#next = Math.max(this.#next, this.#acked + 1);
  }

  /** It is clean, and `version` is that of the newest entry it has applied. */
  cleaned(version: number): void {
    this.#isClean = true;
    this.#version = Math.max(this.#version, version);
  }

  asked(ask: number): void {
    this.#ask = Math.max(this.#ask, ask);
  }

  stamped(stampMs: number): void {
    // Messages overtake each other; a lower stamp is an older one, of the same start of the same node.
    this.#stampMs = Math.max(this.#stampMs, stampMs);
  }

  /** Its log does not go on from `next` - 1; ask for `seq` instead. */
  probeAt(seq: number): void {
    this.#isProbing = true;
    this.#isWaiting = false;
    this.#inFlight = [];
    this.#next = seq + 1;
  }

  /** Nothing came back for too long: ask where it stands. */
  rewindIfOverdue(nowMs: number): void {
    if (nowMs < this.#overdueMs) return;
    if (this.#isProbing) this.#isWaiting = false;
    else this.probeAt(this.#acked);
  }

  get canTakeRecords(): boolean {
    return this.#isProbing ? !this.#isWaiting : this.#inFlight.length < this.#options.inFlightMax;
  }

  /** A message that ends with record `end` leaves now; without records it ends where it begins. */
  sent(end: number, nowMs: number): void {
    this.#sentMs = nowMs;
    if (this.#isProbing) {
      this.#isWaiting = true;
      this.#waitingSinceMs = nowMs;
      return;
    }
    if (end < this.#next) return;
    if (this.#inFlight.length === 0) this.#waitingSinceMs = nowMs;
    this.#inFlight.push(end);
    this.#next = end + 1;
  }

  isKeepaliveDue(nowMs: number): boolean {
    return nowMs >= this.#keepaliveMs;
  }

  /**
   * When the next one is due. Rounded down to a beat that all followers of all partitions have in common, so that those
   * of a node leave together.
   */
  get #keepaliveMs(): number {
    const { keepaliveMs } = this.#options;
    const beatMs = keepaliveMs / BEATS;
    return Math.floor((this.#sentMs + keepaliveMs) / beatMs) * beatMs;
  }

  /** When, after `nowMs`, there is something to be done for it although nobody calls; but for a snapshot. */
  wakeAfter(nowMs: number): number {
    const dueMs = this.#keepaliveMs;
    const goneMs = this.#caughtUpMs + this.#options.shrinkAfterMs;
    // While it is silent nothing but the keepalive goes out; what was sent before stays overdue.
    const overdueMs = this.isSilent(nowMs) ? dueMs : this.#overdueMs;
    return Math.min(dueMs, overdueMs, goneMs > nowMs ? goneMs : dueMs);
  }

  get #overdueMs(): number {
    const isWaiting = this.#isProbing ? this.#isWaiting : this.#inFlight.length > 0;
    return isWaiting ? this.#waitingSinceMs + this.#options.resendMs : Number.POSITIVE_INFINITY;
  }

  /** Below 0: that copy is earlier than the one here. */
  #compare({ boot, generation }: Member): number {
    return boot === this.#boot ? generation - this.#generation : boot - this.#boot;
  }
}
