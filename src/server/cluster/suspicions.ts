import type { ClusterStatus } from '../../cluster/actor/cluster-view.ts';
import type { ClusterState } from '../../cluster/controller/cluster-state.ts';
import type { NodeId } from '../../cluster/identity.ts';
import type { Suspicion } from './cluster-note.ts';

/**
 * A node says at least every 300 ms that it is there, on every connection of the bus: one that has missed three of these is
 * not heard of.
 */
const SILENT_MS = 900;

/** Since when this start of a node is not connected, or not heard of, as that status has it; null: it is. */
export function suspicionSince({ atMs, links }: ClusterStatus, node: NodeId, boot: number): number | null {
  const link = links.find((candidate) => candidate.node === node);
  if (link === undefined) return null;
  if (link.lostAtMs > 0 && link.lostBoot === boot) return link.lostAtMs;
  if (!link.isConnected || atMs - link.heardAtMs <= SILENT_MS) return null;
  return link.heardAtMs + SILENT_MS;
}

/** Nodes that the cluster counts on, and this one does not reach or hear. */
export function suspicions({ nodes }: ClusterState, status: ClusterStatus, self: NodeId): Suspicion[] {
  const found: Suspicion[] = [];
  for (const { id: node, boot, isFenced } of nodes.values()) {
    const sinceMs = node === self || isFenced ? null : suspicionSince(status, node, boot);
    if (sinceMs !== null) found.push({ node, boot, sinceMs });
  }
  return found;
}
