import { Redis } from '@upstash/redis';
import test from 'ava';
import { type Fixture, startFixture } from './http-fixture.ts';

/** `@upstash/redis` as it comes from npm, against real shards behind a real port. */
let fixture: Fixture;

test.before(async () => {
  fixture = await startFixture({ shardCount: 2, options: { batchOperationsMax: 10_000 } });
});

test.after.always(() => fixture.stop());

test.afterEach((t) => t.deepEqual(fixture.faults, []));

function client(settings: { readonly responseEncoding?: false; readonly enableAutoPipelining?: boolean } = {}): Redis {
  return new Redis({
    url: fixture.url,
    token: 'none',
    retry: false,
    enableTelemetry: false,
    enableAutoPipelining: false,
    ...settings,
  });
}

test('values of every kind come back as they were set', async (t) => {
  const redis = client();
  t.is(await redis.set('u:text', 'häße ☕'), 'OK');
  t.is(await redis.get('u:text'), 'häße ☕');
  t.is(await redis.set('u:ok', 'OK'), 'OK');
  t.is(await redis.get('u:ok'), 'OK');
  const object = { name: 'Ann', tags: ['a', 'b'], nested: { deep: [1, 2.5, null, true] } };
  await redis.set('u:object', object);
  t.deepEqual(await redis.get('u:object'), object);
  await redis.set('u:number', 42);
  t.is(await redis.get<number>('u:number'), 42);
  await redis.set('u:false', false);
  t.is(await redis.get<boolean>('u:false'), false);
  t.is(await redis.get('u:absent'), null);
  t.is(await redis.type('u:text'), 'string');
  t.is(await redis.ping(), 'PONG');
  t.is(await redis.echo('base64=='), 'base64==');
});

test('strings are the same with and without base64', async (t) => {
  const plain = client({ responseEncoding: false });
  const encoded = client();
  await plain.mset({ 'u:m1': 'one', 'u:m2': 'zwei ü', 'u:m3': 'OK' });
  const expected = ['one', 'zwei ü', 'OK', null];
  t.deepEqual(await plain.mget('u:m1', 'u:m2', 'u:m3', 'u:none'), expected);
  t.deepEqual(await encoded.mget('u:m1', 'u:m2', 'u:m3', 'u:none'), expected);
});

test('numbers, expiry and conditions answer as Redis answers them', async (t) => {
  const redis = client();
  t.is(await redis.incr('u:n'), 1);
  t.is(await redis.incrby('u:n', 41), 42);
  t.is(await redis.decr('u:n'), 41);
  t.is(await redis.incrbyfloat('u:n', 0.5), 41.5);
  t.is(await redis.set('u:nx', 'a', { nx: true }), 'OK');
  t.is(await redis.set('u:nx', 'b', { nx: true }), null);
  t.is(await redis.set('u:nx', 'c', { get: true, ex: 100 }), 'a');
  const ttl = await redis.ttl('u:nx');
  t.true(ttl > 90 && ttl <= 100);
  t.is(await redis.exists('u:nx', 'u:n', 'u:none'), 2);
  t.is(await redis.del('u:nx', 'u:n'), 2);
  t.is(await redis.append('u:app', 'abc'), 3);
  t.is(await redis.strlen('u:app'), 3);
  t.is(await redis.getrange('u:app', 1, 2), 'bc');
});

test('scan walks all keys', async (t) => {
  const redis = client();
  const keys = Array.from({ length: 300 }, (_, index) => `u:scan:${index}`);
  await redis.mset(Object.fromEntries(keys.map((key) => [key, 1])));
  const found = new Set<string>();
  let cursor = '0';
  do {
    const [next, page] = await redis.scan(cursor, { match: 'u:scan:*', count: 50 });
    for (const key of page) found.add(key);
    cursor = next;
  } while (cursor !== '0');
  t.deepEqual([...found].sort(), keys.sort());
});

test('a pipeline has one result a command, in order, errors among them', async (t) => {
  const redis = client();
  const results = await redis
    .pipeline()
    .set('u:p', 5)
    .incr('u:p')
    .get('u:p')
    .dbsize()
    .set('u:q', 'x')
    .incr('u:q')
    .get('u:q')
    .exec({ keepErrors: true });
  t.deepEqual(
    results.map(({ result, error }, index) => (index === 3 ? typeof result : (error ?? result))),
    ['OK', 6, 6, 'number', 'OK', 'ERR value is not an integer or out of range', 'x'],
  );
  await t.throwsAsync(redis.pipeline().set('u:q', 'x').incr('u:q').exec(), {
    message: /Command 2 \[ incr \] failed: ERR value/,
  });
});

test('commands of one turn go as one pipeline when the client does that', async (t) => {
  const redis = client({ enableAutoPipelining: true });
  t.deepEqual(await Promise.all([redis.set('u:auto', 1), redis.incr('u:auto'), redis.incr('u:auto')]), ['OK', 2, 3]);
  t.deepEqual(await Promise.all([redis.get('u:auto'), redis.exists('u:auto')]), [3, 1]);
  await t.throwsAsync(redis.exec(['INCR', 'u:auto', 'x']), { message: /^ERR wrong number of arguments/ });
});

test('an error of a command says what Redis says', async (t) => {
  const redis = client();
  await redis.set('u:e', 'text');
  await t.throwsAsync(redis.incr('u:e'), {
    name: 'UpstashError',
    message: /^ERR value is not an integer or out of range/,
  });
  await t.throwsAsync(redis.exec(['NOPE', 1]), {
    message: /^ERR unknown command 'NOPE', with args beginning with: '1'/,
  });
  await t.throwsAsync(redis.exec(['GET']), { message: /^ERR wrong number of arguments for 'get' command/ });
  await t.throwsAsync(redis.hget('u:e', 'f'), { message: /^ERR unknown command 'hget'/ });
});

test('JSON documents are set, read and changed by path', async (t) => {
  const redis = client();
  t.is(await redis.json.set('u:doc', '$', { a: { b: [1, 2] }, n: 1, s: 'x' }), 'OK');
  t.deepEqual(await redis.json.get('u:doc', '$.a.b'), [[1, 2]]);
  t.deepEqual(await redis.json.get('u:doc'), { a: { b: [1, 2] }, n: 1, s: 'x' });
  t.deepEqual(await redis.json.arrappend('u:doc', '$.a.b', 3, '"four"'), [4]);
  t.deepEqual(await redis.json.arrlen('u:doc', '$.a.b'), [4]);
  t.deepEqual(await redis.json.numincrby('u:doc', '$.n', 4), [5]);
  t.deepEqual(await redis.json.type('u:doc', '$.s'), ['string']);
  t.deepEqual(await redis.json.objkeys('u:doc', '$'), [['a', 'n', 's']]);
  t.deepEqual(await redis.json.strappend('u:doc', '$.s', '"yz"'), [3]);
  t.is(await redis.json.set('u:doc2', '$', { n: 2 }), 'OK');
  t.deepEqual(await redis.json.mget(['u:doc', 'u:doc2', 'u:none'], '$.n'), [[5], [2], null]);
  t.is(await redis.json.del('u:doc', '$.a'), 1);
  t.deepEqual(await redis.json.get('u:doc'), { n: 5, s: 'xyz' });
});
