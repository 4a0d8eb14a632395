import type { ClusterNote, Suspicion } from '../../server/cluster/cluster-note.ts';

/** What one start of a node has noted, as far as it is known here. */
export interface NotedBy {
  readonly node: string;
  readonly boot: number;
  /** The earliest first. */
  readonly notes: readonly ClusterNote[];
  /** Whom it takes for lost now. */
  readonly suspicions: readonly Suspicion[];
}
