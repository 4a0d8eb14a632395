import test from 'ava';
import { DashboardReader } from '../../dashboard-reader.ts';
import { sharedNode } from '../resp/node-fixture.ts';
import type { PushClient } from '../resp/push-client.ts';

const shared = sharedNode({ shards: 1, metricsPrefixes: ['user:', 'user:vip:'] });
const PATIENCE_MS = 20_000;

async function counted(client: PushClient): Promise<{ hits: number; misses: number }> {
  const info = String(await client.call('info', 'stats'));
  const field = (name: string) => Number(new RegExp(`${name}:(\\d+)`).exec(info)?.[1]);
  return { hits: field('keyspace_hits'), misses: field('keyspace_misses') };
}

async function replies(client: PushClient, count: number): Promise<void> {
  for (let i = 0; i < count; i++) await client.reply();
}

test.serial('reads that come behind a write of their pipeline count as hits and misses, as any others', async (t) => {
  const { connect } = await shared();
  const client = await connect();
  const before = await counted(client);
  client.send(['set', 'k', 'v'], ['get', 'k'], ['mget', 'k', 'none', 'nothing'], ['exists', 'k']);
  await replies(client, 4);
  const behind = await counted(client);
  // EXISTS is a look, and no use of a key.
  t.deepEqual(behind, { hits: before.hits + 2, misses: before.misses + 2 });
  await client.call('get', 'k');
  await client.call('get', 'none');
  t.deepEqual(await counted(client), { hits: behind.hits + 1, misses: behind.misses + 1 });
});

test.serial('what writes look up, and looks that are no use of a key, count as neither', async (t) => {
  const { connect } = await shared();
  const client = await connect();
  const before = await counted(client);
  client.send(
    ['set', 'n', '1'],
    ['incr', 'n'],
    ['set', 'n', '2', 'xx', 'get'],
    ['append', 'absent', 'x'],
    ['ttl', 'n'],
    ['type', 'absent'],
    ['expire', 'n', '100'],
  );
  await replies(client, 7);
  t.deepEqual(await counted(client), before);
});

test.serial('within a transaction reads count, and only they', async (t) => {
  const { connect } = await shared();
  const client = await connect();
  const before = await counted(client);
  client.send(['multi'], ['set', 'm', '1'], ['get', 'm'], ['incr', 'm'], ['get', 'nobody'], ['exec']);
  await replies(client, 6);
  t.deepEqual(await counted(client), { hits: before.hits + 1, misses: before.misses + 1 });
});

test.serial('the dashboard is told which keys are hot, also of those whose bytes are no text', async (t) => {
  const { node, connect } = await shared();
  const client = await connect();
  const binary = Buffer.from([0x62, 0xff, 0x3a]);
  const hostile = 'page:<img src=x onerror=alert(1)>';
  await client.call('set', binary, 'x');
  // Behind a write, so that shards' samples are taken in, too; on their own, those of the main thread.
  for (let round = 0; round < 30; round++) {
    for (const behind of [true, false]) {
      const commands = behind ? [['set', 'other', 'x']] : [];
      for (let i = 0; i < 40; i++) client.send(...(i === 0 ? commands : []), ['get', binary], ['get', hostile]);
      await replies(client, 80 + commands.length);
    }
  }
  const dashboard = new DashboardReader(node.url);
  try {
    const access = await dashboard.until(
      'both keys are hot',
      () => {
        const news = dashboard.last('access');
        return news !== null && news.hot.length >= 2 ? news : null;
      },
      PATIENCE_MS,
    );
    const [first, second] = access.hot;
    t.deepEqual(new Set([first?.key, second?.key]), new Set(['b\\xff:', hostile]));
    t.is(access.hot.find(({ key }) => key === 'b\\xff:')?.key64, binary.toString('base64'));
    t.is(access.hot.find(({ key }) => key === hostile)?.key64, undefined);
    t.true((first?.share ?? 0) > 0.3 && (first?.share ?? 1) < 0.7, `${first?.share}`);
    const page = access.prefixes.find(({ prefix }) => prefix === 'page:');
    t.is(page?.hitRatio, 0);
    t.is(access.prefixes.find(({ prefix }) => prefix === 'b\\xff:')?.hitRatio, 1);
    t.is(access.prefixes.at(-1)?.prefix, null);
    t.true((page?.reads ?? 0) > 0);
  } finally {
    await dashboard.close();
  }
});

test.serial('hits and misses of the prefixes that were asked for are metrics, and of no others', async (t) => {
  const { node, connect } = await shared();
  const client = await connect();
  await client.call('set', 'user:vip:1', 'x');
  for (let round = 0; round < 40; round++) {
    for (let i = 0; i < 100; i++) client.send(['get', 'user:vip:1'], ['get', 'user:none'], ['get', 'secret:1']);
    await replies(client, 300);
  }
  const endMs = performance.now() + PATIENCE_MS;
  let page = '';
  const read = (metric: string, prefix: string) =>
    Number(new RegExp(`^fluxcache_${metric}\\{prefix="${prefix}"\\} (.*)$`, 'm').exec(page)?.[1]);
  const about = (value: number) => Math.abs(value - 4000) < 1200;
  const holds = () =>
    about(read('prefix_hits_total', 'user:')) &&
    about(read('prefix_misses_total', 'user:')) &&
    about(read('prefix_hits_total', 'user:vip:')) &&
    read('prefix_misses_total', 'user:vip:') === 0;
  while (!holds() && performance.now() < endMs) {
    page = await (await fetch(`${node.url}/metrics`)).text();
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  t.true(holds(), page.match(/^fluxcache_prefix.*$/gm)?.join('\n'));
  t.false(page.includes('secret'));
});
