import type { ClusterReport, NodeReport } from '../command/cluster-report.ts';
import { RefusedError } from './key-pages.ts';

/** The node that is meant, as the server finds it, too: by id, address, or the beginning of an id. */
export function nodeNamed(report: ClusterReport, subject: string): NodeReport {
  onlyOfCluster(report);
  const { nodes } = report;
  const exact = nodes.filter(({ id, redisId, tcp, http, bus }) => [id, redisId, tcp, http, bus].includes(subject));
  const found = exact.length > 0 ? exact : nodes.filter(({ id }) => id.startsWith(subject));
  const [node] = found;
  if (node !== undefined && found.length === 1) return node;
  const ids = (found.length > 1 ? found : nodes).map(({ id }) => id).join(', ');
  const what = found.length > 1 ? 'could be any of' : 'is no node of this cluster; its nodes are';
  throw new RefusedError(`${subject} ${what} ${ids}.`);
}

/** Throws a {@link RefusedError} when the server that told of itself is in no cluster. */
export function onlyOfCluster(report: ClusterReport): void {
  if (report.clusterId !== '' && report.nodes.length > 0) return;
  throw new RefusedError(
    isAlone(report)
      ? 'The server is not one of a cluster: it was started with neither --seeds nor --bootstrap-expect.'
      : 'The server waits for the other nodes of its cluster.',
  );
}

/** Whether the server is none of a cluster, and will be none. */
export function isAlone({ clusterId, self }: ClusterReport): boolean {
  return clusterId === '' && self === null;
}
