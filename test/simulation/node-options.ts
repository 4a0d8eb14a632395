import type { Random } from '../../src/base/ports.ts';
import type { ClusterNodeOptions } from '../../src/cluster/cluster-node.ts';
import { defaultRaftOptions, type RaftOptions } from '../../src/cluster/consensus/raft-options.ts';
import { type ClusterSettings, noEndpoints } from '../../src/cluster/controller/cluster-state.ts';
import { type ControllerOptions, controllerDefaults } from '../../src/cluster/controller/controller.ts';
import { defaultCoordinatorOptions } from '../../src/cluster/coordinator-options.ts';
import type { NodeId } from '../../src/cluster/identity.ts';
import {
  defaultReplicationOptions,
  type ReplicationOptions,
} from '../../src/cluster/replication/replication-options.ts';
import type { SeededRandom } from './random.ts';

/** Raft's limits and paces; the rest is the node's own. */
type RaftTuning = Partial<Omit<RaftOptions, 'id' | 'random'>>;

/** Options that a run draws, so that limits are met which would take hours with those that suit most. */
export interface Tuning {
  readonly compactAfterEntries: number;
  readonly heartbeatMs: number;
  readonly raft: RaftTuning;
  readonly controller: Partial<Omit<ControllerOptions, 'self'>>;
  readonly replication: Partial<ReplicationOptions>;
  /** Nodes of different weights, and in two zones. */
  readonly isWeighted: boolean;
  readonly isZoned: boolean;
}

export const plainTuning: Tuning = {
  compactAfterEntries: 1000,
  heartbeatMs: 150,
  raft: {},
  controller: {},
  replication: {},
  isWeighted: false,
  isZoned: false,
};

/** How fast everything goes: leases, heartbeats, elections. The usual pace more often than others. */
export interface Pace {
  readonly leaseMs: number;
  readonly heartbeatMs: number;
  readonly raft: RaftTuning;
}

const paces: readonly Pace[] = [
  { leaseMs: 700, heartbeatMs: 150, raft: {} },
  { leaseMs: 700, heartbeatMs: 150, raft: {} },
  { leaseMs: 400, heartbeatMs: 90, raft: { heartbeatMs: 50, electionTimeoutMs: [200, 400] } },
  { leaseMs: 1500, heartbeatMs: 300, raft: { heartbeatMs: 150, electionTimeoutMs: [500, 1000] } },
];

export function drawPace(random: SeededRandom): Pace {
  return random.pick(paces);
}

/** `mayLose`: the controller may give up copies that are only cut off. */
export function drawTuning(random: SeededRandom, { heartbeatMs, raft }: Pace, mayLose: boolean): Tuning {
  const never = Number.POSITIVE_INFINITY;
  return {
    compactAfterEntries: random.pick([5, 20, 100, 1000]),
    heartbeatMs,
    isWeighted: random.chance(0.3),
    isZoned: random.chance(0.3),
    raft: { ...raft, appendEntriesMax: random.pick([1, 2, 256]), appendsInFlightMax: random.pick([1, 3, 16]) },
    controller: {
      rebuildAfterMs: random.pick([300, 1200, 3000, 10_000]),
      votersMax: random.pick([3, 5, 7, 7]),
      movesMax: random.pick([1, null]),
      moveTimeoutMs: random.pick([300, 60_000]),
      giveUpAfterMs: mayLose ? random.pick([500, 1500, never, never]) : never,
    },
    replication: {
      appendBytesMax: random.pick([64, 1024, 256 * 1024]),
      inFlightMax: random.pick([1, 2, 8]),
      uncommittedBytesMax: random.pick([200, 600, 8 * 1024 * 1024]),
      uncommittedRecordsMax: random.pick([4, 32, 65_536]),
      retainedBytesMax: random.pick([128, 2048, 1024 * 1024]),
      catchUpBytesMax: random.pick([1024 * 1024, 32 * 1024 * 1024]),
    },
  };
}

export interface NodeIdentity {
  readonly id: NodeId;
  readonly boot: number;
  /** Others to ask for the controller. */
  readonly seeds: readonly NodeId[];
  /** What founders create the cluster with. */
  readonly settings: ClusterSettings | null;
  readonly random: Random;
}

export function nodeOptionsOf({ id, boot, seeds, settings, random }: NodeIdentity, tuning: Tuning): ClusterNodeOptions {
  const number = Number(id.slice(1));
  return {
    coordinator: {
      ...defaultCoordinatorOptions,
      node: id,
      boot,
      address: `${id}:7000`,
      endpoints: noEndpoints,
      weight: tuning.isWeighted ? 1 + (number % 3) : 1,
      partitions: settings?.partitions ?? null,
      zone: tuning.isZoned ? `z${number % 2}` : null,
      seeds,
      settings,
      heartbeatMs: tuning.heartbeatMs,
      compactAfterEntries: tuning.compactAfterEntries,
      raft: { ...defaultRaftOptions, ...tuning.raft },
      controller: { ...controllerDefaults, giveUpAfterMs: Number.POSITIVE_INFINITY, ...tuning.controller },
      random,
    },
    replication: { ...defaultReplicationOptions, ...tuning.replication },
  };
}
