import type { Random } from '../../base/ports.ts';
import type { ClusterMessage } from '../cluster-message.ts';
import { JournalKeeper } from '../consensus/journal-keeper.ts';
import type { RaftLog } from '../consensus/raft-log-file.ts';
import type { RaftState } from '../consensus/raft-types.ts';
import type { ClusterCommand } from '../controller/cluster-command.ts';
import type { ClusterSettings, ClusterState, NodeEndpoints } from '../controller/cluster-state.ts';
import { encodeStateDelta } from '../controller/state-delta-codec.ts';
import type { CoordinatorAnswer } from '../coordinator.ts';
import { defaultCoordinatorOptions, type RaftCoordinatorOptions } from '../coordinator-options.ts';
import type { Claim, NodeId } from '../identity.ts';
import type { PartitionGates } from '../partition-gates.ts';
import { RaftCoordinator } from '../raft-coordinator.ts';
import { Departure } from './departure.ts';
import { LeaseGate } from './lease-gate.ts';
import type { ShardLinks } from './shard-links.ts';

export interface MembershipOptions {
  readonly node: NodeId;
  readonly boot: number;
  /** What to create the cluster with; null: it is not for this node to create it. */
  readonly settings: ClusterSettings | null;
  readonly weight: number;
  readonly claims: readonly Claim[];
  readonly zone: string | null;
  /** How many the node is made for. */
  readonly partitions: number;
  readonly random: Random;
  /** As known by the time when the node registers. */
  address(): string;
  endpoints(): NodeEndpoints;
  nowMs(): number;
}

export interface MembershipHost {
  send(to: NodeId, message: ClusterMessage): void;
  /** The state is another one, since `atMs` by the Unix epoch; `change` leads to it from the one before. */
  configured(state: ClusterState, change: Uint8Array, atMs: number): void;
  /** The controller does not take this node, for now. */
  registrationRefused(reason: string): void;
  /** The cluster has removed this node, which is told as a failure, too: it is not to come back by being started again. */
  removed(): void;
  /** The node cannot be part of its cluster any more. */
  failed(reason: string): void;
  /** The disk does not take the log of consensus, and why, or takes it again (null). */
  journalChanged(trouble: string | null): void;
  /** Something was done outside of a call: timers may be due at other times. */
  worked(): void;
}

/** A heartbeat and an election must fit a lease. */
const HEARTBEATS_A_LEASE = 4;

/**
 * This node as one of a cluster: the coordinator with its log on the disk, the shards that are told of its state, and the
 * lease that the node's threads go by.
 */
export class Membership {
  readonly coordinator: RaftCoordinator;
  readonly departure: Departure;
  /** Why the controller does not take this node; null: it does, or has not said. */
  refusal: string | null = null;
  /** Others to ask for the leader: those that are connected. */
  readonly seeds: NodeId[] = [];
  #told: ClusterState;
  readonly #options: MembershipOptions;
  readonly journal: JournalKeeper;
  readonly #links: ShardLinks;
  readonly #lease: LeaseGate;
  readonly #host: MembershipHost;
  readonly #answers = new Map<number, (answer: CoordinatorAnswer) => void>();

  constructor(
    options: MembershipOptions,
    log: RaftLog,
    restored: RaftState,
    links: ShardLinks,
    gates: PartitionGates,
    host: MembershipHost,
  ) {
    this.#options = options;
    this.journal = new JournalKeeper(log, {
      durable: (number) => {
        this.coordinator.persisted(number, options.nowMs());
        host.worked();
      },
      changed: (trouble) => host.journalChanged(trouble),
      nowMs: options.nowMs,
    });
    this.#links = links;
    this.#host = host;
    const { node, boot } = options;
    this.#lease = new LeaseGate(node, gates, links);
    this.coordinator = new RaftCoordinator(
      coordinatorOptions(options, this.seeds),
      restored,
      {
        send: (to, message) => host.send(to, message),
        persist: ({ number, hard, snapshot, entries }) => this.journal.save(number, { hard, snapshot, entries }),
        configured: () => this.#configured(),
        answered: (request, answer) => {
          const onAnswer = this.#answers.get(request);
          this.#answers.delete(request);
          onAnswer?.(answer);
        },
        registrationRefused: (reason) => {
          this.refusal = reason;
          host.registrationRefused(reason);
        },
        expelled: (reason, cause) => {
          if (cause === 'removed') host.removed();
          host.failed(reason);
        },
      },
      options.nowMs(),
    );
    this.departure = new Departure({ node, boot }, this.#departureHost());
    this.#told = this.coordinator.state;
    links.begin(node, boot);
    const change = encodeStateDelta(null, this.#told);
    links.configure(this.#told, change);
    host.configured(this.#told, change, Date.now());
  }

  get state(): ClusterState {
    return this.coordinator.state;
  }

  get wakeAtMs(): number {
    return Math.min(this.coordinator.wakeAtMs, this.departure.wakeAtMs);
  }

  tick(nowMs: number): void {
    if (this.coordinator.wakeAtMs <= nowMs) this.coordinator.tick(nowMs);
    this.departure.tick(nowMs);
  }

  /** After each batch of events, and whenever a shard has told something. */
  publishLease(nowMs: number): void {
    this.#lease.update(this.coordinator.lease.endsAtMs, nowMs);
  }

  submit(command: ClusterCommand, onAnswer: (answer: CoordinatorAnswer) => void): void {
    const request = this.coordinator.nextRequest();
    this.#answers.set(request, onAnswer);
    this.coordinator.submit(request, command, this.#options.nowMs());
  }

  /** What a copy asks for: what comes of it is seen in the state. */
  propose(command: ClusterCommand): void {
    this.coordinator.submit(this.coordinator.nextRequest(), command, this.#options.nowMs());
  }

  /** Waits for what is being written. */
  async close(): Promise<void> {
    this.#lease.close();
    await this.journal.close();
  }

  #configured(): void {
    const { state } = this.coordinator;
    if (state === this.#told) return;
    const { node, boot } = this.#options;
    // Before the shards know: what they do with it comes after.
    const atMs = Date.now();
    const change = encodeStateDelta(this.#told, state);
    this.#lease.changed(this.#told, state);
    this.#told = state;
    if (state.nodes.get(node)?.boot === boot) this.refusal = null;
    this.#links.configure(state, change);
    this.#host.configured(state, change, atMs);
  }

  #departureHost(): ConstructorParameters<typeof Departure>[1] {
    const { coordinator } = this;
    return {
      get state() {
        return coordinator.state;
      },
      get leader() {
        return coordinator.raft.leader;
      },
      submit: (command, onAnswer) => this.submit(command, onAnswer),
      endLease: () => {
        coordinator.leave();
        this.#lease.close();
      },
    };
  }
}

function coordinatorOptions(options: MembershipOptions, seeds: readonly NodeId[]): RaftCoordinatorOptions {
  const { node, boot, settings, weight, zone, partitions, claims, random } = options;
  const { heartbeatMs } = defaultCoordinatorOptions;
  return {
    ...defaultCoordinatorOptions,
    heartbeatMs: Math.min(heartbeatMs, (settings?.leaseMs ?? Number.POSITIVE_INFINITY) / HEARTBEATS_A_LEASE),
    node,
    boot,
    // Others tell how they see this node; that may come after the start.
    get address() {
      return options.address();
    },
    get endpoints() {
      return options.endpoints();
    },
    weight,
    zone,
    partitions,
    ...(claims.length === 0 ? {} : { claims }),
    seeds,
    settings,
    random,
  };
}
