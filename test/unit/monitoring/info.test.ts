import test from 'ava';
import { Counters, FrontEnd } from '../../../src/base/counters.ts';
import type { NodeFacts } from '../../../src/monitoring/facts.ts';
import { infoSections } from '../../../src/monitoring/info.ts';
import { factsOf, shardOf } from './facts-of.ts';

function section(facts: NodeFacts, name: string): Record<string, string | number> {
  const found = infoSections(facts).find((candidate) => candidate.name === name);
  return Object.fromEntries(found?.fields() ?? []);
}

test('what clients and exporters of Redis look for is there', (t) => {
  const facts = factsOf({ shards: () => [shardOf({}, { keys: 3, expiringKeys: 1, usedBytes: 3 << 20, hits: 5 })] });
  t.like(section(facts, 'Server'), {
    redis_version: '7.0.15',
    fluxcache_version: '1.2.3',
    arch_bits: 64,
    uptime_in_seconds: 12,
  });
  t.like(section(facts, 'Memory'), {
    used_memory: 3 << 20,
    used_memory_human: '3.00M',
    used_memory_peak_human: '5.00M',
    maxmemory_policy: 'flux',
  });
  t.like(section(facts, 'Stats'), { keyspace_hits: 5, total_commands_processed: 0 });
  t.is(section(facts, 'Persistence')['loading'], 0);
  t.deepEqual(section(facts, 'Cluster'), { cluster_enabled: 0 });
  t.deepEqual(section(facts, 'Keyspace'), { db0: 'keys=3,expires=1,avg_ttl=0' });
});

test('an empty node has no line in Keyspace, and one that starts says that it is loading', (t) => {
  t.deepEqual(section(factsOf({}), 'Keyspace'), {});
  t.is(section(factsOf({ state: () => 'starting' }), 'Persistence')['loading'], 1);
});

test('statistics of commands are shown when asked for, and only of those that were run', (t) => {
  const counters = Counters.create({ commandCount: 2, errorCount: 100 });
  counters.commands(1, FrontEnd.http, 4, 2);
  const facts = factsOf({ counters: () => counters, commandNames: ['get', 'set'] });
  t.deepEqual(section(facts, 'Commandstats'), { cmdstat_set: 'calls=4,usec=2000,usec_per_call=500.00' });
  t.false(infoSections(facts).find(({ name }) => name === 'Commandstats')?.shownByDefault);
});
