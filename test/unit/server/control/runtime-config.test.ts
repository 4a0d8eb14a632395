import test from 'ava';
import { resolveConfig } from '../../../../src/config/resolve.ts';
import { DiskSettings } from '../../../../src/server/control/disk-settings.ts';
import { LatencyEvents } from '../../../../src/server/control/latency-events.ts';
import { liveLimits } from '../../../../src/server/control/live-limits.ts';
import { optionParameters } from '../../../../src/server/control/option-parameters.ts';
import { memoryBytes } from '../../../../src/server/control/parameter.ts';
import { redisParameters } from '../../../../src/server/control/redis-parameters.ts';
import { RuntimeConfig } from '../../../../src/server/control/runtime-config.ts';
import { SlowLog } from '../../../../src/server/control/slow-log.ts';

function makeConfig(settings: Readonly<Record<string, unknown>> = {}) {
  const resolution = resolveConfig({
    flags: new Map(),
    environment: new Map(),
    file: { path: 'test', values: new Map(Object.entries(settings)) },
    machine: { cores: 2, hostName: 'test' },
  });
  if (resolution.kind === 'problems') throw new Error(resolution.problems.join());
  const { config } = resolution.resolved;
  const clock = { nowMs: () => 0 };
  const limits = liveLimits(config);
  const slowLog = new SlowLog(clock, config.slowLogLength);
  const latency = new LatencyEvents(clock);
  const notifications = {
    flags: '',
    set: (flags: string) => {
      notifications.flags = flags;
      return true;
    },
    check: (flags: string) => !flags.includes('q'),
  };
  const disk = config.persistence ? new DiskSettings(config) : null;
  const node = {
    config,
    limits,
    slowLog,
    latency,
    disk,
    notifications,
    invalidNotificationFlags: 'bad',
    tcpPort: () => 7379,
  };
  let resets = 0;
  const runtime = new RuntimeConfig([...redisParameters(node), ...optionParameters(node)], () => resets++);
  const told = (name: string) => new Map(runtime.parameters()).get(name);
  return { runtime, told, limits, slowLog, latency, disk, resets: () => resets };
}

test('what clients of Redis ask for is there, in its units', (t) => {
  const { told } = makeConfig({ maxMemory: '64mb', idleTimeout: '90s', maxConnections: 50 });
  t.is(told('save'), '');
  t.is(told('appendonly'), 'no');
  t.is(told('databases'), '1');
  t.is(told('maxmemory'), String(64 << 20));
  t.is(told('maxmemory-policy'), 'flux');
  t.is(told('timeout'), '90');
  t.is(told('maxclients'), '50');
  t.is(told('slowlog-log-slower-than'), '10000');
  t.is(told('idleTimeout'), '90s');
});

test('secrets are not told, and cannot be set', (t) => {
  const { runtime, told } = makeConfig({ password: 'secret' });
  t.is(told('password'), undefined);
  t.false([...runtime.parameters()].flat().includes('secret'));
  t.regex(runtime.set([['password', 'x']]) ?? '', /^Unknown option/);
});

test('what can be changed is changed where it is kept, by either name', (t) => {
  const { runtime, limits, slowLog, latency, told } = makeConfig();
  t.teardown(() => latency.stop());
  t.is(
    runtime.set([
      ['MaxClients', '7'],
      ['timeout', '3'],
      ['slowlog-log-slower-than', '500'],
      ['latency-monitor-threshold', '25'],
    ]),
    null,
  );
  t.is(limits.connectionsMax, 7);
  t.is(limits.idleTimeoutMs, 3000);
  t.is(slowLog.thresholdMs, 0.5);
  t.is(latency.thresholdMs, 25);
  t.is(told('maxConnections'), '7');
  t.is(runtime.set([['maxConnections', '8']]), null);
  t.is(told('maxclients'), '8');
  t.is(runtime.set([['slowlog-log-slower-than', '-1']]), null);
  t.is(slowLog.thresholdMs, Infinity);
  t.is(told('slowlog-log-slower-than'), '-1');
  t.is(runtime.set([['client-output-buffer-limit', 'normal 2mb 0 0 pubsub 2mb 0 0']]), null);
  t.is(limits.connectionOutputBytesMax, 2 << 20);
});

test('all parameters of one CONFIG SET are changed or none', (t) => {
  const { runtime, limits } = makeConfig();
  for (const second of [
    ['timeout', 'x'],
    ['nope', '1'],
    ['databases', '2'],
    ['maxclients', '9'],
  ] as const) {
    t.not(runtime.set([['maxclients', '7'], second]), null);
    t.is(limits.connectionsMax, 10_000);
  }
});

test('what is laid down at the start may only be set to what it is', (t) => {
  const { runtime } = makeConfig({ maxMemory: '64mb', shards: 2 });
  for (const [name, same, other] of [
    ['maxmemory', '64mb', '65mb'],
    ['maxmemory-policy', 'flux', 'noeviction'],
    ['shards', '2', '3'],
    ['maxValue', '8mb', '9mb'],
  ] as const) {
    t.is(runtime.set([[name, same]]), null, name);
    const problem = `CONFIG SET failed (possibly related to argument '${name}') - can't set immutable config`;
    t.is(runtime.set([[name, other]]), problem);
  }
});

test('how a node keeps its keys can be changed while it runs, by the names of Redis and by its own', (t) => {
  const { runtime, told, disk } = makeConfig({ persistence: true, snapshotInterval: '90s' });
  t.is(told('save'), '90 1');
  t.is(runtime.set([['save', '3600 1  300 100']]), null);
  t.deepEqual(disk?.savePoints, [
    { ageMs: 3_600_000, changes: 1 },
    { ageMs: 300_000, changes: 100 },
  ]);
  t.is(told('save'), '3600 1 300 100');
  t.is(told('snapshotInterval'), '5m');
  t.is(runtime.set([['snapshotInterval', '1h']]), null);
  t.is(told('save'), '3600 1');
  t.is(runtime.set([['save', '']]), null);
  t.is(told('snapshotInterval'), '0ms');
  t.is(told('save'), '');
  t.is(runtime.set([['snapshotLogSize', '1mb']]), null);
  t.is(disk?.logBytesMin, 2 ** 20);
  t.is(runtime.set([['appendfsync', 'ALWAYS']]), null);
  t.is(told('fsync'), 'always');
  t.is(runtime.set([['fsync', 'no']]), null);
  t.is(told('appendfsync'), 'no');
  t.is(runtime.set([['appendonly', 'yes']]), null);
  const reasonOf = (name: string, value: string) => runtime.set([[name, value]])?.split(') - ')[1];
  for (const save of ['60', '0 1', '60 x', '-1 1', '60 1 10']) t.is(reasonOf('save', save), 'Invalid save parameters');
  t.is(reasonOf('appendfsync', 'yes'), 'argument(s) must be one of the following: always, everysec, no');
  t.regex(reasonOf('appendonly', 'no') ?? '', /^can't set immutable config: --persistence says so/);
  t.is(told('appendfsync'), 'no');
});

test('of a node that keeps nothing the way is told to one that does', (t) => {
  const { runtime, told } = makeConfig();
  for (const [name, same, other] of [
    ['save', '', '60 1'],
    ['appendonly', 'no', 'yes'],
    ['appendfsync', 'everysec', 'always'],
  ] as const) {
    t.is(runtime.set([[name, same]]), null, name);
    t.regex(runtime.set([[name, other]]) ?? '', /can't set immutable config: .*--persistence$/, name);
    t.is(told(name), same);
  }
});

test('what other nodes rely on is not loosened, and may be tightened', (t) => {
  const cluster = { persistence: true, seeds: 'localhost:17379', fsync: 'always' };
  const relied = makeConfig(cluster);
  for (const name of ['appendfsync', 'fsync']) {
    t.regex(relied.runtime.set([[name, 'everysec']]) ?? '', /other nodes rely on/);
    t.is(relied.runtime.set([[name, 'always']]), null);
  }
  const loose = makeConfig({ ...cluster, fsync: 'no' });
  t.is(loose.runtime.set([['appendfsync', 'always']]), null);
  t.is(loose.runtime.set([['appendfsync', 'no']]), null);
});

test('values are refused with the reason', (t) => {
  const { runtime } = makeConfig();
  const reasonOf = (name: string, value: string) => runtime.set([[name, value]])?.split(') - ')[1];
  t.is(reasonOf('maxclients', 'x'), "argument couldn't be parsed into an integer");
  t.is(reasonOf('maxclients', '0'), 'argument must be between 1 and 4294967295 inclusive');
  t.is(reasonOf('slowlog-max-len', '-1'), 'argument must be between 0 and 9223372036854775807 inclusive');
  t.is(reasonOf('maxmemory', '10zz'), 'argument must be a memory value');
  t.is(
    reasonOf('maxmemory-policy', 'allkeys-lru'),
    'argument(s) must be one of the following: flux, noeviction, volatile-ttl',
  );
  t.is(reasonOf('appendonly', 'maybe'), "argument must be 'yes' or 'no'");
  t.is(reasonOf('notify-keyspace-events', 'q'), 'bad');
  t.is(reasonOf('client-output-buffer-limit', 'normal 1mb 0 0 pubsub 2mb 0 0'), 'all classes have one limit');
  t.is(reasonOf('client-output-buffer-limit', 'normal 0 0 0'), 'there is a hard limit, and no soft one');
  t.regex(reasonOf('maxConnections', '0') ?? '', /^allowed: an integer from 1 /);
});

test('statistics are reset by who keeps them', (t) => {
  const { runtime, resets } = makeConfig();
  runtime.resetStatistics();
  t.is(resets(), 1);
});

test('sizes have the units of Redis', (t) => {
  for (const [text, bytes] of Object.entries({
    '10': 10,
    '1k': 1000,
    '1KB': 1024,
    '2mb': 2 << 20,
    '1g': 1e9,
    '3b': 3,
  })) {
    t.is(memoryBytes(text), bytes, text);
  }
  for (const text of ['', 'x', '-1', '1.5mb', '1tb', '1 mb']) t.is(memoryBytes(text), Number.NaN, text);
});
