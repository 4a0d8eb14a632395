import { applyCommand } from '../../../../src/cluster/controller/apply-command.ts';
import type { ClusterCommand } from '../../../../src/cluster/controller/cluster-command.ts';
import {
  type ClusterSettings,
  type ClusterState,
  emptyClusterState,
  noEndpoints,
  type PartitionEntry,
} from '../../../../src/cluster/controller/cluster-state.ts';
import type { NodeId } from '../../../../src/cluster/identity.ts';
import {
  defaultReplicationOptions,
  PartitionCopy,
  type ReplicationOptions,
} from '../../../../src/cluster/replication/partition-copy.ts';
import type { ChunkCursor } from '../../../../src/cluster/replication/replication-host.ts';
import type { LogRecord, ReplicationMessage } from '../../../../src/cluster/replication/replication-message.ts';

export type Message<Type extends ReplicationMessage['type'] = ReplicationMessage['type']> = Extract<
  ReplicationMessage,
  { type: Type }
>;

export interface Letter {
  readonly from: NodeId;
  readonly to: NodeId;
  readonly message: ReplicationMessage;
}

/** Long enough for a test that is not about leases. */
const LEASE_MS = 1e9;
const CHUNK_ENTRIES = 3;

/** A write of `value` to `key`; keys and values are bytes here. */
export function effectOf(key: number, value: number): Uint8Array {
  return Uint8Array.of(key, value);
}

/** One node's memory and its copy of the one partition, for one start of the node. */
export class CopyNode {
  readonly node: NodeId;
  readonly boot: number;
  readonly copy: PartitionCopy;
  readonly lease = { endsAtMs: LEASE_MS };
  readonly store = new Map<number, number>();
  readonly acknowledged: { committed: number; replicated: number }[] = [];
  readonly abandoned: number[] = [];
  readonly applied: LogRecord[] = [];
  clears = 0;
  /** How many of the states of the configuration it has seen. */
  seen = 0;
  /** Pieces that were asked for: answered by `ClusterOfCopies.readChunks`. */
  readonly reads: { stream: number; cursor: ChunkCursor }[] = [];

  constructor(cluster: ClusterOfCopies, node: NodeId, boot: number) {
    this.node = node;
    this.boot = boot;
    const host = {
      lease: this.lease,
      send: (to: NodeId, message: ReplicationMessage) => cluster.post({ from: node, to, message }),
      apply: (_partition: number, records: readonly LogRecord[]) => {
        for (const record of records) this.applied.push(record);
        for (const { effect } of records) this.store.set(effect[0] ?? 0, effect[1] ?? 0);
      },
      load: (_partition: number, entries: readonly Uint8Array[]) => {
        for (const entry of entries) this.store.set(entry[0] ?? 0, entry[1] ?? 0);
      },
      clear: () => {
        this.clears++;
        this.store.clear();
      },
      readChunk: (_partition: number, stream: number, cursor: ChunkCursor) => {
        this.reads.push({ stream, cursor });
      },
      acknowledge: (_partition: number, committed: number, replicated: number) => {
        this.acknowledged.push({ committed, replicated });
        cluster.onAcknowledge(this, committed, replicated);
      },
      abandon: (_partition: number, committed: number) => this.abandoned.push(committed),
      propose: (command: ClusterCommand) => cluster.proposals.push({ from: this, command }),
    };
    this.copy = new PartitionCopy(0, { node, boot }, cluster.options, host, cluster.nowMs);
  }

  /** What its store holds, by key. */
  get contents(): [number, number][] {
    return [...this.store].sort(([left], [right]) => left - right);
  }

  /** Clients were told of all writes up to here. */
  get told(): number {
    return this.acknowledged.at(-1)?.committed ?? 0;
  }
}

export interface ClusterSetup {
  readonly nodes?: readonly NodeId[];
  readonly replicas?: readonly NodeId[];
  readonly settings?: Partial<ClusterSettings>;
  readonly options?: Partial<ReplicationOptions>;
}

/**
 * Copies of one partition under the real configuration's rules, and a bag of messages in place of a network: a test
 * says which are delivered, when, how often, and when a node sees the next state.
 */
export class ClusterOfCopies {
  nowMs = 0;
  readonly options: ReplicationOptions;
  readonly nodes = new Map<NodeId, CopyNode>();
  readonly states: ClusterState[] = [emptyClusterState];
  readonly proposals: { from: CopyNode; command: ClusterCommand }[] = [];
  bag: Letter[] = [];
  onAcknowledge: (node: CopyNode, committed: number, replicated: number) => void = () => {};
  /** Something has happened: whoever observes may look. */
  onChange: () => void = () => {};
  readonly #boots = new Map<NodeId, number>();

  constructor({ nodes = ['a', 'b', 'c'], replicas = nodes, settings, options }: ClusterSetup = {}) {
    this.options = { ...defaultReplicationOptions, ...options };
    for (const node of nodes) this.start(node);
    const created = { partitions: 1, leaseMs: 700, copies: 3, minInSync: 1, onLoss: 'offline' as const, ...settings };
    this.apply({ type: 'create', settings: created });
    this.place(replicas);
  }

  get state(): ClusterState {
    return this.states.at(-1) ?? emptyClusterState;
  }

  get entry(): PartitionEntry {
    const entry = this.state.partitions[0];
    if (entry === undefined) throw new Error('the cluster is not created');
    return entry;
  }

  at(node: NodeId): CopyNode {
    const found = this.nodes.get(node);
    if (found === undefined) throw new Error(`${node} is not up`);
    return found;
  }

  copy(node: NodeId): PartitionCopy {
    return this.at(node).copy;
  }

  /** Starts a node, again if need be, with an empty memory. */
  start(node: NodeId): void {
    const boot = (this.#boots.get(node) ?? 0) + 1;
    this.#boots.set(node, boot);
    this.nodes.set(node, new CopyNode(this, node, boot));
    this.apply({
      type: 'register',
      node,
      boot,
      address: `${node}:1`,
      endpoints: noEndpoints,
      weight: 1,
      zone: null,
      partitions: null,
    });
  }

  stop(node: NodeId): void {
    this.nodes.delete(node);
  }

  place(replicas: readonly NodeId[]): void {
    const { version } = this.entry;
    this.apply({ type: 'place', moves: [{ partition: 0, version, replicas: [...replicas] }] });
  }

  fence(node: NodeId): void {
    this.apply({ type: 'fence', node, boot: this.#boots.get(node) ?? 0 });
  }

  unfence(node: NodeId): void {
    this.apply({ type: 'unfence', node, boot: this.#boots.get(node) ?? 0 });
  }

  /** Answers why the configuration refuses it; null: it is applied, for whoever looks. */
  apply(command: ClusterCommand): string | null {
    const { state, refusal } = applyCommand(this.state, command);
    if (state !== this.state) this.states.push(state);
    return refusal;
  }

  /** Applies what was proposed, in order; answers the refusals. */
  decide(): string[] {
    const refusals: string[] = [];
    for (const { command } of this.proposals.splice(0)) {
      const refusal = this.apply(command);
      if (refusal !== null) refusals.push(refusal);
    }
    return refusals;
  }

  /** The node learns of the configuration up to the given number of states, by default of all. */
  learn(node: NodeId, count = this.states.length): void {
    const at = this.at(node);
    while (at.seen < count) {
      const state = this.states[at.seen++];
      if (state?.settings == null) continue;
      const entry = state.partitions[0];
      if (entry === undefined) continue;
      const { nodes, settings } = state;
      at.copy.configure(entry, settings, (id) => nodes.get(id)?.isFenced ?? true, this.nowMs);
    }
  }

  learnAll(): void {
    for (const node of this.nodes.keys()) this.learn(node);
  }

  flushAll(): void {
    for (const { copy } of this.nodes.values()) copy.flush(this.nowMs);
  }

  /** Takes letters out of the bag. */
  take(matches: (letter: Letter) => boolean): Letter[] {
    const taken = this.bag.filter(matches);
    this.bag = this.bag.filter((letter) => !taken.includes(letter));
    return taken;
  }

  post(letter: Letter): void {
    this.bag.push(letter);
  }

  hand({ from, to, message }: Letter): void {
    this.nodes.get(to)?.copy.receive(from, message, this.nowMs);
  }

  readChunks(): void {
    for (const node of this.nodes.values()) {
      for (const { stream, cursor } of node.reads.splice(0)) this.readChunk(node, stream, cursor);
    }
  }

  readChunk({ store, copy }: CopyNode, stream: number, cursor: ChunkCursor): void {
    const keys = [...store.keys()].filter((key) => key >= (cursor ?? 0)).sort((left, right) => left - right);
    const entries = keys.slice(0, CHUNK_ENTRIES).map((key) => effectOf(key, store.get(key) ?? 0));
    copy.chunkRead(stream, entries, keys[CHUNK_ENTRIES] ?? null, this.nowMs);
  }

  /** Time passes, and all goes as it should: everything that is sent arrives at once, every proposal is decided. */
  run(ms: number, isDelivered: (letter: Letter) => boolean = () => true): void {
    const untilMs = this.nowMs + ms;
    for (;;) {
      this.rest(isDelivered);
      const wakeAtMs = Math.min(...[...this.nodes.values()].map(({ copy }) => copy.wakeAtMs));
      if (wakeAtMs > untilMs) break;
      this.nowMs = Math.max(this.nowMs, wakeAtMs);
      for (const { copy } of this.nodes.values()) if (copy.wakeAtMs <= this.nowMs) copy.tick(this.nowMs);
    }
    this.nowMs = untilMs;
  }

  /** Delivers and decides until nothing is left. */
  rest(isDelivered: (letter: Letter) => boolean = () => true): void {
    do {
      this.learnAll();
      this.flushAll();
      this.onChange();
      for (const letter of this.take(() => true)) if (isDelivered(letter)) this.hand(letter);
      this.readChunks();
      this.flushAll();
      this.decide();
    } while (this.bag.length > 0 || [...this.nodes.values()].some(({ seen }) => seen < this.states.length));
  }

  /** The primary's front end does a write as it is allowed to; answers its number. */
  write(node: NodeId, key: number, value: number): number {
    const at = this.at(node);
    const refusal = at.copy.writeRefusal(this.nowMs);
    if (refusal !== null) throw new Error(`refused: ${refusal.reason}`);
    at.store.set(key, value);
    return at.copy.append([key], effectOf(key, value), this.nowMs);
  }
}

/** The first of the nodes is primary, the others are in sync, and nothing is under way. */
export function settledCluster(setup: ClusterSetup = {}): ClusterOfCopies {
  const cluster = new ClusterOfCopies(setup);
  cluster.run(1000);
  return cluster;
}

export function membersOf({ inSync }: PartitionEntry): NodeId[] {
  return inSync.map(({ node }) => node);
}
