import { type Claim, FRESH, type Member, type NodeId } from '../identity.ts';
import type { ClusterState, NodeEntry, PartitionEntry } from './cluster-state.ts';

/**
 * How an entry of a partition may change. Each function answers the entry itself when nothing changes. The version is
 * left to {@link mapPartitions} and {@link withPartition}: however many steps a command takes, it is one change.
 *
 * An entry is online, or offline for one of two reasons: its last in-sync copy is on a fenced node, which may come
 * back with it, or there is none.
 */

export const uncreatedPartition: PartitionEntry = {
  epoch: 0,
  version: 0,
  primary: null,
  inSync: [],
  replicas: [],
  resetEpoch: 0,
  losses: 0,
};

type Nodes = ReadonlyMap<NodeId, NodeEntry>;

export function isLive(nodes: Nodes, node: NodeId): boolean {
  return nodes.get(node)?.isFenced === false;
}

/** Whether the last in-sync copy, and so every acknowledged write, is gone. */
export function isLost(entry: PartitionEntry): boolean {
  return entry.epoch > 0 && entry.inSync.length === 0;
}

/**
 * The entry with these members in sync, all of which were so before or are in a set its primary has asked for. When
 * the primary is not among them, or fenced, the first live one of them takes over: in the order of the replicas, then
 * of the members. No members: the partition is lost.
 */
export function withMembers(entry: PartitionEntry, members: readonly Member[], nodes: Nodes): PartitionEntry {
  const losses = members.length === 0 && entry.inSync.length > 0 ? entry.losses + 1 : entry.losses;
  const stays = members.some(({ node }) => node === entry.primary && isLive(nodes, node));
  if (stays) return { ...entry, inSync: members, losses };
  const primary = successorAmong(entry, members, nodes);
  const epoch = primary === null ? entry.epoch : entry.epoch + 1;
  return { ...entry, epoch, primary, inSync: members, losses };
}

function successorAmong(entry: PartitionEntry, members: readonly Member[], nodes: Nodes): NodeId | null {
  const live = members.filter(({ node }) => isLive(nodes, node));
  // One that is about to end would only hand over in its turn.
  const staying = live.filter(({ node }) => nodes.get(node)?.life === 'running');
  const fit = staying.length > 0 ? staying : live;
  for (const node of entry.replicas) {
    if (fit.some((member) => member.node === node)) return node;
  }
  return fit[0]?.node ?? null;
}

/**
 * What the fencing of a node, which `nodes` shows already, makes of the entry: the node leaves the set, but as its
 * last member it stays, because its copy is the only one with all acknowledged writes.
 */
export function withFenced(entry: PartitionEntry, node: NodeId, nodes: Nodes): PartitionEntry {
  if (!entry.inSync.some((member) => member.node === node)) return entry;
  const others = entry.inSync.filter((member) => member.node !== node);
  return withMembers(entry, others.length > 0 ? others : entry.inSync, nodes);
}

/** What it makes of the entry that a node is live again, which `nodes` shows already. */
export function withUnfenced(entry: PartitionEntry, node: NodeId, nodes: Nodes): PartitionEntry {
  if (entry.primary !== null || !entry.inSync.some((member) => member.node === node)) return entry;
  return withMembers(entry, entry.inSync, nodes);
}

/**
 * What it makes of the entry that a node whose earlier start is in the set has started again, as `node` and `nodes` show
 * already. What that start held in memory alone is gone. What the new one has on its disk stands for it, in a new epoch where
 * it was the primary: its records that reached no disk are numbers that are given again. Where the last of what was
 * confirmed may be missing, it is worth something only when there is nothing else: then the partition begins anew with it.
 */
export function withRestarted(
  entry: PartitionEntry,
  { id, boot }: NodeEntry,
  claim: Claim | undefined,
  nodes: Nodes,
): PartitionEntry {
  const others = entry.inSync.filter((member) => member.node !== id);
  const before = entry.inSync.find((member) => member.node === id);
  if (before === undefined || claim === undefined || !isOfClaim(before, entry, claim)) {
    return withMembers(entry, others, nodes);
  }
  const heir = { node: id, boot, generation: claim.generation };
  if (before.boot >= claim.wholeSince) {
    const members = entry.inSync.map((member) => (member === before ? heir : member));
    return withMembers(entry.primary === id ? { ...entry, primary: null } : entry, members, nodes);
  }
  if (others.length > 0) return withMembers(entry, others, nodes);
  const epoch = entry.epoch + 1;
  return { ...entry, epoch, resetEpoch: epoch, primary: id, inSync: [heir], losses: entry.losses + 1 };
}

/** Whether the member is the copy that the claim goes on with. One that is fresh is told by where it began. */
function isOfClaim({ boot, generation }: Member, { resetEpoch }: PartitionEntry, claim: Claim): boolean {
  if (boot < claim.since) return false;
  return generation === FRESH ? claim.filledInEpoch === resetEpoch : claim.generation === generation;
}

/**
 * An entry without in-sync copies begins empty on its first live replica, if it was never created, or if that is what
 * `onLoss` wants for a lost one.
 */
export function begunIfDue(entry: PartitionEntry, { nodes, settings }: ClusterState): PartitionEntry {
  if (entry.inSync.length > 0) return entry;
  if (isLost(entry) && settings?.onLoss !== 'reset') return entry;
  return begun(entry, nodes) ?? entry;
}

/** The entry begun empty on its first live replica; null when there is no such replica. */
export function begun(entry: PartitionEntry, nodes: Nodes): PartitionEntry | null {
  const node = entry.replicas.map((id) => nodes.get(id)).find((replica) => replica?.isFenced === false);
  if (node === undefined) return null;
  const epoch = entry.epoch + 1;
  const inSync = [{ node: node.id, boot: node.boot, generation: FRESH }];
  return { ...entry, epoch, resetEpoch: epoch, primary: node.id, inSync };
}

/** The partitions after `change`; the same array when none changes. */
export function mapPartitions(
  partitions: readonly PartitionEntry[],
  change: (entry: PartitionEntry, number: number) => PartitionEntry,
): readonly PartitionEntry[] {
  let changed: PartitionEntry[] | null = null;
  for (const [number, entry] of partitions.entries()) {
    const next = change(entry, number);
    if (next === entry) continue;
    changed ??= partitions.slice();
    changed[number] = { ...next, version: entry.version + 1 };
  }
  return changed ?? partitions;
}

/** The partitions with another entry for one of them. Its version rises, even if nothing else in it changes. */
export function withPartition(
  partitions: readonly PartitionEntry[],
  number: number,
  entry: PartitionEntry,
): readonly PartitionEntry[] {
  const changed = partitions.slice();
  changed[number] = { ...entry, version: entry.version + 1 };
  return changed;
}
