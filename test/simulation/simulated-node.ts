import { AssertionError } from '../../src/base/assert.ts';
import type { ClusterMessage } from '../../src/cluster/cluster-message.ts';
import type { ClusterNode, ClusterNodeHost } from '../../src/cluster/cluster-node.ts';
import type { RaftState } from '../../src/cluster/consensus/raft-types.ts';
import type { ClusterCommand } from '../../src/cluster/controller/cluster-command.ts';
import type { ClusterState } from '../../src/cluster/controller/cluster-state.ts';
import type { CoordinatorAnswer } from '../../src/cluster/coordinator.ts';
import { FRESH, type Member, type NodeId } from '../../src/cluster/identity.ts';
import { CopyRecovery, keptItemsOf, type RecoveredCopy } from '../../src/cluster/replication/copy-recovery.ts';
import type { KeptItem } from '../../src/cluster/replication/kept-item.ts';
import type { PartitionCopy } from '../../src/cluster/replication/partition-copy.ts';
import type { LogRecord } from '../../src/cluster/replication/replication-message.ts';
import { SimulatedClock } from './clock.ts';
import type { DataDisk } from './data-disk.ts';
import { OperationDesk, type Reply } from './operation-desk.ts';
import { PartitionStore } from './partition-store.ts';
import type { SeededRandom } from './random.ts';
import type { Schedule } from './schedule.ts';
import { type Trace, traced } from './trace.ts';
import type { NodeView, OperationInput, PersistAction, StoredValue, Witness } from './witness.ts';

/** What a starting process finds; `boot` counts the starts. */
export type Opened = { readonly boot: number; readonly raft: RaftState } | 'damaged' | 'full';

/** A node's disk as its process uses it. */
export interface NodeStorage {
  open(done: (opened: Opened) => void): void;
  /** `done` once it survives a crash; never when the disk fails, which `failed` tells. */
  persist(action: PersistAction, done: () => void, failed: (reason: string) => void): void;
  /** The process is gone: what was not yet durable is lost, or not. */
  crash(): void;
}

/** How this node behaves, whatever the core does. */
export interface NodeTemper {
  /** Of its clock, against true time. */
  readonly clockRate: number;
  /** Events are taken together for up to so long before what they lead to is sent. Milliseconds. */
  readonly batchMs: number;
  /** A reader is interrupted between taking a value and asking for the lease with this probability. */
  readonly interruption: number;
  /** Entries in a piece of a snapshot. */
  readonly chunkEntries: number;
  readonly chunkReadMs: number;
}

export interface SimulatedNodeOptions {
  readonly partitions: number;
  readonly schedule: Schedule;
  readonly random: SeededRandom;
  readonly trace: Trace;
  readonly witness: Witness;
  readonly storage: NodeStorage;
  readonly temper: NodeTemper;
  /** Where the node keeps its keys; null: nowhere. */
  readonly data: DataDisk | null;
  /** `recovered`: what was on the disk of the keys; undefined where none are kept. */
  readonly createNode: (
    boot: number,
    restored: RaftState,
    recovered: ReadonlyMap<number, RecoveredCopy> | undefined,
    host: ClusterNodeHost,
    nowMs: number,
  ) => ClusterNode;
  /** Of committed records that a copy read back from the disk still has in its log. */
  readonly retainedBytesMax: number;
  readonly send: (to: NodeId, message: ClusterMessage) => void;
  /** The process ended by itself: expelled from the cluster, a disk that fails or is damaged. */
  readonly ended: (reason: 'expelled' | 'disk' | 'damaged', detail: string) => void;
  /** It has worked off an event. */
  readonly stepped: () => void;
}

/** What waits for a paused process; the rest is lost as in a full socket. */
const backlogMax = 8192;
/** Ticks within one simulated millisecond: a node that asks to be woken at once for ever does not get on. */
const ticksPerMsMax = 2000;

/**
 * A process with a {@link ClusterNode}: its clock, its memory, which is empty at each start, and what the operating
 * system does to it.
 */
export class SimulatedNode implements NodeView, ClusterNodeHost {
  readonly id: NodeId;
  readonly options: SimulatedNodeOptions;
  boot = 0;
  clock: SimulatedClock;
  node: ClusterNode | null = null;
  desk: OperationDesk | null = null;
  isPaused = false;
  /** One higher with each process: what an earlier one asked for does not concern a later one. */
  #life = 0;
  /** The process that makes a snapshot, one at a time; 0: none. */
  #snapshotLife = 0;
  #isStarting = false;
  #stores: PartitionStore[] = [];
  /** As of the present start, or of what is on the disk while the process is down. */
  #recovered: ReadonlyMap<number, RecoveredCopy> | undefined;
  #backlog: ((nowMs: number) => void)[] = [];
  #wakeTrueMs = Number.POSITIVE_INFINITY;
  #isFlushDue = false;
  #tickedMs = 0;
  #ticks = 0;

  constructor(id: NodeId, options: SimulatedNodeOptions) {
    this.id = id;
    this.options = options;
    this.clock = new SimulatedClock(0, 0, 1);
  }

  get isRunning(): boolean {
    return this.node !== null;
  }

  get isStarting(): boolean {
    return this.#isStarting;
  }

  get localNowMs(): number {
    return this.clock.read(this.#trueNowMs);
  }

  get #trueNowMs(): number {
    return this.options.schedule.nowMs;
  }

  store(partition: number): ReadonlyMap<number, StoredValue> {
    return this.#store(partition).entries;
  }

  start(): void {
    if (this.isRunning || this.#isStarting) return;
    const { random, temper, storage } = this.options;
    const life = ++this.#life;
    this.#isStarting = true;
    this.isPaused = false;
    this.clock = new SimulatedClock(this.#trueNowMs, random.between(1, 1e6), temper.clockRate);
    storage.open((opened) => {
      if (life !== this.#life) return;
      this.#isStarting = false;
      if (opened === 'damaged') this.options.ended('damaged', 'the journal is damaged');
      else if (opened === 'full') {
        // With the process goes what it was about to write: the next one must not wait behind that.
        storage.crash();
        this.options.ended('disk', 'no space left on the disk');
      } else this.#run(opened.boot, opened.raft);
    });
  }

  #run(boot: number, raft: RaftState): void {
    const { partitions, witness, trace, random, temper } = this.options;
    const nowMs = this.clock.read(this.#trueNowMs);
    this.boot = boot;
    this.#stores = Array.from({ length: partitions }, () => new PartitionStore());
    this.#wakeTrueMs = Number.POSITIVE_INFINITY;
    this.#isFlushDue = false;
    trace.event(this.#trueNowMs, traced.started, boot);
    trace.say(this.#trueNowMs, this.id, () => `starts, its boot number ${boot}`);
    witness.started(this, raft, this.#trueNowMs);
    this.#recovered = this.#recover(this);
    const node = this.options.createNode(boot, raft, this.#recovered, this, nowMs);
    this.node = node;
    const life = this.#life;
    this.desk = new OperationDesk(
      {
        partitions,
        store: (partition) => this.#store(partition),
        witness,
        view: this,
        trueNowMs: () => this.#trueNowMs,
        later: () =>
          random.chance(temper.interruption) ? (run) => this.#stepAfter(random.exponential(3), life, run) : null,
      },
      node,
    );
    witness.configured(this, node.coordinator.state, node.coordinator.appliedIndex, this.#trueNowMs);
    this.#settle(nowMs);
  }

  /** Kill -9: memory is gone, and what the disk had not made durable may be. */
  crash(why: string): void {
    if (!this.isRunning && !this.#isStarting) return;
    const { trace, witness, storage } = this.options;
    trace.event(this.#trueNowMs, traced.stopped, this.boot);
    trace.say(this.#trueNowMs, this.id, () => `stops: ${why}`);
    const wasRunning = this.isRunning;
    this.#life++;
    this.#isStarting = false;
    this.node = null;
    this.desk = null;
    this.isPaused = false;
    this.#backlog = [];
    storage.crash();
    this.options.data?.crash();
    this.#recovered = undefined;
    if (wasRunning) witness.stopped(this, this.#trueNowMs);
    this.#stores = [];
  }

  pause(): void {
    if (!this.isRunning || this.isPaused) return;
    this.isPaused = true;
    this.options.trace.say(this.#trueNowMs, this.id, () => 'stands still');
  }

  /** Everything that waited is worked off in its order, at once; timers before it, or behind. */
  resume(): void {
    if (!this.isPaused) return;
    this.isPaused = false;
    const backlog = this.#backlog;
    this.#backlog = [];
    this.options.trace.say(this.#trueNowMs, this.id, () => `wakes; ${backlog.length} events wait`);
    const life = this.#life;
    if (this.options.random.chance(0.5)) this.#step(life, (nowMs) => this.#tick(nowMs));
    for (const run of backlog) {
      if (life !== this.#life) return;
      this.#step(life, run);
    }
    if (life === this.#life && this.node !== null) this.#settle(this.clock.read(this.#trueNowMs));
  }

  receive(from: NodeId, message: ClusterMessage): void {
    this.#step(this.#life, (nowMs) => this.node?.receive(from, message, nowMs));
  }

  execute(input: OperationInput, reply: (reply: Reply) => void): void {
    this.#step(this.#life, (nowMs) => this.desk?.execute(input, nowMs, reply));
  }

  /** Runs something in the process, as an administrator's request or an eviction. */
  act(run: (node: ClusterNode, nowMs: number) => void): void {
    this.#step(this.#life, (nowMs) => {
      if (this.node !== null) run(this.node, nowMs);
    });
  }

  submit(command: ClusterCommand): void {
    this.act((node, nowMs) => {
      node.submit(command, nowMs);
    });
  }

  /** The memory of one partition is gone: a shard's thread died. */
  loseData(partition: number): void {
    this.act((node, nowMs) => {
      if (node.copy(partition) === undefined) return;
      this.#store(partition).clear();
      this.desk?.abandon(partition, 0, nowMs);
      this.options.witness.lostData(this, partition, this.#trueNowMs);
      node.loseData(partition, nowMs);
    });
  }

  // What the core asks of its host.

  send(to: NodeId, message: ClusterMessage): void {
    this.options.witness.sent(this, to, message, this.#trueNowMs);
    this.options.send(to, message);
  }

  persist(action: PersistAction): void {
    const life = this.#life;
    const { storage, trace, witness } = this.options;
    witness.persisting(this, action, this.#trueNowMs);
    storage.persist(
      action,
      () =>
        this.#step(life, (nowMs) => {
          trace.event(this.#trueNowMs, traced.persisted, action.number);
          witness.persisted(this, action.number, this.#trueNowMs);
          this.node?.persisted(action.number, nowMs);
        }),
      (reason) => {
        if (life !== this.#life) return;
        this.crash(`its disk fails: ${reason}`);
        this.options.ended('disk', reason);
      },
    );
  }

  apply(partition: number, records: readonly LogRecord[]): void {
    this.#store(partition).apply(records);
    this.options.witness.applied(this, partition, records, this.#trueNowMs);
  }

  load(partition: number, entries: readonly Uint8Array[]): void {
    this.#store(partition).load(entries);
    this.options.witness.loaded(this, partition, entries.length, this.#trueNowMs);
  }

  clear(partition: number): void {
    this.#store(partition).clear();
    this.options.witness.cleared(this, partition, this.#trueNowMs);
  }

  readChunk(partition: number, stream: number, cursor: number | null): void {
    const { random, temper, trace } = this.options;
    this.#stepAfter(random.exponential(temper.chunkReadMs), this.#life, (nowMs) => {
      const { entries, next } = this.#store(partition).read(cursor, temper.chunkEntries);
      trace.event(this.#trueNowMs, traced.chunk, partition, entries.length);
      this.node?.chunkRead(partition, stream, entries, next, nowMs);
    });
  }

  keep(partition: number, item: KeptItem): number {
    const { data } = this.options;
    if (data === null) return 0;
    const life = this.#life;
    return data.append(partition, item, (place) => this.#step(life, (nowMs) => this.node?.reached(place, nowMs)));
  }

  /**
   * Makes a snapshot of what the node keeps, as a real one does: what its copies have beside their stores is written first, then
   * the stores are read, one after the other, and when nothing that they showed is uncommitted it takes the log's place.
   */
  snapshot(): void {
    const { data, partitions, random, schedule } = this.options;
    if (data === null || this.node === null || this.isPaused || this.#snapshotLife === this.#life) return;
    const from = data.end;
    const life = this.#life;
    this.#snapshotLife = life;
    const isSame = () => life === this.#life && this.node !== null;
    const entries = new Map<number, readonly Uint8Array[]>();
    this.act((node) => {
      for (const [partition, copy] of this.#recovered ?? []) {
        if (node.copy(partition) !== undefined) continue;
        for (const item of keptItemsOf(copy)) this.keep(partition, item);
      }
      for (const copy of node.copies()) copy.keepAll();
    });
    let turn: { generation: number; last: number; copy: PartitionCopy }[] | null = null;
    let to = 0;
    const work = (): void => {
      if (!isSame()) return;
      if (entries.size < partitions) {
        entries.set(entries.size, this.#store(entries.size).read(null, Number.POSITIVE_INFINITY).entries);
      } else if (turn === null) {
        turn = [...(this.node?.copies() ?? [])].map((copy) => ({ copy, generation: copy.generation, last: copy.last }));
      } else if (turn.length > 0) {
        turn = turn.filter(({ copy, generation, last }) => copy.generation === generation && copy.committed < last);
      } else if (to === 0) {
        this.act((node) => {
          for (const copy of node.copies()) copy.keepCommitted();
        });
        to = data.end;
      } else if (data.replace(from, to, entries)) {
        this.#snapshotLife = 0;
        return;
      }
      schedule.after(random.exponential(2), work);
    };
    schedule.after(random.exponential(2), work);
  }

  /** Whether the node still has, in memory or on its disk, the copy that a set names. */
  keeps(partition: number, { boot, generation }: Member, resetEpoch: number): boolean {
    if (this.options.data === null) return false;
    const copy = this.node?.copy(partition);
    if (copy !== undefined) {
      const isSame = generation === FRESH ? copy.filledInEpoch === resetEpoch : copy.generation === generation;
      return isSame && copy.since <= boot;
    }
    if (this.node === null) this.#recovered ??= this.#recover(null);
    const claim = this.#recovered?.get(partition)?.claim ?? null;
    if (claim === null) return false;
    const isSame = generation === FRESH ? claim.filledInEpoch === resetEpoch : claim.generation === generation;
    return isSame && claim.since <= boot;
  }

  #recover(into: SimulatedNode | null): Map<number, RecoveredCopy> | undefined {
    const { data, retainedBytesMax } = this.options;
    if (data === null) return undefined;
    const store = (partition: number) => (into === null ? new PartitionStore() : into.#store(partition));
    for (const [partition, entries] of data.snapshot) store(partition).load(entries);
    const recoveries = new Map<number, CopyRecovery>();
    for (const { partition, item } of data.items()) {
      let recovery = recoveries.get(partition);
      if (recovery === undefined) {
        recovery = new CopyRecovery(
          partition,
          {
            apply: (_, records) => store(partition).apply(records),
            load: (_, entries) => store(partition).load(entries),
            clear: () => store(partition).clear(),
          },
          retainedBytesMax,
        );
        recoveries.set(partition, recovery);
      }
      if (!recovery.take(item)) throw new AssertionError(`${this.id}'s disk: an item of partition ${partition}`);
    }
    const recovered = new Map<number, RecoveredCopy>();
    for (const [partition, recovery] of recoveries) {
      const copy = recovery.finish();
      if (copy !== null) recovered.set(partition, copy);
    }
    return recovered;
  }

  acknowledge(partition: number, committed: number, replicated: number): void {
    this.desk?.acknowledge(partition, committed, replicated, this.clock.read(this.#trueNowMs));
  }

  abandon(partition: number, committed: number): void {
    const { trace } = this.options;
    trace.say(this.#trueNowMs, this.id, () => `p${partition} abandons what is above ${committed}`);
    this.desk?.abandon(partition, committed, this.clock.read(this.#trueNowMs));
  }

  configured(state: ClusterState): void {
    const { witness, trace } = this.options;
    const index = this.node?.coordinator.appliedIndex ?? 0;
    trace.event(this.#trueNowMs, traced.configured, index);
    witness.configured(this, state, index, this.#trueNowMs);
  }

  answered(request: number, answer: CoordinatorAnswer): void {
    const { trace } = this.options;
    trace.say(this.#trueNowMs, this.id, () => `request ${request}: ${JSON.stringify(answer)}`);
  }

  /** As by an administrator's drain that came late, when the node had come back already. */
  registrationRefused(reason: string): void {
    this.#endAs(`not taken: ${reason}`);
  }

  expelled(reason: string): void {
    this.#endAs(`expelled: ${reason}`);
  }

  #endAs(reason: string): void {
    const life = this.#life;
    // Not from within its own call: it stops when that is over.
    this.options.schedule.after(0, () => {
      if (life !== this.#life) return;
      this.crash(reason);
      this.options.ended('expelled', reason);
    });
  }

  #store(partition: number): PartitionStore {
    return this.#stores[partition] ?? new PartitionStore();
  }

  #stepAfter(delayMs: number, life: number, run: (nowMs: number) => void): void {
    this.options.schedule.after(delayMs, () => this.#step(life, run));
  }

  #step(life: number, run: (nowMs: number) => void): void {
    if (life !== this.#life || this.node === null) return;
    if (this.isPaused) {
      if (this.#backlog.length < backlogMax) this.#backlog.push(run);
      return;
    }
    const nowMs = this.clock.read(this.#trueNowMs);
    run(nowMs);
    this.#settle(nowMs);
  }

  /** After each event: what it led to is sent, now or a little later, and the next wake-up is set. */
  #settle(nowMs: number): void {
    if (this.node === null) return;
    const { batchMs } = this.options.temper;
    if (batchMs === 0) this.node.flush(nowMs);
    else if (!this.#isFlushDue) {
      this.#isFlushDue = true;
      const life = this.#life;
      this.options.schedule.after(batchMs, () => {
        if (life !== this.#life) return;
        this.#isFlushDue = false;
        this.#flush(life);
      });
    }
    this.options.witness.stepped(this, this.#trueNowMs);
    this.options.stepped();
    this.#planWake();
  }

  #flush(life: number): void {
    if (this.isPaused) {
      this.#backlog.push(() => this.#flush(life));
      return;
    }
    if (this.node === null) return;
    this.node.flush(this.clock.read(this.#trueNowMs));
    this.options.witness.stepped(this, this.#trueNowMs);
    this.#planWake();
  }

  #planWake(): void {
    const { node } = this;
    if (node === null) return;
    const wakeMs = this.clock.trueTimeOf(node.wakeAtMs);
    if (wakeMs >= this.#wakeTrueMs || wakeMs === Number.POSITIVE_INFINITY) return;
    this.#wakeTrueMs = Math.max(wakeMs, this.#trueNowMs);
    const life = this.#life;
    const due = this.#wakeTrueMs;
    this.options.schedule.at(due, () => {
      if (life !== this.#life || this.#wakeTrueMs !== due) return;
      this.#step(life, (nowMs) => this.#tick(nowMs));
    });
  }

  #tick(nowMs: number): void {
    const { node } = this;
    this.#wakeTrueMs = Number.POSITIVE_INFINITY;
    if (node === null || node.wakeAtMs > nowMs) return;
    if (Math.floor(nowMs) !== this.#tickedMs) {
      this.#tickedMs = Math.floor(nowMs);
      this.#ticks = 0;
    }
    if (++this.#ticks > ticksPerMsMax) throw new AssertionError(`${this.id} is woken without end at ${nowMs} ms`);
    this.options.trace.event(this.#trueNowMs, traced.ticked);
    node.tick(nowMs);
    this.desk?.expire(nowMs);
  }
}
