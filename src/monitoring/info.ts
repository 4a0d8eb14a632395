import { FrontEnd, frontEndNames, Tally } from '../base/counters.ts';
import { formatBytes } from '../base/units.ts';
import type { InfoSection } from '../command/command.ts';
import type { NodeFacts, StoreFacts } from './facts.ts';

/** The version of Redis whose answers FluxCache's are like; clients look at it to know what they may send. */
const REDIS_VERSION = '7.0.15';

type Fields = Iterable<readonly [name: string, value: string | number]>;

/** The sections of INFO, by the names that Redis's clients and exporters read. */
export function infoSections(facts: NodeFacts): readonly InfoSection[] {
  const section = (name: string, fields: () => Fields, shownByDefault = true): InfoSection => ({
    name,
    shownByDefault,
    fields,
  });
  return [
    section('Server', () => server(facts)),
    section('Clients', () => [['connected_clients', tallied(facts, Tally.clients)]]),
    section('Memory', () => memory(facts)),
    section('Persistence', () => [['loading', Number(facts.state() === 'starting')]]),
    section('Stats', () => stats(facts)),
    section('Replication', () => [
      ['role', 'master'],
      ['connected_slaves', 0],
    ]),
    section('CPU', () => cpu()),
    section('Cluster', () => [['cluster_enabled', 0]]),
    section('Commandstats', () => commandStats(facts), false),
    section('Keyspace', () => keyspace(facts)),
  ];
}

function* server(facts: NodeFacts): Fields {
  const uptimeS = Math.floor((facts.nowMs() - facts.startedAtMs) / 1000);
  yield ['redis_version', REDIS_VERSION];
  yield ['fluxcache_version', facts.version];
  yield ['redis_mode', 'standalone'];
  yield ['os', `${process.platform} ${process.arch}`];
  yield ['arch_bits', 64];
  yield ['node_version', process.version];
  yield ['process_id', process.pid];
  yield ['http_port', facts.httpPort];
  yield ['uptime_in_seconds', uptimeS];
  yield ['uptime_in_days', Math.floor(uptimeS / 86_400)];
}

function* memory(facts: NodeFacts): Fields {
  const used = sum(facts, 'usedBytes');
  const rss = process.memoryUsage.rss();
  yield ['used_memory', used];
  yield ['used_memory_human', human(used)];
  yield ['used_memory_rss', rss];
  yield ['used_memory_rss_human', human(rss)];
  yield ['used_memory_dataset', sum(facts, 'entryBytes')];
  yield ['maxmemory', facts.memoryBytesMax];
  yield ['maxmemory_human', human(facts.memoryBytesMax)];
  yield ['maxmemory_policy', facts.eviction];
}

function* stats(facts: NodeFacts): Fields {
  const counters = facts.counters();
  let commands = 0;
  for (let row = 0; row < facts.commandNames.length; row++) {
    for (const frontEnd of Object.values(FrontEnd)) commands += counters.commandCount(row, frontEnd);
  }
  yield ['total_connections_received', tallied(facts, Tally.connectionsReceived)];
  yield ['total_commands_processed', commands];
  yield ['rejected_connections', tallied(facts, Tally.connectionsRejected)];
  yield ['expired_keys', sum(facts, 'expiredKeys')];
  yield ['evicted_keys', sum(facts, 'evictedKeys')];
  yield ['keyspace_hits', sum(facts, 'hits')];
  yield ['keyspace_misses', sum(facts, 'misses')];
}

function* cpu(): Fields {
  const { system, user } = process.cpuUsage();
  yield ['used_cpu_sys', (system / 1e6).toFixed(6)];
  yield ['used_cpu_user', (user / 1e6).toFixed(6)];
}

function* commandStats(facts: NodeFacts): Fields {
  const counters = facts.counters();
  for (const [row, name] of facts.commandNames.entries()) {
    let calls = 0;
    let sumMs = 0;
    for (const frontEnd of Object.values(FrontEnd)) {
      calls += counters.commandCount(row, frontEnd);
      sumMs += counters.durationSumMs(row, frontEnd);
    }
    if (calls === 0) continue;
    const us = Math.round(sumMs * 1000);
    yield [`cmdstat_${name}`, `calls=${calls},usec=${us},usec_per_call=${(us / calls).toFixed(2)}`];
  }
}

function* keyspace(facts: NodeFacts): Fields {
  const keys = sum(facts, 'keys');
  if (keys > 0) yield ['db0', `keys=${keys},expires=${sum(facts, 'expiringKeys')},avg_ttl=0`];
}

function sum(facts: NodeFacts, field: keyof StoreFacts): number {
  let total = 0;
  for (const { store } of facts.shards()) total += store[field];
  return total;
}

function tallied(facts: NodeFacts, tally: Tally): number {
  const counters = facts.counters();
  let total = 0;
  for (const name of frontEndNames) total += counters.tally(tally, FrontEnd[name]);
  return total;
}

/** To two places, in the greatest unit that leaves a whole part. */
function human(bytes: number): string {
  for (const [unit, size] of [
    ['gb', 2 ** 30],
    ['mb', 2 ** 20],
    ['kb', 2 ** 10],
  ] as const) {
    if (bytes >= size) return `${(bytes / size).toFixed(2)}${unit}`;
  }
  return formatBytes(bytes);
}
