import type { ClusterMessage } from '../../src/cluster/cluster-message.ts';
import type { ClusterNode } from '../../src/cluster/cluster-node.ts';
import type { RaftAction, RaftState } from '../../src/cluster/consensus/raft-types.ts';
import type { ClusterState } from '../../src/cluster/controller/cluster-state.ts';
import type { Member, NodeId } from '../../src/cluster/identity.ts';
import type { LogRecord } from '../../src/cluster/replication/replication-message.ts';

/** A value as a client reads it: its version is that of the write's record, epoch * 2 ** 32 + seq, never given twice. */
export interface StoredValue {
  readonly value: number;
  readonly version: number;
}

/** What clients ask. Keys and values are numbers; key `k` lives in partition `k % partitions`. Values are unique. */
export type OperationInput =
  | { readonly kind: 'get'; readonly key: number; readonly level: ReadLevel }
  | { readonly kind: 'set'; readonly key: number; readonly value: number; readonly ack: AckLevel }
  /** Stores `value` when the key has exactly this version; 0: when it is absent. */
  | {
      readonly kind: 'cas';
      readonly key: number;
      readonly version: number;
      readonly value: number;
      readonly ack: AckLevel;
    }
  | { readonly kind: 'delete'; readonly key: number; readonly ack: AckLevel };

export type AckLevel = 'async' | 'one' | 'in-sync';

export type ReadLevel =
  | { readonly type: 'primary' }
  /** Any copy: at most so old, and at least as new as the token of an earlier write. */
  | { readonly type: 'replica'; readonly maxStalenessMs: number; readonly token: WriteToken | null };

export interface WriteToken {
  readonly epoch: number;
  readonly seq: number;
}

export type OperationOutput =
  /** Of `get`. */
  | { readonly kind: 'found'; readonly value: number; readonly version: number }
  | { readonly kind: 'absent' }
  /** Of `set` and `cas`. `token` is where it stands. */
  | { readonly kind: 'stored'; readonly version: number; readonly token: WriteToken }
  /** Of `cas`: absent, or of another version. */
  | { readonly kind: 'mismatch' }
  /** Of `delete`. */
  | { readonly kind: 'deleted'; readonly existed: boolean }
  /** Certainly without effect. */
  | { readonly kind: 'refused' }
  /** Nobody knows: it may take effect at any later time, or never. */
  | { readonly kind: 'indeterminate' };

export type PersistAction = Extract<RaftAction, { type: 'persist' }>;

/** A simulated process as checkers see it. */
export interface NodeView {
  readonly id: NodeId;
  readonly boot: number;
  readonly isRunning: boolean;
  readonly isPaused: boolean;
  /** Its own clock, which goes on while it is paused. */
  readonly localNowMs: number;
  /** The live state machine; null while the process is down. */
  readonly node: ClusterNode | null;
  /** Whether the node still has, in memory or on its disk, the copy that a set of a partition with this `resetEpoch` names. */
  keeps(partition: number, member: Member, resetEpoch: number): boolean;
  /** What the node's store holds, by partition, then by key. */
  store(partition: number): ReadonlyMap<number, StoredValue>;
}

/** The whole simulated cluster as checkers see it, without the limits of any one node's knowledge. */
export interface WorldView {
  readonly nowMs: number;
  readonly nodes: readonly NodeView[];
}

/**
 * Who watches a simulated run: told everything in the order in which it happens, in true (simulated) time. It throws
 * when something is seen that must never be.
 */
export interface Witness {
  started(node: NodeView, restored: RaftState, nowMs: number): void;
  /** Its memory is gone. */
  stopped(node: NodeView, nowMs: number): void;
  /** A partition's memory was lost without a restart. */
  lostData(node: NodeView, partition: number, nowMs: number): void;
  /** The node has applied this configuration, that of the consensus log up to `index`. */
  configured(node: NodeView, state: ClusterState, index: number, nowMs: number): void;
  /** The core asks its disk for this. */
  persisting(node: NodeView, action: PersistAction, nowMs: number): void;
  /** It is durable; the core is about to be told. */
  persisted(node: NodeView, number: number, nowMs: number): void;
  /** Whatever the network makes of it. */
  sent(node: NodeView, to: NodeId, message: ClusterMessage, nowMs: number): void;
  /** The node has worked off an event, or sent what it had gathered. */
  stepped(node: NodeView, nowMs: number): void;
  /** A primary took a write into its log. */
  appended(node: NodeView, partition: number, epoch: number, seq: number, key: number, nowMs: number): void;
  /** Writes reached the node's store. */
  applied(node: NodeView, partition: number, records: readonly LogRecord[], nowMs: number): void;
  loaded(node: NodeView, partition: number, entries: number, nowMs: number): void;
  cleared(node: NodeView, partition: number, nowMs: number): void;
  /** The reply to the write of this number left for its client. */
  acknowledged(
    node: NodeView,
    partition: number,
    epoch: number,
    seq: number,
    level: AckLevel,
    key: number,
    nowMs: number,
  ): void;
  /** The reply to a read left: what was found (null: nothing), or what a conditional write without effect rests on. */
  answered(
    node: NodeView,
    partition: number,
    key: number,
    level: ReadLevel,
    found: StoredValue | null,
    nowMs: number,
  ): void;
  /** A client has sent this; answers a number for `completed`. */
  invoked(client: number, input: OperationInput, nowMs: number): number;
  completed(operation: number, output: OperationOutput, nowMs: number): void;
  /** Every so often: whatever must hold at any moment. */
  inspect(world: WorldView): void;
  /** The run is over, all have converged: whatever must hold of the whole. */
  finish(world: WorldView): void;
}
