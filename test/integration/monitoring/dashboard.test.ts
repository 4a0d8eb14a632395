import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, posix } from 'node:path';
import test from 'ava';
import type { FeedEvents } from '../../../src/monitoring/dashboard/feed.ts';
import { AccessUser } from '../../../src/server/access/rights.ts';
import { EventStreamClient } from '../../event-stream-client.ts';
import { sharedNode, startNodeFixture } from '../resp/node-fixture.ts';

const node = sharedNode({ slowLogThreshold: 0 });

test.serial('every file that the page names is served, and every module that its modules import', async (t) => {
  const { url } = (await node()).node;
  const page = await (await fetch(url)).text();
  const found = [...page.matchAll(/(?:href|src)="([^"]+)"/g)].map(([, name]) => `/${name}`);
  t.true(found.length > 5);
  const seen = new Set<string>();
  for (let path = found.pop(); path !== undefined; path = found.pop()) {
    if (seen.has(path)) continue;
    seen.add(path);
    const answer = await fetch(url + path);
    t.is(answer.status, 200, path);
    const text = await answer.text();
    if (!path.endsWith('.js')) continue;
    t.is(answer.headers.get('content-type'), 'text/javascript; charset=utf-8');
    for (const [, name] of text.matchAll(/^(?:import|export)\b[^'"]*?from '(\.[^']+)'/gm)) {
      found.push(posix.join(posix.dirname(path), name as string));
    }
  }
  t.true(seen.has('/dashboard/uPlot.esm.js'), 'the library that draws charts');
});

test.serial('a sample tells what was run by which way, of what latency, and where the memory went', async (t) => {
  const { node: running, connect } = await node();
  const stream = await EventStreamClient.open(`${running.url}/v1/dashboard`);
  const hello = await stream.first<FeedEvents['hello']>('hello');
  t.is(hello.engine, running.engine);
  t.is(hello.shards, 2);
  t.false(hello.isInCluster);
  t.deepEqual(hello.user.rights, ['read', 'write', 'admin']);
  t.deepEqual(await stream.first('health'), { ready: true, reasons: [] });
  t.true(Array.isArray(await stream.first('history')));
  // What was done before the first reading of all is in no sample.
  await stream.first('sample');

  // The sum of what samples say is what was done, however it falls into seconds.
  const client = await connect();
  for (let i = 0; i < 20; i++) await client.call('set', `key:${i}`, 'value');
  for (let i = 0; i < 40; i++) await client.call('get', `key:${i}`);
  for (let i = 0; i < 10; i++) await (await fetch(`${running.url}/get?key=key:${i}`)).text();
  await fetch(`${running.url}/v1/keys/none`);
  await fetch(`${running.url}/none`);
  const sums = { set: 0, hits: 0, misses: 0, resp: 0, http: 0, reads: 0, commands: 0 };
  const told = new Set<number>();
  let last: FeedEvents['sample'] | null = null;
  for (const dueMs = performance.now() + 20_000; performance.now() < dueMs && Math.round(sums.misses) < 21; ) {
    const sample = await stream.first<FeedEvents['sample']>('sample', ({ atMs }) => !told.has(atMs));
    told.add(sample.atMs);
    const times = (perS = 0) => (perS * sample.spanMs) / 1000;
    sums.set += times(sample.byCommand['set']);
    sums.hits += times(sample.hits);
    sums.misses += times(sample.misses);
    sums.resp += times(sample.byProtocol.resp);
    sums.http += times(sample.byProtocol.http);
    for (const { reads, commands } of sample.shards) {
      sums.reads += times(reads);
      sums.commands += times(commands);
    }
    last = sample;
  }
  for (const key of Object.keys(sums) as (keyof typeof sums)[]) sums[key] = Math.round(sums[key]);
  t.deepEqual([sums.set, sums.hits, sums.misses, sums.reads], [20, 30, 21, 51]);
  t.true(sums.resp >= 60 && sums.http >= 11 && sums.commands >= 20, JSON.stringify(sums));
  if (last === null) return t.fail();
  t.is(last.keys, 20);
  t.is(last.connections.resp, 1);
  const { budget, ...kinds } = last.memory;
  t.is(
    Object.values(kinds).reduce((sum, bytes) => sum + bytes, 0),
    budget,
  );
  t.true(last.memory.entries > 0 && last.processors > 0);
  t.is(last.shards.length, 2);
  for (const { busy, isServing } of last.shards) t.true(busy >= 0 && busy < 0.9 && isServing);
  stream.close();
});

test.serial(
  'a name that would be markup or a break of lines is in the slow log of the dashboard as it is',
  async (t) => {
    const { node: running, connect } = await node();
    const client = await connect();
    const name = '<img src=x onerror=alert(1)>\r\nevent: slow\ndata: []\n\n';
    await client.call('set', name, '</script>');
    const stream = await EventStreamClient.open(`${running.url}/v1/dashboard`);
    await stream.first<FeedEvents['slow']>('slow', (commands) =>
      commands.some(({ words }) => words.includes(name) && words.includes('</script>')),
    );
    t.pass();
    stream.close();
  },
);

test.serial('the page is for everybody; its figures are for users, and each is told what he may know', async (t) => {
  const accounts = [
    new AccessUser('shop', ['read'], ['shop:*']),
    new AccessUser('writer', ['write'], ['*']),
    new AccessUser('operator', ['read', 'write', 'admin'], ['*']),
  ].map((user) => ({
    user,
    password: null,
    tokenDigests: [createHash('sha256').update(user.name).digest('hex')],
  }));
  const { node: running } = await startNodeFixture(t, { slowLogThreshold: 0 }, accounts);
  t.is((await fetch(running.url)).status, 200);
  t.is((await fetch(`${running.url}/dashboard/main.js`)).status, 200);
  t.is((await fetch(`${running.url}/v1/dashboard`)).status, 401);
  const wrong = await fetch(`${running.url}/v1/dashboard`, { headers: { Authorization: 'Bearer nobody' } });
  t.is(wrong.status, 401);
  const streams = await Promise.all(
    ['shop', 'writer', 'operator'].map((name) =>
      EventStreamClient.open(`${running.url}/v1/dashboard`, { Authorization: `Bearer ${name}` }),
    ),
  );
  const rights = [];
  for (const stream of streams) {
    const { user } = await stream.first<FeedEvents['hello']>('hello');
    rights.push([user.name, ...user.rights]);
    await stream.first('sample');
  }
  t.deepEqual(rights, [
    ['shop', 'read'],
    ['writer', 'write'],
    ['operator', 'read', 'write', 'admin'],
  ]);
  const told = streams.map(({ events }) => new Set(events.map(({ name }) => name)));
  t.deepEqual(
    told.map((names) => [names.has('keyspace'), names.has('slow')]),
    [
      [true, false],
      [false, false],
      [true, true],
    ],
  );
  for (const stream of streams) stream.close();
});

test.serial('a node that is to have no dashboard serves neither its page nor its figures', async (t) => {
  const { node: running } = await startNodeFixture(t, { dashboard: false });
  for (const path of ['/', '/dashboard/main.js', '/v1/dashboard']) {
    t.is((await fetch(running.url + path)).status, 404, path);
  }
});

test.serial('a node of a cluster tells of it, with every partition, and how it changes', async (t) => {
  const dataDir = await mkdtemp(join(tmpdir(), 'fluxcache-dashboard-'));
  t.teardown(() => rm(dataDir, { recursive: true, force: true }));
  const settings = { bootstrapExpect: 1, partitions: 64, copies: 1, busPort: 0, dataDir, nodeName: 'alone' };
  const { node: running } = await startNodeFixture(t, settings);
  const stream = await EventStreamClient.open(`${running.url}/v1/dashboard`);
  t.true((await stream.first<FeedEvents['hello']>('hello')).isInCluster);
  const { report } = await stream.first<FeedEvents['cluster']>(
    'cluster',
    ({ report: { self, table = [] } }) => table.length > 0 && table.every(({ primary }) => primary === self),
  );
  t.regex(report.self ?? '', /^alone/);
  t.is(report.table?.length, 64);
  t.deepEqual(await stream.first('failovers'), []);
  await stream.first<FeedEvents['health']>('health', ({ ready }) => ready);
  stream.close();
});

test.serial('when the node stops, dashboards that are open are ended in good time', async (t) => {
  const { node: running } = await startNodeFixture(t);
  const stream = await EventStreamClient.open(`${running.url}/v1/dashboard`);
  await stream.first('hello');
  t.true(await running.stop());
  await stream.ended;
});
