import { FRESH, isSameMember, type Member, memberOf, type NodeId } from '../identity.ts';
import { COPIES_MAX, MEMBERS_MAX } from '../limits.ts';
import type { ClusterCommand } from './cluster-command.ts';
import type { ClusterState, PartitionEntry } from './cluster-state.ts';
import { entryOf } from './node-commands.ts';
import { applied, type Outcome, refused } from './outcome.ts';
import { begun, begunIfDue, isLive, mapPartitions, withMembers, withPartition } from './partition-entry.ts';

type CommandOf<Type extends ClusterCommand['type']> = Extract<ClusterCommand, { type: Type }>;

export function alterInSync(state: ClusterState, command: CommandOf<'alter-in-sync'>): Outcome {
  const entry = state.partitions[command.partition];
  if (entry === undefined) return noPartition(state, command.partition);
  const refusal = refusalOfPrimary(entry, command) ?? refusalOfMembers(state, entry, command);
  if (refusal !== null) return refused(state, `partition ${command.partition}: ${refusal}`);
  return changed(state, command.partition, withMembers(entry, command.members, state.nodes));
}

export function handOver(state: ClusterState, command: CommandOf<'hand-over'>): Outcome {
  const { partition, to } = command;
  const entry = state.partitions[partition];
  if (entry === undefined) return noPartition(state, partition);
  const refusal = refusalOfPrimary(entry, command) ?? refusalOfSuccessor(state, entry, to);
  if (refusal !== null) return refused(state, `partition ${partition}: ${refusal}`);
  return changed(state, partition, { ...entry, epoch: entry.epoch + 1, primary: to });
}

/** Compare-and-set: the sender must be the primary, and must know the entry as it is. */
function refusalOfPrimary(
  entry: PartitionEntry,
  { by, epoch, version }: CommandOf<'alter-in-sync' | 'hand-over'>,
): string | null {
  if (entry.primary !== by.node) {
    return `${by.node} is not its primary (${entry.primary ?? 'none, it is offline'}); only the primary may ask for this`;
  }
  const own = memberOf(entry.inSync, by.node);
  if (own === undefined || !isSameMember(own, by)) {
    return `the primary's copy in sync is not ${textOf(by)}; only ${own === undefined ? 'it' : textOf(own)} may ask for this`;
  }
  if (entry.epoch !== epoch || entry.version !== version) {
    return `it is at epoch ${entry.epoch}, version ${entry.version}, not at ${epoch}, ${version}; ask again from there`;
  }
  return null;
}

function refusalOfMembers(
  state: ClusterState,
  entry: PartitionEntry,
  { by, members }: CommandOf<'alter-in-sync'>,
): string | null {
  if (members.length > MEMBERS_MAX) return `${members.length} members are too many; allowed are ${MEMBERS_MAX}`;
  if (memberOf(members, by.node) === undefined) return `its primary ${by.node} must stay among the members`;
  if (new Set(members.map(({ node }) => node)).size < members.length)
    return 'a node is named twice; a node has one copy';
  for (const member of members) {
    const before = memberOf(entry.inSync, member.node);
    if (before !== undefined && isSameMember(before, member)) continue;
    const node = entryOf(state, member.node, member.boot);
    if (typeof node === 'string') return node;
    if (node.isFenced) return `node ${member.node} is fenced; it may join when it is heard of again`;
    // Only a beginning names a copy that way; there is none to be asked whether it is still the same.
    if (!Number.isSafeInteger(member.generation) || member.generation <= FRESH) {
      return `generation ${member.generation} of ${member.node} is not one that a copy has; allowed are whole numbers from 0`;
    }
    if (before === undefined && !entry.replicas.includes(member.node)) {
      return `no copy is placed on node ${member.node}; one of ${entry.replicas.join(', ')} may join`;
    }
  }
  return null;
}

function refusalOfSuccessor(state: ClusterState, entry: PartitionEntry, to: NodeId): string | null {
  if (to === entry.primary) return `${to} is its primary already; another member must be named`;
  if (memberOf(entry.inSync, to) === undefined) {
    return `${to} is not in sync; one of ${entry.inSync.map(({ node }) => node).join(', ')} may become primary`;
  }
  if (!isLive(state.nodes, to)) return `node ${to} is fenced; only a live member may become primary`;
  return null;
}

export function lose(state: ClusterState, { partition, epoch, member }: CommandOf<'lose'>): Outcome {
  const entry = state.partitions[partition];
  if (entry === undefined) return noPartition(state, partition);
  const node = entryOf(state, member.node, member.boot);
  if (typeof node === 'string') return refused(state, `partition ${partition}: ${node}`);
  const members = entry.inSync.filter((held) => !isLostWith(entry, held, member, epoch));
  // The version rises in any case: a set that was asked for before may count on the copy that is gone.
  const without = members.length < entry.inSync.length ? withMembers(entry, members, state.nodes) : entry;
  return changed(state, partition, begunIfDue(without, state));
}

/** Whether the copy in sync is the one, or an earlier one, that its node says it lost when it knew of `epoch`. */
function isLostWith(entry: PartitionEntry, held: Member, lost: Member, epoch: number): boolean {
  if (held.node !== lost.node || held.boot !== lost.boot) return false;
  return held.generation === FRESH ? entry.resetEpoch <= epoch : held.generation <= lost.generation;
}

export function place(state: ClusterState, { moves }: CommandOf<'place'>): Outcome {
  const replicasOf = new Map<number, readonly NodeId[]>();
  for (const { partition, version, replicas } of moves) {
    const entry = state.partitions[partition];
    if (entry === undefined) return noPartition(state, partition);
    if (replicasOf.has(partition)) return refused(state, `partition ${partition} is placed twice; once is allowed`);
    const refusal = refusalOfPlace(state, entry, version, replicas);
    if (refusal !== null) return refused(state, `partition ${partition}: ${refusal}`);
    replicasOf.set(partition, replicas);
  }
  const partitions = mapPartitions(state.partitions, (entry, number) => {
    const replicas = replicasOf.get(number);
    if (replicas === undefined || isSameOrder(entry.replicas, replicas)) return entry;
    return begunIfDue({ ...entry, replicas }, state);
  });
  return applied({ ...state, partitions });
}

function refusalOfPlace(
  state: ClusterState,
  entry: PartitionEntry,
  version: number,
  replicas: readonly NodeId[],
): string | null {
  if (entry.version !== version) return `it is at version ${entry.version}, not ${version}; plan again from there`;
  if (replicas.length < 1 || replicas.length > COPIES_MAX) {
    return `${replicas.length} replicas are named; allowed are 1 to ${COPIES_MAX}`;
  }
  if (new Set(replicas).size < replicas.length) return 'a node is named twice; a node has one copy';
  const unknown = replicas.find((node) => !state.nodes.has(node));
  return unknown === undefined ? null : `there is no node ${unknown}; copies go to registered nodes`;
}

export function reset(state: ClusterState, { partition, version, givesUp }: CommandOf<'reset'>): Outcome {
  const entry = state.partitions[partition];
  if (entry === undefined) return noPartition(state, partition);
  if (entry.primary !== null) {
    return refused(state, `partition ${partition} is online on ${entry.primary}; only an offline one can be reset`);
  }
  if (entry.version !== version) {
    return refused(
      state,
      `partition ${partition} is at version ${entry.version}, not ${version}; look at it again before it is reset`,
    );
  }
  const last = entry.inSync[0];
  if (last !== undefined && !givesUp) {
    return refused(
      state,
      `partition ${partition} is offline because node ${last.node}, which has its last copy, is fenced; wait for it, or give the copy up`,
    );
  }
  const given = last === undefined ? entry : withMembers(entry, [], state.nodes);
  const next = begun(given, state.nodes);
  if (next === null) {
    return refused(
      state,
      `none of the nodes where partition ${partition} is placed (${entry.replicas.join(', ') || 'none'}) is live; start one of them`,
    );
  }
  return changed(state, partition, next);
}

function changed(state: ClusterState, partition: number, entry: PartitionEntry): Outcome {
  return applied({ ...state, partitions: withPartition(state.partitions, partition, entry) });
}

function noPartition(state: ClusterState, partition: number): Outcome {
  const count = state.partitions.length;
  return refused(
    state,
    count === 0
      ? 'there are no partitions before the cluster is created'
      : `there is no partition ${partition}; they are numbered from 0 to ${count - 1}`,
  );
}

function isSameOrder(left: readonly NodeId[], right: readonly NodeId[]): boolean {
  return left.length === right.length && left.every((node, index) => node === right[index]);
}

function textOf({ node, boot, generation }: Member): string {
  return `${node} (boot ${boot}, generation ${generation === FRESH ? 'fresh' : generation})`;
}
