import { monotonicMs } from '../../base/monotonic.ts';
import type { ClusterView } from '../../cluster/actor/cluster-view.ts';
import type { ClusterState, NodeEntry, PartitionEntry } from '../../cluster/controller/cluster-state.ts';
import { degradation } from '../../cluster/controller/degradation.ts';
import type { NodeId } from '../../cluster/identity.ts';
import type { ClusterReport, NodeReport, PartitionReport, PartitionTotals } from '../../command/cluster-report.ts';
import { PartitionMap } from '../../routing/partition-map.ts';
import { nodeHexId } from './node-hex-id.ts';

/** `down`: taken for alive by the cluster, but without a connection to this node. */
export type NodeHealth = 'up' | 'down' | 'fenced' | 'stopping' | 'stopped';

export function clusterReport(view: ClusterView, withPartitions: boolean, nowMs = monotonicMs()): ClusterReport {
  const { state, status, self, clusterId, gates } = view;
  const totals = totalsOf(state);
  const moves = movesLeft(state);
  const leaseLeftMs = gates.leaseLeftMs(nowMs);
  const report: ClusterReport = {
    clusterId,
    self,
    leader: status.leader,
    term: status.term,
    leaseLeftMs: leaseLeftMs > 0 ? leaseLeftMs : null,
    settings: state.settings,
    nodes: nodeReports(view, nowMs),
    partitions: totals,
    rebalance: { moves, isBalanced: moves === 0 && totals.misplaced === 0 },
    lacks: degradation(state),
  };
  return withPartitions ? { ...report, table: tableOf(state) } : report;
}

function nodeReports(view: ClusterView, nowMs: number): NodeReport[] {
  const { state, status, self } = view;
  const counts = new Map<NodeId, { primaries: number; replicas: number; filling: number; placed: number }>();
  for (const id of state.nodes.keys()) counts.set(id, { primaries: 0, replicas: 0, filling: 0, placed: 0 });
  for (const entry of state.partitions) {
    for (const { node } of entry.inSync) {
      const count = counts.get(node);
      if (count === undefined) continue;
      if (node === entry.primary) count.primaries++;
      else count.replicas++;
    }
    for (const node of entry.replicas) {
      const count = counts.get(node);
      if (count === undefined) continue;
      count.placed++;
      if (!isInSync(entry, node)) count.filling++;
    }
  }
  const lags = lagsOf(view);
  const none = { primaries: 0, replicas: 0, filling: 0, placed: 0 };
  return [...state.nodes.values()].map((entry) => ({
    id: entry.id,
    redisId: nodeHexId(entry.id),
    isSelf: entry.id === self,
    tcp: entry.endpoints.tcp,
    http: entry.endpoints.http,
    bus: entry.address,
    zone: entry.zone,
    weight: entry.weight,
    boot: entry.boot,
    health: healthOf(entry, view),
    isDraining: entry.isDraining,
    isLeaving: entry.isLeaving,
    isVoter: status.voters.includes(entry.id),
    isLeader: status.leader === entry.id,
    ...(counts.get(entry.id) ?? none),
    lagRecords: lags.get(entry.id) ?? null,
    lagMs: entry.id === self ? ownLagMs(view, nowMs) : null,
  }));
}

export function healthOf({ id, isFenced, life }: NodeEntry, { self, status }: ClusterView): NodeHealth {
  if (life !== 'running') return life;
  if (isFenced) return 'fenced';
  if (id === self || status.links.some((link) => link.node === id && link.isConnected)) return 'up';
  return 'down';
}

/** How many writes each other node is behind with, at most, of the partitions that this node is primary of. */
function lagsOf({ status }: ClusterView): Map<NodeId, number> {
  const lags = new Map<NodeId, number>();
  for (const { role, last, followers } of status.copies) {
    if (role !== 'primary' && role !== 'handing-over') continue;
    for (const { node, acked } of followers) {
      lags.set(node, Math.max(lags.get(node) ?? 0, last - Math.max(0, acked)));
    }
  }
  return lags;
}

/** How long ago the copies of this node that are in sync, and not primary, were last known to be current; null: it has none. */
function ownLagMs({ state, self, gates }: ClusterView, nowMs: number): number | null {
  let lagMs: number | null = null;
  for (const [partition, entry] of state.partitions.entries()) {
    if (entry.primary === self || !isInSync(entry, self)) continue;
    const staleMs = gates.stalenessMs(partition, nowMs);
    if (Number.isFinite(staleMs)) lagMs = Math.max(lagMs ?? 0, staleMs);
  }
  return lagMs;
}

export function totalsOf({ settings, nodes, partitions }: ClusterState): PartitionTotals {
  const staying = [...nodes.values()].filter((node) => !node.isDraining).length;
  const copies = settings?.copies ?? 0;
  const wanted = Math.min(copies, staying);
  const totals = {
    total: partitions.length,
    online: 0,
    offline: 0,
    underReplicated: 0,
    soleCopy: 0,
    misplaced: 0,
    epochMax: 0,
    losses: 0,
  };
  for (const entry of partitions) {
    if (entry.primary === null) totals.offline++;
    else totals.online++;
    if (entry.inSync.length < wanted) totals.underReplicated++;
    if (entry.primary !== null && entry.inSync.length === 1 && copies > 1) totals.soleCopy++;
    if (isMisplaced(entry)) totals.misplaced++;
    totals.epochMax = Math.max(totals.epochMax, entry.epoch);
    totals.losses += entry.losses;
  }
  return totals;
}

function isMisplaced({ primary, inSync, replicas }: PartitionEntry): boolean {
  if (replicas.length === 0 || primary !== replicas[0] || inSync.length !== replicas.length) return true;
  return !inSync.every(({ node }) => replicas.includes(node));
}

/** Copies that are to be made on live nodes, or let go. */
function movesLeft({ nodes, partitions }: ClusterState): number {
  let moves = 0;
  for (const { inSync, replicas } of partitions) {
    for (const node of replicas) {
      if (!inSync.some((member) => member.node === node) && nodes.get(node)?.isFenced === false) moves++;
    }
    for (const { node } of inSync) if (!replicas.includes(node)) moves++;
  }
  return moves;
}

function isInSync({ inSync }: PartitionEntry, node: NodeId): boolean {
  return inSync.some((member) => member.node === node);
}

function tableOf({ partitions }: ClusterState): PartitionReport[] {
  if (partitions.length === 0) return [];
  const map = new PartitionMap(partitions.length, 1);
  return partitions.map(({ primary, epoch, version, inSync, replicas }, partition) => ({
    partition,
    slots: [map.firstSlotOf(partition), map.firstSlotOf(partition + 1) - 1],
    primary,
    epoch,
    version,
    inSync: inSync.map(({ node }) => node),
    replicas,
  }));
}
