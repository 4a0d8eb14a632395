import { once } from 'node:events';
import test, { type ExecutionContext } from 'ava';
import {
  BasicClientSideCache,
  createClient,
  createClientPool,
  ErrorReply,
  MultiErrorReply,
  RESP_TYPES,
  WatchError,
} from 'redis';
import { AccessUser } from '../../../src/server/access/rights.ts';
import { digestOf } from '../../../src/server/access/secrets.ts';
import { sharedNode, startNodeFixture } from '../resp/node-fixture.ts';

const shared = sharedNode({ notifyKeyspaceEvents: 'KEA' });

type Options = NonNullable<Parameters<typeof createClient>[0]>;

function clientOf<Resp extends 2 | 3>(t: ExecutionContext, port: number, RESP: Resp, options: Options = {}) {
  const client = createClient({ ...options, socket: { port, host: '127.0.0.1' }, RESP });
  client.on('error', () => undefined);
  t.teardown(() => {
    if (client.isOpen) client.destroy();
  });
  return client;
}

async function connected<Resp extends 2 | 3>(t: ExecutionContext, resp: Resp, options?: Options) {
  const client = clientOf(t, (await shared()).node.tcpPort, resp, options);
  await client.connect();
  return client;
}

for (const resp of [2, 3] as const) {
  const p = `nr${resp}`;

  test(`node-redis reads and writes strings and numbers over RESP${resp}`, async (t) => {
    const client = await connected(t, resp);
    const expiration = { type: 'PX', value: 100_000 } as const;
    t.is(await client.set(`${p}:s`, 'grün', { expiration, condition: 'NX' }), 'OK');
    t.is(await client.set(`${p}:s`, 'x', { condition: 'NX' }), null);
    t.is(await client.set(`${p}:s`, 'y', { expiration: 'KEEPTTL', GET: true }), 'grün');
    t.true((await client.pTTL(`${p}:s`)) > 90_000);
    t.is(await client.getEx(`${p}:s`, { type: 'PERSIST' }), 'y');
    t.is(await client.ttl(`${p}:s`), -1);
    t.is(await client.append(`${p}:s`, 'es'), 3);
    t.is(await client.getRange(`${p}:s`, 1, -1), 'es');
    t.is(await client.incr(`${p}:n`), 1);
    t.is(await client.incrBy(`${p}:n`, 9), 10);
    t.is(await client.incrByFloat(`${p}:n`, 0.25), '10.25');
    t.is(await client.mSet({ [`${p}:a`]: '1', [`${p}:b`]: '2', [`${p}:c`]: '3' }), 'OK');
    t.deepEqual(await client.mGet([`${p}:c`, `${p}:none`, `${p}:a`]), ['3', null, '1']);
    t.is<unknown, unknown>(
      await client.mSetNX([
        [`{${p}}d`, '1'],
        [`{${p}}e`, '2'],
      ]),
      1,
    );
    t.is(await client.rename(`{${p}}d`, `${p}:f`), 'OK');
    t.is(await client.copy(`${p}:f`, `${p}:g`), 1);
    t.is(await client.exists([`${p}:f`, `${p}:g`, `{${p}}d`]), 2);
    t.is(await client.type(`${p}:f`), 'string');
    t.is(await client.getDel(`${p}:f`), '1');
    t.is(await client.del([`${p}:g`, `{${p}}e`, `${p}:none`]), 2);
  });

  test(`node-redis reads what the node tells of itself over RESP${resp}`, async (t) => {
    const client = await connected(t, resp, { name: `${p}-name` });
    t.like(await client.hello(), { server: 'redis', proto: resp, mode: 'standalone', role: 'master' });
    t.like(await client.clientInfo(), { name: `${p}-name`, libName: 'node-redis', resp, user: 'default' });
    t.deepEqual(await client.configGet('maxmemory'), { maxmemory: '33554432' });
    t.regex(await client.info('server'), /^# Server\r\nredis_version:\d/);
    const [get, none] = await client.commandInfo(['get', 'nosuch']);
    t.like(get, { name: 'get', arity: 2, firstKeyIndex: 1 });
    t.falsy(none);
    t.like(await client.memoryStats(), { 'budget.bytes': 33_554_432 });
    t.like(await client.role(), { role: 'master', replicas: [] });
    t.deepEqual(await client.pubSubNumSub(['nr:nobody']), { 'nr:nobody': 0 });
    t.like((await client.clusterSlots())[0], { from: 0, to: 16_383 });
  });

  test(`the JSON module of node-redis works over RESP${resp}`, async (t) => {
    const { json } = await connected(t, resp);
    const key = `${p}:json`;
    const document = { tags: ['a'], count: 1.5, more: { on: false, count: 7 }, name: 'x' };
    t.is(await json.set(key, '$', document), 'OK');
    t.is(await json.set(key, '$', 1, { condition: 'NX' }), null);
    t.deepEqual(await json.get(key), document);
    t.deepEqual(await json.get(key, { path: '$..count' }), [1.5, 7]);
    t.deepEqual(await json.get(key, { path: ['$.tags', '$.name'] }), { '$.tags': [['a']], '$.name': ['x'] });
    t.is(await json.get(`${p}:none`), null);
    t.deepEqual(await json.mGet([key, `${p}:none`], '$.name'), [['x'], null]);
    t.deepEqual(await json.numIncrBy(key, '$.*', 2), [null, 3.5, null, null]);
    t.deepEqual<unknown, unknown>(await json.numIncrBy(key, '.count', 1), resp === 2 ? 4.5 : [4.5]);
    t.deepEqual(await json.type(key, { path: '$.more' }), ['object']);
    t.deepEqual(await json.type(key), 'object');
    t.is(await json.type(`${p}:none`), null);
    t.deepEqual(await json.arrAppend(key, '$.tags', 'b', { c: 1 }), [3]);
    t.deepEqual(await json.arrLen(key, { path: '$.tags' }), [3]);
    t.deepEqual(await json.strAppend(key, 'yz', { path: '$.name' }), [3]);
    t.deepEqual(await json.strLen(key, { path: '$.name' }), [3]);
    t.deepEqual(await json.objKeys(key, { path: '$.more' }), [['on', 'count']]);
    t.deepEqual(await json.objLen(key, { path: '$.more' }), [2]);
    t.deepEqual(await json.toggle(key, '$.more.on'), [1]);
    t.is(await json.merge(key, '$.more', { on: null, off: true }), 'OK');
    t.is(await json.clear(key, { path: '$.tags' }), 1);
    t.is(await json.del(key, { path: '$.name' }), 1);
    t.deepEqual(await json.get(key), { tags: [], count: 4.5, more: { count: 7, off: true } });
    t.is(await json.forget(key), 1);
  });

  test(`MULTI of node-redis gives typed replies, pipelined or as a transaction, over RESP${resp}`, async (t) => {
    const client = await connected(t, resp);
    const replies = await client
      .multi()
      .set(`${p}:m`, '1')
      .incr(`${p}:m`)
      .mGet([`${p}:m`, `${p}:none`])
      .json.set(`${p}:mj`, '$', { n: 1 })
      .json.numIncrBy(`${p}:mj`, '$.n', 1)
      .json.type(`${p}:mj`)
      .configGet('maxmemory')
      .exec();
    t.deepEqual<unknown, unknown>(replies, ['OK', 2, ['2', null], 'OK', [2], 'object', { maxmemory: '33554432' }]);
    const [count, found]: [number, number] = await client.multi().incr(`${p}:m`).exists(`${p}:m`).execTyped();
    t.deepEqual([count, found], [3, 1]);
    t.deepEqual<unknown, unknown>(await client.multi().incr(`${p}:m`).get(`${p}:m`).execAsPipeline(), [4, '4']);
    const error = await t.throwsAsync(client.multi().incr(`${p}:mj`).incr(`${p}:m`).exec(), {
      instanceOf: MultiErrorReply,
    });
    t.deepEqual(error?.errorIndexes, [0]);
    t.is(await client.get(`${p}:m`), '5');
    await t.throwsAsync(client.multi().addCommand(['nosuch']).incr(`${p}:m`).exec());
    t.is(await client.get(`${p}:m`), '5', 'nothing of it was run');
  });

  test(`a pool of node-redis gives WATCH a connection of its own over RESP${resp}`, async (t) => {
    const { tcpPort } = (await shared()).node;
    const pool = createClientPool({ socket: { port: tcpPort, host: '127.0.0.1' }, RESP: resp });
    pool.on('error', () => undefined);
    await pool.connect();
    t.teardown(() => pool.destroy());
    const attempt = (between: () => Promise<unknown>) =>
      pool.execute(async (client) => {
        await client.watch([`${p}:w`, `${p}:w2`]);
        const before = await client.get(`${p}:w`);
        await between();
        return client.multi().set(`${p}:w`, `${before}+`).exec();
      });
    const conflict = { instanceOf: WatchError };
    await t.throwsAsync(
      attempt(() => pool.set(`${p}:w`, 'a')),
      conflict,
      'created',
    );
    t.deepEqual<unknown, unknown>(await attempt(() => pool.set('nr:other', 'x')), ['OK']);
    t.is(await pool.get(`${p}:w`), 'a+');
    await t.throwsAsync(
      attempt(() => pool.del(`${p}:w`)),
      conflict,
      'removed',
    );
    await t.throwsAsync(
      attempt(() => pool.json.set(`${p}:w2`, '$', 1)),
      conflict,
      'the other key',
    );
    t.is(await pool.get(`${p}:w`), null);
  });

  test(`the scan iterator of node-redis finds every key that matches over RESP${resp}`, async (t) => {
    const client = await connected(t, resp);
    const names = Array.from({ length: 500 }, (_, index) => `${p}:scan:${index}`);
    await client.mSet(Object.fromEntries(names.map((name) => [name, 'x'])));
    const found = new Set<string>();
    for await (const keys of client.scanIterator({ MATCH: `${p}:scan:*`, COUNT: 40 })) {
      for (const key of keys) found.add(key);
    }
    t.deepEqual([...found].sort(), names.sort());
  });

  test(`node-redis hears messages and keyspace notifications over RESP${resp}`, async (t) => {
    const [client, publisher] = [await connected(t, resp), await connected(t, resp)];
    const heard: string[] = [];
    const listener = (text: string, channel: string) => void heard.push(`${channel} ${text}`);
    await client.subscribe([`${p}:one`, `__keyspace@0__:${p}:told`], listener);
    await client.pSubscribe(`${p}:o*`, listener);
    await client.sSubscribe(`${p}:shard`, listener);
    const raw: Buffer[] = [];
    await client.subscribe(`${p}:raw`, (bytes: Buffer) => void raw.push(bytes), true);
    t.is(await publisher.publish(`${p}:one`, 'a'), 2);
    t.is(await publisher.sPublish(`${p}:shard`, 'b'), 1);
    t.is(await publisher.publish(`${p}:raw`, Buffer.from([255, 0])), 1);
    await publisher.set(`${p}:told`, '1');
    await publisher.del(`${p}:told`);
    await client.ping();
    t.deepEqual(heard.sort(), [
      `__keyspace@0__:${p}:told del`,
      `__keyspace@0__:${p}:told set`,
      `${p}:one a`,
      `${p}:one a`,
      `${p}:shard b`,
    ]);
    t.deepEqual(raw, [Buffer.from([255, 0])]);
    // Over RESP 3 a connection that is subscribed takes every command.
    if (resp === 3) t.is(await client.get(`${p}:none`), null);
    await client.unsubscribe();
    await client.pUnsubscribe();
    await client.sUnsubscribe();
    t.is(await publisher.publish(`${p}:one`, 'c'), 0);
    t.is(await client.get(`${p}:none`), null);
  });

  test(`node-redis keeps binary keys and values, and speaks by callbacks, over RESP${resp}`, async (t) => {
    const client = await connected(t, resp);
    const key = Buffer.from([0, 254, 13, 10, 128, resp]);
    const value = Buffer.from(Array.from({ length: 70_000 }, (_, index) => index & 255));
    const bytes = client.withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer });
    t.is(String(await bytes.set(key, value)), 'OK');
    t.deepEqual(await bytes.get(key), value);
    t.deepEqual(await bytes.mGet([key, `${p}:none`]), [value, null]);
    t.deepEqual(await bytes.getDel(key), value);
    t.is(await bytes.get(key), null);
    const old = client.legacy();
    const reply = await new Promise((resolve, reject) => {
      old.set(`${p}:old`, 'x', (failed) => {
        if (failed) reject(failed);
        else
          old
            .multi()
            .get(`${p}:old`)
            .exists(`${p}:old`)
            .exec((error, found) => (error ? reject(error) : resolve(found)));
      });
    });
    t.deepEqual(reply, ['x', 1]);
  });

  test(`node-redis throws what the node refuses with the text Redis gives over RESP${resp}`, async (t) => {
    const client = await connected(t, resp);
    await client.set(`${p}:text`, 'x');
    for (const [call, message] of [
      [() => client.incr(`${p}:text`), 'ERR value is not an integer or out of range'],
      [() => client.json.get(`${p}:text`), /^(WRONGTYPE|ERR|Existing)/],
      [() => client.sendCommand(['get']), "ERR wrong number of arguments for 'get' command"],
      [() => client.select(1), 'ERR DB index is out of range'],
      [() => client.lPush('l', 'a'), "ERR unknown command 'LPUSH', with args beginning with: 'l' 'a' "],
      [() => client.json.numIncrBy(`${p}:none`, '$', 1), /^ERR could not perform this operation on a key that doesn't/],
    ] as const) {
      await t.throwsAsync(async () => call(), { instanceOf: ErrorReply, message });
    }
  });

  test(`node-redis goes on with the node that is started in place of its own over RESP${resp}`, async (t) => {
    const ends: (() => Promise<void>)[] = [];
    const first = await startNodeFixture({ teardown: (end) => void ends.push(end) }, { shards: 1 });
    const { tcpPort } = first.node;
    // A node takes longer to start than commands have by default, on a machine that is busy.
    const options = { commandOptions: { timeout: 60_000 } };
    const [client, listener] = [clientOf(t, tcpPort, resp, options), clientOf(t, tcpPort, resp, options)];
    for (const each of [client, listener]) await each.connect();
    const heard: string[] = [];
    await listener.subscribe('again', (text) => void heard.push(text));
    const lost = new Promise((resolve) => client.once('reconnecting', resolve));
    for (const end of ends) await end();
    await lost;
    const waiting = client.set('key', 'second');
    await startNodeFixture(t, { shards: 1, tcpPort });
    t.is(await waiting, 'OK');
    while ((await client.publish('again', 'x')) === 0);
    await listener.ping();
    t.deepEqual(heard, ['x']);
  });
}

test('the client-side cache of node-redis answers without the node until another client writes', async (t) => {
  const clientSideCache = new BasicClientSideCache({ ttl: 0, maxEntries: 0, evictPolicy: 'LRU' });
  const reader = await connected(t, 3, { clientSideCache });
  const writer = await connected(t, 3);
  const commandsOf = async () => Number(/cmdstat_get:calls=(\d+)/.exec(await writer.info('commandstats'))?.[1] ?? 0);
  await writer.set('near', '1');
  t.is(await reader.get('near'), '1');
  const before = await commandsOf();
  const { hitCount } = clientSideCache.stats();
  for (let index = 0; index < 200; index++) t.is(await reader.get('near'), '1');
  t.is(clientSideCache.stats().hitCount - hitCount, 200);
  // Other tests read, too; counts may be sampled: 200 reads more would show all the same.
  t.true((await commandsOf()) - before < 200);
  const invalidated = once(clientSideCache, 'invalidate');
  await writer.incr('near');
  await invalidated;
  t.is(await reader.get('near'), '2');
  t.is(await reader.get('near'), '2');
  await writer.json.set('near:json', '$', { a: 1 });
  t.deepEqual(await reader.json.get('near:json'), { a: 1 });
  await writer.json.numIncrBy('near:json', '$.a', 1);
  await reader.ping();
  t.deepEqual(await reader.json.get('near:json'), { a: 2 });
});

test('node-redis gives user and password in its greeting', async (t) => {
  const user = new AccessUser('app', ['read', 'write'], ['app:*']);
  const accounts = [{ user, password: null, tokenDigests: [digestOf('p@ss')] }];
  const { node } = await startNodeFixture(t, { shards: 1 }, accounts);
  for (const resp of [2, 3] as const) {
    const client = clientOf(t, node.tcpPort, resp, { username: 'app', password: 'p@ss' });
    await client.connect();
    t.is(await client.set('app:key', 'x'), 'OK');
    await t.throwsAsync(client.set('other', 'x'), { message: 'NOPERM No permissions to access a key' });
    const wrong = clientOf(t, node.tcpPort, resp, { username: 'app', password: 'guess' });
    // It tries again until it is ended, as with Redis.
    const refused = new Promise((resolve) => wrong.once('error', resolve));
    const connecting = wrong.connect();
    t.regex(String(await refused), /WRONGPASS/);
    wrong.destroy();
    await t.throwsAsync(connecting);
  }
});
