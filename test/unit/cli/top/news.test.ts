import test from 'ava';
import { infoFields } from '../../../../src/cli/stat.ts';
import { EventParser } from '../../../../src/cli/top/event-parser.ts';
import { sampleBetween } from '../../../../src/cli/top/info-sample.ts';
import { durationsOf, latencyBetween } from '../../../../src/cli/top/latency-histogram.ts';
import { newsOf } from '../../../../src/cli/top/news.ts';
import { withNews } from '../../../../src/cli/top/state.ts';
import type { FeedEvents, NodeSample } from '../../../../src/monitoring/dashboard/feed.ts';
import type { Reply } from '../../../../src/protocol/resp/reply.ts';
import { hello, sampleWith, stateAfter } from './known-node.ts';

/** As the server tells it, all fields there. */
const told: NodeSample = {
  ...sampleWith(),
  spanMs: 1000,
  byProtocol: { resp: 1000 },
  latencyByProtocol: {},
  connections: { resp: 50 },
  memory: { entries: 10, dead: 0, index: 0, expiry: 0, retired: 0, control: 0, free: 90, budget: 100 },
  eventLoop: { p50Ms: 1, p99Ms: 2, maxMs: 3 },
  disk: {
    fsync: 'everysec',
    isWell: true,
    troubles: [],
    writtenBytes: 1,
    syncs: 1,
    syncMs: 2,
    waiting: 3,
    unsynced: 4,
    snapshots: null,
  },
};

test('what a server tells of a sample is taken as it is, as far as it is shown', (t) => {
  const event = newsOf('sample', JSON.stringify(told));
  if (event?.name !== 'sample') return t.fail();
  t.like(told, event.value);
  t.is(event.value.disk?.unsynced, 4);
  t.is(event.value.shards.length, 2);
});

test('what is missing, or of another kind than expected, is nothing; an event that is not known is none', (t) => {
  for (const data of ['{}', '[]', 'null', '7', '"x"', '{"shards":[null,{"busy":"x"}],"byCommand":[1],"memory":null}']) {
    const event = newsOf('sample', data);
    t.is(event?.name, 'sample');
    if (event?.name === 'sample') t.is(event.value.memory.budget, 0);
  }
  for (const name of [
    'history',
    'failovers',
    'happenings',
    'slow',
    'access',
    'health',
    'hello',
  ] satisfies (keyof FeedEvents)[]) {
    t.notThrows(() => newsOf(name, '{"hot":[null],"prefixes":7}'));
  }
  t.is(newsOf('keyspace', 'null'), null);
  t.is(newsOf('__proto__', '{}'), null);
  t.throws(() => newsOf('sample', '{'), { instanceOf: SyntaxError });
});

test('names that objects have from the start are names like others', (t) => {
  const event = newsOf('sample', '{"byCommand":{"__proto__":5,"constructor":6}}');
  if (event?.name !== 'sample') return t.fail();
  t.deepEqual(Object.entries(event.value.byCommand), [
    ['__proto__', 5],
    ['constructor', 6],
  ]);
});

test('a stream that begins anew forgets what was told before, and samples are kept for five minutes', (t) => {
  let state = stateAfter([{ name: 'history', value: [sampleWith()] }]);
  for (let atMs = 0; atMs < 400; atMs++) state = withNews(state, { name: 'sample', value: sampleWith({ atMs }) });
  t.is(state.known.samples.length, 300);
  t.is(state.known.samples.at(-1)?.atMs, 399);
  t.is(withNews(state, { name: 'hello', value: hello }).known.samples.length, 0);
});

test('events come out of a stream whatever the pieces it comes in', (t) => {
  const text =
    'retry: 1000\n\n: comment\nevent: a\ndata: {"é":1}\n\nevent: b\r\ndata:2\r\ndata: 3\r\n\r\ndata: unnamed\n\nevent: none\n\n';
  const bytes = Buffer.from(text);
  const expected = ['a {"é":1}', 'b 2\n3', ' unnamed'];
  for (const size of [1, 2, 3, 7, bytes.length]) {
    const events: string[] = [];
    const parser = new EventParser((name, data) => events.push(`${name} ${data}`));
    for (let at = 0; at < bytes.length; at += size) parser.push(bytes.subarray(at, at + size));
    t.deepEqual(events, expected, String(size));
  }
});

test('a line without an end is refused before it takes all memory', (t) => {
  const parser = new EventParser(() => t.fail());
  const chunk = Buffer.alloc(16 * 1024 * 1024, 'x');
  t.throws(
    () => {
      for (let count = 0; count < 6; count++) parser.push(chunk);
    },
    { instanceOf: RangeError },
  );
});

test('of two readings of INFO a sample is made, and counts that were reset count for nothing', (t) => {
  const reading = (calls: number, atMs: number) => ({
    atMs,
    monotonicMs: atMs,
    durations: new Map([[64, calls]]),
    fields: infoFields(
      [
        `total_commands_processed:${calls}`,
        `cmdstat_get:calls=${calls},usec=1`,
        `keyspace_hits:${calls}`,
        'keyspace_misses:0',
        'used_memory:600',
        'maxmemory:1000',
        'connected_clients:4',
        'db0:keys=10,expires=3,avg_ttl=0',
      ].join('\r\n'),
    ),
  });
  const sample = sampleBetween(reading(100, 1000), reading(300, 3000));
  t.like(sample, {
    byProtocol: { all: 100 },
    byCommand: { get: 100 },
    hits: 100,
    keys: 10,
    expiringKeys: 3,
    memory: { budget: 1000, free: 400 },
    connections: { all: 4 },
    latency: { p50Ms: 0.048, p99Ms: 0.06368, p999Ms: 0.063968 },
  });
  t.like(sampleBetween(reading(300, 1000), reading(100, 2000)), { byProtocol: { all: 0 }, byCommand: {}, hits: 0 });
});

test('of LATENCY HISTOGRAM the counts of all commands are added up, and what is of another form is nothing', (t) => {
  const integer = (value: number): Reply => ({ kind: 'integer', value: BigInt(value) });
  const array = (...items: Reply[]): Reply => ({ kind: 'array', items });
  const word = (text: string): Reply => ({ kind: 'bulk', bytes: Buffer.from(text) });
  const command = (...pairs: number[]) =>
    array(word('calls'), integer(9), word('histogram_usec'), array(...pairs.map(integer)));
  const told = array(word('get'), command(1, 5, 2, 8), word('set'), command(2, 4, 1024, 5));
  t.deepEqual(
    durationsOf(told),
    new Map([
      [1, 5],
      [2, 7],
      [1024, 1],
    ]),
  );
  t.deepEqual(durationsOf(array()), new Map());
  t.is(durationsOf({ kind: 'error', text: 'ERR' }), null);
  t.is(durationsOf(array(word('get'), word('x'))), null);
});

test('latencies between two readings are those of the commands between them', (t) => {
  const before = new Map([
    [1, 1000],
    [1024, 10],
  ]);
  t.is(latencyBetween(before, before), null);
  t.is(latencyBetween(null, before), null);
  const after = new Map([
    [1, 1000],
    [1024, 60],
    [2048, 50],
  ]);
  t.deepEqual(latencyBetween(before, after), { p50Ms: 1.024, p99Ms: 2.02752, p999Ms: 2.045952 });
  // Counts that were set back to nothing, and filled again.
  t.is(latencyBetween(after, new Map([[1, 3]])), null);
});
