import { assert, unreachable } from '../../base/assert.ts';
import type { ClusterSettings, PartitionEntry } from '../controller/cluster-state.ts';
import type { Member, NodeId } from '../identity.ts';
import { refusalByOther, refusalByPrimary, writeRefusalByPrimary } from './admission.ts';
import { CopyData, type CopyStart } from './copy-data.ts';
import type { CopyContext } from './follower-sender.ts';
import { Freshness } from './freshness.ts';
import { OwnMembership } from './own-membership.ts';
import { type Configuration, Primary } from './primary.ts';
import type { ReadRefusal, ReplicaReadRefusal, WriteRefusal, WriteToken } from './refusal.ts';
import { Replica } from './replica.ts';
import type { ChunkCursor, ReplicationHost } from './replication-host.ts';
import type { LogRecord, ReplicationMessage } from './replication-message.ts';
import { type ReplicationOptions, replicationOptionsFault } from './replication-options.ts';

export type { ReplicationOptions } from './replication-options.ts';
export { defaultReplicationOptions, replicationOptionsFault } from './replication-options.ts';

const EMPTY_START: CopyStart = { generation: 0, kept: null };

type MessageOf<Type extends ReplicationMessage['type']> = Extract<ReplicationMessage, { type: Type }>;

/**
 *     none -> replica      a copy should be here, or a message of a later epoch says so
 *     replica -> primary   a committed entry names this very copy as the primary of a later epoch
 *     primary -> replica   an entry or a message tells of a later epoch, or of no primary, or the memory is lost
 *     replica -> none      a copy should be here no more
 */
type Role =
  | { readonly kind: 'none' }
  /** `side` is null until the epoch's primary was heard of. */
  | { readonly kind: 'replica'; readonly side: Replica | null }
  | { readonly kind: 'primary'; readonly side: Primary };

/** What a primary knows of another copy, to look at. */
export interface Peer extends Member {
  readonly acked: number;
  readonly isClean: boolean;
  readonly isProbing: boolean;
  readonly isFilling: boolean;
  readonly caughtUpMs: number;
}

/**
 * One copy of one partition, on one start of one node: it takes writes or follows who does, and decides what may be
 * acknowledged and read. A pure state machine (README.md tells the whole protocol).
 *
 * `flush` is due after each batch of calls: only then are writes, acknowledgements and proposals sent. `tick` does the
 * same and looks at the clock; it is due at `wakeAtMs`, which is in the past as long as something waits to be sent.
 */
export class PartitionCopy {
  readonly partition: number;
  #configuration: Configuration | null = null;
  /** The newest that is known, from an entry or a message. */
  #epoch = 0;
  #role: Role = { kind: 'none' };
  #loseAskedMs = Number.NEGATIVE_INFINITY;
  #nowMs: number;
  readonly #self: { readonly node: NodeId; readonly boot: number };
  readonly #data: CopyData;
  readonly #membership: OwnMembership;
  readonly #freshness: Freshness;
  readonly #context: CopyContext;

  constructor(
    partition: number,
    self: { readonly node: NodeId; readonly boot: number },
    options: ReplicationOptions,
    host: ReplicationHost,
    nowMs: number,
    start: CopyStart = EMPTY_START,
  ) {
    const fault = replicationOptionsFault(options);
    assert(fault === null, fault ?? '');
    this.partition = partition;
    this.#self = self;
    this.#nowMs = nowMs;
    this.#data = new CopyData(partition, self, host, start);
    this.#membership = new OwnMembership(self, this.#data, start);
    this.#freshness = new Freshness(nowMs);
    // One that goes on sends other snapshots than it did before, which its followers may remember: there were fewer of
    // them than milliseconds.
    const streams = { count: start.kept === null ? 0 : Math.floor(nowMs) };
    this.#context = { partition, data: this.#data, options, host, streams };
  }

  get role(): 'none' | 'replica' | 'primary' | 'handing-over' {
    if (this.#role.kind !== 'primary') return this.#role.kind;
    return this.#role.side.handOver.phase === 'idle' ? 'primary' : 'handing-over';
  }

  get epoch(): number {
    return this.#epoch;
  }

  /** Of the newest entry. */
  get version(): number {
    return this.#configuration?.entry.version ?? 0;
  }

  /** The last record it has. */
  get last(): number {
    return this.#data.log.last;
  }

  /** Up to here every in-sync copy has the records. */
  get committed(): number {
    return this.#data.committed;
  }

  /** A primary's clients were told up to here; at most `committed`. */
  get acknowledged(): number {
    return this.#role.kind === 'primary' ? this.#role.side.acknowledged : this.#data.committed;
  }

  /** At least one other in-sync copy has the records up to here, or there is no other. */
  get replicated(): number {
    return this.#role.kind === 'primary' ? this.#role.side.replicated : this.#data.committed;
  }

  /** The store has the records up to here. */
  get applied(): number {
    return this.#data.applied;
  }

  /** Records up to here are no longer kept. */
  get trimmed(): number {
    return this.#data.log.trimmed;
  }

  get generation(): number {
    return this.#data.generation;
  }

  /** The start of the node in which this filling began. */
  get since(): number {
    return this.#data.since;
  }

  /** The epoch whose primary first gave it something; Infinity: it is empty. */
  get filledInEpoch(): number {
    return this.#data.filledInEpoch;
  }

  /** Infinity while a snapshot comes in. */
  get dirtyUntil(): number {
    return this.#data.dirtyUntil;
  }

  get retainedBytes(): number {
    return this.#data.log.bytes;
  }

  get uncommittedBytes(): number {
    return this.#data.log.bytesAfter(Math.max(this.acknowledged, this.trimmed));
  }

  /** The last record from before a primary's epoch; 0 for others. */
  get epochStart(): number {
    return this.#role.kind === 'primary' ? this.#role.side.epochStart : 0;
  }

  /**
   * Nothing in its store can turn out never to have been written. Only a node that has seen the configuration up to
   * the present epoch can say so: before, the partition may have begun anew without its knowing.
   */
  get isClean(): boolean {
    return this.#data.isClean && (this.#configuration?.entry.epoch ?? -1) >= this.#epoch;
  }

  /** A primary that may append: not one that has asked for its successor, which answers nothing either. */
  get takesRecords(): boolean {
    return this.#role.kind === 'primary' && this.#role.side.handOver.phase !== 'proposed';
  }

  /** When what it holds was last known to be current, by the node's clock; null: it is no clean replica. */
  get freshAtMs(): number | null {
    if (!this.#isReadableReplica) return null;
    const { freshAtMs } = this.#freshness;
    return freshAtMs === Number.NEGATIVE_INFINITY ? null : freshAtMs;
  }

  /** Which copies have to hold a write before it is committed. */
  get required(): readonly Member[] {
    return this.#role.kind === 'primary' ? this.#role.side.required : [];
  }

  /** The in-sync sets asked for at the present version. */
  get proposedSets(): readonly (readonly Member[])[] {
    return this.#role.kind === 'primary' ? this.#role.side.proposedSets : [];
  }

  record(seq: number): LogRecord | undefined {
    return this.#data.log.at(seq);
  }

  peers(): Peer[] {
    if (this.#role.kind !== 'primary') return [];
    return [...this.#role.side.followers.values()].map((follower) => ({
      ...follower.member,
      acked: follower.acked,
      isClean: follower.isClean,
      isProbing: follower.isProbing,
      isFilling: follower.snapshot !== null,
      caughtUpMs: follower.caughtUpMs,
    }));
  }

  /** When `tick` is next due. */
  get wakeAtMs(): number {
    const loseMs = this.#isLost ? this.#loseAskedMs + this.#context.options.proposeAgainMs : Number.POSITIVE_INFINITY;
    if (this.#role.kind === 'primary') return this.#role.side.wakeAtMs;
    return this.#role.kind === 'replica' && this.#role.side?.hasAnswers ? this.#nowMs : loseMs;
  }

  /** A newly committed entry; or the same one, when a node was fenced or is so no longer. */
  configure(
    entry: PartitionEntry,
    settings: ClusterSettings,
    isFenced: (node: NodeId) => boolean,
    nowMs: number,
  ): void {
    const before = this.#configuration?.entry;
    assert(
      before === undefined || (entry.version >= before.version && entry.epoch >= before.epoch),
      `the entry of partition ${this.partition} goes back to epoch ${entry.epoch}, version ${entry.version}`,
    );
    this.#nowMs = nowMs;
    this.#configuration = { entry, settings, isFenced };
    this.#settle(nowMs);
  }

  receive(from: NodeId, message: ReplicationMessage, nowMs: number): void {
    this.#nowMs = nowMs;
    switch (message.type) {
      case 'append':
      case 'chunk':
        this.#fromPrimary(from, message, nowMs);
        break;
      case 'nack':
      case 'ack':
      case 'chunk-ack':
        if (message.member.node === from) this.#fromFollower(message, nowMs);
        break;
      default:
        unreachable(message);
    }
  }

  tick(nowMs: number): void {
    this.#nowMs = nowMs;
    if (this.#role.kind === 'primary') this.#role.side.tick(nowMs);
    else this.flush(nowMs);
  }

  flush(nowMs: number): void {
    this.#nowMs = nowMs;
    if (this.#role.kind === 'primary') this.#role.side.flush(nowMs);
    else if (this.#role.kind === 'replica') this.#role.side?.flush(this.isClean, this.version, nowMs);
    this.#tellLoss(nowMs);
  }

  /** The store did a write. Answers the number under which its reply waits for `ReplicationHost.acknowledge`. */
  append(keys: readonly number[], effect: Uint8Array, nowMs: number): number {
    this.#nowMs = nowMs;
    assert(this.#role.kind === 'primary', `a write on partition ${this.partition}, whose primary is elsewhere`);
    return this.#role.side.append(keys, effect, nowMs);
  }

  /** What `ReplicationHost.keep` took up to this place is on the disk. */
  reached(place: number, nowMs: number): void {
    this.#nowMs = nowMs;
    if (!this.#data.reached(place)) return;
    if (this.#role.kind === 'replica' && !this.#isLost) this.#role.side?.confirm();
  }

  /** Something is on its way to the disk that others wait for. */
  get isKeeping(): boolean {
    return this.#data.isPending;
  }

  /** Hands all that the disk must have of it anew, for a snapshot of the store that is about to be made there. */
  keepAll(): void {
    this.#data.keepAll();
  }

  /** The store was read for a snapshot since `keepAll`, and all that it showed is committed. */
  keepCommitted(): void {
    this.#data.keepCommitted();
  }

  /** Likewise, and some of what it shows may not be committed. */
  keepDirt(): void {
    this.#data.keepDirt();
  }

  /** What `ReplicationHost.readChunk` asked for; `next` is null behind the last piece. */
  chunkRead(stream: number, entries: readonly Uint8Array[], next: ChunkCursor, nowMs: number): void {
    this.#nowMs = nowMs;
    if (this.#role.kind === 'primary') this.#role.side.chunkRead(stream, entries, next, nowMs);
  }

  /** The memory was lost without a restart of the node: the store is, or is to be made, empty. */
  loseData(nowMs: number): void {
    this.#nowMs = nowMs;
    this.#stepDown();
    this.#discard();
    if (this.#configuration !== null) this.#settle(nowMs);
  }

  /** Why a write is not taken; null: do it, and `append` what came of it in the same turn. */
  writeRefusal(nowMs: number): WriteRefusal | null {
    const refusal = this.#primaryRefusal(nowMs);
    if (refusal !== null || this.#role.kind !== 'primary') return refusal;
    return writeRefusalByPrimary(this.#role.side, this.#self.node);
  }

  /** Why a value that was just read must not be answered; to be asked *after* it was read. */
  readRefusal(nowMs: number): ReadRefusal | null {
    return this.#primaryRefusal(nowMs);
  }

  /** The write that a read of this key has to wait for, until it is acknowledged; 0: none. */
  pendingSeq(keyHash: number): number {
    return this.#role.kind === 'primary' ? this.#role.side.pendingSeq(keyHash) : 0;
  }

  /**
   * Why a value read here must not be answered to a reader who is content with one that was current at most
   * `maxStalenessMs` ago, and not older than his own write `token`. A write that was asked to be acknowledged sooner
   * than by all in-sync copies, and was lost, may be missing although the token seems to be reached.
   */
  replicaReadRefusal(nowMs: number, maxStalenessMs: number, token: WriteToken | null): ReplicaReadRefusal | null {
    const primary = this.#knownPrimary;
    if (this.#role.kind === 'primary') return { reason: 'is-primary', primary, isRetryable: true };
    if (!this.#isReadableReplica) return { reason: 'not-ready', primary, isRetryable: true };
    if (token !== null && !this.#hasReached(token)) return { reason: 'before-token', primary, isRetryable: true };
    if (nowMs - this.#freshness.freshAtMs > maxStalenessMs) return { reason: 'stale', primary, isRetryable: true };
    return null;
  }

  get #isReadableReplica(): boolean {
    return this.#role.kind === 'replica' && this.#role.side !== null && !this.#isLost && this.isClean;
  }

  #hasReached({ epoch, seq }: WriteToken): boolean {
    // Nobody has what was written before all copies were lost; there is nothing to wait for.
    if (epoch < (this.#configuration?.entry.resetEpoch ?? 0)) return true;
    return epoch <= this.#epoch && seq <= this.#data.applied;
  }

  #primaryRefusal(nowMs: number): ReadRefusal | null {
    if (this.#role.kind !== 'primary') return refusalByOther(this.#configuration, this.#epoch, this.#knownPrimary);
    return refusalByPrimary(this.#role.side, this.#self.node, this.#context.host.lease, nowMs);
  }

  /** Who is primary in the newest epoch this node knows; null if it knows none who acts. */
  get #knownPrimary(): NodeId | null {
    if (this.#role.kind === 'primary') return this.#self.node;
    const entry = this.#configuration?.entry;
    if (entry === undefined || entry.epoch < this.#epoch) {
      return this.#role.kind === 'replica' ? (this.#role.side?.leader ?? null) : null;
    }
    return entry.primary === this.#self.node ? null : entry.primary;
  }

  /** Makes of this copy what the entry says. */
  #settle(nowMs: number): void {
    const configuration = this.#configuration;
    assert(configuration !== null, 'the copy is configured');
    const { entry } = configuration;
    if (this.#data.isFilledBefore(entry.resetEpoch)) {
      if (this.#membership.isMember(entry)) this.#data.beginAnew(entry.resetEpoch);
      else {
        this.#stepDown();
        this.#discard();
      }
    }
    // A later primary has been heard of: this entry names nobody who could act any more.
    if (entry.epoch < this.#epoch) return;
    if (entry.epoch > this.#epoch) this.#enterEpoch(entry.epoch);
    this.#beginIfFresh(entry);
    if (entry.primary === this.#self.node && this.#membership.isMember(entry)) {
      if (this.#role.kind === 'primary') this.#role.side.configure(configuration, nowMs);
      else this.#promote(configuration, nowMs);
      return;
    }
    this.#stepDown();
    if (entry.primary !== null && entry.primary !== this.#self.node) this.#dropDirt(entry.epoch);
    if (!this.#membership.isPlaced(entry)) {
      if (!this.#data.isEmpty) this.#discard();
      this.#role = { kind: 'none' };
    } else if (this.#role.kind === 'none') this.#role = { kind: 'replica', side: null };
    // The primary may wait to hear that this copy is clean, which it could not say before it saw the entry.
    if (this.#role.kind === 'replica' && !this.#isLost) this.#role.side?.confirm();
  }

  #promote(configuration: Configuration, nowMs: number): void {
    this.#role = { kind: 'primary', side: new Primary(this.#context, configuration, nowMs) };
  }

  /**
   * Stops acting as primary. Nothing is thrown away yet: whoever told of a later epoch may be ahead of this node in
   * learning that this very copy is its primary again, as the only one left.
   */
  #stepDown(): void {
    if (this.#role.kind !== 'primary') return;
    const { side } = this.#role;
    this.#role = { kind: 'replica', side: null };
    this.#data.endPrimary(side.epoch);
    this.#context.host.abandon(this.partition, side.acknowledged);
  }

  #enterEpoch(epoch: number): void {
    this.#stepDown();
    this.#epoch = epoch;
    if (this.#role.kind === 'replica') this.#role = { kind: 'replica', side: null };
  }

  /** Another copy is primary of `epoch`: what this one did on its own account before, or was being filled with, goes. */
  #dropDirt(epoch: number): void {
    if (!this.#data.isDirtyFromBefore(epoch)) return;
    const entry = this.#configuration?.entry;
    assert(
      entry === undefined || entry.epoch < epoch || !this.#membership.isMember(entry),
      `the copy of partition ${this.partition} is named in sync and has writes that were never committed`,
    );
    this.#discard();
  }

  #discard(): void {
    this.#data.discard();
    this.#freshness.reset();
    if (this.#role.kind === 'replica') this.#role.side?.forget();
  }

  #beginIfFresh(entry: PartitionEntry): void {
    if (!this.#membership.isBeginning(entry)) return;
    this.#stepDown();
    if (!this.#data.isEmpty) this.#discard();
    this.#membership.begin(entry);
  }

  /** The set names a filling of this copy that is gone. Until that is set right it says nothing about any other. */
  get #isLost(): boolean {
    const entry = this.#configuration?.entry;
    if (entry === undefined || entry.epoch < this.#epoch) return false;
    return this.#membership.isNamedInVain(entry);
  }

  #tellLoss(nowMs: number): void {
    const { host, options } = this.#context;
    if (!this.#isLost || nowMs - this.#loseAskedMs < options.proposeAgainMs) return;
    this.#loseAskedMs = nowMs;
    const member = { ...this.#self, generation: this.#data.generation - 1 };
    host.propose({ type: 'lose', partition: this.partition, epoch: this.#epoch, member });
  }

  #fromFollower(message: MessageOf<'ack' | 'nack' | 'chunk-ack'>, nowMs: number): void {
    if (this.#role.kind !== 'primary') return;
    const { side } = this.#role;
    if (message.type === 'nack' && message.reason === 'newer-epoch') {
      if (message.epoch > this.#epoch) this.#enterEpoch(message.epoch);
      return;
    }
    // What it had in another epoch it may have given up since.
    if (message.epoch !== this.#epoch) return;
    switch (message.type) {
      case 'ack':
        side.onAck(message, nowMs);
        break;
      case 'nack':
        side.onNack(message, nowMs);
        break;
      case 'chunk-ack':
        side.onChunkAck(message, nowMs);
        break;
      default:
        unreachable(message);
    }
  }

  #fromPrimary(from: NodeId, message: MessageOf<'append' | 'chunk'>, nowMs: number): void {
    const { epoch } = message;
    if (epoch < this.#epoch) {
      const { member } = this.#data;
      this.#context.host.send(from, {
        type: 'nack',
        partition: this.partition,
        epoch: this.#epoch,
        member,
        reason: 'newer-epoch',
        seq: 0,
        ask: 0,
      });
      return;
    }
    if (!this.#isPrimary(from, epoch)) return;
    const side = this.#follow(from, epoch, nowMs);
    if (this.#isLost) return;
    const entry = this.#configuration?.entry;
    if (message.type === 'append') side.onAppend(message, (entry?.epoch ?? -1) >= epoch, nowMs);
    // A copy that is in sync has no need of it: this was meant for what it was before.
    else if (entry === undefined || !this.#membership.isMember(entry)) side.onChunk(message, nowMs);
  }

  /** Whether `from` can be the primary of `epoch`, and this copy its follower. */
  #isPrimary(from: NodeId, epoch: number): boolean {
    const entry = this.#configuration?.entry;
    const isConfigured = entry !== undefined && entry.epoch >= epoch;
    if (epoch > this.#epoch) return true;
    if (this.#role.kind === 'primary') return false;
    if (this.#role.kind === 'none') return !isConfigured;
    if (isConfigured && entry.primary !== null && entry.primary !== from) return false;
    return this.#role.side === null || this.#role.side.leader === from;
  }

  #follow(from: NodeId, epoch: number, nowMs: number): Replica {
    if (epoch > this.#epoch) this.#enterEpoch(epoch);
    if (this.#role.kind === 'replica' && this.#role.side !== null) return this.#role.side;
    this.#dropDirt(epoch);
    const side = new Replica(this.#context, epoch, from, this.#freshness, nowMs);
    this.#role = { kind: 'replica', side };
    return side;
  }
}
