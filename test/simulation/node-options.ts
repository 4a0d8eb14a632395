import type { Random } from '../../src/base/ports.ts';
import type { ClusterNodeOptions } from '../../src/cluster/cluster-node.ts';
import { defaultRaftOptions, type RaftOptions } from '../../src/cluster/consensus/raft-options.ts';
import type { ClusterSettings } from '../../src/cluster/controller/cluster-state.ts';
import { controllerDefaults } from '../../src/cluster/controller/controller.ts';
import type { NodeId } from '../../src/cluster/identity.ts';
import {
  defaultReplicationOptions,
  type ReplicationOptions,
} from '../../src/cluster/replication/replication-options.ts';
import type { SeededRandom } from './random.ts';

type RaftLimits = Pick<RaftOptions, 'appendEntriesMax' | 'appendsInFlightMax'>;

/** Options that a run draws, so that limits are met which would take hours with those that suit most. */
export interface Tuning {
  readonly compactAfterEntries: number;
  readonly raft: Partial<RaftLimits>;
  readonly replication: Partial<ReplicationOptions>;
}

export const plainTuning: Tuning = { compactAfterEntries: 1000, raft: {}, replication: {} };

export function drawTuning(random: SeededRandom): Tuning {
  return {
    compactAfterEntries: random.pick([5, 20, 100, 1000]),
    raft: { appendEntriesMax: random.pick([1, 2, 256]), appendsInFlightMax: random.pick([1, 3, 16]) },
    replication: {
      appendBytesMax: random.pick([64, 1024, 256 * 1024]),
      inFlightMax: random.pick([1, 2, 8]),
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
  return {
    coordinator: {
      node: id,
      boot,
      address: `${id}:7000`,
      weight: 1,
      zone: null,
      seeds,
      settings,
      createAfterMs: 1000,
      heartbeatMs: 150,
      requestTimeoutMs: 3000,
      resendMs: 300,
      compactAfterEntries: tuning.compactAfterEntries,
      raft: { ...defaultRaftOptions, ...tuning.raft },
      controller: { ...controllerDefaults, giveUpAfterMs: Number.POSITIVE_INFINITY },
      random,
    },
    replication: { ...defaultReplicationOptions, ...tuning.replication },
  };
}
