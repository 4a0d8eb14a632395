import type { AccessSource } from './access/access-news.ts';
import type { ClusterSource } from './cluster-timeline/cluster-news.ts';
import type { KeyspaceSource } from './keyspace/keyspace-news.ts';

/**
 * Who knows more of the node than its own counts: what the dashboard and `/metrics` show beside these. All of it is asked
 * for on the main thread, and cheap to answer. Null: this node has none of it.
 */
export interface Sources {
  readonly access: AccessSource | null;
  readonly keyspace: KeyspaceSource | null;
  readonly cluster: ClusterSource | null;
}
