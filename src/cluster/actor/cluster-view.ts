import type { BusLink } from '../bus/bus.ts';
import type { ClusterCommand } from '../controller/cluster-command.ts';
import type { ClusterState } from '../controller/cluster-state.ts';
import type { CoordinatorAnswer } from '../coordinator.ts';
import type { NodeId } from '../identity.ts';
import type { PartitionGates } from '../partition-gates.ts';

/** The cluster, as the main thread of a node sees it. */
export interface ClusterView {
  readonly self: NodeId;
  readonly boot: number;
  /** As 40 hexadecimal digits; '' before the cluster is known. */
  readonly clusterId: string;
  /** The newest configuration that this thread has heard of; the shards may know a newer one. */
  readonly state: ClusterState;
  /** When the node came to know `state`, in milliseconds since the Unix epoch; 0: it knows none. */
  readonly stateAtMs: number;
  readonly gates: PartitionGates;
  /** Told after `state` has changed, in the order of changes. Returns what ends that. */
  onChange(listener: () => void): () => void;
  /** Asks the controller for a change. Never rejects. */
  submit(command: ClusterCommand): Promise<CoordinatorAnswer>;
  /** What is known of progress, at most about half a second old; at once when a node is lost, or fenced, or another one leads. */
  readonly status: ClusterStatus;
  /** Told after `status` is another one. Returns what ends that. */
  onStatus(listener: () => void): () => void;
}

export interface ClusterStatus {
  /** When it was so, in milliseconds since the Unix epoch; 0: nothing is known yet. */
  readonly atMs: number;
  /** Who leads the consensus group, as far as this node knows. */
  readonly leader: NodeId | null;
  readonly term: number;
  readonly voters: readonly NodeId[];
  readonly learners: readonly NodeId[];
  /** Why the controller does not take this node; null: it does, or has not said. */
  readonly registrationRefusal: string | null;
  /** What the node waits for, in words, while it is of no cluster yet; null: it is of one, or nothing is known yet. */
  readonly waitsFor: string | null;
  /** Why the log of consensus is not on the disk as far as it should be; null: it is. */
  readonly journalTrouble: string | null;
  /** How often the disk has refused it. */
  readonly journalFailures: number;
  readonly links: readonly LinkStatus[];
  readonly copies: readonly CopyStatus[];
}

/** What is known of the connections of the bus to another node. */
export type LinkStatus = BusLink;

/** A copy on this node. */
export interface CopyStatus {
  readonly partition: number;
  readonly role: 'none' | 'replica' | 'primary' | 'handing-over';
  readonly epoch: number;
  readonly last: number;
  readonly committed: number;
  readonly keys: number;
  /** A primary's: how far the others are. */
  readonly followers: readonly { readonly node: NodeId; readonly acked: number; readonly isFilling: boolean }[];
}
