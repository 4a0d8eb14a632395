import type { SyncPolicy } from '../persistence/log-disk.ts';
import type { LogFacts } from '../persistence/log-gate.ts';
import type { SnapshotFacts } from '../server/persistence/snapshots.ts';

/** What is told of the keys that a node keeps on the disk. */
export interface PersistenceFacts {
  readonly fsync: SyncPolicy;
  /** By shard. */
  readonly logs: readonly ShardLogFacts[];
  /** Null: what was kept is being read. */
  readonly snapshots: SnapshotFacts | null;
}

export interface ShardLogFacts extends LogFacts {
  /** Records that were sent to the log and are not acknowledged. */
  readonly waiting: number;
}

/** Over all logs. */
export function sumOfLogs({ logs }: PersistenceFacts, of: (log: ShardLogFacts) => number): number {
  let total = 0;
  for (const log of logs) total += of(log);
  return total;
}
