import type { RecoveryWordsHandle } from '../../persistence/recovery-words.ts';
import type { ShardLogHandle } from '../../persistence/shard-log.ts';

/** What the thread of a shard that keeps a log is given. */
export interface ShardLogData extends ShardLogHandle {
  readonly storeId: Uint8Array;
  /** Where its log is written. */
  readonly folder: string;
  /** Folders of shards that may hold keys of this one: its own, or all of a node that had another number of shards. */
  readonly folders: readonly string[];
  readonly recovery: RecoveryWordsHandle;
  /** When memory does not suffice for what was kept, something else goes. */
  readonly evicts: boolean;
}
