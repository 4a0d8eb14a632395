import test from 'ava';
import { Redis } from 'ioredis';
import { BasicClientSideCache, createClient } from 'redis';
import { sharedNode } from './node-fixture.ts';

// One test removes all keys, so they run one after the other.
const node = sharedNode();

/** A client of node-redis that is closed with the test. */
async function nodeRedis(end: (task: () => void) => void, port: number, clientSideCache?: BasicClientSideCache) {
  const url = `redis://127.0.0.1:${port}`;
  const client =
    clientSideCache === undefined ? createClient({ url, RESP: 3 }) : createClient({ url, RESP: 3, clientSideCache });
  client.on('error', () => undefined);
  end(() => client.destroy());
  await client.connect();
  return client;
}

test.serial(
  'node-redis caches what it read, and reads anew what another client wrote, removed or flushed',
  async (t) => {
    const port = (await node()).node.tcpPort;
    const cache = new BasicClientSideCache({ ttl: 0, maxEntries: 0, evictPolicy: 'LRU' });
    const reader = await nodeRedis((task) => t.teardown(task), port, cache);
    const writer = await nodeRedis((task) => t.teardown(task), port);
    await writer.set('near', '1');
    t.is(await reader.get('near'), '1');
    t.is(await reader.get('near'), '1');
    t.is(cache.stats().hitCount, 1);
    for (const [write, expected] of [
      [() => writer.set('near', '2'), '2'],
      [() => writer.del('near'), null],
      [() => writer.set('near', '3', { expiration: { type: 'PX', value: 50 } }), '3'],
    ] as const) {
      await write();
      await reader.ping();
      t.is(await reader.get('near'), expected);
      t.is(await reader.get('near'), expected, 'from the cache');
    }
    const endMs = performance.now() + 5000;
    while (cache.size() > 0 && performance.now() < endMs) await reader.ping();
    t.is(await reader.get('near'), null, 'its time is over');
    await writer.mSet(['near:1', 'a', 'near:2', 'b']);
    t.deepEqual(await reader.mGet(['near:1', 'near:2']), ['a', 'b']);
    await writer.flushAll();
    await reader.ping();
    t.is(cache.size(), 0);
  },
);

test.serial('the cache of node-redis holds nothing old once a PING behind a write is answered', async (t) => {
  const port = (await node()).node.tcpPort;
  const cache = new BasicClientSideCache({ ttl: 0, maxEntries: 0, evictPolicy: 'LRU' });
  const reader = await nodeRedis((task) => t.teardown(task), port, cache);
  const writer = await nodeRedis((task) => t.teardown(task), port);
  let isReading = true;
  const busy = (async () => {
    while (isReading) {
      await Promise.all([reader.get('raced'), reader.mGet(['raced', 'other'])]);
      await new Promise((resolve) => setImmediate(resolve));
    }
  })();
  for (let index = 0; index < 300; index++) {
    await writer.set('raced', String(index));
    await reader.ping();
    if (Number(await reader.get('raced')) < index) t.fail(`old after write ${index}`);
  }
  isReading = false;
  await busy;
  t.true(cache.stats().hitCount > 0);
});

test.serial('ioredis has invalidations redirected to a connection that is subscribed', async (t) => {
  const port = (await node()).node.tcpPort;
  const [reader, listener, writer] = [new Redis(port), new Redis(port), new Redis(port)];
  t.teardown(() => {
    for (const client of [reader, listener, writer]) client.disconnect();
  });
  const told: string[] = [];
  listener.on('message', (channel: string, keys: string | string[]) => told.push(`${channel} ${keys}`));
  const id = await listener.client('ID');
  await listener.subscribe('__redis__:invalidate');
  await reader.client('TRACKING', 'ON', 'REDIRECT', id);
  await reader.get('io');
  await writer.set('io', 'v');
  await listener.ping();
  t.deepEqual(told, ['__redis__:invalidate io']);
});

test.serial('ioredis and node-redis hear messages of channels and patterns', async (t) => {
  const port = (await node()).node.tcpPort;
  const [io, publisher] = [new Redis(port), new Redis(port)];
  t.teardown(() => {
    for (const client of [io, publisher]) client.disconnect();
  });
  const client = await nodeRedis((task) => t.teardown(task), port);
  const heard: string[] = [];
  io.on('message', (channel, text) => heard.push(`io ${channel} ${text}`));
  io.on('pmessage', (pattern, channel, text) => heard.push(`io ${pattern} ${channel} ${text}`));
  // Once it is ready: this client cannot look whether the server is while it is subscribed.
  await io.ping();
  await io.subscribe('both');
  await io.psubscribe('bo*');
  await client.subscribe('both', (text, channel) => heard.push(`redis ${channel} ${text}`));
  await client.sSubscribe('shard', (text, channel) => heard.push(`redis ${channel} ${text}`));
  t.is(await publisher.publish('both', 'x'), 3);
  t.is(await publisher.spublish('shard', 'y'), 1);
  await Promise.all([io.ping(), client.ping()]);
  t.deepEqual(heard.sort(), ['io bo* both x', 'io both x', 'redis both x', 'redis shard y']);
  await client.unsubscribe('both');
  await io.unsubscribe('both');
  t.is(await publisher.publish('both', 'x'), 1);
});
