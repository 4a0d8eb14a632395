import { assert } from '../../base/assert.ts';
import { ApplyResult } from '../../base/effect.ts';
import { DecodeError } from '../../base/msgpack-reader.ts';
import { SLOT_COUNT } from '../../base/slot.ts';
import { encodeCopyStatus } from '../../cluster/actor/copy-status-codec.ts';
import { type LinkIdentity, LinkKind, ShardLink } from '../../cluster/actor/shard-link.ts';
import type { NodeId } from '../../cluster/identity.ts';
import { type CopiesHost, PartitionCopies } from '../../cluster/partition-copies.ts';
import { PartitionGates } from '../../cluster/partition-gates.ts';
import type { CopyStart } from '../../cluster/replication/copy-data.ts';
import type { RecoveredCopy } from '../../cluster/replication/copy-recovery.ts';
import type { KeptItem } from '../../cluster/replication/kept-item.ts';
import type { PartitionCopy } from '../../cluster/replication/partition-copy.ts';
import type { ChunkCursor } from '../../cluster/replication/replication-host.ts';
import type { LogRecord, ReplicationMessage } from '../../cluster/replication/replication-message.ts';
import { decodeMessage, encodeMessageInPlace } from '../../cluster/transport/message-codec.ts';
import type { Doorbell } from '../../mailbox/doorbell.ts';
import type { LogRefusal, ShardLog } from '../../persistence/shard-log.ts';
import { isClearAlone } from '../../store/effect-codec.ts';
import type { ShardCompanion } from '../guard.ts';
import type { ReplicatedStore } from '../shard-store.ts';
import { CoordinatorMirror } from './coordinator-mirror.ts';
import { CopyGate } from './copy-gate.ts';
import { CopyLog } from './copy-log.ts';
import { DoomedPartitions } from './doomed-partitions.ts';
import type { RecordedEffects } from './recorded-effects.ts';
import { RefillDelays } from './refill-delays.ts';
import type { ShardClusterData } from './shard-cluster-data.ts';
import { Survivors } from './survivors.ts';
import { TroubleReports } from './trouble-reports.ts';

/** Messages taken before commands have their turn. */
const BATCH_MESSAGES_MAX = 256;
/** Of a piece of a snapshot. */
const CHUNK_BYTES = 64 * 1024;
const STATUS_EVERY_MS = 500;
/** With more copies it is told less often. */
const STATUS_COPIES = 1024;

export interface ReplicatedShardParts {
  readonly data: ShardClusterData;
  readonly store: ReplicatedStore;
  /** Who is told of the store's effects. */
  readonly effects: RecordedEffects;
  /** Of those who wait for acknowledgements: rung when there are some. */
  readonly frontBells: readonly Doorbell[];
  /** `monotonicMs`. */
  readonly nowMs: () => number;
  /** Told of each message that is begun, each a bounded piece of work: of whoever watches that none goes on for ever. */
  readonly onStep: () => void;
  /** Told of what somebody should look into. */
  readonly onTrouble: (what: string) => void;
  /** Null: nothing is kept on a disk. */
  readonly kept: KeptCopies | null;
}

/** What a shard keeps of its copies on the disk. */
export interface KeptCopies {
  readonly log: ShardLog;
  /** What was read back, when the node was started, and is in the store; null: an actor before this one had it. */
  readonly recovered: ReadonlyMap<number, RecoveredCopy> | null;
}

/**
 * The copies of partitions that one shard holds: runs their state machine over the shard's store, tells the other threads
 * by way of the gates what they may read, and talks with the cluster actor by way of the link.
 *
 * Made again by an actor that takes another's place, it begins with nothing, since nobody knows which of their writes the
 * others have; but for copies that were the only ones in sync, see survivors.ts.
 */
export class ReplicatedShard implements ShardCompanion {
  readonly gates: PartitionGates;
  /** Messages to other nodes are sent again, or were in vain. */
  readonly isSent = true;
  readonly followsReplies = false;
  /** What the commands since `clearSeqs` have appended, by partition; 0: nothing. */
  readonly seqs: Float64Array;
  readonly #data: ShardClusterData;
  readonly #store: ReplicatedStore;
  readonly #effects: RecordedEffects;
  readonly #frontBells: readonly Doorbell[];
  readonly #clock: () => number;
  readonly #onStep: () => void;
  readonly #troubles: TroubleReports;
  readonly #refills = new RefillDelays();
  readonly #link: ShardLink;
  readonly #mirror: CoordinatorMirror;
  readonly #gateOf: CopyGate[];
  /** Partitions that this copy is primary of, for whoever walks the store: by number in the cluster. */
  readonly #shown: Uint8Array;
  readonly #isSuccessor: boolean;
  readonly #survivors: Survivors;
  #copies: PartitionCopies | null = null;
  /** Partitions whose gates may not be up to date. */
  readonly #stale = new Set<number>();
  /** Copies whose memory did not suffice. */
  readonly #failed = new Set<number>();
  readonly #doomed: DoomedPartitions;
  #isAnyToldOf = false;
  #statusAtMs = 0;
  #appended: number[] = [];
  readonly #released = new Map<number, CopyStart>();
  readonly #log: CopyLog | null;
  readonly #recovered: ReadonlyMap<number, RecoveredCopy> | null;

  constructor(parts: ReplicatedShardParts) {
    const { data, store, effects, frontBells, nowMs, onStep, onTrouble, kept } = parts;
    this.#log = kept === null ? null : new CopyLog(kept.log);
    this.#recovered = kept?.recovered ?? null;
    this.#data = data;
    this.#store = store;
    this.#effects = effects;
    this.#frontBells = frontBells;
    this.#clock = nowMs;
    this.#onStep = onStep;
    this.#troubles = new TroubleReports(onTrouble);
    this.gates = new PartitionGates(data.gates);
    assert(this.gates.partitions === data.partitions, 'gates are of the same partitions');
    this.seqs = new Float64Array(data.partitions);
    this.#shown = new Uint8Array(data.partitions);
    this.#doomed = new DoomedPartitions(store, data.partitions, onStep);
    this.#survivors = new Survivors(data, this.gates);
    this.#gateOf = Array.from(
      { length: data.count },
      (_, index) => new CopyGate(data.first + index, this.gates, nowMs),
    );
    this.#clearSlots();
    store.effects = effects;
    this.#showOwned();
    for (let partition = data.first; partition < data.first + data.count; partition++) {
      store.setOwned(partition, false);
      const isKept = this.#recovered?.get(partition)?.start.recovered !== undefined;
      if (!this.#survivors.has(partition) && !isKept) this.#doomed.add(partition);
    }
    this.#doomed.clear();
    effects.clear();
    this.#link = new ShardLink(data.link);
    this.#isSuccessor = this.#link.starts > 1;
    this.#mirror = new CoordinatorMirror(this.#link, this.gates, nowMs, (command) => {
      // From when it is asked for, another node may be primary any moment.
      if (command.type !== 'hand-over') return;
      this.gate(command.partition).closeReads();
      // Its successor says what goes, and may find that it lives on.
      store.holdExpiry(command.partition, true);
    });
  }

  nowMs(): number {
    return this.#clock();
  }

  /** Milliseconds until `flush` is due although nothing happens. */
  get sleepMs(): number {
    if (this.#copies === null) return Number.POSITIVE_INFINITY;
    return Math.min(this.#copies.wakeAtMs, this.#statusAtMs, this.#survivors.askAtMs) - this.#clock();
  }

  /** The cluster is there, and this node knows what it is to be in it. */
  get isConfigured(): boolean {
    return this.#mirror.state.settings !== null;
  }

  /** Null: there is none here. */
  copy(partition: number): PartitionCopy | null {
    return this.#copies?.copy(partition) ?? null;
  }

  gate(partition: number): CopyGate {
    return this.#gateOf[partition - this.#data.first] as CopyGate;
  }

  isOwn(partition: number): boolean {
    return partition >= this.#data.first && partition < this.#data.first + this.#data.count;
  }

  /** Calls back with every partition that this copy is primary of. */
  forEachPrimary(visit: (partition: number) => void): void {
    for (const gate of this.#gateOf) if (gate.isReigning) visit(gate.partition);
  }

  /** Lets others read again what a command has closed to them, if nothing there waits. */
  refreshPrimaries(): void {
    this.forEachPrimary((partition) => {
      const copy = this.copy(partition);
      if (copy !== null) this.gate(partition).refresh(copy);
    });
  }

  /** The second look before sleep. */
  hasMessages(): boolean {
    return this.#link.hasMore() || this.#log?.hasNews === true;
  }

  /** Takes some of the messages that wait; true when there were any. */
  takeMessages(): boolean {
    const link = this.#link;
    let taken = 0;
    while (taken < BATCH_MESSAGES_MAX && link.next()) {
      taken++;
      this.#onStep();
      if (link.kind === LinkKind.configuration) this.#configure();
      else if (link.kind === LinkKind.replication) this.#receive();
    }
    link.release();
    const place = this.#log?.takeNews() ?? 0;
    if (place > 0) this.#copies?.reached(place, this.#clock());
    if (taken > 0 || place > 0) this.#settle();
    return taken > 0 || place > 0;
  }

  /**
   * Appends what the store has done since the last call: after every command and every step of upkeep. `seqs` tells
   * under which number, until `clearSeqs`.
   */
  append(): void {
    if (this.#effects.isEmpty) return;
    const nowMs = this.#clock();
    this.#effects.drain((partition, keys, record, clears) => this.#appendOne(partition, keys, record, clears, nowMs));
  }

  /** Why nothing may be written, for the sake of the log; null: nothing hinders it. */
  get logRefusal(): LogRefusal | null {
    return this.#log?.refusal ?? null;
  }

  /** Whether what the store has done to the partition since the last `append` fits a message. */
  hasRoomForRecord(partition: number): boolean {
    return this.#effects.bytesOf(partition) <= this.#data.recordBytesMax;
  }

  clearSeqs(): void {
    for (const partition of this.#appended) this.seqs[partition] = 0;
    this.#appended.length = 0;
  }

  /** Sends what has come together, does what is due, and tells the other threads what has changed. */
  flush(): void {
    const copies = this.#copies;
    if (copies !== null) {
      const nowMs = this.#clock();
      copies.tick(nowMs);
      this.#askForSurvivors(nowMs);
      this.#settle();
      if (nowMs >= this.#statusAtMs) this.#report(nowMs);
    }
    this.#link.flush();
    this.#log?.flush(copies, this.#recovered);
    if (!this.#isAnyToldOf) return;
    this.#isAnyToldOf = false;
    for (const bell of this.#frontBells) bell.ring();
  }

  #appendOne(partition: number, keys: readonly number[], record: Uint8Array, clears: boolean, nowMs: number): void {
    const gate = this.gate(partition);
    const copy = this.copy(partition);
    // What nobody has to be told of: an eviction in the very turn in which the copy ceased to be primary.
    if (copy === null || !gate.isReigning) return;
    if (!copy.takesRecords || gate.held.length > 0) {
      gate.held.push({ keys, record, clears });
      return;
    }
    const seq = this.#copiesHere.append(partition, keys, record, nowMs);
    gate.appended(seq);
    this.#stale.add(partition);
    if (clears) gate.closeUntil(seq);
    if (this.seqs[partition] === 0) this.#appended.push(partition);
    this.seqs[partition] = seq;
  }

  get #copiesHere(): PartitionCopies {
    assert(this.#copies !== null, 'copies are there once this node knows its name');
    return this.#copies;
  }

  #configure(): void {
    const { identity } = this.#link;
    assert(identity !== null, 'the first configuration names the node');
    const nowMs = this.#clock();
    this.#mirror.take();
    // Before copies are made: of those that are not decided there must be none.
    this.#judgeSurvivors(identity, nowMs);
    if (this.#copies === null) {
      this.#copies = this.#makeCopies(identity, nowMs);
      // What the sets name is gone with the actor that was here before.
      if (this.#isSuccessor)
        for (const { partition } of [...this.#copies.all()]) this.#copies.loseData(partition, nowMs);
    } else this.#copies.configure(nowMs);
    for (const { partition } of this.#copies.all()) this.#stale.add(partition);
    this.#settle();
    this.#link.configured();
    this.#isAnyToldOf = true;
  }

  /** Of the copies that were the only ones in sync when the actor before died: which go on, and which are lost. */
  #judgeSurvivors(identity: LinkIdentity, nowMs: number): void {
    if (this.#survivors.isEmpty) return;
    const { released, lost } = this.#survivors.judge(this.#mirror.state, identity, nowMs);
    for (const [partition, start] of released) this.#released.set(partition, start);
    for (const partition of lost) this.#doomed.add(partition);
    this.#doomed.clear();
  }

  #askForSurvivors(nowMs: number): void {
    if (nowMs < this.#survivors.askAtMs) return;
    for (const command of this.#survivors.ask(this.#mirror.state, nowMs)) {
      this.#mirror.submit(this.#mirror.nextRequest(), command);
    }
  }

  #makeCopies(self: { readonly node: NodeId; readonly boot: number }, nowMs: number): PartitionCopies {
    const { first, count, partitions, replication } = this.#data;
    const known = this.#mirror.state.settings?.partitions ?? partitions;
    assert(known === partitions, `the cluster has ${known} partitions, this node ${partitions}`);
    const recovered = this.#recovered;
    return new PartitionCopies(self, replication, this.#mirror, this.#host(), nowMs, {
      first,
      count,
      ...(recovered === null ? {} : { recovered: [...recovered.keys()] }),
      startOf: (partition) => {
        if (this.#survivors.has(partition)) return null;
        const start = this.#released.get(partition) ??
          recovered?.get(partition)?.start ?? {
            generation: this.gates.nextGeneration(partition),
            kept: null,
          };
        this.gates.setGeneration(partition, start.generation);
        return start;
      },
    });
  }

  #receive(): void {
    const link = this.#link;
    const { bytes, offset, length, node } = link;
    let message: ReplicationMessage;
    try {
      // In memory of its own: records are kept as parts of it.
      const decoded = decodeMessage(bytes.slice(offset, offset + length));
      if (decoded.kind !== 'replication') return;
      message = decoded.message;
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      const what = `a message of ${node} cannot be read: ${error.message}`;
      this.#troubles.tell('unreadable', what, this.#clock());
      return;
    }
    if (!this.isOwn(message.partition)) return;
    const nowMs = this.#clock();
    const fills = message.type === 'append' || message.type === 'chunk';
    if (fills && this.#refills.lasts(message.partition, nowMs)) return;
    this.#copiesHere.receive(node, message, nowMs);
    this.#stale.add(message.partition);
  }

  #host(): CopiesHost {
    const store = this.#store;
    const log = this.#log;
    return {
      ...(log === null ? {} : { keep: (partition: number, item: KeptItem) => log.append(partition, item) }),
      send: (to, message) => {
        const { bytes, length } = encodeMessageInPlace({ kind: 'replication', message });
        this.#link.sendReplication(to, bytes, length);
      },
      apply: (partition, records) => this.#apply(partition, records),
      load: (partition, entries) => {
        this.#doomed.settle(partition);
        if (store.load(partition, entries) !== ApplyResult.applied) this.#fail(partition, 'a snapshot');
      },
      clear: (partition) => {
        const copy = this.#copies?.copy(partition);
        if (copy !== undefined) this.gates.setGeneration(partition, copy.generation);
        this.gate(partition).soil();
        this.#doomed.add(partition);
        this.#stale.add(partition);
      },
      readChunk: (partition, stream, cursor) => this.#readChunk(partition, stream, cursor),
      acknowledge: (partition, committed) => {
        this.gate(partition).acknowledged(committed);
        this.#stale.add(partition);
        this.#isAnyToldOf = true;
      },
      abandon: (partition) => {
        this.gate(partition).endReign();
        this.#setOwned(partition, false);
        this.#stale.add(partition);
        this.#isAnyToldOf = true;
      },
    };
  }

  #apply(partition: number, records: readonly LogRecord[]): void {
    const last = records[records.length - 1];
    if (last === undefined) return;
    const copy = this.#copiesHere.copy(partition);
    if (copy === undefined || last.seq > copy.committed) this.gate(partition).soil();
    for (const { effect } of records) {
      if (isClearAlone(effect)) {
        this.#doomed.add(partition);
        continue;
      }
      this.#doomed.settle(partition);
      const result = this.#store.applyEffects(partition, effect);
      if (result === ApplyResult.applied) continue;
      this.#fail(partition, result === ApplyResult.outOfMemory ? 'a write' : 'a write that cannot be read');
      return;
    }
  }

  /** The copy does not hold what it should: it is thrown away, once the call that told so is over. */
  #fail(partition: number, what: string): void {
    this.gate(partition).soil();
    if (this.#failed.has(partition)) return;
    this.#failed.add(partition);
    this.#troubles.tell(what, `the copy of partition ${partition} has no room for ${what}`, this.#clock());
  }

  #readChunk(partition: number, stream: number, cursor: ChunkCursor): void {
    this.#doomed.settle(partition);
    const { entries, next } = this.#store.readPartition(partition, cursor, CHUNK_BYTES);
    this.#copiesHere.chunkRead(partition, stream, entries, next, this.#clock());
  }

  /** Brings gates and store in step with the copies: after every batch of calls into them, before anything is sent. */
  #settle(): void {
    const copies = this.#copies;
    if (copies === null) return;
    const nowMs = this.#clock();
    for (const partition of this.#failed) {
      copies.loseData(partition, nowMs);
      this.#refills.begin(partition, nowMs);
    }
    this.#failed.clear();
    this.#doomed.clear();
    for (const partition of this.#stale) {
      const copy = copies.copy(partition);
      if (copy === undefined) continue;
      const gate = this.gate(partition);
      const isPrimary = copy.role === 'primary' || copy.role === 'handing-over';
      if (isPrimary && !gate.isReigning) {
        gate.beginReign(copy);
        this.#setOwned(partition, true);
      }
      if (copy.takesRecords) this.#store.holdExpiry(partition, false);
      this.#appendHeld(copy, gate, nowMs);
      gate.refresh(copy);
    }
    this.#stale.clear();
  }

  #appendHeld(copy: PartitionCopy, gate: CopyGate, nowMs: number): void {
    if (gate.held.length === 0 || !copy.takesRecords) return;
    for (const { keys, record, clears } of gate.held) {
      const seq = this.#copiesHere.append(copy.partition, keys, record, nowMs);
      gate.appended(seq);
      if (clears) gate.closeUntil(seq);
    }
    gate.held = [];
  }

  #setOwned(partition: number, isOwned: boolean): void {
    this.#store.setOwned(partition, isOwned);
    this.#shown[partition] = isOwned ? 1 : 0;
    this.#showOwned();
  }

  #showOwned(): void {
    this.#store.shown = this.#shown;
  }

  /** Nobody ends the writes that the actor before has begun. */
  #clearSlots(): void {
    const { first, count, partitions } = this.#data;
    const end = firstSlotOf(first + count, partitions);
    for (let slot = firstSlotOf(first, partitions); slot < end; slot++) this.gates.clearPending(slot);
  }

  #report(nowMs: number): void {
    const copies = [...this.#copiesHere.all()].map((copy) => ({
      partition: copy.partition,
      role: copy.role,
      epoch: copy.epoch,
      last: copy.last,
      committed: copy.committed,
      keys: this.#store.keysOfPartition(copy.partition),
      followers: copy.peers().map(({ node, acked, isFilling }) => ({ node, acked, isFilling })),
    }));
    this.#statusAtMs = nowMs + STATUS_EVERY_MS * Math.ceil((copies.length + 1) / STATUS_COPIES);
    this.#link.sendStatus(encodeCopyStatus(copies));
  }
}

function firstSlotOf(partition: number, partitions: number): number {
  return Math.ceil((partition * SLOT_COUNT) / partitions);
}
