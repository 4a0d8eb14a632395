import type { ClusterStatus, ClusterView, CopyStatus, LinkStatus } from '../src/cluster/actor/cluster-view.ts';
import { applyCommand } from '../src/cluster/controller/apply-command.ts';
import type { ClusterCommand } from '../src/cluster/controller/cluster-command.ts';
import { type ClusterState, emptyClusterState } from '../src/cluster/controller/cluster-state.ts';
import type { CoordinatorAnswer } from '../src/cluster/coordinator.ts';
import type { NodeId } from '../src/cluster/identity.ts';
import { PartitionGates } from '../src/cluster/partition-gates.ts';

const noStatus: ClusterStatus = {
  atMs: 0,
  leader: null,
  term: 0,
  voters: [],
  learners: [],
  registrationRefusal: null,
  waitsFor: null,
  journalTrouble: null,
  journalFailures: 0,
  links: [],
  copies: [],
};

/** A cluster whose controller is asked in the same turn: what a node's main thread sees of it. */
export class FakeClusterView implements ClusterView {
  readonly self: NodeId;
  boot = 1;
  clusterId = 'c'.repeat(40);
  state: ClusterState = emptyClusterState;
  stateAtMs = 0;
  status: ClusterStatus = noStatus;
  readonly gates: PartitionGates;
  /** What was asked for, as it came. */
  readonly submitted: ClusterCommand[] = [];
  /** Answered in place of what the state machine says. */
  answer: CoordinatorAnswer | null = null;
  readonly #listeners = new Set<() => void>();
  readonly #statusListeners = new Set<() => void>();

  constructor(self: NodeId, partitions: number) {
    this.self = self;
    this.gates = new PartitionGates(PartitionGates.create(partitions));
  }

  get listenerCount(): number {
    return this.#listeners.size;
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  onStatus(listener: () => void): () => void {
    this.#statusListeners.add(listener);
    return () => void this.#statusListeners.delete(listener);
  }

  submit(command: ClusterCommand): Promise<CoordinatorAnswer> {
    this.submitted.push(command);
    if (this.answer !== null) return Promise.resolve(this.answer);
    const { state, refusal } = applyCommand(this.state, command);
    if (refusal !== null) return Promise.resolve({ type: 'refused', reason: refusal, isRetryable: false });
    this.become(state);
    return Promise.resolve({ type: 'applied', index: this.submitted.length });
  }

  /** Has the state be this one from now on. */
  become(state: ClusterState, atMs = Date.now()): void {
    this.state = state;
    this.stateAtMs = atMs;
    for (const listener of this.#listeners) listener();
  }

  tell(status: Partial<ClusterStatus>): void {
    this.status = { ...this.status, ...status };
    for (const listener of this.#statusListeners) listener();
  }
}

export function linkTo(node: NodeId, parts: Partial<LinkStatus> = {}): LinkStatus {
  return {
    node,
    address: `${node}:7000`,
    isConnected: true,
    connectedAtMs: 1000,
    heardAtMs: parts.lostAtMs || 1000,
    lostAtMs: 0,
    lostBoot: 0,
    sentMessages: 0,
    receivedMessages: 0,
    queuedBytes: 0,
    sentBytes: 0,
    receivedBytes: 0,
    droppedMessages: 0,
    ...parts,
  };
}

export function copyOf(partition: number, parts: Partial<CopyStatus> = {}): CopyStatus {
  return { partition, role: 'primary', epoch: 1, last: 0, committed: 0, keys: 0, followers: [], ...parts };
}
