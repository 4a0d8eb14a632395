import type { Member, NodeId } from '../identity.ts';

/**
 * The replicated configuration: what every node must agree on, and nothing else. It changes by committed
 * {@link ClusterCommand}s alone, the same way on every node (`apply-command.ts`).
 */
export interface ClusterState {
  /** Null until the cluster is created. */
  readonly settings: ClusterSettings | null;
  readonly nodes: ReadonlyMap<NodeId, NodeEntry>;
  /**
   * The last boots of nodes that were removed, the latest removal last: a request of theirs that comes late must not
   * bring them back. Started anew, they may come back.
   */
  readonly removed: ReadonlyMap<NodeId, number>;
  /** One a partition, by number; empty until the cluster is created. */
  readonly partitions: readonly PartitionEntry[];
}

export interface ClusterSettings {
  /** Number of partitions: fixed when the cluster is created. 1 to 16384. */
  readonly partitions: number;
  /**
   * How long a node's lease lasts from when it sent the heartbeat that was answered, in milliseconds: fixed when the
   * cluster is created, since a controller that counted on a shorter one than the nodes would name a second primary
   * while the first still answers. 100 to 60000.
   */
  readonly leaseMs: number;
  /** How many copies of a partition there should be, the primary included. With fewer nodes there are fewer. */
  readonly copies: number;
  /** A write is acknowledged only while so many members are in sync. 1 to `copies`. */
  readonly minInSync: number;
  /** What becomes of a partition whose last in-sync copy is gone. */
  readonly onLoss: 'offline' | 'reset';
}

/** How a node is reached beside its bus, each as `host:port`; '' where it has not told. */
export interface NodeEndpoints {
  /** Its TCP port, as clients reach it: RESP and MessagePack-RPC. */
  readonly tcp: string;
  /** Its HTTP port, as clients reach it. */
  readonly http: string;
  /** Its TCP port, as other nodes reach it: commands that they forward. */
  readonly link: string;
}

export const noEndpoints: NodeEndpoints = { tcp: '', http: '', link: '' };

/**
 * Where a start of a node is in its life. `stopping`: it is about to end, to come back later, so its primaries go
 * elsewhere while its copies stay placed. `stopped`: it has ended by its own word, holds no lease, and is fenced.
 */
export type NodeLife = 'running' | 'stopping' | 'stopped';

export interface NodeEntry {
  readonly id: NodeId;
  /** `host:port` of the cluster bus, as other nodes reach it. */
  readonly address: string;
  readonly endpoints: NodeEndpoints;
  readonly boot: number;
  /** Not heard of for too long: in no in-sync set but as its last member, and never made a primary. */
  readonly isFenced: boolean;
  /** It is to have no copies: they are being moved away. It stays a member without any until it is drained no more. */
  readonly isDraining: boolean;
  /** Drained in order to be removed, which the controller does when it is empty. Never without `isDraining`. */
  readonly isLeaving: boolean;
  readonly life: NodeLife;
  readonly weight: number;
  readonly zone: string | null;
}

export interface PartitionEntry {
  /** One higher with every new primary. 0: never had one. */
  readonly epoch: number;
  /** One higher with every change of this entry: what compare-and-set compares. */
  readonly version: number;
  /** Null: offline. */
  readonly primary: NodeId | null;
  /** Every one of these copies holds every acknowledged write. */
  readonly inSync: readonly Member[];
  /** Where the copies should be, the preferred primary first. */
  readonly replicas: readonly NodeId[];
  /** The epoch in which the partition began empty: copies filled before it are worthless. */
  readonly resetEpoch: number;
  /** How often all in-sync copies were lost. */
  readonly losses: number;
}

export const emptyClusterState: ClusterState = { settings: null, nodes: new Map(), removed: new Map(), partitions: [] };
