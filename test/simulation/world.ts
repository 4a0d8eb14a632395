import { ClusterNode, type ClusterNodeHost, type ClusterNodeOptions } from '../../src/cluster/cluster-node.ts';
import type { RaftState } from '../../src/cluster/consensus/raft-types.ts';
import type { ClusterState } from '../../src/cluster/controller/cluster-state.ts';
import { emptyClusterState } from '../../src/cluster/controller/cluster-state.ts';
import { encodeState } from '../../src/cluster/controller/state-codec.ts';
import { FRESH, type NodeId } from '../../src/cluster/identity.ts';
import { defaultReplicationOptions } from '../../src/cluster/replication/replication-options.ts';
import { Administrator } from './administrator.ts';
import { ClusterStatistics } from './cluster-statistics.ts';
import { DataDisk } from './data-disk.ts';
import { describeMessage } from './describe-message.ts';
import { SimulatedDisk } from './disk.ts';
import { JournalStorage } from './journal-storage.ts';
import { SimulatedNetwork } from './network.ts';
import { nodeOptionsOf } from './node-options.ts';
import type { WorldPlan } from './profiles.ts';
import { SeededRandom } from './random.ts';
import { Schedule } from './schedule.ts';
import { type ClientHabits, type OnAcknowledged, type Reach, SimulatedClient } from './simulated-client.ts';
import { SimulatedNode } from './simulated-node.ts';
import { type Trace, traced } from './trace.ts';
import { frameOf, messageOf } from './wire.ts';
import type { OperationInput, Witness, WorldView } from './witness.ts';

/** Who makes a node's core: others than the real one prove that the checkers see what is wrong. */
export type CreateNode = (
  options: ClusterNodeOptions,
  restored: RaftState,
  host: ClusterNodeHost,
  nowMs: number,
) => ClusterNode;

export interface WorldOptions {
  readonly createNode: CreateNode;
  readonly witness: Witness;
}

/** Random streams: what one part draws does not change what others draw. */
const stream = { network: 1, world: 2, client: 100, node: 200, disk: 300, core: 400, data: 500 } as const;

/** A whole cluster with its network, disks and clients in one thread, in virtual time. */
export class World implements WorldView, Reach {
  readonly seed: number;
  readonly plan: WorldPlan;
  readonly schedule = new Schedule();
  readonly trace: Trace;
  readonly network: SimulatedNetwork;
  readonly witness: Witness;
  readonly statistics = new ClusterStatistics();
  readonly administrator: Administrator;
  readonly nodes: SimulatedNode[] = [];
  readonly disks = new Map<NodeId, SimulatedDisk>();
  readonly clients: SimulatedClient[] = [];
  /** Nodes that are never started again: removed from the cluster, or their disk is damaged. */
  readonly gone = new Set<NodeId>();
  /** Those of them that may come back, with what is on their disk. */
  readonly expelled = new Set<NodeId>();
  /** Nodes whose process ended by itself and is to be started again. */
  readonly ended: NodeId[] = [];
  readonly random: SeededRandom;
  onAcknowledged: OnAcknowledged = () => {};
  /** Told when a node has worked off an event: who lies in wait for it. */
  onStepped: ((node: SimulatedNode) => void) | null = null;
  readonly #byId = new Map<NodeId, SimulatedNode>();
  readonly #founders: readonly NodeId[];
  readonly #createNode: CreateNode;
  #lastValue = 0;

  constructor(seed: number, plan: WorldPlan, trace: Trace, options: WorldOptions) {
    this.seed = seed;
    this.plan = plan;
    this.trace = trace;
    this.#createNode = options.createNode;
    this.random = new SeededRandom(seed, stream.world);
    this.witness = this.statistics.watching(options.witness);
    this.network = new SimulatedNetwork(
      this.schedule,
      new SeededRandom(seed, stream.network),
      trace,
      plan.network,
      (from, to, frame) => this.#deliver(from, to, frame),
    );
    this.administrator = new Administrator(this);
    this.#founders = Array.from({ length: plan.nodes }, (_, index) => `n${index + 1}`);
  }

  get nowMs(): number {
    return this.schedule.nowMs;
  }

  /** Founds the cluster and lets clients come. */
  begin(): void {
    for (const id of this.#founders) this.#addNode(id).start();
    for (let number = 0; number < this.plan.clients; number++) this.addClient(this.plan.habits).start();
    this.#planEviction();
    if (this.plan.isKept) this.#planSnapshot();
  }

  #planSnapshot(): void {
    this.schedule.after(this.random.exponential(300), () => {
      if (this.running.length > 0) this.random.pick(this.running).snapshot();
      this.#planSnapshot();
    });
  }

  addClient(habits: ClientHabits): SimulatedClient {
    const number = this.clients.length;
    const random = new SeededRandom(this.seed, stream.client + number);
    const client = new SimulatedClient(number, habits, random, this, (partition, nowMs) =>
      this.onAcknowledged(partition, nowMs),
    );
    this.clients.push(client);
    return client;
  }

  /** A node that was not there: under a new name, since that is how it must be done when a disk is lost. */
  join(): SimulatedNode {
    const node = this.#addNode(`n${this.nodes.length + 1}`);
    node.start();
    return node;
  }

  /** A node that was removed starts again, and asks to be let in. */
  comeBack(id: NodeId): void {
    this.gone.delete(id);
    this.expelled.delete(id);
    this.administrator.welcome(id);
    this.nodeOf(id)?.start();
  }

  /** Nodes that had been removed while they started again, and were taken in after it. */
  countReturned(): void {
    for (const [id, { boot }] of this.newestState.nodes) {
      if (!this.gone.has(id) || this.administrator.isLeaving(id)) continue;
      const node = this.nodeOf(id);
      if (node?.isRunning === true && node.boot === boot) this.gone.delete(id);
    }
  }

  nodeIds(): readonly NodeId[] {
    return this.nodes.map((node) => node.id);
  }

  nodeOf(id: NodeId): SimulatedNode | undefined {
    return this.#byId.get(id);
  }

  nextValue(): number {
    return ++this.#lastValue;
  }

  /** Nodes that are, or will be, in the cluster. */
  get present(): SimulatedNode[] {
    return this.nodes.filter((node) => !this.gone.has(node.id));
  }

  get running(): SimulatedNode[] {
    return this.nodes.filter((node) => node.isRunning);
  }

  /** Whoever leads the newest term, as far as there is somebody. */
  get leader(): SimulatedNode | undefined {
    let found: SimulatedNode | undefined;
    let term = -1;
    for (const node of this.nodes) {
      const raft = node.node?.coordinator.raft;
      if (raft === undefined || raft.role !== 'leader' || raft.term <= term) continue;
      term = raft.term;
      found = node;
    }
    return found;
  }

  /** The newest configuration that anybody has applied. */
  get newestState(): ClusterState {
    let state = emptyClusterState;
    let index = -1;
    for (const { node } of this.nodes) {
      if (node === null || node.coordinator.appliedIndex <= index) continue;
      index = node.coordinator.appliedIndex;
      state = node.coordinator.state;
    }
    return state;
  }

  /** What hinders the cluster from being as it should be, with all copies in place and in sync; null: nothing. */
  whatIsMissing(): string | null {
    const state = this.newestState;
    if (this.leader === undefined) return 'nobody leads';
    if (state.settings === null) return 'the cluster is not created';
    let places = 0;
    for (const { id, isRunning, isPaused, boot, localNowMs, node } of this.present) {
      if (!isRunning || isPaused) return `${id} does not run`;
      const entry = state.nodes.get(id);
      if (entry === undefined || entry.boot !== boot) return `${id} is not registered with boot ${boot}`;
      if (entry.isFenced) return `${id} is fenced`;
      if (node === null || node.coordinator.lease.endsAtMs <= localNowMs) return `${id} has no lease`;
      if (!entry.isDraining) places++;
    }
    for (const id of state.nodes.keys()) if (this.gone.has(id)) return `${id}, which is gone, is still a node`;
    const copies = Math.min(state.settings.copies, places);
    for (const [partition, { primary, inSync, replicas }] of state.partitions.entries()) {
      if (primary === null) return `partition ${partition} is offline, in sync: ${JSON.stringify(inSync)}`;
      if (replicas.length !== copies)
        return `partition ${partition} has ${replicas.length} places rather than ${copies}`;
      if (inSync.length !== copies)
        return `partition ${partition} has ${inSync.length} copies in sync rather than ${copies}`;
      for (const { node, boot, generation } of inSync) {
        const holder = this.#byId.get(node);
        if (holder?.boot !== boot) return `partition ${partition} counts on a dead process of ${node}`;
        const held = holder.node?.copy(partition)?.generation;
        if (generation !== FRESH && generation !== held)
          return `partition ${partition} counts on a lost copy of ${node}`;
        if (!replicas.includes(node)) return `partition ${partition} still lives on ${node}`;
      }
    }
    return null;
  }

  #addNode(id: NodeId): SimulatedNode {
    const { plan, seed, schedule, trace, witness } = this;
    const number = this.nodes.length;
    const random = new SeededRandom(seed, stream.node + number);
    const disk = new SimulatedDisk(schedule, new SeededRandom(seed, stream.disk + number), plan.disk);
    this.disks.set(id, disk);
    const isFounder = this.#founders.includes(id);
    const settings = isFounder ? plan.settings : null;
    const temper = {
      clockRate: random.between(0.96, 1.04),
      batchMs: random.pick([0, 0, 0.2, 1]),
      interruption: random.pick([0, 0.05, 0.2]),
      chunkEntries: random.integer(1, 4),
      chunkReadMs: random.logBetween(0.1, 40),
    };
    const node: SimulatedNode = new SimulatedNode(id, {
      stepped: () => this.onStepped?.(node),
      partitions: plan.settings.partitions,
      schedule,
      random,
      trace,
      witness,
      storage: new JournalStorage(disk, schedule, random, this.#founding(isFounder)),
      temper,
      data: plan.isKept ? new DataDisk(disk, schedule, new SeededRandom(seed, stream.data + number)) : null,
      retainedBytesMax: { ...defaultReplicationOptions, ...plan.tuning.replication }.retainedBytesMax,
      createNode: (boot, restored, recovered, host, nowMs) => {
        const core = new SeededRandom(seed, stream.core + number * 1000 + boot);
        const seeds = this.nodeIds().filter((other) => other !== id && !this.gone.has(other));
        const options = nodeOptionsOf({ id, boot, seeds, settings, random: core }, plan.tuning);
        return this.#createNode(recovered === undefined ? options : { ...options, recovered }, restored, host, nowMs);
      },
      send: (to, message) => {
        if (this.#byId.has(to)) this.network.send(id, to, frameOf(message));
      },
      ended: (reason, detail) => this.#onEnded(id, reason, detail),
    });
    this.nodes.push(node);
    this.#byId.set(id, node);
    return node;
  }

  /** Every founder begins from the same: a group of all founders that has agreed on nothing. */
  #founding(isFounder: boolean): RaftState {
    const membership = { voters: this.#founders, learners: [] };
    const data = encodeState(emptyClusterState);
    return {
      hard: { term: 0, vote: null },
      snapshot: isFounder ? { index: 0, term: 0, membership, data } : null,
      entries: [],
    };
  }

  #deliver(from: NodeId, to: NodeId, frame: Uint8Array): void {
    const node = this.#byId.get(to);
    if (node === undefined || !node.isRunning) return;
    const message = messageOf(frame);
    if (message === null) {
      this.statistics.damagedFrames++;
      this.trace.event(this.nowMs, traced.damaged, frame.length);
      this.trace.sayMessage(this.nowMs, to, () => `from ${from}: a damaged frame, dropped`);
      return;
    }
    this.trace.event(this.nowMs, traced.received, frame.length, checksumOf(frame));
    this.trace.sayMessage(this.nowMs, to, () => `from ${from}: ${describeMessage(message)}`);
    node.receive(from, message);
  }

  #onEnded(id: NodeId, reason: 'expelled' | 'disk' | 'damaged', detail: string): void {
    this.trace.say(this.nowMs, id, () => `ended: ${detail}`);
    if (reason === 'damaged') {
      this.gone.add(id);
      this.administrator.giveUp(id);
    } else if (reason === 'expelled') {
      this.gone.add(id);
      this.expelled.add(id);
    } else this.ended.push(id);
  }

  /** Now and then a primary evicts a key, which is a delete that nobody asked for. */
  #planEviction(): void {
    this.schedule.after(this.random.exponential(this.plan.evictEveryMs), () => {
      this.#evict();
      this.#planEviction();
    });
  }

  #evict(): void {
    const { running, random } = this;
    if (running.length === 0) return;
    const node = random.pick(running);
    const partition = random.integer(0, this.plan.settings.partitions - 1);
    const keys = [...node.store(partition).keys()];
    if (keys.length === 0 || node.isPaused) return;
    node.act((core, nowMs) => {
      const key = random.pick(keys);
      if (core.copy(partition)?.writeRefusal(nowMs) !== null || !node.store(partition).has(key)) return;
      const input: OperationInput = { kind: 'delete', key, ack: 'in-sync' };
      const operation = this.witness.invoked(-1, input, this.nowMs);
      node.desk?.execute(input, nowMs, (reply) => {
        const output = reply.type === 'done' ? reply.output : ({ kind: 'refused' } as const);
        this.witness.completed(operation, output, this.nowMs);
      });
    });
  }
}

/** The real thing. */
export const createRealNode: CreateNode = (options, restored, host, nowMs) =>
  new ClusterNode(options, restored, host, nowMs);

/** The frame's own checksum, which stands behind its length. */
function checksumOf(frame: Uint8Array): number {
  return new DataView(frame.buffer, frame.byteOffset).getUint32(4);
}
