import {
  keyvApiTests,
  keyvCompresstionTests,
  keyvIteratorTests,
  keyvNamespaceTest,
  keyvValueTests,
} from '@keyv/test-suite';
import test from 'ava';
import Keyv, { type KeyvStoreAdapter } from 'keyv';
import { FluxCache, type FluxClient } from '../../../src/index.ts';
import { KeyvFluxCache } from '../../../src/keyv/index.ts';
import { sharedNode } from '../resp/node-fixture.ts';
import { gzip } from './gzip.ts';
import { register } from './keyv-suite.ts';

// The tests of the suite remove all keys of a namespace, and one of them stops the clock.
const shared = sharedNode({ shards: 2 });
const stores: KeyvFluxCache[] = [];
let url = '';
let embedded: FluxClient;

test.before(async () => {
  url = `fluxcache://127.0.0.1:${(await shared()).node.tcpPort}`;
  embedded = await FluxCache.embedded({ maxMemory: '16mb' });
});

test.afterEach.always(async () => {
  for (const store of stores.splice(0)) await store.disconnect();
});

test.after.always(async () => {
  await embedded.close();
});

function openStore(): KeyvFluxCache {
  const store = new KeyvFluxCache(url);
  stores.push(store);
  return store;
}

register('KeyvFluxCache, API', (suite) => keyvApiTests(suite, Keyv, openStore));
register('KeyvFluxCache, values', (suite) => keyvValueTests(suite, Keyv, openStore));
register('KeyvFluxCache, namespaces', (suite) => keyvNamespaceTest(suite, Keyv, openStore));
register('KeyvFluxCache, iterator', (suite) => keyvIteratorTests(suite, Keyv, openStore));
register('KeyvFluxCache, compression', (suite) => keyvCompresstionTests(suite, gzip));
register('KeyvFluxCache, embedded', (suite) => keyvApiTests(suite, Keyv, () => new KeyvFluxCache(embedded)));

function keyvOf(namespace: string): { keyv: Keyv; store: KeyvFluxCache } {
  const store = openStore();
  // It is an adapter by its form: nothing of it depends on Keyv.
  const adapter: KeyvStoreAdapter = store;
  return { keyv: new Keyv({ store: adapter, namespace, useKeyPrefix: false }), store };
}

test.serial('keys are stored under the namespace, values as text, and expire by the millisecond', async (t) => {
  const { keyv, store } = keyvOf('plain');
  await keyv.set('k', { a: 1 }, 60_000);
  t.is(await store.get<string>('k'), (await store.client.get('plain::k', { type: 'string' })) ?? undefined);
  const ttlMs = await store.client.ttl('plain::k');
  t.true(ttlMs !== null && ttlMs > 50_000 && ttlMs <= 60_000);
  await keyv.set('gone', 1, -1);
  t.false(await keyv.has('gone'));
});

test.serial('many keys are set, read, looked for and deleted at once', async (t) => {
  const { keyv } = keyvOf('many');
  const entries = Array.from({ length: 700 }, (_, index) => ({ key: `key ${index}`, value: { index, text: 'ü' } }));
  const keys = entries.map(({ key }) => key);
  t.deepEqual(new Set(await keyv.setMany(entries)), new Set([true]));
  t.deepEqual(await keyv.getMany([...keys, 'none']), [...entries.map(({ value }) => value), undefined]);
  t.deepEqual(await keyv.hasMany(['key 0', 'none', 'key 699']), [true, false, true]);
  t.true(await keyv.deleteMany(keys.slice(1)));
  t.deepEqual(await keyv.hasMany(keys.slice(0, 2)), [true, false]);
  t.false(await keyv.deleteMany(keys.slice(1)));
});

test.serial('clearing and iterating keep to a namespace, whatever characters its name has', async (t) => {
  const odd = keyvOf('a*[b]?\\');
  const other = keyvOf('axxb');
  await odd.keyv.set('1', 'odd');
  await other.keyv.set('1', 'other');
  const seen: unknown[] = [];
  for await (const entry of odd.store.iterator()) seen.push(entry);
  t.deepEqual(seen, [['1', JSON.stringify({ value: 'odd' })]]);
  await odd.keyv.clear();
  t.is(await odd.keyv.get('1'), undefined);
  t.is(await other.keyv.get('1'), 'other');
});

test.serial('without a namespace nothing is cleared, unless all keys are meant', async (t) => {
  const careful = openStore();
  await careful.set('k', 'v');
  await t.throwsAsync(careful.clear(), { message: /every key of the server/ });
  t.is(await careful.get('k'), 'v');
  const store = new KeyvFluxCache(url, { clearsAll: true });
  stores.push(store);
  await store.clear();
  t.is(await store.get('k'), undefined);
});

test.serial('without a serialiser values are documents that other clients can read', async (t) => {
  const store = openStore();
  const keyv = new Keyv({ store, namespace: 'documents', useKeyPrefix: false });
  keyv.serialize = undefined;
  keyv.deserialize = undefined;
  await keyv.set('k', { deep: [1, null] });
  t.deepEqual(await store.client.get('documents::k'), { value: { deep: [1, null] } });
  t.deepEqual(await keyv.get('k'), { deep: [1, null] });
});

test.serial('a client that was given stays open', async (t) => {
  const store = new KeyvFluxCache(embedded, { namespace: 'given' });
  await store.disconnect();
  await store.set('k', 'v');
  t.is(await store.get('k'), 'v');
});

test.serial('a value that cannot be stored is an event of Keyv, and false', async (t) => {
  const { keyv } = keyvOf('faults');
  const errors: unknown[] = [];
  keyv.on('error', (error) => errors.push(error));
  t.false(await keyv.set('k', 'x'.repeat(9_000_000)));
  t.like(errors, [{ code: 'value-too-large' }]);
});
