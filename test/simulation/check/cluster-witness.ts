import type { ClusterMessage } from '../../../src/cluster/cluster-message.ts';
import type { RaftState } from '../../../src/cluster/consensus/raft-types.ts';
import type { ClusterSettings } from '../../../src/cluster/controller/cluster-state.ts';
import type { NodeId } from '../../../src/cluster/identity.ts';
import {
  defaultReplicationOptions,
  type ReplicationOptions,
} from '../../../src/cluster/replication/replication-options.ts';
import type {
  AckLevel,
  NodeView,
  OperationInput,
  OperationOutput,
  PersistAction,
  ReadLevel,
  StoredValue,
  Witness,
  WorldView,
} from '../witness.ts';
import { ClientHistory } from './client-history.ts';
import { ConfigurationCheck } from './configuration-check.ts';
import { ConsensusCheck } from './consensus-check.ts';
import { Ground } from './ground.ts';
import { QueueCheck } from './queue-check.ts';
import { ReadCheck } from './read-check.ts';
import { ReplicationCheck } from './replication-check.ts';
import { violate } from './violation.ts';

export interface ClusterWitnessOptions {
  readonly settings: ClusterSettings;
  /** False where one fault at a time leaves a copy: then no partition may ever be lost. */
  readonly mayLose: boolean;
  /** Nodes keep their keys on their disks. */
  readonly keeps?: boolean;
  /** What all nodes run with; default: the core's defaults. */
  readonly replication?: ReplicationOptions;
}

/** All checks of a simulated run. What they find is thrown as a {@link Violation}. */
export class ClusterWitness implements Witness {
  readonly history: ClientHistory;
  readonly #options: ClusterWitnessOptions;
  readonly #ground: Ground;
  readonly #consensus: ConsensusCheck;
  readonly #configurations: ConfigurationCheck;
  readonly #replication: ReplicationCheck;
  readonly #reads: ReadCheck;
  readonly #queues: QueueCheck;
  #nowMs = 0;

  constructor(options: ClusterWitnessOptions) {
    this.#options = options;
    this.#ground = new Ground(options.keeps ?? false);
    this.history = new ClientHistory(options.settings.partitions);
    this.#configurations = new ConfigurationCheck(this.#ground, (change, nowMs) => {
      this.#replication.changed(change);
      if (change.isReset && change.before.epoch > 0) this.history.wiped(change.partition, nowMs);
    });
    this.#replication = new ReplicationCheck(this.#ground, this.#configurations);
    this.#consensus = new ConsensusCheck((entry) => this.#configurations.committed(entry, this.#nowMs));
    this.#reads = new ReadCheck(this.#ground, this.#replication);
    this.#queues = new QueueCheck(options.replication ?? defaultReplicationOptions);
  }

  /** How often a partition lost all its copies. */
  get losses(): number {
    return this.#configurations.losses;
  }

  started(node: NodeView, restored: RaftState): void {
    this.#ground.nodes.set(node.id, node);
    this.#consensus.started(node, restored);
  }

  stopped(node: NodeView): void {
    this.#consensus.stopped(node);
    this.#replication.stopped();
  }

  lostData(node: NodeView, partition: number, nowMs: number): void {
    this.#ground.lost(node, partition, nowMs, false);
  }

  configured(): void {
    // Compared after each event.
  }

  persisting(node: NodeView, action: PersistAction): void {
    this.#consensus.persisting(node, action);
  }

  persisted(node: NodeView, number: number): void {
    this.#consensus.persisted(node, number);
  }

  sent(node: NodeView, to: NodeId, message: ClusterMessage): void {
    if (message.kind === 'raft') this.#consensus.sent(node, to, message.message);
    else if (message.kind === 'replication') this.#replication.sent(node, message.message);
  }

  stepped(node: NodeView, nowMs: number): void {
    this.#nowMs = nowMs;
    this.#consensus.stepped(node);
    this.#configurations.stepped(node);
    this.#replication.stepped(node, nowMs);
    this.#reads.stepped(node);
    this.#ground.stepped(node);
  }

  appended(node: NodeView, partition: number, _epoch: number, seq: number): void {
    this.#replication.appended(node, partition, seq);
    this.#queues.appended(node, partition);
  }

  applied(): void {
    // Stores are compared with the records that copies say they have applied.
  }

  loaded(): void {
    // The same.
  }

  cleared(node: NodeView, partition: number, nowMs: number): void {
    // By an entry that was applied a moment ago, it may be.
    this.#nowMs = nowMs;
    this.#consensus.applied(node);
    this.#replication.cleared(node, partition);
    this.#ground.lost(node, partition, nowMs, true);
  }

  acknowledged(
    node: NodeView,
    partition: number,
    epoch: number,
    seq: number,
    level: AckLevel,
    _key: number,
    nowMs: number,
  ): void {
    this.#nowMs = nowMs;
    this.#consensus.applied(node);
    this.#replication.acknowledged(node, partition, epoch, seq, level);
  }

  answered(
    node: NodeView,
    partition: number,
    key: number,
    level: ReadLevel,
    found: StoredValue | null,
    nowMs: number,
  ): void {
    this.#nowMs = nowMs;
    this.#consensus.applied(node);
    this.#reads.answered(node, partition, key, level, found, nowMs);
  }

  invoked(client: number, input: OperationInput, nowMs: number): number {
    return this.history.invoked(client, input, nowMs);
  }

  completed(operation: number, output: OperationOutput, nowMs: number): void {
    this.history.completed(operation, output, nowMs);
  }

  inspect(world: WorldView): void {
    for (const node of world.nodes) {
      this.#replication.inspect(node);
      this.#queues.inspect(node, world.nodes.length);
    }
  }

  finish(world: WorldView): void {
    this.inspect(world);
    this.#replication.finish();
    if (!this.#options.mayLose && this.losses > 0) violate(`${this.losses} partitions were lost to single faults`);
    this.history.check();
  }
}
