import { applyCommand } from '../../../../src/cluster/controller/apply-command.ts';
import type { ClusterCommand } from '../../../../src/cluster/controller/cluster-command.ts';
import {
  type ClusterSettings,
  type ClusterState,
  emptyClusterState,
  noEndpoints,
  type PartitionEntry,
} from '../../../../src/cluster/controller/cluster-state.ts';
import { validateState } from '../../../../src/cluster/controller/validate-state.ts';
import type { Member, NodeId } from '../../../../src/cluster/identity.ts';

type CommandOf<Type extends ClusterCommand['type']> = Extract<ClusterCommand, { type: Type }>;

/** Short words for states and commands, for tests to read as stories. */

export function settings(partitions: number, copies: number, minInSync = 1): ClusterSettings {
  return { partitions, leaseMs: 1000, copies, minInSync, onLoss: 'offline' };
}

export function register(node: NodeId, boot = 1): CommandOf<'register'> {
  return {
    type: 'register',
    node,
    boot,
    address: `${node}:7000`,
    endpoints: noEndpoints,
    weight: 1,
    zone: null,
    partitions: null,
  };
}

export function fence(node: NodeId, boot = 1): ClusterCommand {
  return { type: 'fence', node, boot };
}

export function unfence(node: NodeId, boot = 1): ClusterCommand {
  return { type: 'unfence', node, boot };
}

export function drain(node: NodeId, isDraining = true, boot = 1): ClusterCommand {
  return { type: 'drain', node, boot, isDraining, leaves: false };
}

/** Drained in order to be removed. */
export function leave(node: NodeId, boot = 1): ClusterCommand {
  return { type: 'drain', node, boot, isDraining: true, leaves: true };
}

export function stop(node: NodeId, isOver: boolean, boot = 1): ClusterCommand {
  return { type: 'stop', node, boot, isOver };
}

export function member(node: NodeId, generation = 0, boot = 1): Member {
  return { node, boot, generation };
}

/** Places the partition as it is now. */
export function place(state: ClusterState, partition: number, ...replicas: NodeId[]): ClusterCommand {
  return { type: 'place', moves: [{ partition, version: entryOf(state, partition).version, replicas }] };
}

/** What the primary asks for, knowing the entry as it is now. */
export function alter(state: ClusterState, partition: number, ...members: Member[]): CommandOf<'alter-in-sync'> {
  const { epoch, version } = entryOf(state, partition);
  return { type: 'alter-in-sync', partition, by: primaryOf(state, partition), epoch, version, members };
}

/** For the partition as it is now. */
export function reset(state: ClusterState, partition: number, givesUp: boolean): CommandOf<'reset'> {
  return { type: 'reset', partition, version: state.partitions[partition]?.version ?? 0, givesUp };
}

export function handOver(state: ClusterState, partition: number, to: NodeId): CommandOf<'hand-over'> {
  const { epoch, version } = entryOf(state, partition);
  return { type: 'hand-over', partition, by: primaryOf(state, partition), epoch, version, to };
}

export function entryOf(state: ClusterState, partition = 0): PartitionEntry {
  const entry = state.partitions[partition];
  if (entry === undefined) throw new Error(`there is no partition ${partition}`);
  return entry;
}

function primaryOf(state: ClusterState, partition: number): Member {
  const { inSync, primary } = entryOf(state, partition);
  const found = inSync.find(({ node }) => node === primary);
  if (found === undefined) throw new Error(`partition ${partition} has no primary`);
  return found;
}

type Step = ClusterCommand | ((state: ClusterState) => ClusterCommand);

/** The state after all these, none of which may be refused. */
export function after(state: ClusterState, ...steps: Step[]): ClusterState {
  let next = state;
  for (const step of steps) {
    const command = typeof step === 'function' ? step(next) : step;
    const outcome = applyCommand(next, command);
    if (outcome.refusal !== null) throw new Error(`${command.type} was refused: ${outcome.refusal}`);
    next = outcome.state;
    validateState(next);
  }
  return next;
}

/** Why the command is refused; throws when it is not, or when it changed something all the same. */
export function refusalOf(state: ClusterState, command: ClusterCommand): string {
  const outcome = applyCommand(state, command);
  if (outcome.refusal === null) throw new Error(`${command.type} was not refused`);
  if (outcome.state !== state) throw new Error(`${command.type} was refused but changed the state`);
  return outcome.refusal;
}

/** A cluster of these nodes, its partitions not begun. */
export function created(made: ClusterSettings, ...nodes: NodeId[]): ClusterState {
  return after(emptyClusterState, ...nodes.map((node) => register(node)), { type: 'create', settings: made });
}

/** One partition on these nodes, all in sync in generation 0, the first of them primary in epoch 1. */
export function running(...nodes: NodeId[]): ClusterState {
  return runningWith({}, ...nodes);
}

export function runningWith(changed: Partial<ClusterSettings>, ...nodes: NodeId[]): ClusterState {
  return after(
    created({ ...settings(1, nodes.length), ...changed }, ...nodes),
    (state) => place(state, 0, ...nodes),
    (state) => alter(state, 0, ...nodes.map((node) => member(node))),
  );
}
