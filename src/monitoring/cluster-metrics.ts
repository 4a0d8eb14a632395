import type { ClusterFacts } from '../server/cluster/cluster-watch.ts';
import type { MetricRow } from './metric-row.ts';

type Sample = readonly [labels: Readonly<Record<string, string>>, value: number];

/** Names that dashboards know without the word cluster. */
const plain: ReadonlySet<string> = new Set([
  'failovers_total',
  'failover_duration_seconds',
  'hand_overs_total',
  'replica_lag_records',
  'replica_lag_seconds',
]);

/** A row of nodes of a cluster. */
function row(
  name: string,
  type: MetricRow['type'],
  labels: readonly string[],
  help: string,
  samples: (cluster: ClusterFacts) => Iterable<Sample>,
): MetricRow {
  return {
    name: plain.has(name) ? name : `cluster_${name}`,
    type,
    help,
    labels,
    isOfCluster: true,
    read: (facts, add) => {
      const cluster = facts.cluster();
      if (cluster === null) return;
      for (const [sampleLabels, value] of samples(cluster)) add(sampleLabels, value);
    },
  };
}

function gauge(name: string, help: string, read: (cluster: ClusterFacts) => number): MetricRow {
  return row(name, 'gauge', [], help, (cluster) => [[{}, read(cluster)]]);
}

function counter(name: string, help: string, read: (cluster: ClusterFacts) => number): MetricRow {
  return row(name, 'counter', [], help, (cluster) => [[{}, read(cluster)]]);
}

function perLink(
  name: string,
  type: MetricRow['type'],
  help: string,
  read: (link: ClusterFacts['links'][number]) => number,
): MetricRow {
  return row(name, type, ['node'], help, ({ links }) => links.map((link) => [{ node: link.node }, read(link)]));
}

function perForward(
  name: string,
  type: MetricRow['type'],
  help: string,
  read: (forwards: { readonly forwarded: number; readonly refused: number; readonly inFlight: number }) => number,
): MetricRow {
  return row(name, type, ['node'], help, ({ routing }) =>
    routing.forwards.map((forwards) => [{ node: forwards.node }, read(forwards)]),
  );
}

const healths = ['up', 'down', 'fenced', 'stopping', 'stopped'] as const;

/** What a node of a cluster tells of it. */
export const clusterMetrics: readonly MetricRow[] = [
  gauge(
    'lease_seconds',
    'For how long this node may go on serving without hearing of the others; 0: it may not.',
    (cluster) => (cluster.leaseLeftMs ?? 0) / 1000,
  ),
  gauge(
    'lease_max_seconds',
    'For how long a lease is given: what cluster_lease_seconds is right after it was renewed.',
    (cluster) => (cluster.leaseMs ?? 0) / 1000,
  ),
  row('nodes', 'gauge', ['health'], 'Nodes of the cluster, by their health as this node sees it.', ({ nodes }) =>
    healths.map((health) => [{ health }, nodes.filter((node) => node.health === health).length]),
  ),
  row(
    'partitions',
    'gauge',
    ['role'],
    'Copies on this node, by what they are: filling ones are not in sync yet.',
    (cluster) => {
      const own = cluster.nodes.find((node) => node.isSelf);
      return [
        [{ role: 'primary' }, own?.primaries ?? 0],
        [{ role: 'replica' }, own?.replicas ?? 0],
        [{ role: 'filling' }, own?.filling ?? 0],
      ];
    },
  ),
  gauge('partitions_offline', 'Partitions of the cluster that nobody serves.', ({ partitions }) => partitions.offline),
  gauge(
    'partitions_under_replicated',
    'Partitions of the cluster with fewer copies in sync than there should be.',
    ({ partitions }) => partitions.underReplicated,
  ),
  gauge(
    'partitions_sole_copy',
    'Partitions of the cluster that are to have several copies, and have one in sync: losing its node loses them.',
    ({ partitions }) => partitions.soleCopy,
  ),
  gauge(
    'partitions_misplaced',
    'Partitions of the cluster that are on their way to other nodes, or to another primary.',
    ({ partitions }) => partitions.misplaced,
  ),
  counter(
    'partition_losses_total',
    'How often all in-sync copies of a partition were lost.',
    ({ partitions }) => partitions.losses,
  ),
  counter(
    'failovers_total',
    'Partitions whose primary was lost and another found, as this node saw it.',
    ({ failovers }) => failovers,
  ),
  row(
    'failover_duration_seconds',
    'gauge',
    [],
    'How long it took, the last time that this node took partitions over from a lost one, from the last sign of life of that one until this one served them all.',
    ({ lastTakeoverMs }) => (lastTakeoverMs === null ? [] : [[{}, lastTakeoverMs / 1000]]),
  ),
  counter(
    'hand_overs_total',
    'Partitions whose primary handed over to another, as this node saw it.',
    ({ handOvers }) => handOvers,
  ),
  row(
    'replica_lag_records',
    'gauge',
    ['node'],
    'Writes that a copy of what this node is primary of has not confirmed: of the one furthest behind on each node.',
    ({ nodes }) =>
      nodes.flatMap(({ id, lagRecords }) => (lagRecords === null ? [] : [[{ node: id }, lagRecords] as const])),
  ),
  row(
    'replica_lag_seconds',
    'gauge',
    [],
    'How long ago the copies on this node were last known to be current: of the one furthest behind.',
    ({ nodes }) => {
      const lagMs = nodes.find((node) => node.isSelf)?.lagMs ?? null;
      return lagMs === null ? [] : [[{}, lagMs / 1000]];
    },
  ),
  row('leader', 'gauge', ['node'], 'Whether each node leads the consensus group, as this node knows it.', ({ nodes }) =>
    nodes.map(({ id, isLeader }) => [{ node: id }, Number(isLeader)]),
  ),
  gauge('term', 'Term of the consensus group: it rises with every election.', ({ term }) => term),
  gauge(
    'journal_failing',
    'Whether the disk does not take the log of consensus: until it does, this node has no say in it.',
    ({ journalTrouble }) => Number(journalTrouble !== null),
  ),
  counter(
    'journal_failures_total',
    'How often the disk has refused the log of consensus.',
    ({ journalFailures }) => journalFailures,
  ),
  perLink('bus_connected', 'gauge', 'Whether the bus is connected to each other node.', (link) =>
    Number(link.isConnected),
  ),
  perLink('bus_sent_bytes_total', 'counter', 'Bytes sent over the bus, by node.', (link) => link.sentBytes),
  perLink('bus_received_bytes_total', 'counter', 'Bytes received over the bus, by node.', (link) => link.receivedBytes),
  perLink('bus_queued_bytes', 'gauge', 'Bytes that wait to be sent over the bus, by node.', (link) => link.queuedBytes),
  perLink(
    'bus_dropped_messages_total',
    'counter',
    'Messages thrown away because their node did not keep up or was not there, by node.',
    (link) => link.droppedMessages,
  ),
  perForward('forwards_total', 'counter', 'Commands sent on to each other node.', ({ forwarded }) => forwarded),
  perForward(
    'forwards_refused_total',
    'counter',
    'Commands that another node did not run because it is not the one to.',
    ({ refused }) => refused,
  ),
  perForward(
    'forwards_in_flight',
    'gauge',
    'Commands that each other node owes an answer.',
    ({ inFlight }) => inFlight,
  ),
  gauge(
    'waiting_commands',
    'Commands that wait for a node that can take them.',
    ({ routing }) => routing.waitingCommands,
  ),
  gauge(
    'waiting_replies',
    'Replies of writes that wait for copies on other nodes.',
    ({ routing }) => routing.waitingReplies,
  ),
];
