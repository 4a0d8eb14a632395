import type { ClusterFacts } from '../server/cluster/cluster-watch.ts';
import type { NodeFacts } from './facts.ts';

type Fields = Iterable<readonly [name: string, value: string | number]>;

/** The section Replication. In a cluster offsets count writes, over all partitions that a node is primary of. */
export function* replicationInfo(facts: NodeFacts): Fields {
  const cluster = facts.cluster();
  if (cluster === null) {
    yield ['role', 'master'];
    yield ['connected_slaves', 0];
  } else yield* roles(cluster);
  yield ['master_failover_state', 'no-failover'];
  yield ['master_replid', facts.runId];
  yield ['master_repl_offset', cluster?.writes ?? 0];
}

function* roles({ description, acknowledged, nodes }: ClusterFacts): Fields {
  const { self, members, ranges } = description;
  const primary = members.find(({ id }) => id === self.primary);
  yield ['role', primary === undefined ? 'master' : 'slave'];
  if (primary !== undefined) {
    yield ['master_host', primary.host];
    yield ['master_port', primary.port];
    yield ['master_link_status', primary.isConnected ? 'up' : 'down'];
    yield ['master_last_io_seconds_ago', primary.isConnected ? 0 : -1];
    yield ['master_sync_in_progress', Number((nodes.find((node) => node.isSelf)?.filling ?? 0) > 0)];
    yield ['slave_priority', 100];
    yield ['slave_read_only', 1];
    yield ['replica_announced', 1];
  }
  const replicas = new Set(ranges.flatMap((range) => (range.primary?.isSelf === true ? range.replicas : [])));
  yield ['connected_slaves', replicas.size];
  let number = 0;
  for (const { name, host, port } of replicas) {
    const offset = acknowledged.get(name) ?? 0;
    yield [`slave${number++}`, `ip=${host},port=${port},state=online,offset=${offset},lag=0`];
  }
}

/** The section Cluster: what Redis tells, and what there is beyond. */
export function* clusterInfo(facts: NodeFacts): Fields {
  const cluster = facts.cluster();
  yield ['cluster_enabled', cluster === null ? 0 : 1];
  if (cluster === null) return;
  const { self, description, leader, term, partitions, leaseLeftMs } = cluster;
  yield ['cluster_node', self];
  yield ['cluster_state', description.isOk ? 'ok' : 'fail'];
  yield ['cluster_known_nodes', description.members.length];
  yield ['cluster_leader', leader ?? ''];
  yield ['cluster_term', term];
  yield ['cluster_lease_left_ms', Math.max(0, Math.floor(leaseLeftMs ?? 0))];
  yield ['cluster_partitions', partitions.total];
  yield ['cluster_partitions_offline', partitions.offline];
  yield ['cluster_partitions_under_replicated', partitions.underReplicated];
  yield ['cluster_partitions_misplaced', partitions.misplaced];
}
