import type { Random } from '../base/ports.ts';
import { defaultRaftOptions, type RaftOptions, validateRaftOptions } from './consensus/raft-options.ts';
import type { ClusterSettings, NodeEndpoints } from './controller/cluster-state.ts';
import { commandFault } from './controller/command-fault.ts';
import { type ControllerOptions, controllerDefaults } from './controller/controller.ts';
import { validateSettings } from './controller/settings.ts';
import { type Claim, isNodeId, type NodeId } from './identity.ts';
import { VOTERS_MAX } from './limits.ts';

/** Who a node is, and what it is told of the others. */
export interface CoordinatorIdentity {
  readonly node: NodeId;
  /** Higher at each start of the node. */
  readonly boot: number;
  /** As `register` of `ClusterCommand` has them. */
  readonly address: string;
  readonly endpoints: NodeEndpoints;
  readonly weight: number;
  readonly zone: string | null;
  readonly partitions: number | null;
  readonly claims?: readonly Claim[];
  /** Nodes to ask for the leader as long as this one knows none: the founders, or any others. */
  readonly seeds: readonly NodeId[];
  /** What the cluster is to be created with, when it does not exist: founders have it. */
  readonly settings: ClusterSettings | null;
  readonly random: Random;
}

/** How a `RaftCoordinator` behaves. Times are milliseconds; see {@link defaultCoordinatorOptions} for what suits most. */
export interface RaftCoordinatorOptions extends CoordinatorIdentity {
  /** How long a leader waits for founders that have not registered until it creates the cluster without them. */
  readonly createAfterMs: number;
  /** Between two heartbeats to the leader; a quarter of a lease where that is shorter. */
  readonly heartbeatMs: number;
  /** After this long nobody knows what became of a request. */
  readonly requestTimeoutMs: number;
  /** A request that is not answered is sent again after this long. */
  readonly resendMs: number;
  /** Entries applied until the log is compacted. */
  readonly compactAfterEntries: number;
  readonly raft: Omit<RaftOptions, 'id' | 'random'>;
  readonly controller: Omit<ControllerOptions, 'self'>;
}

export const defaultCoordinatorOptions: Omit<RaftCoordinatorOptions, keyof CoordinatorIdentity> = {
  createAfterMs: 1000,
  // Four in a lease of 700 ms: three may get lost.
  heartbeatMs: 150,
  requestTimeoutMs: 3000,
  resendMs: 300,
  // Entries are small; a snapshot is written as a whole.
  compactAfterEntries: 1000,
  raft: defaultRaftOptions,
  controller: controllerDefaults,
};

/** What cannot work about the options, and why, for whoever has set them; null if they can. */
export function coordinatorOptionsFault(options: RaftCoordinatorOptions): string | null {
  const { node, boot, address, endpoints, weight, zone, partitions, settings, random } = options;
  return (
    commandFault({ type: 'register', node, boot, address, endpoints, weight, zone, partitions }) ??
    seedsFault(options.seeds) ??
    (settings === null ? null : validateSettings(settings, options.seeds.length).refusal) ??
    timesFault(options) ??
    validateRaftOptions({ ...options.raft, id: node, random }) ??
    controllerFault(options.controller)
  );
}

function seedsFault(seeds: readonly NodeId[]): string | null {
  const wrong = seeds.find((seed) => !isNodeId(seed));
  return wrong === undefined ? null : `seeds has '${wrong}', which is no name of a node`;
}

function timesFault(options: RaftCoordinatorOptions): string | null {
  const { settings, heartbeatMs, requestTimeoutMs, resendMs, compactAfterEntries } = options;
  for (const name of ['createAfterMs', 'heartbeatMs', 'requestTimeoutMs', 'resendMs'] as const) {
    if (!isTime(options[name])) return `${name} is ${options[name]}; it must be a number above 0`;
  }
  if (settings !== null && heartbeatMs * 3 >= settings.leaseMs) {
    return `heartbeatMs is ${heartbeatMs}; it must be less than a third of leaseMs, which is ${settings.leaseMs}, so that heartbeats may get lost`;
  }
  if (resendMs >= requestTimeoutMs) {
    return `resendMs is ${resendMs}; it must be less than requestTimeoutMs, which is ${requestTimeoutMs}`;
  }
  if (!isCount(compactAfterEntries)) {
    return `compactAfterEntries is ${compactAfterEntries}; it must be a whole number above 0`;
  }
  return null;
}

function controllerFault(options: Omit<ControllerOptions, 'self'>): string | null {
  const { drift, votersMax, movesMax } = options;
  if (!(drift >= 0 && drift < 1)) {
    return `drift is ${drift}; it must be at least 0 and below 1: 0.1 is for clocks that drift apart by a tenth`;
  }
  if (!(isCount(votersMax) && votersMax <= VOTERS_MAX)) {
    return `votersMax is ${votersMax}; it must be a whole number from 1 to ${VOTERS_MAX}`;
  }
  if (movesMax !== null && !isCount(movesMax)) {
    return `movesMax is ${movesMax}; it must be a whole number above 0, or null`;
  }
  for (const name of ['proposalTimeoutMs', 'planEveryMs'] as const) {
    if (!isTime(options[name])) return `${name} is ${options[name]}; it must be a number above 0`;
  }
  for (const name of ['rebuildAfterMs', 'moveTimeoutMs', 'giveUpAfterMs'] as const) {
    if (!(options[name] > 0)) return `${name} is ${options[name]}; it must be above 0, or Infinity for never`;
  }
  return null;
}

function isTime(value: number): boolean {
  return value > 0 && value < Number.POSITIVE_INFINITY;
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value > 0;
}
