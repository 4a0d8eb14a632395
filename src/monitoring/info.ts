import { totalmem } from 'node:os';
import { Tally } from '../base/counters.ts';
import { type ErrorCode, errors } from '../base/errors.ts';
import type { InfoSection } from '../command/command.ts';
import { redisVersion } from '../command/versions.ts';
import { clusterInfo, replicationInfo } from './cluster-info.ts';
import { durations, percentileUs } from './durations.ts';
import type { NodeFacts } from './facts.ts';
import { persistenceInfo } from './persistence-info.ts';
import { Statistics, sumOf } from './statistics.ts';
import { tallied } from './usage-watch.ts';

type Fields = Iterable<readonly [name: string, value: string | number]>;

/** The sections of INFO, by the names that Redis's clients and exporters read. What has no truth here is left out. */
export function infoSections(facts: NodeFacts, statistics = new Statistics(facts)): readonly InfoSection[] {
  const section = (name: string, fields: () => Fields, shownByDefault = true): InfoSection => ({
    name,
    shownByDefault,
    fields,
  });
  return [
    section('Server', () => server(facts)),
    section('Clients', () => clients(facts)),
    section('Memory', () => memory(facts)),
    section('Persistence', () => persistenceInfo(facts)),
    section('Stats', () => stats(facts, statistics)),
    section('Replication', () => replicationInfo(facts)),
    section('CPU', () => cpu()),
    section('Modules', () => []),
    section('Commandstats', () => commandStats(facts, statistics), false),
    section('Errorstats', () => errorStats(statistics)),
    section('Latencystats', () => latencyStats(facts, statistics), false),
    section('Cluster', () => clusterInfo(facts)),
    section('Keyspace', () => keyspace(facts)),
  ];
}

function* server(facts: NodeFacts): Fields {
  const nowMs = facts.nowMs();
  const uptimeS = Math.floor((nowMs - facts.startedAtMs) / 1000);
  yield ['redis_version', redisVersion];
  yield ['redis_git_sha1', '00000000'];
  yield ['redis_git_dirty', 0];
  yield ['redis_build_id', '0'];
  yield ['fluxcache_version', facts.version];
  yield ['redis_mode', facts.cluster() === null ? 'standalone' : 'cluster'];
  yield ['os', `${process.platform} ${process.arch}`];
  yield ['arch_bits', 64];
  yield ['multiplexing_api', 'libuv'];
  yield ['node_version', process.version];
  yield ['process_id', process.pid];
  yield ['run_id', facts.runId];
  yield ['tcp_port', facts.tcpPort];
  yield ['http_port', facts.httpPort];
  yield ['server_time_usec', Math.round(nowMs * 1000)];
  yield ['uptime_in_seconds', uptimeS];
  yield ['uptime_in_days', Math.floor(uptimeS / 86_400)];
  yield ['executable', process.execPath];
}

function* clients(facts: NodeFacts): Fields {
  // A level and no count: it does not begin anew.
  yield ['connected_clients', tallied(facts.counters(), Tally.clients)];
  yield ['cluster_connections', facts.cluster()?.links.filter(({ isConnected }) => isConnected).length ?? 0];
  yield ['maxclients', facts.connectionsMax()];
  yield ['blocked_clients', 0];
  yield ['tracking_clients', facts.tracking().clientCount];
}

function* memory(facts: NodeFacts): Fields {
  const used = sumOf(facts, 'usedBytes');
  const entries = sumOf(facts, 'entryBytes');
  const { rss, heapUsed } = process.memoryUsage();
  yield ['used_memory', used];
  yield ['used_memory_human', human(used)];
  yield ['used_memory_rss', rss];
  yield ['used_memory_rss_human', human(rss)];
  yield ['used_memory_peak', facts.memoryPeakBytes()];
  yield ['used_memory_peak_human', human(facts.memoryPeakBytes())];
  yield ['used_memory_overhead', used - entries];
  yield ['used_memory_dataset', entries];
  yield ['used_memory_dataset_perc', `${(used === 0 ? 0 : (entries / used) * 100).toFixed(2)}%`];
  yield ['used_memory_js_heap', heapUsed];
  yield ['total_system_memory', totalmem()];
  yield ['total_system_memory_human', human(totalmem())];
  yield ['maxmemory', facts.memoryBytesMax];
  yield ['maxmemory_human', human(facts.memoryBytesMax)];
  yield ['maxmemory_policy', facts.eviction];
  yield ['mem_fragmentation_ratio', (used === 0 ? 0 : rss / used).toFixed(2)];
  yield ['mem_allocator', 'fluxcache'];
}

function* stats(facts: NodeFacts, statistics: Statistics): Fields {
  const counters = statistics.counters();
  const { commandsPerS, inputBytesPerS, outputBytesPerS } = facts.rates();
  const channels = facts.channels();
  const tracking = facts.tracking();
  yield ['total_connections_received', tallied(counters, Tally.connectionsReceived)];
  yield ['total_commands_processed', counters.commandTotal()];
  yield ['instantaneous_ops_per_sec', Math.round(commandsPerS)];
  yield ['total_net_input_bytes', tallied(counters, Tally.bytesReceived)];
  yield ['total_net_output_bytes', tallied(counters, Tally.bytesSent)];
  yield ['instantaneous_input_kbps', (inputBytesPerS / 1024).toFixed(2)];
  yield ['instantaneous_output_kbps', (outputBytesPerS / 1024).toFixed(2)];
  yield ['rejected_connections', tallied(counters, Tally.connectionsRejected)];
  yield ['expired_keys', statistics.ofStores('expiredKeys')];
  yield ['evicted_keys', statistics.ofStores('evictedKeys')];
  yield ['keyspace_hits', statistics.ofStores('hits')];
  yield ['keyspace_misses', statistics.ofStores('misses')];
  yield ['keyspace_stale_hits', statistics.ofStores('staleHits')];
  yield ['fill_tokens_granted', statistics.ofFills('granted')];
  yield ['fill_tokens_filled', statistics.ofFills('filled')];
  yield ['fill_tokens_lost', statistics.ofFills('lost')];
  yield ['invalidated_keys', statistics.ofStores('invalidatedEntries')];
  yield ['pending_tags', Math.max(0, ...facts.shards().map(({ store }) => store.pendingTags))];
  yield ['pubsub_channels', channels.channelCount];
  yield ['pubsub_patterns', channels.patternCount];
  yield ['pubsubshard_channels', channels.shardChannelCount];
  yield ['tracking_total_keys', tracking.keyCount];
  yield ['tracking_total_items', tracking.itemCount];
  yield ['tracking_total_prefixes', tracking.prefixCount];
  yield ['unexpected_error_replies', counters.errorCount(errors.internal.id)];
  let errorReplies = 0;
  for (const { id } of Object.values(errors)) errorReplies += counters.errorCount(id);
  yield ['total_error_replies', errorReplies];
}

function* cpu(): Fields {
  const { system, user } = process.cpuUsage();
  yield ['used_cpu_sys', (system / 1e6).toFixed(6)];
  yield ['used_cpu_user', (user / 1e6).toFixed(6)];
  // There are no child processes.
  yield ['used_cpu_sys_children', '0.000000'];
  yield ['used_cpu_user_children', '0.000000'];
}

function* commandStats(facts: NodeFacts, statistics: Statistics): Fields {
  for (const { name, calls, sumMs } of durations(statistics.counters(), facts.commandNames)) {
    const us = Math.round(sumMs * 1000);
    yield [`cmdstat_${name}`, `calls=${calls},usec=${us},usec_per_call=${(us / calls).toFixed(2)}`];
  }
}

/** By the first word of the error, as RESP says it. */
function* errorStats(statistics: Statistics): Fields {
  const counters = statistics.counters();
  const counts = new Map<string, number>();
  for (const code of Object.keys(errors) as ErrorCode[]) {
    const { id, respPrefix } = errors[code];
    const count = counters.errorCount(id);
    if (count > 0) counts.set(respPrefix, (counts.get(respPrefix) ?? 0) + count);
  }
  for (const [prefix, count] of counts) yield [`errorstat_${prefix}`, `count=${count}`];
}

/** As exact as what is counted: a percentile is the next power of two in microseconds. */
function* latencyStats(facts: NodeFacts, statistics: Statistics): Fields {
  for (const one of durations(statistics.counters(), facts.commandNames)) {
    const shares = [
      ['p50', 0.5],
      ['p99', 0.99],
      ['p99.9', 0.999],
    ] as const;
    const text = shares.map(([name, share]) => `${name}=${percentileUs(one, share).toFixed(3)}`).join(',');
    yield [`latency_percentiles_usec_${one.name}`, text];
  }
}

function* keyspace(facts: NodeFacts): Fields {
  const keys = sumOf(facts, 'keys');
  if (keys > 0) yield ['db0', `keys=${keys},expires=${sumOf(facts, 'expiringKeys')},avg_ttl=0`];
}

/** To two places, in the greatest unit that leaves a whole part: as Redis writes sizes for people. */
function human(bytes: number): string {
  for (const [unit, size] of [
    ['T', 2 ** 40],
    ['G', 2 ** 30],
    ['M', 2 ** 20],
    ['K', 2 ** 10],
  ] as const) {
    if (bytes >= size) return `${(bytes / size).toFixed(2)}${unit}`;
  }
  return `${bytes}B`;
}
