import type { ClusterMessage } from './cluster-message.ts';
import type { RaftAction, RaftState } from './consensus/raft-types.ts';
import type { ClusterCommand } from './controller/cluster-command.ts';
import type { ClusterState } from './controller/cluster-state.ts';
import type { CoordinatorAnswer } from './coordinator.ts';
import type { RaftCoordinatorOptions } from './coordinator-options.ts';
import type { NodeId } from './identity.ts';
import { PartitionCopies } from './partition-copies.ts';
import { type ExpulsionCause, RaftCoordinator } from './raft-coordinator.ts';
import { claimsOf, type RecoveredCopy } from './replication/copy-recovery.ts';
import type { PartitionCopy, ReplicationOptions } from './replication/partition-copy.ts';
import type { ChunkCursor, ReplicationHost } from './replication/replication-host.ts';

export interface ClusterNodeOptions {
  readonly coordinator: RaftCoordinatorOptions;
  readonly replication: ReplicationOptions;
  /** What the node's disk holds of its copies, by partition; absent: nothing is kept there. */
  readonly recovered?: ReadonlyMap<number, RecoveredCopy>;
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
  expelled(reason: string, cause: ExpulsionCause): void;
}

/**
 * All that a node decides in a cluster whose coordinator is built in, in one pure state machine: it is told messages,
 * the time and what was made durable, and tells its host what to do. Whatever runs it (the cluster actor, a simulation)
 * must
 * - hand in events one at a time, never from within a call of its host, with a clock that never falls;
 * - call `tick` no later than `wakeAtMs`;
 * - call `flush` once it has handed in what there was, so that writes go out in batches.
 */
export class ClusterNode {
  readonly coordinator: RaftCoordinator;
  readonly #copies: PartitionCopies;
  readonly #requests = new Set<number>();

  /** `restored` is what the node's disk holds of the consensus log. */
  constructor(options: ClusterNodeOptions, restored: RaftState, host: ClusterNodeHost, nowMs: number) {
    const { recovered } = options;
    const claims = recovered === undefined ? null : claimsOf(recovered);
    this.coordinator = new RaftCoordinator(
      claims === null || claims.length === 0 ? options.coordinator : { ...options.coordinator, claims },
      restored,
      {
        send: (to, message) => host.send(to, message),
        persist: (action) => host.persist(action),
        configured: (atMs) => {
          this.#copies.configure(atMs);
          host.configured(this.coordinator.state);
        },
        answered: (request, answer) => {
          // What comes of a copy's proposal is seen in its entry.
          if (this.#requests.delete(request)) host.answered(request, answer);
        },
        registrationRefused: (reason) => host.registrationRefused(reason),
        expelled: (reason, cause) => host.expelled(reason, cause),
      },
      nowMs,
    );
    const { node, boot } = options.coordinator;
    this.#copies = new PartitionCopies(
      { node, boot },
      options.replication,
      this.coordinator,
      {
        send: (to, message) => host.send(to, { kind: 'replication', message }),
        apply: (partition, records) => host.apply(partition, records),
        load: (partition, entries) => host.load(partition, entries),
        clear: (partition) => host.clear(partition),
        readChunk: (partition, stream, cursor) => host.readChunk(partition, stream, cursor),
        acknowledge: (partition, committed, replicated) => host.acknowledge(partition, committed, replicated),
        abandon: (partition, committed) => host.abandon(partition, committed),
        ...(recovered === undefined ? {} : { keep: (partition, item) => host.keep?.(partition, item) ?? 0 }),
      },
      nowMs,
      recovered === undefined
        ? undefined
        : {
            first: 0,
            count: Number.POSITIVE_INFINITY,
            startOf: (partition) => recovered.get(partition)?.start ?? { generation: 0, kept: null },
            recovered: [...recovered.keys()],
          },
    );
  }

  get wakeAtMs(): number {
    return Math.min(this.coordinator.wakeAtMs, this.#copies.wakeAtMs);
  }

  /** The node's copy of a partition, if it ever was to have one. */
  copy(partition: number): PartitionCopy | undefined {
    return this.#copies.copy(partition);
  }

  copies(): IterableIterator<PartitionCopy> {
    return this.#copies.all();
  }

  tick(nowMs: number): void {
    if (this.coordinator.wakeAtMs <= nowMs) this.coordinator.tick(nowMs);
    this.#copies.tick(nowMs);
  }

  receive(from: NodeId, message: ClusterMessage, nowMs: number): void {
    if (message.kind === 'raft') this.coordinator.receiveRaft(from, message.message, nowMs);
    else if (message.kind === 'replication') this.#copies.receive(from, message.message, nowMs);
    else this.coordinator.receive(from, message, nowMs);
  }

  persisted(number: number, nowMs: number): void {
    this.coordinator.persisted(number, nowMs);
  }

  /** See {@link PartitionCopies.reached}. */
  reached(place: number, nowMs: number): void {
    this.#copies.reached(place, nowMs);
  }

  /** See {@link PartitionCopies.append}. */
  append(partition: number, keys: readonly number[], effect: Uint8Array, nowMs: number): number {
    return this.#copies.append(partition, keys, effect, nowMs);
  }

  /** What `ClusterNodeHost.readChunk` asked for. `next` is null behind the last piece. */
  chunkRead(partition: number, stream: number, entries: readonly Uint8Array[], next: ChunkCursor, nowMs: number): void {
    this.#copies.chunkRead(partition, stream, entries, next, nowMs);
  }

  /** The memory of one partition was lost without a restart of the node. */
  loseData(partition: number, nowMs: number): void {
    this.#copies.loseData(partition, nowMs);
  }

  /** Sends what was written and received since: due after each batch of events. */
  flush(nowMs: number): void {
    this.#copies.flush(nowMs);
  }

  /**
   * Asks the controller for a change; `ClusterNodeHost.answered` tells what came of the request returned, unless that
   * is known at once: then it is told before this returns.
   */
  submit(command: ClusterCommand, nowMs: number): number {
    const request = this.coordinator.nextRequest();
    this.#requests.add(request);
    this.coordinator.submit(request, command, nowMs);
    return request;
  }
}
