import type { ClusterState, PartitionEntry } from '../../cluster/controller/cluster-state.ts';
import { memberOf } from '../../cluster/identity.ts';

/** What became of a partition from one state of the configuration to a later one. */
export interface PrimaryChange {
  readonly partition: number;
  readonly former: PartitionEntry;
  readonly entry: PartitionEntry;
  readonly kind: PrimaryChangeKind;
}

/**
 * `handed-over`: another one is primary, and the former one stays in sync. `taken`: it does not. `reset`: the partition
 * began empty. `offline`: nobody is primary any more. `online`: somebody is again.
 */
type PrimaryChangeKind = 'handed-over' | 'taken' | 'reset' | 'offline' | 'online';

/** The partitions whose primary changed, or that began empty after they had been filled. */
export function primaryChanges(before: ClusterState, after: ClusterState): PrimaryChange[] {
  const changes: PrimaryChange[] = [];
  if (before.partitions === after.partitions) return changes;
  for (const [partition, entry] of after.partitions.entries()) {
    const former = before.partitions[partition];
    if (former === undefined || former === entry) continue;
    const kind = kindOf(former, entry);
    if (kind !== null) changes.push({ partition, former, entry, kind });
  }
  return changes;
}

function kindOf(former: PartitionEntry, entry: PartitionEntry): PrimaryChangeKind | null {
  // The first primary of all is no news.
  if (former.epoch === 0) return null;
  if (entry.primary === null) return former.primary === null ? null : 'offline';
  if (entry.resetEpoch > former.resetEpoch) return 'reset';
  if (former.primary === entry.primary) return null;
  if (former.primary === null) return 'online';
  // Whoever hands over stays in sync; whoever is lost does not.
  return memberOf(entry.inSync, former.primary) === undefined ? 'taken' : 'handed-over';
}
