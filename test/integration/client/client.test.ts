import test, { type ExecutionContext } from 'ava';
import { createClient, FluxCacheError, type FluxClient, ReplyError } from '../../../src/index.ts';
import { sharedNode } from '../resp/node-fixture.ts';

const node = sharedNode();

/** A client of the shared node; every test has keys of its own. */
async function connect(t: ExecutionContext): Promise<FluxClient> {
  const { node: running } = await node();
  const client = createClient({ port: running.tcpPort, commandTimeoutMs: 60_000 });
  t.teardown(() => client.destroy());
  return client;
}

test('values come back as what they were stored as', async (t) => {
  const client = await connect(t);
  const values = [
    'text',
    '',
    'snow \u2603 \u{1f600}',
    Uint8Array.from([0, 255, 10]),
    0,
    -1,
    2 ** 40,
    1.25,
    2n ** 62n,
    true,
    [1, [2, { three: null }]],
    { name: 'Ada', tags: ['a'], nested: { deep: 1.5 } },
  ];
  for (const [index, value] of values.entries()) {
    t.true(await client.set(`value:${index}`, value));
    t.deepEqual(await client.get(`value:${index}`), value);
  }
  t.is(await client.get('value:none'), null);
});

test('keys may be bytes', async (t) => {
  const client = await connect(t);
  const key = Uint8Array.from([0, 254, 13, 10]);
  await client.set(key, 'of bytes');
  t.is(await client.get(key), 'of bytes');
  const found = [];
  for await (const one of client.scan({ match: '\u0000*' })) found.push(one);
  t.deepEqual(found, [key]);
  t.is(await client.delete(key), 1);
});

test('a value is read as the type that is asked for, and another one is a wrong-type error', async (t) => {
  const client = await connect(t);
  await client.mset({
    'as:text': 'é',
    'as:number': 12,
    'as:doc': { a: 1 },
    'as:big': 2n ** 60n,
    'as:bytes': Uint8Array.of(0xff),
  });
  t.deepEqual(await client.get('as:text', { type: 'bytes' }), Uint8Array.from([0xc3, 0xa9]));
  t.is(await client.get('as:number', { type: 'string' }), '12');
  t.is(await client.get('as:number', { type: 'number' }), 12);
  t.is(await client.get('as:number', { type: 'bigint' }), 12n);
  t.deepEqual(await client.get('as:doc', { type: 'json' }), { a: 1 });
  t.is(await client.get('as:none', { type: 'json' }), null);
  await t.throwsAsync(client.get('as:text', { type: 'number' }), { code: 'wrong-type' });
  await t.throwsAsync(client.get('as:doc', { type: 'string' }), { code: 'wrong-type' });
  await t.throwsAsync(client.get('as:bytes', { type: 'string' }), { code: 'wrong-type' });
  await t.throwsAsync(client.get('as:big', { type: 'number' }), { code: 'overflow' });
});

test('set keeps its conditions, and tells version and old value when asked', async (t) => {
  const client = await connect(t);
  t.false(await client.set('cond', 1, { xx: true }));
  t.true(await client.set('cond', 1, { nx: true }));
  t.false(await client.set('cond', 2, { nx: true }));
  const first = await client.entry<number>('cond');
  t.like(first, { value: 1, ttlMs: null, contentType: null });
  const version = first?.version ?? 0;
  const result = await client.set<number>('cond', 2, { ifVersion: version, returnOld: true });
  t.like(result, { written: true, created: false, old: 1 });
  t.is((await client.entry('cond'))?.version, result.version ?? 0);
  t.false(await client.set('cond', 3, { ifVersion: version }));
  t.deepEqual(await client.set('cond', 3, { nx: true, returnVersion: true }), {
    written: false,
    created: false,
    version: null,
    old: null,
  });
  t.false(await client.deleteIfVersion('cond', version));
  t.true(await client.deleteIfVersion('cond', result.version ?? 0));
  t.is(await client.entry('cond'), null);
});

test('times to live are milliseconds', async (t) => {
  const client = await connect(t);
  await client.set('ttl', 1, { ttl: 60_000 });
  const ttl = (await client.ttl('ttl')) ?? 0;
  t.true(ttl > 50_000 && ttl <= 60_000);
  await client.set('ttl', 2, { keepTtl: true });
  t.true(((await client.entry('ttl'))?.ttlMs ?? 0) > 50_000);
  t.true(await client.persist('ttl'));
  t.is(await client.ttl('ttl'), Number.POSITIVE_INFINITY);
  t.true(await client.expire('ttl', 5000, { nx: true }));
  t.false(await client.expire('ttl', 5000, { nx: true }));
  t.true(await client.expireAt('ttl', new Date(Date.now() + 1e6)));
  await client.set('ttl', 3, { expiresAt: new Date(Date.now() + 500_000) });
  t.true(((await client.ttl('ttl')) ?? 0) > 400_000);
  t.is(await client.ttl('ttl:none'), null);
  t.false(await client.expire('ttl:none', 1000));
});

test('counting works on numbers, decimals and bigints, and says when a number cannot hold the sum', async (t) => {
  const client = await connect(t);
  t.is(await client.incr('count'), 1);
  t.is(await client.incr('count', 41), 42);
  t.is(await client.decr('count', 2), 40);
  t.is(await client.incr('count', 0.5), 40.5);
  await client.set('count:big', 2n ** 60n);
  t.is(await client.incr('count:big', 1n), 2n ** 60n + 1n);
  t.is(await client.decr('count:big', 1n), 2n ** 60n);
  const error = await t.throwsAsync(client.incr('count:big'), { code: 'overflow', message: /ask with a bigint/ });
  t.like(error, { maybeApplied: true, retryable: false });
});

test('several keys are set, read, counted and removed by one call', async (t) => {
  const client = await connect(t);
  await client.mset(new Map([['many:a', 1]]));
  await client.mset([
    ['many:b', { b: 2 }],
    [Buffer.from('many:c'), 'c'],
  ]);
  t.deepEqual(await client.mget(['many:a', 'many:b', 'many:none', 'many:c']), [1, { b: 2 }, null, 'c']);
  t.is(await client.exists('many:a', 'many:b', 'many:none'), 2);
  t.is(await client.delete('many:a', 'many:b', 'many:c', 'many:none', { timeoutMs: 60_000 }), 3);
  t.deepEqual(
    [await client.mget([]), await client.delete(), await client.exists(), await client.mset({})],
    [[], 0, 0, undefined],
  );
});

test('documents are changed inside', async (t) => {
  const { json } = await connect(t);
  const key = 'json';
  t.true(await json.set(key, '$', { n: 1, s: 'x', list: [1], on: true, user: { name: 'Ada' } }));
  t.false(await json.set(key, '$', {}, { nx: true }));
  t.true(await json.set(key, '$.user.age', 36));
  t.deepEqual(await json.find(key, '$.user'), [{ name: 'Ada', age: 36 }]);
  t.deepEqual(await json.numIncrBy(key, '$.n', 1.5), [2.5]);
  t.deepEqual(await json.strAppend(key, '$.s', 'yz"'), [4]);
  t.deepEqual(await json.arrAppend(key, '$.list', [{ a: 1 }, 'two']), [3]);
  t.deepEqual(await json.arrLen(key, '$.list'), [3]);
  t.deepEqual(await json.objKeys(key, '$.user'), [['name', 'age']]);
  t.deepEqual(await json.objLen(key), [5]);
  t.deepEqual(await json.strLen(key, '$.n'), [null]);
  t.deepEqual(await json.type(key, '$.list'), ['array']);
  t.deepEqual(await json.toggle(key, '$.on'), [false]);
  await json.merge(key, '$', { s: null, extra: 'text' });
  t.deepEqual(await json.mget([key, 'json:none'], '$.extra'), [['text'], null]);
  t.is(await json.clear(key, '$.list'), 1);
  t.is(await json.del(key, '$.user'), 1);
  t.deepEqual(await json.get(key), { n: 2.5, list: [], on: false, extra: 'text' });
  t.is(await json.get('json:none'), null);
  await t.throwsAsync(json.numIncrBy('json:none', '$', 1), { instanceOf: ReplyError });
  await t.throwsAsync(async () => json.set(key, '$', 1n), { code: 'invalid-argument' });
});

test('scan goes through all keys that match, page by page', async (t) => {
  const client = await connect(t);
  await client.mset(Array.from({ length: 100 }, (_, index) => [`scan:${index}`, index] as const));
  const found = new Set();
  for await (const key of client.scan({ match: 'scan:*', count: 9 })) found.add(key);
  t.is(found.size, 100);
  for await (const key of client.scan({ match: 'scan:*' })) {
    t.truthy(key);
    break;
  }
});

test('each operation of a batch has an outcome of its own, in its place', async (t) => {
  const client = await connect(t);
  const [set, got, wrong, entry, document] = await client.batch((batch) => [
    batch.set('batch', 'text'),
    batch.get<string>('batch'),
    batch.incr('batch'),
    batch.entry('batch'),
    batch.json.get('batch:none'),
  ]);
  t.deepEqual(set, { ok: true, value: true });
  t.deepEqual(got, { ok: true, value: 'text' });
  t.true(!wrong.ok && wrong.error instanceof ReplyError && wrong.error.code === 'not-a-number');
  t.true(entry.ok && entry.value?.value === 'text');
  t.deepEqual(document, { ok: true, value: null });
});

test('everything else is a call by name; errors have the codes of the server', async (t) => {
  const client = await connect(t);
  await client.set('call', 'value');
  t.is(await client.call('strlen', 'call'), 5);
  t.is(await client.ping(), 'PONG');
  t.regex(await client.info(['server']), /fluxcache_version/);
  const error = await t.throwsAsync(client.call('nonsense'), { instanceOf: FluxCacheError, code: 'unknown-command' });
  t.like(error, { retryable: false, maybeApplied: false });
  await t.throwsAsync(client.call('get'), { code: 'arity' });
  await t.throwsAsync(client.set('call', Number.NaN), { code: 'invalid-argument' });
});

test('ten thousand calls made at once take effect in their order', async (t) => {
  const client = await connect(t);
  const calls: Promise<unknown>[] = [];
  for (let index = 0; index < 5000; index++) {
    calls.push(client.set(`order:${index % 7}`, index), client.get(`order:${index % 7}`));
  }
  const results = await Promise.all(calls);
  t.true(results.every((result, index) => (index % 2 === 0 ? result === true : result === (index - 1) / 2)));
});

test('values of megabytes go both ways between small ones', async (t) => {
  const client = await connect(t);
  const large = Buffer.alloc(3_000_000, 'large');
  const [, , , after, read] = await Promise.all([
    client.set('large:before', 1),
    client.set('large', large),
    client.set('large:after', 2),
    client.get('large:after'),
    client.get<Uint8Array>('large'),
  ]);
  t.is(after, 2);
  t.true(read !== null && large.equals(read));
});

test('a closed client has finished its calls, and takes no more', async (t) => {
  const client = await connect(t);
  const calls = Array.from({ length: 50 }, (_, index) => client.set(`close:${index}`, index));
  let isClosed = false;
  client.on('close', () => {
    isClosed = true;
  });
  await client.close();
  t.true(isClosed);
  t.true((await Promise.all(calls)).every(Boolean));
  await t.throwsAsync(client.ping(), { code: 'closed' });
  await t.throwsAsync(client.connect(), { code: 'closed' });
  await t.notThrowsAsync(client.close());
  const other = await connect(t);
  await other[Symbol.asyncDispose]();
  await t.throwsAsync(other.ping(), { code: 'closed' });
});

test('a misspelt option of a call is refused by its name, and nothing is done', async (t) => {
  const client = await connect(t);
  // As JavaScript callers write them, whom no compiler tells.
  const misspelt = (name: string): object => ({ [name]: 5000 });
  const wrong: [() => Promise<unknown>, string][] = [
    [() => client.set('slip', 'b', misspelt('tll')), 'unknown option "tll"; did you mean ttl?'],
    [() => client.set('slip', 'b', misspelt('timeoutMS')), 'unknown option "timeoutMS"; did you mean timeoutMs?'],
    [() => client.get('slip', misspelt('typ')), 'unknown option "typ"; did you mean type?'],
    [
      () => client.expire('slip', 1, misspelt('ng')),
      'unknown option "ng"; the options are nx, xx, gt, lt, signal, timeoutMs, retryable',
    ],
    [() => client.scan(misspelt('mach')).next(), 'unknown option "mach"; did you mean match?'],
  ];
  for (const [call, message] of wrong) {
    await t.throwsAsync(call, { instanceOf: FluxCacheError, code: 'invalid-argument', message });
  }
  t.throws(() => client.batch((batch) => [batch.set('slip', 'b', misspelt('tll'))]), { message: /"tll"/ });
  t.is(await client.get('slip'), null);
});
