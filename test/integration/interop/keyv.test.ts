import KeyvRedis, { createKeyv } from '@keyv/redis';
import {
  keyvApiTests,
  keyvCompresstionTests,
  keyvIteratorTests,
  keyvNamespaceTest,
  keyvValueTests,
} from '@keyv/test-suite';
import test, { type ExecutionContext } from 'ava';
import Keyv from 'keyv';
import { sharedNode } from '../resp/node-fixture.ts';
import { gzip } from './gzip.ts';
import { register } from './keyv-suite.ts';

// The tests of the suite remove all keys, and one of them stops the clock.
const shared = sharedNode({ shards: 3 });
const stores: KeyvRedis<unknown>[] = [];
let url = '';

test.before(async () => {
  url = `redis://127.0.0.1:${(await shared()).node.tcpPort}`;
});

test.afterEach.always(async () => {
  for (const store of stores.splice(0)) await store.disconnect();
});

function openStore(): KeyvRedis<unknown> {
  const store = new KeyvRedis<unknown>(url);
  stores.push(store);
  return store;
}

register('API', (suite) => keyvApiTests(suite, Keyv, openStore));
register('values', (suite) => keyvValueTests(suite, Keyv, openStore));
register('namespaces', (suite) => keyvNamespaceTest(suite, Keyv, openStore));
register('iterator', (suite) => keyvIteratorTests(suite, Keyv, openIterable));

/** Of keys that a store has without a namespace only those are iterated over that the user says are all his own. */
function openIterable(): KeyvRedis<unknown> {
  const store = new KeyvRedis<unknown>(url, { noNamespaceAffectsAll: true });
  stores.push(store);
  return store;
}

register('compression', (suite) => keyvCompresstionTests(suite, gzip));

async function opened(t: ExecutionContext, namespace: string): Promise<Keyv> {
  const keyv = createKeyv(url, { namespace });
  t.teardown(() => keyv.disconnect());
  return keyv;
}

test.serial('what keyv compresses comes back from the node', async (t) => {
  const keyv = new Keyv({ store: openStore(), compression: gzip, namespace: 'packed' });
  const text = 'the same again, '.repeat(5000);
  await keyv.set('long', text);
  t.is(await keyv.get('long'), text);
});

test.serial('keyv sets, reads and deletes many keys of several shards at once', async (t) => {
  const keyv = await opened(t, 'many');
  const entries = Array.from({ length: 500 }, (_, index) => ({
    key: `key ${index}`,
    value: { index, text: 'ü' },
    ...(index % 2 === 0 ? { ttl: 60_000 } : undefined),
  }));
  const keys = entries.map(({ key }) => key);
  await keyv.setMany(entries);
  t.deepEqual(await keyv.getMany([...keys, 'none']), [...entries.map(({ value }) => value), undefined]);
  t.deepEqual(await keyv.hasMany(['key 0', 'none', 'key 499']), [true, false, true]);
  t.is(await keyv.deleteMany(keys.slice(1)), true);
  t.deepEqual(await keyv.getMany(keys.slice(0, 3)), [entries[0]?.value, undefined, undefined]);
  t.is(await keyv.delete('key 0'), true);
  t.is(await keyv.delete('key 0'), false);
});

test.serial('a time to live that keyv gives ends the entry on the node', async (t) => {
  const keyv = await opened(t, 'brief');
  await keyv.setMany([
    { key: 'a', value: 1, ttl: 40 },
    { key: 'b', value: 2 },
  ]);
  const redis = await openStore().getClient();
  const endMs = performance.now() + 5000;
  while ((await redis.exists('brief::a')) === 1 && performance.now() < endMs);
  t.is(await redis.exists('brief::a'), 0);
  t.is(await keyv.get('b'), 2);
});
