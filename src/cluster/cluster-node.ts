import { assert } from '../base/assert.ts';
import type { ClusterMessage } from './cluster-message.ts';
import type { RaftAction, RaftState } from './consensus/raft-types.ts';
import type { ClusterCommand } from './controller/cluster-command.ts';
import type { ClusterState, PartitionEntry } from './controller/cluster-state.ts';
import type { CoordinatorAnswer } from './coordinator.ts';
import type { NodeId } from './identity.ts';
import { RaftCoordinator, type RaftCoordinatorOptions } from './raft-coordinator.ts';
import { PartitionCopy, type ReplicationOptions } from './replication/partition-copy.ts';
import type { ChunkCursor, ReplicationHost } from './replication/replication-host.ts';

export interface ClusterNodeOptions {
  readonly coordinator: RaftCoordinatorOptions;
  readonly replication: ReplicationOptions;
}

/** What the node asks of whoever runs it: sockets, a disk, and the stores. */
export interface ClusterNodeHost extends Omit<ReplicationHost, 'lease' | 'send' | 'propose'> {
  send(to: NodeId, message: ClusterMessage): void;
  /** To be made durable; `ClusterNode.persisted` is due then. */
  persist(action: Extract<RaftAction, { type: 'persist' }>): void;
  /** Which node is whose primary, or who there is, has changed. */
  configured(state: ClusterState): void;
  /** What came of a request made with `ClusterNode.submit`. */
  answered(request: number, answer: CoordinatorAnswer): void;
  /** The controller does not take this node, for now; it goes on asking. An administrator would want to know. */
  registrationRefused(reason: string): void;
  /** This node is no longer part of the cluster and must stop. */
  expelled(reason: string): void;
}

/**
 * All that a node decides in a cluster, in one pure state machine: it is told messages, the time and what was made
 * durable, and tells its host what to do. Whatever runs it (the cluster actor, a simulation) must
 * - hand in events one at a time, with a clock that never falls;
 * - call `tick` no later than `wakeAtMs`;
 * - call `flush` once it has handed in what there was, so that writes go out in batches.
 */
export class ClusterNode {
  readonly coordinator: RaftCoordinator;
  #state: ClusterState;
  #copiesWakeAtMs = Number.POSITIVE_INFINITY;
  #nowMs: number;
  /** Copies with writes or acknowledgements that have not gone out. */
  readonly #touched = new Set<PartitionCopy>();
  readonly #copies = new Map<number, PartitionCopy>();
  readonly #ownRequests = new Set<number>();
  readonly #options: ClusterNodeOptions;
  readonly #host: ClusterNodeHost;
  readonly #copyHost: ReplicationHost;

  /** `restored` is what the node's disk holds of the consensus log. */
  constructor(options: ClusterNodeOptions, restored: RaftState, host: ClusterNodeHost, nowMs: number) {
    this.#options = options;
    this.#host = host;
    this.#nowMs = nowMs;
    this.coordinator = new RaftCoordinator(
      options.coordinator,
      restored,
      {
        send: (to, message) => host.send(to, message),
        persist: (action) => host.persist(action),
        configured: (atMs) => this.#configure(atMs),
        answered: (request, answer) => {
          if (!this.#ownRequests.delete(request)) host.answered(request, answer);
        },
        registrationRefused: (reason) => host.registrationRefused(reason),
        expelled: (reason) => host.expelled(reason),
      },
      nowMs,
    );
    this.#copyHost = {
      lease: this.coordinator.lease,
      send: (to, message) => host.send(to, { kind: 'replication', message }),
      apply: (partition, records) => host.apply(partition, records),
      load: (partition, entries) => host.load(partition, entries),
      clear: (partition) => host.clear(partition),
      readChunk: (partition, stream, cursor) => host.readChunk(partition, stream, cursor),
      acknowledge: (partition, committed, replicated) => host.acknowledge(partition, committed, replicated),
      abandon: (partition, committed) => host.abandon(partition, committed),
      propose: (command) => this.#propose(command),
    };
    this.#state = this.coordinator.state;
    this.#configureCopies(null, nowMs);
  }

  get wakeAtMs(): number {
    return Math.min(this.coordinator.wakeAtMs, this.#copiesWakeAtMs);
  }

  /** The node's copy of a partition, if it ever was to have one. */
  copy(partition: number): PartitionCopy | undefined {
    return this.#copies.get(partition);
  }

  copies(): IterableIterator<PartitionCopy> {
    return this.#copies.values();
  }

  tick(nowMs: number): void {
    this.#nowMs = nowMs;
    if (this.coordinator.wakeAtMs <= nowMs) this.coordinator.tick(nowMs);
    if (this.#copiesWakeAtMs <= nowMs) {
      this.#copiesWakeAtMs = Number.POSITIVE_INFINITY;
      for (const copy of this.#copies.values()) {
        if (copy.wakeAtMs <= nowMs) copy.tick(nowMs);
        this.#copiesWakeAtMs = Math.min(this.#copiesWakeAtMs, copy.wakeAtMs);
      }
    }
  }

  receive(from: NodeId, message: ClusterMessage, nowMs: number): void {
    this.#nowMs = nowMs;
    if (message.kind === 'raft') this.coordinator.receiveRaft(from, message.message, nowMs);
    else if (message.kind === 'replication') {
      const { partition } = message.message;
      // Before this node has seen the cluster created it has no copies; whoever sends will send again.
      if (partition >= this.#state.partitions.length) return;
      const copy = this.#copyOf(partition);
      copy.receive(from, message.message, nowMs);
      this.#touch(copy);
    } else this.coordinator.receive(from, message, nowMs);
  }

  persisted(number: number, nowMs: number): void {
    this.#nowMs = nowMs;
    this.coordinator.persisted(number, nowMs);
  }

  /**
   * A write was done on the store of a partition whose copy is primary (`PartitionCopy.writeRefusal` is null). Answers
   * the number under which its reply waits for `ClusterNodeHost.acknowledge`.
   */
  append(partition: number, keys: readonly number[], effect: Uint8Array, nowMs: number): number {
    this.#nowMs = nowMs;
    const copy = this.#copies.get(partition);
    assert(copy !== undefined, `a write on partition ${partition}, which is not here`);
    const seq = copy.append(keys, effect, nowMs);
    this.#touch(copy);
    return seq;
  }

  /** What `ClusterNodeHost.readChunk` asked for. `next` is null behind the last piece. */
  chunkRead(partition: number, stream: number, entries: readonly Uint8Array[], next: ChunkCursor, nowMs: number): void {
    this.#nowMs = nowMs;
    const copy = this.#copies.get(partition);
    if (copy === undefined) return;
    copy.chunkRead(stream, entries, next, nowMs);
    this.#touch(copy);
  }

  /** The memory of one partition was lost without a restart of the node. */
  loseData(partition: number, nowMs: number): void {
    this.#nowMs = nowMs;
    const copy = this.#copies.get(partition);
    if (copy === undefined) return;
    copy.loseData(nowMs);
    this.#touch(copy);
  }

  /** Sends what was written and received since: due after each batch of events. */
  flush(nowMs: number): void {
    this.#nowMs = nowMs;
    for (const copy of this.#touched) {
      copy.flush(nowMs);
      this.#copiesWakeAtMs = Math.min(this.#copiesWakeAtMs, copy.wakeAtMs);
    }
    this.#touched.clear();
  }

  /** Asks the controller for a change; `ClusterNodeHost.answered` tells what came of the request returned. */
  submit(command: ClusterCommand, nowMs: number): number {
    this.#nowMs = nowMs;
    const request = this.coordinator.nextRequest();
    this.coordinator.submit(request, command, nowMs);
    return request;
  }

  /** A copy's proposal: its outcome is read from the partition's entry alone. */
  #propose(command: ClusterCommand): void {
    const request = this.coordinator.nextRequest();
    this.#ownRequests.add(request);
    this.coordinator.submit(request, command, this.#nowMs);
  }

  #touch(copy: PartitionCopy): void {
    this.#touched.add(copy);
    this.#copiesWakeAtMs = Math.min(this.#copiesWakeAtMs, copy.wakeAtMs);
  }

  #configure(nowMs: number): void {
    const before = this.#state;
    this.#state = this.coordinator.state;
    this.#configureCopies(before, nowMs);
    this.#host.configured(this.#state);
  }

  #configureCopies(before: ClusterState | null, nowMs: number): void {
    const { settings, nodes, partitions } = this.#state;
    if (settings === null) return;
    const isFenced = (node: NodeId): boolean => nodes.get(node)?.isFenced ?? true;
    const areAllConcerned = before === null || before.settings !== settings || before.nodes !== nodes;
    for (const [partition, entry] of partitions.entries()) {
      if (!areAllConcerned && before.partitions[partition] === entry) continue;
      if (!this.#copies.has(partition) && !this.#isNamed(entry)) continue;
      const copy = this.#copyOf(partition);
      copy.configure(entry, settings, isFenced, nowMs);
      this.#touch(copy);
    }
  }

  #isNamed(entry: PartitionEntry): boolean {
    const { node } = this.#options.coordinator;
    return entry.replicas.includes(node) || entry.inSync.some((member) => member.node === node);
  }

  #copyOf(partition: number): PartitionCopy {
    const known = this.#copies.get(partition);
    if (known !== undefined) return known;
    const { node, boot } = this.#options.coordinator;
    const copy = new PartitionCopy(partition, { node, boot }, this.#options.replication, this.#copyHost, this.#nowMs);
    this.#copies.set(partition, copy);
    return copy;
  }
}
