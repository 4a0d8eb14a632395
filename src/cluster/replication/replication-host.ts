import type { ClusterCommand } from '../controller/cluster-command.ts';
import type { NodeId } from '../identity.ts';
import type { KeptItem } from './kept-item.ts';
import type { LogRecord, ReplicationMessage } from './replication-message.ts';

/** Where a piece of a snapshot begins: opaque, the store's. Null: at the start. */
export type ChunkCursor = number | null;

/**
 * What a partition's copy asks of the node it lives on. Calls are made in the order in which they must take effect.
 *
 * From within one of them the host may look at the copy, but not call anything that changes it; `readChunk` alone may
 * be answered at once. Where a call makes more to do (a client whose write was acknowledged sends the next one), that
 * has to wait until the call into the copy has returned.
 */
export interface ReplicationHost {
  readonly lease: Lease;
  send(to: NodeId, message: ReplicationMessage): void;
  /** Repeats writes on the copy's store. */
  apply(partition: number, records: readonly LogRecord[]): void;
  /** Puts a piece of a snapshot into the store. */
  load(partition: number, entries: readonly Uint8Array[]): void;
  /** Empties the store. */
  clear(partition: number): void;
  /** Reads a piece for a snapshot; answered by `PartitionCopy.chunkRead`, after all writes that came before it. */
  readChunk(partition: number, stream: number, cursor: ChunkCursor): void;
  /** Replies may leave: of ack level `in-sync` up to `committed`, of level `one` up to `replicated`. */
  acknowledge(partition: number, committed: number, replicated: number): void;
  /** This copy is no longer primary: writes above `committed` are indeterminate. */
  abandon(partition: number, committed: number): void;
  /**
   * Writes an item to the copy's disk, behind all before it. Answers the place that `PartitionCopy.reached` is to be told of
   * when the disk has it; 0: nobody has to wait for that. Absent: nothing is kept on a disk.
   */
  keep?(partition: number, item: KeptItem): number;
  /** Sends to the coordinator; what comes of it is seen in the partition's next entry. It may get lost. */
  propose(command: ClusterCommand): void;
}

/** The right to answer reads, on this node's own monotonic clock. */
export interface Lease {
  /** Milliseconds; -Infinity before the first. */
  readonly endsAtMs: number;
}
