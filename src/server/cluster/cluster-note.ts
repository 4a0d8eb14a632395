import type { NodeId } from '../../cluster/identity.ts';

/**
 * What a node notes of what happens to its cluster, to be told to other nodes and to people. Times are milliseconds since
 * the Unix epoch by the clock of the node that noted it.
 *
 * Most nodes note the same: each for itself, so that it is known whoever is lost next.
 */
export type ClusterNote = ClusterNoteBody & {
  /** Counts up from 1 with every note of this start of the node. */
  readonly seq: number;
  readonly atMs: number;
};

export type ClusterNoteBody =
  | LostNote
  /** This node has begun to take writes for all partitions that it got by that loss: the first then, the last at `atMs`. */
  | { readonly kind: 'took'; readonly lost: number; readonly partitions: number; readonly firstAtMs: number }
  /** They are all read here, too; those that moved on before are not counted. */
  | { readonly kind: 'served'; readonly lost: number; readonly partitions: number }
  /** This node has acknowledged a write to one of them. */
  | { readonly kind: 'first-write'; readonly lost: number }
  /** All partitions that went offline by that loss have a primary again, so many of them empty. */
  | { readonly kind: 'regained'; readonly lost: number; readonly partitions: number; readonly empty: number }
  | { readonly kind: 'joined' | 'left' | 'restarted'; readonly node: NodeId; readonly boot: number }
  /** The cluster counts on the node again, which was cut off and has all it had. */
  | { readonly kind: 'back'; readonly node: NodeId; readonly boot: number }
  /** The node is to have no copies, or may have some again. */
  | {
      readonly kind: 'drained';
      readonly node: NodeId;
      readonly boot: number;
      readonly isDraining: boolean;
      readonly isLeaving: boolean;
    }
  | { readonly kind: 'leader'; readonly node: NodeId; readonly term: number }
  /** The node made this one primary of so many partitions in its place; told by this one alone. */
  | { readonly kind: 'handed-over'; readonly node: NodeId; readonly partitions: number }
  /** So many partitions lost their primary, and have none; had another one again; began empty. By who was their primary. */
  | { readonly kind: 'offline' | 'reset'; readonly node: NodeId | null; readonly partitions: number }
  | { readonly kind: 'online'; readonly partitions: number }
  | {
      readonly kind: 'settings';
      readonly copies: number;
      readonly minInSync: number;
      readonly onLoss: 'offline' | 'reset';
    }
  /** A shard of this node was started anew; it was primary of so many partitions. */
  | { readonly kind: 'shard-restarted'; readonly shard: number; readonly partitions: number };

/**
 * The cluster counts on a start of a node no longer: it is fenced, or another start has taken its place. Other notes name
 * this one by its number.
 */
export interface LostNote {
  readonly kind: 'lost';
  readonly node: NodeId;
  readonly boot: number;
  /** Some of the partitions that it was primary of, and in which epoch: nodes that saw the same loss share one of these. */
  readonly marks: readonly LostMark[];
  /** Since when this node had no connection to it, or heard nothing; null: it did. */
  readonly suspectedAtMs: number | null;
  /** Partitions that have another primary. */
  readonly partitions: number;
  /** Partitions that have none, and that began empty: of which it had the only copy in sync. */
  readonly offline: number;
  readonly reset: number;
  /** Partitions whose new primary was not in sync when this node looked before: it may have missed that. */
  readonly unproven: number;
  readonly takenBy: readonly (readonly [node: NodeId, partitions: number])[];
}

export type LostMark = readonly [partition: number, epoch: number];

/** A node that this one does not reach, or hear, and that the cluster still counts on. */
export interface Suspicion {
  readonly node: NodeId;
  readonly boot: number;
  readonly sinceMs: number;
}
