import test from 'ava';
import { FluxCache, FluxCacheError } from '../../../src/index.ts';

/** For machines that are busy with other tests. */
const PATIENT = { commandTimeoutMs: 60_000 };

test('an embedded client does what a client of a server does, and ends with all that belongs to it', async (t) => {
  const client = await FluxCache.embedded({ maxMemory: '16mb', maxValue: '4mb', client: PATIENT });
  t.is(await client.set('k', { a: [1, 2.5, null] }, { ttl: 60_000 }), true);
  t.deepEqual(await client.get('k'), { a: [1, 2.5, null] });
  t.deepEqual(await Promise.all([client.incr('n'), client.incr('n', 2), client.mget(['k', 'none'])]), [
    1,
    3,
    [{ a: [1, 2.5, null] }, null],
  ]);
  const bytes = new Uint8Array(3_000_000).map((_, index) => index);
  await client.set('large', bytes);
  t.deepEqual(await client.get('large', { type: 'bytes' }), bytes);
  t.like(await t.throwsAsync(client.set('k', 'x'.repeat(5_000_000))), { code: 'value-too-large' });
  const news = await client.subscribe('news');
  t.is(await client.publish('news', 'it works'), 1);
  for await (const { payload } of news) {
    t.is(payload, 'it works');
    break;
  }
  t.is(await client.getOrSet('loaded', () => 'value', { ttl: 60_000, tags: ['t'] }), 'value');
  t.is(await client.get('loaded'), 'value');
  await client.invalidateTags('t');
  t.is(await client.get('loaded'), null);
  t.regex(await client.info(['server']), /fluxcache_version/);

  const keys = Array.from({ length: 5000 }, (_, index) => `key:${index}`);
  await Promise.all(keys.map((key, index) => client.set(key, index)));
  t.deepEqual(
    await Promise.all(keys.map((key) => client.get(key))),
    keys.map((_, index) => index),
  );
  t.is(await client.deleteMatching('key:*'), 5000);

  const other = await FluxCache.embedded({ shards: 2, client: PATIENT });
  t.is(await other.get('k'), null);
  const call = other.get('k');
  other.destroy();
  t.like(await t.throwsAsync(call), { code: 'closed' });

  await client.close();
  t.like(await t.throwsAsync(client.get('k')), { code: 'closed' });
});

test('options that an engine has not are refused, naming them', async (t) => {
  for (const [options, named] of [
    [{ maxMemory: '1kb' }, /maxMemory/],
    [{ shards: 0 }, /shards/],
    [{ httpPort: 8081 }, /httpPort/],
    [{ client: { nam: 'x' } }, /nam/],
  ] as const) {
    // What a compiler refuses, too.
    const wrong: object = options;
    const error = await t.throwsAsync(FluxCache.embedded(wrong), { instanceOf: FluxCacheError });
    t.is(error.code, 'invalid-argument');
    t.regex(error.message, named);
  }
});

test('connecting rejects when nobody is there', async (t) => {
  await t.throwsAsync(FluxCache.connect({ port: 1, reconnect: { delayMsFirst: 60_000, delayMsMax: 60_000 } }));
});
