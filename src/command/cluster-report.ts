/** What `GET /v1/cluster` and CLUSTER REPORT tell, as JSON; the program `fluxcache` shows it. */
export interface ClusterReport {
  /** Empty while there is no cluster. */
  readonly clusterId: string;
  /** The node that was asked; null when it is none of a cluster, and will be none. */
  readonly self: string | null;
  readonly leader: string | null;
  readonly term: number;
  /** Milliseconds for which this node may go on serving without hearing of the others; null: it may not serve. */
  readonly leaseLeftMs: number | null;
  readonly settings: SettingsReport | null;
  readonly nodes: readonly NodeReport[];
  readonly partitions: PartitionTotals;
  readonly rebalance: { readonly moves: number; readonly isBalanced: boolean };
  /** What the cluster lacks of what it is set to be, in sentences, the worst first. */
  readonly lacks: readonly string[];
  /** Only when it was asked for. */
  readonly table?: readonly PartitionReport[];
}

export interface SettingsReport {
  readonly partitions: number;
  readonly copies: number;
  readonly minInSync: number;
  readonly onLoss: string;
  readonly leaseMs: number;
}

export interface NodeReport {
  readonly id: string;
  /** Its name to clients of Redis. */
  readonly redisId: string;
  readonly isSelf: boolean;
  /** `host:port`; '' where it is not known. */
  readonly tcp: string;
  readonly http: string;
  readonly bus: string;
  readonly zone: string | null;
  readonly weight: number;
  readonly boot: number;
  /** `NodeHealth` of the server; another version may have more of them. */
  readonly health: string;
  readonly isDraining: boolean;
  /** Drained to be removed. */
  readonly isLeaving: boolean;
  readonly isVoter: boolean;
  readonly isLeader: boolean;
  readonly primaries: number;
  /** Copies in sync, beside those it is primary of. */
  readonly replicas: number;
  /** Copies placed here that are not in sync yet, and all that are placed here. */
  readonly filling: number;
  readonly placed: number;
  /** Writes that the copy furthest behind has not confirmed, as far as the node that was asked is their primary; null: not known. */
  readonly lagRecords: number | null;
  /** Of the node that was asked: how long ago its copies were last known to be current. */
  readonly lagMs: number | null;
}

export interface PartitionTotals {
  readonly total: number;
  readonly online: number;
  readonly offline: number;
  readonly underReplicated: number;
  /** Served, meant to have several copies, and with a single one in sync. */
  readonly soleCopy: number;
  readonly misplaced: number;
  readonly epochMax: number;
  readonly losses: number;
}

export interface PartitionReport {
  readonly partition: number;
  /** The first and the last. */
  readonly slots: readonly [number, number];
  readonly primary: string | null;
  readonly epoch: number;
  readonly version: number;
  readonly inSync: readonly string[];
  readonly replicas: readonly string[];
}
