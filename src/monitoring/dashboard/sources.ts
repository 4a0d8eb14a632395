import type { AccessNews, ClusterNews, Failover, Happening, KeyspaceNews, MissRatioCurve } from './feed.ts';

/**
 * Who knows what the dashboard shows beside the node's own counts. All of it is asked for on the main thread, and cheap to
 * answer. Null: this node has none of it.
 */
export interface Sources {
  readonly access: AccessSource | null;
  readonly keyspace: KeyspaceSource | null;
  readonly cluster: ClusterSource | null;
}

/** What keys are looked up: known from a sample that is always taken. */
export interface AccessSource {
  /** Put together anew at each call. */
  news(): AccessNews;
  /** Null: too little was looked up. */
  curve(): MissRatioCurve | null;
  /** Lookups of the keys that begin with each of the prefixes that are metrics, since the node started; estimated. */
  prefixTotals(): readonly { readonly prefix: string; readonly hits: number; readonly misses: number }[];
  stop(): void;
}

/** What keys there are: looked at by a job now and then. */
export interface KeyspaceSource {
  /** Of the last analysis, the same object until the next; null: there was none yet. */
  news(): KeyspaceNews | null;
  /** Of the prefixes that are metrics, of the last analysis; none while there was none. */
  metricsPrefixes(): readonly { readonly prefix: string; readonly keys: number; readonly bytes: number }[];
  /** Analyses are made often from now on, until the function that is returned is called: somebody looks. */
  watch(): () => void;
  /** Resolves when nothing of it runs any more. */
  stop(): Promise<void>;
}

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
