import { formatAddress } from '../base/addresses.ts';
import { FrontEnd, Tally } from '../base/counters.ts';
import { type ErrorCode, errors } from '../base/errors.ts';
import { MEMORY_FACTORS_OF_METRICS } from './access/memory-factors.ts';
import { cacheMetrics } from './cache-metrics.ts';
import { clusterMetrics } from './cluster-metrics.ts';
import type { NodeFacts, StoreFacts } from './facts.ts';
import { healthOf } from './health.ts';
import type { MetricRow } from './metric-row.ts';
import { persistenceMetrics } from './persistence-metrics.ts';

/** The histogram is no row, because it is read whole: see metrics.ts. */
export const durationMetric = {
  name: 'commands_duration_seconds',
  help: 'Time from the arrival of a command to the handing over of its answer; of reads from shared memory one in 16 is measured and stands for the others.',
  labels: ['cmd', 'protocol'],
} as const;

/** Redis has numbered databases, and dashboards made for it group by them; there is one here. */
const DB = { db: 'db0' };

const perNode = (
  name: string,
  type: MetricRow['type'],
  help: string,
  read: (facts: NodeFacts) => number,
): MetricRow => ({
  name,
  type,
  help,
  labels: [],
  read: (facts, add) => add({}, read(facts)),
});

const perProtocol = (name: string, type: MetricRow['type'], help: string, tally: Tally): MetricRow => ({
  name,
  type,
  help,
  labels: ['protocol'],
  read: (facts, add) => {
    const counters = facts.counters();
    const isOfConnections = tally !== Tally.bytesReceived && tally !== Tally.bytesSent;
    for (const { name: protocol, tellsConnections } of facts.protocols()) {
      if (tellsConnections || !isOfConnections) add({ protocol }, counters.tally(tally, FrontEnd[protocol]));
    }
  },
});

const memoryKinds = ['entries', 'dead', 'index', 'expiry', 'retired', 'control', 'free'] as const;

const perShard = (
  name: string,
  type: MetricRow['type'],
  help: string,
  read: (shard: ReturnType<NodeFacts['shards']>[number]) => number,
): MetricRow => ({
  name,
  type,
  help,
  labels: ['shard'],
  read: (facts, add) => {
    for (const [index, shard] of facts.shards().entries()) add({ shard: String(index) }, read(shard));
  },
});

function sum(facts: NodeFacts, field: Exclude<keyof StoreFacts, 'memory' | 'fills'>): number {
  let total = 0;
  for (const { store } of facts.shards()) total += store[field];
  return total;
}

/** Every metric of the node but the histogram of durations and those of the process, one row each. No label holds keys. */
export const metricTable: readonly MetricRow[] = [
  perNode('up', 'gauge', 'Whether the node serves: 1, or 0 while it starts or drains.', (facts) =>
    Number(facts.state() === 'serving'),
  ),
  perNode(
    'ready',
    'gauge',
    'Whether requests should be sent here: 1 when /readyz answers 200, which in a cluster takes a lease and filled copies.',
    (facts) => Number(healthOf(facts).ready),
  ),
  {
    name: 'build_info',
    type: 'gauge',
    help: 'Always 1; the labels say what runs.',
    labels: ['version', 'node_version'],
    read: ({ version }, add) => add({ version, node_version: process.version }, 1),
  },
  {
    name: 'node_info',
    type: 'gauge',
    help: 'Always 1; the labels say who this is, where it stands, and at what URL clients reach it.',
    labels: ['node', 'zone', 'url'],
    read: (facts, add) => {
      const own = facts.cluster()?.nodes.find((node) => node.isSelf);
      // What a node of a cluster announces is not known before that has taken it in.
      const address = own?.http || formatAddress(facts.host, facts.httpPort);
      const url = `${facts.isTls ? 'https' : 'http'}://${address}/`;
      add({ node: own?.id ?? facts.nodeName, zone: own?.zone ?? '', url }, 1);
    },
  },
  {
    name: 'node_health',
    type: 'gauge',
    help: 'Health of each node as this node sees it: 1 when it is alive and heard of, and this one when it serves with all its shards.',
    labels: ['node'],
    read: (facts, add) => {
      const isWell = facts.state() === 'serving' && facts.shards().every((shard) => shard.isServing);
      const cluster = facts.cluster();
      if (cluster === null) add({ node: facts.nodeName }, Number(isWell));
      else
        for (const { id, isSelf, health } of cluster.nodes)
          add({ node: id }, Number(health === 'up' && (!isSelf || isWell)));
    },
  },
  perNode(
    'start_time_seconds',
    'gauge',
    'When the node started, in seconds since the Unix epoch.',
    (facts) => facts.startedAtMs / 1000,
  ),
  perNode(
    'uptime_in_seconds',
    'gauge',
    'Seconds since the node started.',
    (facts) => (facts.nowMs() - facts.startedAtMs) / 1000,
  ),

  {
    name: 'commands_total',
    type: 'counter',
    help: 'Commands that clients sent to this node, by command; what other nodes forwarded is counted there.',
    labels: ['cmd'],
    read: (facts, add) => {
      const counters = facts.counters();
      for (const [row, cmd] of facts.commandNames.entries()) {
        let count = 0;
        for (const frontEnd of Object.values(FrontEnd)) count += counters.commandCount(row, frontEnd);
        if (count > 0) add({ cmd }, count);
      }
    },
  },
  {
    name: 'errors_total',
    type: 'counter',
    help: 'Requests refused or failed, by error code.',
    labels: ['code'],
    read: (facts, add) => {
      const counters = facts.counters();
      for (const code of Object.keys(errors) as ErrorCode[]) add({ code }, counters.errorCount(errors[code].id));
    },
  },
  perNode('keyspace_hits_total', 'counter', 'Reads that found their key.', (facts) => sum(facts, 'hits')),
  perNode('keyspace_misses_total', 'counter', 'Reads that did not find their key.', (facts) => sum(facts, 'misses')),
  perNode('evicted_keys_total', 'counter', 'Keys removed to make room.', (facts) => sum(facts, 'evictedKeys')),
  perNode('expired_keys_total', 'counter', 'Keys removed because their time had come.', (facts) =>
    sum(facts, 'expiredKeys'),
  ),
  {
    name: 'db_keys',
    type: 'gauge',
    help: 'Keys stored, those included that have expired and are not yet removed.',
    labels: ['db'],
    read: (facts, add) => add(DB, sum(facts, 'keys')),
  },
  {
    name: 'db_keys_expiring',
    type: 'gauge',
    help: 'Keys stored that expire.',
    labels: ['db'],
    read: (facts, add) => add(DB, sum(facts, 'expiringKeys')),
  },

  perNode(
    'memory_used_bytes',
    'gauge',
    'Memory in use of the budget: entries, index, expiry heap and bookkeeping.',
    (facts) => sum(facts, 'usedBytes'),
  ),
  {
    name: 'eviction_info',
    type: 'gauge',
    help: 'Always 1; the label says what leaves when memory is full: flux, volatile-ttl, or noeviction.',
    labels: ['policy'],
    read: ({ eviction }, add) => add({ policy: eviction }, 1),
  },
  perNode('memory_max_bytes', 'gauge', 'The memory budget.', (facts) => facts.memoryBytesMax),
  {
    name: 'memory_bytes',
    type: 'gauge',
    help: 'The memory budget by what it is used for: entries, dead (replaced or removed, to be won back), index, expiry, retired (readers may still see it), control, free.',
    labels: ['kind'],
    read: (facts, add) => {
      const shards = facts.shards();
      for (const kind of memoryKinds) {
        let bytes = 0;
        for (const { store } of shards) bytes += store.memory[kind];
        add({ kind }, bytes);
      }
    },
  },
  perNode('memory_entries_bytes', 'gauge', 'Memory of live entries, without index and heap.', (facts) =>
    sum(facts, 'entryBytes'),
  ),
  {
    name: 'prefix_hits_total',
    type: 'counter',
    help: 'Reads that found their key, of keys that begin with each of the prefixes of the option metricsPrefixes; estimated from a sample of the reads.',
    labels: ['prefix'],
    read: ({ sources }, add) => {
      for (const { prefix, hits } of sources.access?.metricsPrefixes() ?? []) add({ prefix }, Math.round(hits));
    },
  },
  {
    name: 'prefix_misses_total',
    type: 'counter',
    help: 'Reads that did not find their key, of keys that begin with each of the prefixes of the option metricsPrefixes; estimated from a sample of the reads.',
    labels: ['prefix'],
    read: ({ sources }, add) => {
      for (const { prefix, misses } of sources.access?.metricsPrefixes() ?? []) add({ prefix }, Math.round(misses));
    },
  },
  {
    name: 'estimated_hit_ratio',
    type: 'gauge',
    help: 'What share of reads would find their key with so many times the memory there is, 0 to 1; estimated from a sample of the last ten minutes, and left out while too little was read.',
    labels: ['memory'],
    read: ({ sources }, add) => {
      for (const { memory, hitRatio } of sources.access?.curve()?.points ?? []) {
        if (MEMORY_FACTORS_OF_METRICS.includes(memory)) add({ memory: String(memory) }, hitRatio);
      }
    },
  },
  {
    name: 'prefix_keys',
    type: 'gauge',
    help: 'Keys that begin with each of the prefixes of the option metricsPrefixes, copies kept for other nodes included; estimated from the last analysis of the keys.',
    labels: ['prefix'],
    read: ({ sources }, add) => {
      for (const { prefix, keys } of sources.keyspace?.metricsPrefixes() ?? []) add({ prefix }, keys);
    },
  },
  {
    name: 'prefix_memory_bytes',
    type: 'gauge',
    help: 'Memory of the keys that begin with each of the prefixes of the option metricsPrefixes, their share of the index included; estimated from the last analysis of the keys.',
    labels: ['prefix'],
    read: ({ sources }, add) => {
      for (const { prefix, bytes } of sources.keyspace?.metricsPrefixes() ?? []) add({ prefix }, bytes);
    },
  },

  perProtocol('connected_clients', 'gauge', 'Connections open now, by protocol.', Tally.clients),
  perProtocol('connections_received_total', 'counter', 'Connections accepted, by protocol.', Tally.connectionsReceived),
  perProtocol(
    'rejected_connections_total',
    'counter',
    'Connections closed at once because of the limit, by protocol.',
    Tally.connectionsRejected,
  ),
  perProtocol(
    'net_input_bytes_total',
    'counter',
    'Bytes of request bodies received, by protocol.',
    Tally.bytesReceived,
  ),
  perProtocol('net_output_bytes_total', 'counter', 'Bytes of answer bodies sent, by protocol.', Tally.bytesSent),

  perShard('shard_up', 'gauge', 'Whether the actor of a shard runs: 0 while it is being replaced.', (shard) =>
    Number(shard.isServing),
  ),
  perShard(
    'shard_restarts_total',
    'counter',
    'Times the actor of a shard died and was replaced.',
    (shard) => shard.restarts,
  ),
  perShard('shard_keys', 'gauge', 'Keys stored, by shard.', (shard) => shard.store.keys),
  perShard(
    'shard_memory_used_bytes',
    'gauge',
    'Memory in use of the budget, by shard.',
    (shard) => shard.store.usedBytes,
  ),
  perShard(
    'shard_reads_total',
    'counter',
    'Lookups in the memory of a shard.',
    ({ store }) => store.hits + store.misses,
  ),
  perShard(
    'shard_commands_total',
    'counter',
    'Commands that the actor of a shard ran; a transaction is one.',
    (shard) => shard.load.commands,
  ),
  perShard(
    'shard_busy_seconds_total',
    'counter',
    'Time in which the actor of a shard was not asleep.',
    (shard) => shard.load.busyMs / 1000,
  ),
  perShard('mailbox_depth', 'gauge', 'Commands sent to a shard and not yet answered.', (shard) => shard.mailboxDepth),
  {
    name: 'event_loop_delay_seconds',
    type: 'summary',
    help: 'How late timers of the main thread ran in the last minute; quantile 1 is the longest delay.',
    labels: ['quantile'],
    read: (facts, add) => {
      const { p50Ms, p99Ms, maxMs } = facts.eventLoopDelay();
      add({ quantile: '0.5' }, p50Ms / 1000);
      add({ quantile: '0.99' }, p99Ms / 1000);
      add({ quantile: '1' }, maxMs / 1000);
    },
  },
  ...cacheMetrics,
  ...clusterMetrics,
  ...persistenceMetrics,
];
