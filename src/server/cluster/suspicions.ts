import type { ClusterStatus } from '../../cluster/actor/cluster-view.ts';
import { SIGN_OF_LIFE_MS } from '../../cluster/bus/bus-options.ts';
import type { ClusterState } from '../../cluster/controller/cluster-state.ts';
import type { NodeId } from '../../cluster/identity.ts';
import type { Suspicion } from './cluster-note.ts';

/** A node that has missed two signs of life in a row may be lost. */
const SUSPECT_AFTER_MS = 2 * SIGN_OF_LIFE_MS;

/**
 * Since when this start of a node is not connected, or shows no sign of life, as that status has it; null: it is, and does.
 * Silence counts from its last sign of life, or from `awakeSinceMs` on, when this node itself last went on after a pause.
 */
export function silentSince(
  { atMs, links }: ClusterStatus,
  node: NodeId,
  boot: number,
  awakeSinceMs: number,
  silentMs = SIGN_OF_LIFE_MS,
): number | null {
  const link = links.find((candidate) => candidate.node === node);
  if (link === undefined) return null;
  const { lostAtMs, lostBoot, isConnected } = link;
  const heardAtMs = Math.max(link.heardAtMs, awakeSinceMs);
  // A connection to a node that hangs is closed only after a while; one to a node that dies, at once.
  if (lostAtMs > 0 && lostBoot === boot) return lostAtMs - heardAtMs > SIGN_OF_LIFE_MS ? heardAtMs : lostAtMs;
  return isConnected && atMs - heardAtMs > silentMs ? heardAtMs : null;
}

/** Nodes that the cluster counts on, and this one does not reach or hear. */
export function suspicions(
  { nodes }: ClusterState,
  status: ClusterStatus,
  self: NodeId,
  awakeSinceMs: number,
): Suspicion[] {
  const found: Suspicion[] = [];
  for (const { id: node, boot, isFenced } of nodes.values()) {
    if (node === self || isFenced) continue;
    const sinceMs = silentSince(status, node, boot, awakeSinceMs, SUSPECT_AFTER_MS);
    if (sinceMs !== null) found.push({ node, boot, sinceMs });
  }
  return found;
}
