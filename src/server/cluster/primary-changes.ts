import type { ClusterState, NodeEntry, PartitionEntry } from '../../cluster/controller/cluster-state.ts';
import { memberOf, type NodeId } from '../../cluster/identity.ts';

/** What became of a partition from one state of the configuration to a later one. */
export interface PrimaryChange {
  readonly partition: number;
  readonly former: PartitionEntry;
  readonly entry: PartitionEntry;
  readonly kind: PrimaryChangeKind;
}

/**
 * `handed-over`: another one is primary, and the former one gave it away: it stays in sync, or has ended in order. `taken`:
 * another one is primary, since the former one was lost. `reset`: the partition began empty. `offline`: nobody is primary any more. `online`: somebody is again.
 */
type PrimaryChangeKind = 'handed-over' | 'taken' | 'reset' | 'offline' | 'online';

/** The partitions whose primary changed, or that began empty after they had been filled. */
export function primaryChanges(before: ClusterState, after: ClusterState): PrimaryChange[] {
  const changes: PrimaryChange[] = [];
  if (before.partitions === after.partitions) return changes;
  for (const [partition, entry] of after.partitions.entries()) {
    const former = before.partitions[partition];
    if (former === undefined || former === entry) continue;
    const kind = kindOf(former, entry, after.nodes);
    if (kind !== null) changes.push({ partition, former, entry, kind });
  }
  return changes;
}

/** Whether by that change another node serves the partition than the one that did, which did not give it away. */
export function isFailover({ kind, former, entry }: PrimaryChange): boolean {
  // One that goes offline has not failed over yet: it has when it is served again.
  return kind !== 'handed-over' && kind !== 'offline' && former.primary !== entry.primary;
}

function kindOf(
  former: PartitionEntry,
  entry: PartitionEntry,
  nodes: ReadonlyMap<NodeId, NodeEntry>,
): PrimaryChangeKind | null {
  // The first primary of all is no news.
  if (former.epoch === 0) return null;
  if (entry.primary === null) return former.primary === null ? null : 'offline';
  if (entry.resetEpoch > former.resetEpoch) return 'reset';
  if (former.primary === entry.primary) return null;
  if (former.primary === null) return 'online';
  // Whoever hands over stays in sync; whoever is lost does not.
  if (memberOf(entry.inSync, former.primary) !== undefined) return 'handed-over';
  // A node that ends in order gives away what is left: it told everybody, and nobody waited for its lease. That it left
  // the set may be seen together with that it handed over.
  return nodes.get(former.primary)?.life === 'stopped' ? 'handed-over' : 'taken';
}
