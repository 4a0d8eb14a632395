import type { DoorbellHandle } from '../mailbox/doorbell.ts';
import type { LaneHandle } from '../mailbox/lane.ts';
import type { LogGateHandle } from './log-gate.ts';
import type { LogSyncerHandle } from './log-syncer.ts';
import type { Synced } from './log-writer.ts';
import type { SyncPolicyHandle } from './sync-policy-word.ts';

/** What the thread of a shard's log is given. */
export interface LogThreadData {
  /** Of the shard's files. */
  readonly folder: string;
  readonly shard: number;
  readonly shards: number;
  readonly storeId: Uint8Array;
  readonly policy: SyncPolicyHandle;
  readonly firstSequence: number;
  /** The segment that the log goes on from, and its length; null: it begins. */
  readonly previous: { readonly path: string; readonly length: number } | null;
  readonly segmentBytesMax: number;
  readonly queuedBytesMax: number;
  /** Records of the shard: the kind is the partition. */
  readonly lane: LaneHandle;
  readonly gate: LogGateHandle;
  readonly syncer: LogSyncerHandle;
  /** Rung when more is durable: those of the front ends, and the shard's own. */
  readonly bells: readonly DoorbellHandle[];
}

/** Whether a segment was begun for a snapshot. */
export interface Restarted {
  /** Of its first record; null: it cannot be had now. */
  readonly sequence: number | null;
  /** What the disk last said, if that is why. */
  readonly trouble: string | null;
}

/** What the thread is asked; its bell is rung after each. */
export type LogRequest =
  /** A snapshot is to begin: `restarted` answers. */
  | { readonly kind: 'restart'; readonly id: number }
  /** A snapshot that has all below the sequence is on the disk. */
  | { readonly kind: 'mend'; readonly sequence: number }
  /** Have all be on the disk, whatever the policy: `synced` answers. */
  | { readonly kind: 'sync'; readonly id: number }
  /** The actor has ended, and another is to go on: `succeeded` answers. */
  | { readonly kind: 'succeed'; readonly id: number }
  | { readonly kind: 'stop' };

export type LogAnswer =
  | { readonly kind: 'open' }
  | ({ readonly kind: 'restarted'; readonly id: number } & Restarted)
  | ({ readonly kind: 'synced'; readonly id: number } & Synced)
  | { readonly kind: 'succeeded'; readonly id: number; readonly next: number }
  /** The file that the syncer names is to be synced. */
  | { readonly kind: 'sync' }
  | { readonly kind: 'trouble'; readonly what: string; readonly message: string; readonly code: string }
  | { readonly kind: 'closed'; readonly isComplete: boolean };
