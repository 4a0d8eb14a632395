import { spawnSync } from 'node:child_process';
import test from 'ava';
import { Counters, FrontEnd, Tally } from '../../../src/base/counters.ts';
import { errors } from '../../../src/base/errors.ts';
import { durationMetric, metricTable } from '../../../src/monitoring/metric-table.ts';
import { Metrics } from '../../../src/monitoring/metrics.ts';
import { factsOf, shardOf } from './facts-of.ts';

interface Family {
  type: string;
  help: string;
  samples: Map<string, number>;
}

/** Reads the text format strictly: HELP, TYPE, then samples of that family, and nothing else. */
function parse(page: string): Map<string, Family> {
  const families = new Map<string, Family>();
  let current: [string, Family] | undefined;
  for (const line of page.trimEnd().split('\n')) {
    if (line === '') continue;
    const help = /^# HELP ([a-z_:][\w:]*) (\S.*)$/i.exec(line);
    const type = /^# TYPE ([a-z_:][\w:]*) (counter|gauge|histogram|summary)$/i.exec(line);
    if (help !== null) {
      const name = help[1] as string;
      if (families.has(name)) throw new Error(`${name} comes twice`);
      const family = { type: '', help: help[2] as string, samples: new Map<string, number>() };
      current = [name, family];
      families.set(name, family);
    } else if (type !== null) {
      if (current === undefined || current[0] !== type[1]) throw new Error(`type without help: ${line}`);
      current[1].type = type[2] as string;
    } else {
      const sample = /^([a-z_:][\w:]*)(\{(?:[a-z_]\w*="(?:[^"\\\n]|\\[\\n"])*",?)+\})? (\S+)$/i.exec(line);
      if (sample === null || current === undefined) throw new Error(`not a sample: ${line}`);
      const [, name = '', labels = '', value] = sample;
      const suffixes = current[1].type === 'histogram' ? ['_bucket', '_sum', '_count'] : [''];
      if (!suffixes.some((suffix) => name === current?.[0] + suffix)) throw new Error(`${name} under ${current[0]}`);
      const number = value === '+Inf' ? Number.POSITIVE_INFINITY : Number(value);
      if (Number.isNaN(number) && value !== 'NaN') throw new Error(`not a number: ${line}`);
      current[1].samples.set(name + labels, number);
    }
  }
  return families;
}

test('every metric of the table is on the page with its name, type and help', async (t) => {
  const families = parse(await new Metrics(factsOf({})).text());
  for (const { name, type, help, isOfCluster, isOfPersistence } of metricTable) {
    if (isOfCluster === true || isOfPersistence === true) continue;
    const family = families.get(`fluxcache_${name}`);
    t.is(family?.type, type, name);
    t.is(family?.help, help, name);
  }
  t.is(families.get('fluxcache_commands_duration_seconds')?.type, 'histogram');
  t.is(families.get('process_cpu_seconds_total')?.type, 'counter');
});

test('counters end in _total, other metrics do not, and units are base units', (t) => {
  for (const { name, type } of [...metricTable, { ...durationMetric, type: 'histogram' }]) {
    t.is(name.endsWith('_total'), type === 'counter', name);
    t.notRegex(name, /(ms|millis|micros|kb|mb)(_|$)/, name);
  }
});

test('the names that dashboards and users rely on are there', (t) => {
  const names = new Set(metricTable.map(({ name }) => name));
  for (const name of [
    'up',
    'commands_total',
    'errors_total',
    'keyspace_hits_total',
    'keyspace_misses_total',
    'evicted_keys_total',
    'expired_keys_total',
    'memory_used_bytes',
    'memory_max_bytes',
    'connected_clients',
    'db_keys',
    'db_keys_expiring',
    'node_health',
    'mailbox_depth',
    'event_loop_delay_seconds',
  ]) {
    t.true(names.has(name), name);
  }
});

test('commands and their durations are summed over threads and labelled by name and protocol', async (t) => {
  const shape = { commandCount: 2, errorCount: 100 };
  const main = Counters.create(shape);
  const other = Counters.create(shape);
  main.command(0, FrontEnd.http, 0.5);
  main.commands(0, FrontEnd.http, 9, 9 * 0.003);
  other.command(0, FrontEnd.resp, 100_000);
  const facts = factsOf({ counters: () => Counters.sum(shape, [main, other]), commandNames: ['get', 'config|set'] });
  const families = parse(await new Metrics(facts).text());
  t.deepEqual(
    families.get('fluxcache_commands_total')?.samples,
    new Map([['fluxcache_commands_total{cmd="get"}', 11]]),
  );
  const durations = families.get('fluxcache_commands_duration_seconds')?.samples ?? new Map<string, number>();
  const bucket = (le: string, protocol: string) =>
    durations.get(`fluxcache_commands_duration_seconds_bucket{le="${le}",cmd="get",protocol="${protocol}"}`);
  t.is(bucket('0.000002', 'http'), 0);
  t.is(bucket('0.000004', 'http'), 9);
  t.is(bucket('0.000512', 'http'), 10);
  t.is(bucket('+Inf', 'http'), 10);
  t.is(bucket('16.777216', 'resp'), 0);
  t.is(bucket('+Inf', 'resp'), 1);
  t.is(durations.get('fluxcache_commands_duration_seconds_count{cmd="get",protocol="http"}'), 10);
  const sum = durations.get('fluxcache_commands_duration_seconds_sum{cmd="get",protocol="http"}') ?? 0;
  t.true(Math.abs(sum - 0.000527) < 1e-9);
  t.false([...durations.keys()].some((key) => key.includes('msgpack')));
});

test('errors, clients, shards and memory are read from their sources', async (t) => {
  const counters = Counters.create({ commandCount: 1, errorCount: 100 });
  counters.error(errors.overloaded.id);
  counters.add(Tally.clients, FrontEnd.http, 3);
  counters.add(Tally.bytesSent, FrontEnd.http, 99);
  const facts = factsOf({
    counters: () => counters,
    shards: () => [
      shardOf({ mailboxDepth: 4, restarts: 2 }, { keys: 10, hits: 5, usedBytes: 100 }),
      shardOf({ isServing: false }, { keys: 1, hits: 2, usedBytes: 11 }),
    ],
  });
  const families = parse(await new Metrics(facts).text());
  const sample = (name: string, labels = '') =>
    families.get(`fluxcache_${name}`)?.samples.get(`fluxcache_${name}${labels}`);
  t.is(sample('errors_total', '{code="overloaded"}'), 1);
  t.is(sample('errors_total', '{code="internal"}'), 0);
  t.is(sample('connected_clients', '{protocol="http"}'), 3);
  t.is(sample('net_output_bytes_total', '{protocol="http"}'), 99);
  t.is(sample('db_keys', '{db="db0"}'), 11);
  t.is(sample('keyspace_hits_total'), 7);
  t.is(sample('memory_used_bytes'), 111);
  t.is(sample('mailbox_depth', '{shard="0"}'), 4);
  t.is(sample('shard_restarts_total', '{shard="0"}'), 2);
  t.is(sample('shard_up', '{shard="1"}'), 0);
  t.is(sample('node_health', '{node="box"}'), 0);
  t.is(sample('up'), 1);
});

test('a node tells where clients reach it, what it evicts, and whether requests should come', async (t) => {
  const families = parse(await new Metrics(factsOf({ host: '::1', isTls: true, eviction: 'noeviction' })).text());
  const labels = '{node="box",zone="",url="https://[::1]:8081/"}';
  t.is(families.get('fluxcache_node_info')?.samples.get(`fluxcache_node_info${labels}`), 1);
  t.is(families.get('fluxcache_eviction_info')?.samples.get('fluxcache_eviction_info{policy="noeviction"}'), 1);
  t.is(families.get('fluxcache_ready')?.samples.get('fluxcache_ready'), 1);
  const draining = parse(await new Metrics(factsOf({ state: () => 'draining' })).text());
  t.is(draining.get('fluxcache_ready')?.samples.get('fluxcache_ready'), 0);
});

test('what takes long to find out is asked for once a page, and anew for the next', async (t) => {
  let asked = 0;
  const shards = () => {
    asked++;
    return [shardOf()];
  };
  const metrics = new Metrics(factsOf({ shards }));
  await metrics.text();
  t.is(asked, 1);
  await metrics.text();
  t.is(asked, 2);
});

test('nothing is said of connections where the engine does not tell of them', async (t) => {
  const facts = factsOf({ protocols: () => [{ name: 'http', tellsConnections: false }] });
  const families = parse(await new Metrics(facts).text());
  t.is(families.get('fluxcache_connected_clients')?.samples.size, 0);
  t.is(families.get('fluxcache_net_output_bytes_total')?.samples.size, 1);
});

test('a page asked for twice shows what was counted in between, once', async (t) => {
  const counters = Counters.create({ commandCount: 1, errorCount: 100 });
  const metrics = new Metrics(factsOf({ counters: () => counters }));
  const count = async () => {
    const page = parse(await metrics.text());
    return page.get('fluxcache_commands_total')?.samples.get('fluxcache_commands_total{cmd="get"}');
  };
  counters.command(0, FrontEnd.http, 1);
  t.is(await count(), 1);
  counters.command(0, FrontEnd.http, 1);
  t.is(await count(), 2);
  t.is(await count(), 2);
});

test('promtool finds nothing to complain about', async (t) => {
  if (spawnSync('promtool', ['--version']).error !== undefined) {
    t.log('skipped: promtool is not installed');
    t.pass();
    return;
  }
  const page = await new Metrics(factsOf({})).text();
  const own = page
    .split('\n\n')
    .filter((family) => family.startsWith('# HELP fluxcache_'))
    .join('\n\n');
  const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], {
    input: `${own}\n`,
    encoding: 'utf8',
  });
  t.is(status, 0, stdout + stderr);
});
