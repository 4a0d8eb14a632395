import type { ClusterReport } from '../../command/cluster-report.ts';

/** What the nodes of the cluster say of themselves, and what happened to them. */
export interface ClusterSource {
  cluster(): ClusterNews;
  /** The latest first; the same array until something about it has changed. */
  failovers(): readonly Failover[];
  /** The latest first; the same array until something was added. */
  happenings(): readonly Happening[];
  /** Other nodes are asked what they know from now on, until the function that is returned is called: somebody looks. */
  watch(): () => void;
}

/** The cluster, as this node sees it. */
export interface ClusterNews {
  /** With its table of partitions. */
  readonly report: ClusterReport;
  /** What other nodes say of themselves. */
  readonly peers: readonly PeerNews[];
}

export interface PeerNews {
  readonly node: string;
  /** When this node had it from there; null: it never had. */
  readonly heardAtMs: number | null;
  readonly sample: PeerSample | null;
}

/** The little of a node's sample that others are told. */
export interface PeerSample {
  readonly commands: number;
  readonly hits: number;
  readonly misses: number;
  readonly p99Ms: number | null;
  readonly keys: number;
  readonly usedBytes: number;
  readonly budgetBytes: number;
  readonly connections: number;
  readonly eventLoopMaxMs: number;
  readonly processors: number;
}

/**
 * A node was lost, and others took over what it was primary of. Put together from what all nodes have noted, each by its own
 * clock. Null: not seen yet, or by nobody who is still there.
 */
export interface Failover {
  readonly node: string;
  /** Its last sign of life: a node lost its connection to it then, or heard nothing from it any more. */
  readonly suspectedAtMs: number | null;
  /** Its lease is over by every clock: the cluster no longer counts on it. */
  readonly fencedAtMs: number | null;
  /** The first and the last partition got another primary. */
  readonly promotedAtMs: number | null;
  readonly promotedLastAtMs: number | null;
  /** The first write that one of the new primaries acknowledged. */
  readonly firstWriteAtMs: number | null;
  /** Every partition it was primary of is served again. */
  readonly endedAtMs: number | null;
  /** Partitions that got another primary. */
  readonly partitions: number;
  /** Partitions of which it had the only copy in sync: nobody serves them, or they began empty. */
  readonly lostPartitions: number;
  /** 0 when every new primary was in sync; null: copies were lost, and nobody can say how many keys they held. */
  readonly keysLost: number | null;
  /** By new primary, how many of the partitions it took. */
  readonly takenBy: Readonly<Record<string, number>>;
}

/** A node joined or left, a leader was elected, partitions moved: one line for people. */
export interface Happening {
  readonly atMs: number;
  /** Who noted it. */
  readonly by: string;
  readonly kind:
    | 'joined'
    | 'left'
    | 'drained'
    | 'restarted'
    | 'back'
    | 'leader'
    | 'handed-over'
    | 'offline'
    | 'online'
    | 'reset'
    | 'settings'
    | 'shard-restarted';
  /** Whom it concerns. */
  readonly node: string | null;
  /** How many partitions, where it is about partitions. */
  readonly partitions: number | null;
  readonly text: string;
}
