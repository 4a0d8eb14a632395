import { once } from 'node:events';
import test, { type ExecutionContext } from 'ava';
import { Redis, type RedisOptions, ReplyError } from 'ioredis';
import { AccessUser } from '../../../src/server/access/rights.ts';
import { digestOf } from '../../../src/server/access/secrets.ts';
import { sharedNode, startNodeFixture } from '../resp/node-fixture.ts';
import { Certificates, hasOpenssl } from '../server/certificates.ts';

const shared = sharedNode({ notifyKeyspaceEvents: 'KEA' });
// Without the program openssl there are no certificates to test with.
const testTls = hasOpenssl ? test : test.skip;

function open(t: Pick<ExecutionContext, 'teardown'>, port: number, options: RedisOptions = {}): Redis {
  const client = new Redis(port, '127.0.0.1', options);
  t.teardown(() => client.disconnect());
  return client;
}

async function connected(t: ExecutionContext, options?: RedisOptions): Promise<Redis> {
  return open(t, (await shared()).node.tcpPort, options);
}

test('ioredis is ready once INFO says so, and its status follows the connection', async (t) => {
  const client = await connected(t, { connectionName: 'interop' });
  await once(client, 'ready');
  t.is(client.status, 'ready');
  t.is(await client.client('GETNAME'), 'interop');
  t.is(await client.echo('x'), 'x');
  const ended = once(client, 'end');
  t.is(await client.quit(), 'OK');
  await ended;
  t.is(client.status, 'end');
});

test('ioredis reads and writes strings, numbers, bits of them and their times to live', async (t) => {
  const client = await connected(t);
  t.is(await client.set('io:s', 'grün', 'PX', 100_000), 'OK');
  t.is(await client.get('io:s'), 'grün');
  t.is(await client.set('io:s', 'x', 'NX'), null);
  t.is(await client.set('io:s', 'y', 'XX', 'GET'), 'grün');
  t.is(await client.append('io:s', 'es'), 3);
  t.is(await client.getrange('io:s', 1, -1), 'es');
  t.is(await client.setrange('io:s', 3, '!'), 4);
  t.is(await client.strlen('io:s'), 4);
  t.is(await client.ttl('io:s'), -1);
  t.is(await client.expire('io:s', 50), 1);
  t.true((await client.pttl('io:s')) > 40_000);
  t.is(await client.persist('io:s'), 1);
  t.is(await client.getex('io:s', 'EX', 60), 'yes!');
  t.is(await client.incr('io:n'), 1);
  t.is(await client.incrby('io:n', 41), 42);
  t.is(await client.decrby('io:n', 2), 40);
  t.is(await client.incrbyfloat('io:n', 0.5), '40.5');
  t.is(await client.mset({ 'io:a': 1, 'io:b': '2' }), 'OK');
  t.is(await client.mset(new Map([['io:c', 'three']])), 'OK');
  t.deepEqual(await client.mget('io:a', 'io:none', 'io:b', 'io:c'), ['1', null, '2', 'three']);
  t.is(await client.msetnx('{io}d', 1, '{io}e', 2), 1);
  t.is(await client.getdel('{io}d'), '1');
  t.is(await client.exists('{io}d', '{io}e', '{io}e'), 2);
  t.is(await client.rename('{io}e', '{io}f'), 'OK');
  t.is(await client.copy('{io}f', '{io}g'), 1);
  t.is(await client.type('{io}f'), 'string');
  t.is(await client.object('ENCODING', '{io}f'), 'int');
  t.is(await client.unlink('{io}f', '{io}g', '{io}h'), 2);
});

test('ioredis sends JSON commands by their names', async (t) => {
  const client = await connected(t);
  const document = { tags: ['a'], count: 1, nested: { on: false } };
  t.is(await client.call('JSON.SET', 'io:json', '$', JSON.stringify(document)), 'OK');
  t.is(await client.call('JSON.NUMINCRBY', 'io:json', '$.count', 2), '[3]');
  t.deepEqual(await client.call('JSON.ARRAPPEND', 'io:json', '$.tags', '"b"'), [2]);
  t.deepEqual(await client.call('JSON.TOGGLE', 'io:json', '$.nested.on'), [1]);
  const found = await client.call('JSON.GET', 'io:json');
  t.deepEqual(JSON.parse(String(found)), { tags: ['a', 'b'], count: 3, nested: { on: true } });
  t.is(await client.type('io:json'), 'ReJSON-RL');
});

test('ioredis keeps binary keys and values as they are', async (t) => {
  const client = await connected(t);
  const key = Buffer.from([0, 255, 13, 10, 128]);
  const value = Buffer.from(Array.from({ length: 70_000 }, (_, index) => index & 255));
  t.is(await client.set(key, value), 'OK');
  t.deepEqual(await client.getBuffer(key), value);
  t.deepEqual(await client.mgetBuffer(key, 'io:none'), [value, null]);
  t.deepEqual(await client.getrangeBuffer(key, 254, 257), Buffer.from([254, 255, 0, 1]));
  t.true((await client.keysBuffer('*')).some((found) => found.equals(key)));
  t.deepEqual(await client.getdelBuffer(key), value);
  t.is(await client.getBuffer(key), null);
});

test('a pipeline of ioredis answers in order, errors among the results', async (t) => {
  const client = await connected(t);
  const pipeline = client.pipeline();
  for (let index = 0; index < 1000; index++) pipeline.set(`io:p${index}`, index).incr(`io:p${index}`);
  pipeline.set('io:p', 'text').incr('io:p').get('io:p');
  const results = (await pipeline.exec()) ?? [];
  t.is(results.length, 2003);
  for (let index = 0; index < 1000; index++) {
    t.deepEqual(results.slice(2 * index, 2 * index + 2), [
      [null, 'OK'],
      [null, index + 1],
    ]);
  }
  t.is(results.at(-2)?.[0]?.message, 'ERR value is not an integer or out of range');
  t.deepEqual(results.at(-1), [null, 'text']);
});

test('what ioredis pipelines by itself in one turn is answered to whom it belongs', async (t) => {
  const client = await connected(t, { enableAutoPipelining: true });
  const calls = Array.from({ length: 300 }, async (_, index) => {
    await client.set(`io:auto${index}`, `v${index}`);
    return client.get(`io:auto${index}`);
  });
  const refused = t.throwsAsync(client.call('nosuch'), { message: /unknown command/ });
  t.deepEqual(
    await Promise.all(calls),
    Array.from({ length: 300 }, (_, index) => `v${index}`),
  );
  await refused;
});

test('a transaction of ioredis is queued in one go or command by command', async (t) => {
  const client = await connected(t);
  // Keys of several shards, too: the node takes them together.
  const chained = await client.multi().set('io:m1', 1).incr('io:m1').set('io:m2', 'x').incr('io:m2').exec();
  t.deepEqual(chained?.slice(0, 3), [
    [null, 'OK'],
    [null, 2],
    [null, 'OK'],
  ]);
  t.is(chained?.[3]?.[0]?.message, 'ERR value is not an integer or out of range');
  const other = await connected(t);
  await other.multi({ pipeline: false });
  t.is<unknown, unknown>(await other.set('io:m3', 'y'), 'QUEUED');
  t.is<unknown, unknown>(await other.get('io:m3'), 'QUEUED');
  t.is(await client.get('io:m3'), null);
  t.deepEqual(await other.exec(), [
    [null, 'OK'],
    [null, 'y'],
  ]);
  await other.multi({ pipeline: false });
  await other.set('io:m3', 'z');
  t.is(await other.discard(), 'OK');
  t.is(await other.get('io:m3'), 'y');
  const pipelined = client.multi();
  pipelined.set('io:m3', 'w').call('nosuch', 'a');
  await t.throwsAsync(pipelined.exec(), {
    message: 'EXECABORT Transaction discarded because of previous errors.',
  });
  t.is(await client.get('io:m3'), 'y');
});

test('a transaction of ioredis is not run when another wrote what it watches', async (t) => {
  const [client, other] = [await connected(t), await connected(t)];
  await client.set('io:w', 1);
  await client.watch('io:w', 'io:w2');
  await other.set('io:w', 2);
  t.is(await client.multi().set('io:w', 3).exec(), null);
  t.is(await client.get('io:w'), '2');
  await client.watch('io:w');
  t.deepEqual(await client.multi().set('io:w', 3).exec(), [[null, 'OK']]);
  await client.watch('io:w');
  await other.del('io:w');
  await client.unwatch();
  t.deepEqual(await client.multi().set('io:w', 4).exec(), [[null, 'OK']]);
});

test('the scan stream of ioredis finds every key that matches once it is read to its end', async (t) => {
  const client = await connected(t);
  const names = Array.from({ length: 700 }, (_, index) => `io:scan:${index}`);
  await client.mset(new Map(names.map((name) => [name, 'x'])));
  await client.call('JSON.SET', 'io:scan:json', '$', '1');
  const found = new Set<string>();
  for await (const page of client.scanStream({ match: 'io:scan:*', count: 50 })) {
    for (const key of page as string[]) found.add(key);
  }
  t.deepEqual([...found].sort(), [...names, 'io:scan:json'].sort());
  const documents: string[] = [];
  for await (const page of client.scanStream({ match: 'io:scan:*', type: 'ReJSON-RL' })) {
    documents.push(...(page as string[]));
  }
  t.deepEqual(documents, ['io:scan:json']);
});

test('ioredis hears messages, also as bytes, until it unsubscribes', async (t) => {
  const [listener, publisher] = [await connected(t), await connected(t)];
  const heard: string[] = [];
  listener.on('message', (channel, text) => heard.push(`${channel} ${text}`));
  listener.on('pmessage', (pattern, channel, text) => heard.push(`${pattern} ${channel} ${text}`));
  listener.on('pmessageBuffer', (_pattern, _channel, bytes) => heard.push(bytes.toString('hex')));
  t.is(await listener.subscribe('io:one', 'io:two'), 2);
  t.is(await listener.psubscribe('io:t*'), 3);
  await t.throwsAsync(listener.get('io:one'), { message: /subscriber mode/ });
  t.is(await publisher.publish('io:one', 'a'), 1);
  t.is(await publisher.publish('io:two', Buffer.from([255])), 2);
  t.deepEqual(await publisher.pubsub('NUMSUB', 'io:one', 'io:none'), ['io:one', 1, 'io:none', 0]);
  await listener.ping();
  t.deepEqual(heard.sort(), ['ff', 'io:one a', 'io:t* io:two \ufffd', 'io:two \ufffd']);
  // By name: of UNSUBSCRIBE without names this client loses track, with Redis as well.
  t.is(await listener.unsubscribe('io:one', 'io:two'), 1);
  t.is(await listener.punsubscribe('io:t*'), 0);
  t.is(await listener.get('io:none'), null);
  t.is(await publisher.publish('io:one', 'b'), 0);
});

test('ioredis is told what becomes of keys by keyspace notifications', async (t) => {
  const [listener, writer] = [await connected(t), await connected(t)];
  const heard: string[] = [];
  listener.on('message', (channel, text) => heard.push(`${channel.slice(15)} ${text}`));
  await listener.subscribe('__keyspace@0__:io:told', '__keyspace@0__:io:brief');
  await writer.set('io:told', 1);
  await writer.incr('io:told');
  await writer.expire('io:told', 100);
  await writer.del('io:told');
  await writer.set('io:brief', 1, 'PX', 30);
  const endMs = performance.now() + 5000;
  while (!heard.includes('io:brief expired') && performance.now() < endMs) await listener.ping();
  t.deepEqual(heard, [
    'io:told set',
    'io:told incrby',
    'io:told expire',
    'io:told del',
    'io:brief set',
    'io:brief expire',
    'io:brief expired',
  ]);
});

test('ioredis throws what the node refuses as ReplyError with the text Redis gives', async (t) => {
  const client = await connected(t);
  await client.mset('io:text', 'x', 'io:max', '9223372036854775807');
  await client.call('JSON.SET', 'io:doc', '$', '{}');
  for (const [call, message] of [
    [() => client.incr('io:text'), 'ERR value is not an integer or out of range'],
    [() => client.incr('io:max'), 'ERR increment or decrement would overflow'],
    [() => client.append('io:doc', 'x'), 'WRONGTYPE Operation against a key holding the wrong kind of value'],
    [() => client.call('get'), "ERR wrong number of arguments for 'get' command"],
    [() => client.call('set', 'io:a', 'b', 'c'), 'ERR syntax error'],
    [() => client.setex('io:a', 0, 'x'), "ERR invalid expire time in 'setex' command"],
    [() => client.select(1), 'ERR DB index is out of range'],
    [() => client.lpush('io:list', 'a'), "ERR unknown command 'lpush', with args beginning with: 'io:list' 'a' "],
    [() => client.exec(), 'ERR EXEC without MULTI'],
  ] as const) {
    const error = await t.throwsAsync(async () => call());
    t.true(error instanceof ReplyError, message);
    t.is(error?.message, message);
  }
});

test('ioredis goes on with the node that is started in place of the one it was connected to', async (t) => {
  const ends: (() => Promise<void>)[] = [];
  const first = await startNodeFixture({ teardown: (end) => void ends.push(end) }, { shards: 1 });
  const { tcpPort } = first.node;
  const [client, listener] = [open(t, tcpPort), open(t, tcpPort)];
  for (const each of [client, listener]) each.on('error', () => undefined);
  await listener.subscribe('io:again');
  await client.set('key', 'first');
  const closed = once(client, 'close');
  for (const end of ends) await end();
  await closed;
  const waiting = client.set('key', 'second');
  await startNodeFixture(t, { shards: 1, tcpPort });
  t.is(await waiting, 'OK');
  t.is(await client.get('key'), 'second');
  const message = new Promise((resolve) => listener.once('message', (...heard) => resolve(heard)));
  // It subscribes anew by itself, some time after it is connected.
  while ((await client.publish('io:again', 'x')) === 0);
  t.deepEqual(await message, ['io:again', 'x']);
});

test('ioredis gives user and password, and is refused what the user may not do', async (t) => {
  const user = new AccessUser('app', ['read', 'write'], ['app:*']);
  const accounts = [{ user, password: null, tokenDigests: [digestOf('p@ss')] }];
  const { node } = await startNodeFixture(t, { shards: 1 }, accounts);
  const client = new Redis(`redis://app:p%40ss@127.0.0.1:${node.tcpPort}`);
  t.teardown(() => client.disconnect());
  t.is(await client.set('app:key', 1), 'OK');
  await t.throwsAsync(client.set('other', 1), { message: 'NOPERM No permissions to access a key' });
  await t.throwsAsync(client.flushall(), { message: /^NOPERM User app has no permissions/ });
  const wrong = open(t, node.tcpPort, { username: 'app', password: 'guess', retryStrategy: () => null });
  wrong.on('error', () => undefined);
  await t.throwsAsync(wrong.get('app:key'), { message: /^WRONGPASS/ });
  const nobody = open(t, node.tcpPort);
  nobody.on('error', () => undefined);
  await t.throwsAsync(nobody.get('app:key'), { message: /^NOAUTH/ });
});

testTls('ioredis speaks TLS with a node whose certificate it trusts', async (t) => {
  const made = new Certificates().issue('server');
  t.teardown(() => made.remove());
  const files = { tlsCert: made.path('server.pem'), tlsKey: made.path('server.key') };
  const { node } = await startNodeFixture(t, { shards: 1, ...files });
  const client = open(t, node.tcpPort, { tls: { ca: made.authority } });
  const value = 'x'.repeat(300_000);
  t.is(await client.set('key', value), 'OK');
  t.is(await client.get('key'), value);
  const distrusting = open(t, node.tcpPort, { tls: {}, retryStrategy: () => null });
  const [error] = await once(distrusting, 'error');
  t.regex(String(error), /certificate/);
});
