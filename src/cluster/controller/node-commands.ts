import type { NodeId } from '../identity.ts';
import { NODES_MAX, REMOVED_MAX } from '../limits.ts';
import type { ClusterCommand } from './cluster-command.ts';
import type { ClusterState, NodeEndpoints, NodeEntry, PartitionEntry } from './cluster-state.ts';
import { commandFault } from './command-fault.ts';
import { applied, type Outcome, refused } from './outcome.ts';
import { begunIfDue, mapPartitions, withFenced, withRestarted, withUnfenced } from './partition-entry.ts';

type CommandOf<Type extends ClusterCommand['type']> = Extract<ClusterCommand, { type: Type }>;

export function register(state: ClusterState, command: CommandOf<'register'>): Outcome {
  const { node, boot, address, endpoints, weight, zone } = command;
  const refusal = refusalOfRegister(state, command);
  if (refusal !== null) return refused(state, refusal);
  const before = state.nodes.get(node);
  const isDraining = before?.isDraining ?? false;
  const isLeaving = before?.isLeaving ?? false;
  const life = before?.boot === boot ? before.life : 'running';
  const entry: NodeEntry = {
    id: node,
    address,
    endpoints,
    boot,
    isFenced: false,
    isDraining,
    isLeaving,
    life,
    weight,
    zone,
  };
  if (before !== undefined && isSameEntry(before, entry)) return applied(state);
  const claims = new Map((command.claims ?? []).map((claim) => [claim.partition, claim]));
  return withNode(state, entry, (partition, nodes, number) => {
    const isOfEarlier = partition.inSync.some((member) => member.node === node && member.boot !== boot);
    if (isOfEarlier) return withRestarted(partition, entry, claims.get(number), nodes);
    return withUnfenced(partition, node, nodes);
  });
}

function refusalOfRegister(state: ClusterState, command: CommandOf<'register'>): string | null {
  const fault = commandFault(command);
  if (fault !== null) return fault;
  const unfit = unfitness(state, command);
  if (unfit !== null) return unfit;
  const { node, boot } = command;
  const removedBoot = state.removed.get(node) ?? -1;
  if (boot <= removedBoot) {
    return `node ${node} was removed from the cluster in boot ${removedBoot}; to have it back, start it again`;
  }
  const before = state.nodes.get(node);
  if (before === undefined && state.nodes.size >= NODES_MAX) {
    return `node ${node} would be one too many: a cluster has at most ${NODES_MAX}`;
  }
  if (before !== undefined && boot < before.boot) {
    return `node ${node} has registered since with boot ${before.boot}, so boot ${boot} is of an earlier start; only a later one may take its place`;
  }
  if (before?.boot === boot && before.life === 'stopped') {
    return `node ${node} has ended boot ${boot}; only a later start of it may take its place`;
  }
  return null;
}

/** Why the node could never be of this cluster as it is made; null: it could. */
export function unfitness({ settings }: ClusterState, { partitions }: CommandOf<'register'>): string | null {
  if (settings === null || partitions === null || partitions === settings.partitions) return null;
  return `the cluster has ${settings.partitions} partitions, and this node is set to ${partitions}; set partitions to ${settings.partitions}`;
}

export function fence(state: ClusterState, { node, boot }: CommandOf<'fence'>): Outcome {
  const entry = entryOf(state, node, boot);
  if (typeof entry === 'string') return refused(state, entry);
  if (entry.isFenced) return refused(state, `node ${node} is fenced already`);
  return withNode(state, { ...entry, isFenced: true }, (partition, nodes) => withFenced(partition, node, nodes));
}

export function unfence(state: ClusterState, { node, boot }: CommandOf<'unfence'>): Outcome {
  const entry = entryOf(state, node, boot);
  if (typeof entry === 'string') return refused(state, entry);
  if (!entry.isFenced) return refused(state, `node ${node} is not fenced`);
  if (entry.life === 'stopped') return refused(state, `node ${node} has ended; it must start again`);
  return withNode(state, { ...entry, isFenced: false }, (partition, nodes) => withUnfenced(partition, node, nodes));
}

/** The node, if this start of it is the registered one; else what is wrong. */
export function entryOf(state: ClusterState, node: NodeId, boot: number): NodeEntry | string {
  const entry = state.nodes.get(node);
  if (entry === undefined) return `there is no node ${node}; it must register first`;
  if (entry.boot !== boot) return `node ${node} is registered with boot ${entry.boot}, not ${boot}`;
  return entry;
}

export function drain(state: ClusterState, { node, boot, isDraining, leaves }: CommandOf<'drain'>): Outcome {
  const entry = entryOf(state, node, boot);
  if (typeof entry === 'string') return refused(state, entry);
  if (entry.isDraining === isDraining && entry.isLeaving === leaves) return applied(state);
  if (isDraining && !entry.isDraining) {
    const others = [...state.nodes.values()].filter((other) => other.id !== node && !other.isDraining).length;
    if (others === 0) {
      return refused(
        state,
        `node ${node} is the last that is not draining, so its copies could go nowhere; add a node`,
      );
    }
    const minInSync = state.settings?.minInSync ?? 1;
    if (others < minInSync) {
      return refused(
        state,
        `draining node ${node} would leave ${others} of the ${minInSync} nodes that minInSync asks for, and every write would be refused; add a node, or lower minInSync`,
      );
    }
  }
  return withNode(state, { ...entry, isDraining, isLeaving: isDraining && leaves }, (partition) => partition);
}

export function stop(state: ClusterState, { node, boot, isOver }: CommandOf<'stop'>): Outcome {
  const entry = entryOf(state, node, boot);
  if (typeof entry === 'string') return refused(state, entry);
  if (entry.life === 'stopped' || (entry.life === 'stopping' && !isOver)) return applied(state);
  if (!isOver) return withNode(state, { ...entry, life: 'stopping' }, (partition) => partition);
  return withNode(state, { ...entry, life: 'stopped', isFenced: true }, (partition, nodes) =>
    withFenced(partition, node, nodes),
  );
}

export function resume(state: ClusterState, { node, boot }: CommandOf<'resume'>): Outcome {
  const entry = entryOf(state, node, boot);
  if (typeof entry === 'string') return refused(state, entry);
  if (entry.life === 'stopped') return refused(state, `node ${node} has ended; it must start again`);
  if (entry.life === 'running') return applied(state);
  return withNode(state, { ...entry, life: 'running' }, (partition) => partition);
}

export function remove(state: ClusterState, { node }: CommandOf<'remove'>): Outcome {
  const entry = state.nodes.get(node);
  if (entry === undefined) return refused(state, `there is no node ${node} to remove`);
  const inSync = state.partitions.filter((entry) => entry.inSync.some((member) => member.node === node)).length;
  const placed = state.partitions.filter((entry) => entry.replicas.includes(node)).length;
  if (inSync > 0 || placed > 0) {
    return refused(
      state,
      `node ${node} still has copies: of ${placed} partitions by placement, of ${inSync} in sync; drain it so that it leaves, and it is removed when it is empty`,
    );
  }
  const nodes = new Map(state.nodes);
  nodes.delete(node);
  const removed = new Map([...state.removed].slice(-(REMOVED_MAX - 1)));
  removed.set(node, entry.boot);
  return applied({ ...state, nodes, removed });
}

/** The state with this entry, and with what it means for each partition; those that can begin now do. */
function withNode(
  state: ClusterState,
  entry: NodeEntry,
  change: (partition: PartitionEntry, nodes: ReadonlyMap<NodeId, NodeEntry>, number: number) => PartitionEntry,
): Outcome {
  const nodes = new Map(state.nodes);
  nodes.set(entry.id, entry);
  const next = {
    ...state,
    nodes: state.nodes.has(entry.id) ? nodes : inOrder(nodes),
    removed: without(state.removed, entry.id),
  };
  const partitions = mapPartitions(state.partitions, (partition, number) =>
    begunIfDue(change(partition, next.nodes, number), next),
  );
  return applied({ ...next, partitions });
}

function without(removed: ReadonlyMap<NodeId, number>, node: NodeId): ReadonlyMap<NodeId, number> {
  if (!removed.has(node)) return removed;
  return new Map([...removed].filter(([id]) => id !== node));
}

/** By id: states that are equal are also walked in the same order, whatever led to them. */
function inOrder(nodes: ReadonlyMap<NodeId, NodeEntry>): ReadonlyMap<NodeId, NodeEntry> {
  return new Map([...nodes].sort(([left], [right]) => (left < right ? -1 : 1)));
}

function isSameEntry(left: NodeEntry, right: NodeEntry): boolean {
  return (
    left.address === right.address &&
    isSameEndpoints(left.endpoints, right.endpoints) &&
    left.boot === right.boot &&
    left.isFenced === right.isFenced &&
    left.isDraining === right.isDraining &&
    left.isLeaving === right.isLeaving &&
    left.life === right.life &&
    left.weight === right.weight &&
    left.zone === right.zone
  );
}

function isSameEndpoints(left: NodeEndpoints, right: NodeEndpoints): boolean {
  return left.tcp === right.tcp && left.http === right.http && left.link === right.link;
}
