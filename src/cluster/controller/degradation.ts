import type { NodeId } from '../identity.ts';
import type { ClusterState, NodeEntry, PartitionEntry } from './cluster-state.ts';
import { isLost } from './partition-entry.ts';

/**
 * What the cluster lacks of what it is set to be, a sentence each, the worst first: what is wrong, where, and what an
 * operator can do about it. Empty: nothing.
 */
export function degradation(state: ClusterState): string[] {
  const { settings, partitions } = state;
  if (settings === null) return ['the cluster has not been created: it has no partitions yet'];
  const { copies, minInSync } = settings;
  const nodes = [...state.nodes.values()];
  const stayingCount = nodes.filter((node) => !node.isDraining).length;
  const online = numbered(partitions).filter(({ entry }) => entry.primary !== null);
  return [
    ...lost(partitions),
    ...waitingForNode(partitions),
    ...unbegun(partitions, minInSync),
    ...said(
      online.filter(({ entry }) => entry.inSync.length < minInSync),
      (which) =>
        `${which}: no writes, for fewer copies are in sync than minInSync (${minInSync}); bring nodes back or add some`,
    ),
    ...said(
      online.filter(
        ({ entry }) => entry.inSync.length >= minInSync && entry.inSync.length < Math.min(copies, stayingCount),
      ),
      (which) => `${which}: fewer than ${copies} copies in sync; they are being made, or wait for a node`,
    ),
    ...(stayingCount < copies
      ? [
          `copies is ${copies}, but only ${countOf(stayingCount, 'node')} can hold one: add ${countOf(copies - stayingCount, 'node')}, or lower copies`,
        ]
      : []),
    ...nodes.filter((node) => node.isFenced).map(fencedText),
    ...nodes.filter((node) => node.isDraining).map((node) => drainingText(node, partitions)),
  ];
}

interface Numbered {
  readonly number: number;
  readonly entry: PartitionEntry;
}

function numbered(partitions: readonly PartitionEntry[]): Numbered[] {
  return partitions.map((entry, number) => ({ number, entry }));
}

function lost(partitions: readonly PartitionEntry[]): string[] {
  return said(
    numbered(partitions).filter(({ entry }) => isLost(entry)),
    (which) => `${which}: offline, all copies are lost; a reset lets it go on empty`,
  );
}

function waitingForNode(partitions: readonly PartitionEntry[]): string[] {
  const waiting = new Map<NodeId, Numbered[]>();
  for (const { number, entry } of numbered(partitions)) {
    const last = entry.inSync[0];
    if (entry.primary !== null || last === undefined) continue;
    const others = waiting.get(last.node);
    if (others === undefined) waiting.set(last.node, [{ number, entry }]);
    else others.push({ number, entry });
  }
  const nodes = [...waiting.keys()].sort();
  return nodes.flatMap((node) =>
    said(
      waiting.get(node) ?? [],
      (which) =>
        `${which}: offline, the last copy is on node ${node}, which is silent; bring it back, or give the copy up by a reset`,
    ),
  );
}

function unbegun(partitions: readonly PartitionEntry[], minInSync: number): string[] {
  return said(
    numbered(partitions).filter(({ entry }) => entry.epoch === 0),
    (which) => `${which}: not begun, to be placed as soon as there are enough live nodes (minInSync: ${minInSync})`,
  );
}

function fencedText({ id }: NodeEntry): string {
  return `node ${id} is down: nothing is heard of it; it takes part again as soon as it is back`;
}

function drainingText({ id, isLeaving }: NodeEntry, partitions: readonly PartitionEntry[]): string {
  const left = partitions.filter(
    ({ inSync, replicas }) => replicas.includes(id) || inSync.some((member) => member.node === id),
  ).length;
  if (isLeaving) return `node ${id} leaves the cluster: ${countOf(left, 'partition')} still to be moved away`;
  if (left === 0) return `node ${id} is drained: it has no copies until it is drained no more`;
  return `node ${id} is being drained: ${countOf(left, 'partition')} still to be moved away`;
}

/** `text` on these partitions, of whom a few are named; nothing when there are none. */
function said(found: readonly Numbered[], text: (which: string) => string): string[] {
  if (found.length === 0) return [];
  const named = found.slice(0, NAMED_MAX).map(({ number }) => number);
  const more = found.length > NAMED_MAX ? ' …' : '';
  return [text(`${countOf(found.length, 'partition')} (${named.join(', ')}${more})`)];
}

const NAMED_MAX = 5;

function countOf(count: number, what: string): string {
  return count === 1 ? `1 ${what}` : `${count} ${what}s`;
}
