import test from 'ava';
import fc from 'fast-check';
import { ValueType } from '../../../../src/base/view.ts';
import { PartitionedWriter } from '../../../../src/store/partitioned-writer.ts';
import { readStatistics } from '../../../../src/store/statistics.ts';
import { KeyspaceStores } from './keyspace-stores.ts';

test('nothing is told of empty stores', (t) => {
  const { news } = new KeyspaceStores(2).analyse();
  t.is(news.keys, 0);
  t.is(news.sampledKeys, 0);
  t.deepEqual([news.prefixes, news.largest, news.types], [[], [], {}]);
});

test('small stores are told exactly: keys, memory and what expires by prefix, types, the largest keys', (t) => {
  const stores = new KeyspaceStores(2);
  for (let i = 0; i < 300; i++) stores.put(i % 2, `user:${i}`, 100);
  for (let i = 0; i < 100; i++) {
    const expiresAtMs = i < 25 ? stores.clock.timeMs + 60_000 : 0;
    stores.put(i % 2, `cart:${i}:items`, 2000, { type: ValueType.json, expiresAtMs });
  }
  stores.put(0, 'plain', 500_000, { type: ValueType.bytes });
  const before = stores.writers.map(({ keyCount }) => keyCount);
  const { news } = stores.analyse();
  t.deepEqual(before, [201, 200]);
  t.is(news.keys, 401);
  t.is(news.sampledKeys, 401);
  t.is(news.atMs, stores.clock.timeMs);
  t.deepEqual(
    news.prefixes.map(({ prefix, keys, expiring }) => ({ prefix, keys, expiring })),
    [
      { prefix: 'cart:', keys: 100, expiring: 0.25 },
      { prefix: 'user:', keys: 300, expiring: 0 },
      { prefix: null, keys: 1, expiring: 0 },
    ],
  );
  t.deepEqual(news.types, { string: 300 / 401, bytes: 1 / 401, json: 100 / 401 });
  t.is(news.largest.length, 50);
  t.like(news.largest[0], { key: 'plain', type: 'bytes', expiresAtMs: null });
  t.true(news.largest.slice(1).every(({ key, type }) => key.startsWith('cart:') && type === 'json'));
  // An entry tells an average share of index and heap, which small stores need not have.
  const entryBytes = stores.memories.reduce((sum, memory) => sum + readStatistics(memory).liveBytes, 0);
  const told = news.prefixes.reduce((sum, { bytes }) => sum + bytes, 0);
  t.is(told, entryBytes + 401 * 14 + 25 * 8);
});

test('whatever keys there are, prefixes are what a plain look at all of them gives', (t) => {
  const words = fc.constantFrom('a', 'bb', '', 'c:d', 'é', '\0');
  const key = fc.tuple(words, fc.constantFrom(':', '::', '/', ''), words, words).map((parts) => parts.join(''));
  fc.assert(
    fc.property(fc.uniqueArray(key, { maxLength: 40 }), fc.constantFrom(':', '::', '/'), (keys, separator) => {
      const stores = new KeyspaceStores(1, 4 << 20);
      const expected = new Map<string | null, number>();
      for (const each of keys) {
        stores.put(0, each, 10);
        const at = each.indexOf(separator);
        const prefix = at < 0 ? null : each.slice(0, at + separator.length);
        expected.set(prefix, (expected.get(prefix) ?? 0) + 1);
      }
      const { news } = stores.analyse({ separator });
      const rows = (entries: Iterable<[string | null, number]>): unknown[] => [...entries].map(String).sort();
      t.deepEqual(rows(news.prefixes.map(({ prefix, keys }) => [prefix, keys])), rows(expected));
    }),
    { numRuns: 40 },
  );
});

test('only so many prefixes are told as are asked for, and the others as one', (t) => {
  const stores = new KeyspaceStores();
  for (let i = 0; i < 200; i++) stores.put(0, `p${i % 20}:${i}`, 10 + (i % 20) * 10);
  const { news } = stores.analyse({ prefixesMax: 3 });
  t.deepEqual(
    news.prefixes.map(({ prefix, keys }) => [prefix, keys]),
    [
      ['p19:', 10],
      ['p18:', 10],
      ['p17:', 10],
      [null, 170],
    ],
  );
});

test('prefixes that are metrics count every key that begins with them, whatever its own prefix is', (t) => {
  const stores = new KeyspaceStores(2);
  for (let i = 0; i < 40; i++) stores.put(i % 2, `user:${i}`, 100);
  for (let i = 0; i < 10; i++) stores.put(i % 2, `user:admin:${i}`, 100);
  const { metricsPrefixes } = stores.analyse({ metricsPrefixes: ['user:', 'user:admin:', 'none:'] });
  t.deepEqual(
    metricsPrefixes.map(({ prefix, keys }) => [prefix, keys]),
    [
      ['user:', 50],
      ['user:admin:', 10],
      ['none:', 0],
    ],
  );
  t.true((metricsPrefixes[0]?.bytes ?? 0) > 50 * 100);
});

test('keys and prefixes that are no UTF-8 are shown, and can be told apart', (t) => {
  const stores = new KeyspaceStores();
  stores.put(0, Uint8Array.of(0xff, 0x3a, 1), 100);
  stores.put(0, '<img src=x onerror=alert(1)>', 50);
  const { news } = stores.analyse();
  t.deepEqual(
    news.prefixes.map(({ prefix }) => prefix),
    ['\\xff:', null],
  );
  t.like(news.largest[0], { key: '\\xff:\\x01', key64: '/zoB' });
  t.is(news.largest[1]?.key, '<img src=x onerror=alert(1)>');
});

test('of large stores a part is looked at each time, and in time all of it', (t) => {
  const stores = new KeyspaceStores(2, 16 << 20);
  const count = 60_000;
  for (let i = 0; i < count; i++) {
    stores.put(i % 2, `${['a', 'b', 'b', 'c'][i % 4]}:${i}`, 20, {
      expiresAtMs: i % 8 === 0 ? stores.clock.timeMs + 1000 : 0,
    });
  }
  stores.put(0, 'big:1', 100_000);
  stores.put(1, 'big:2', 200_000);
  const metricsPrefixes = ['a:', 'b:'];
  let rounds = 0;
  let sampled = 0;
  do {
    const { news, metricsPrefixes: asked } = stores.analyse({ keysWanted: 10_000, metricsPrefixes });
    t.is(news.keys, count + 2);
    t.true(news.sampledKeys > 4000 && news.sampledKeys < 17_000, `${news.sampledKeys}`);
    const total = news.prefixes.reduce((sum, { keys }) => sum + keys, 0);
    // Standard deviations of estimates from 10 000 keys, six times: 60 000 ± 3300, and each prefix within its own.
    t.true(Math.abs(total - count) < 5000, `${total}`);
    for (const [prefix, share] of [
      ['a:', 0.25],
      ['b:', 0.5],
      ['c:', 0.25],
    ] as const) {
      const row = news.prefixes.find((each) => each.prefix === prefix);
      t.true(Math.abs((row?.keys ?? 0) / count - share) < 0.06, `${prefix} ${row?.keys}`);
      const expiring = prefix === 'a:' ? 0.5 : 0;
      t.true(Math.abs((row?.expiring ?? 1) - expiring) < 0.08, `${prefix} ${row?.expiring}`);
    }
    for (const { prefix, keys } of asked) {
      t.is(news.prefixes.find((row) => row.prefix === prefix)?.keys, keys);
    }
    sampled += news.sampledKeys;
    rounds++;
  } while (stores.state.cursors.some((cursor) => cursor !== 0) && rounds < 20);
  t.true(rounds >= 4 && rounds <= 8, `${rounds}`);
  t.true(sampled >= count + 2 && sampled < count * 1.1);
  t.deepEqual(
    stores.state.largest.slice(0, 2).map(({ key, shard }) => `${key} ${shard}`),
    ['big:2 1', 'big:1 0'],
  );
});

test('large keys are told until they are gone, and as they are now', (t) => {
  const stores = new KeyspaceStores(1, 16 << 20);
  for (let i = 0; i < 20_000; i++) stores.put(0, `k:${i}`, 10);
  stores.put(0, 'grows', 1000);
  stores.put(0, 'goes', 50_000);
  stores.put(0, 'expires', 40_000, { expiresAtMs: stores.clock.timeMs + 1000 });
  stores.put(0, 'shrinks', 30_000);
  const names = () =>
    stores
      .analyse({ keysWanted: 20_000 })
      .news.largest.slice(0, 4)
      .map(({ key }) => key);
  t.deepEqual(names(), ['goes', 'expires', 'shrinks', 'grows']);
  stores.remove(0, 'goes');
  stores.clock.timeMs += 2000;
  stores.put(0, 'shrinks', 500);
  stores.put(0, 'grows', 60_000);
  // Though next to nothing of the store is looked at now.
  const { news } = stores.analyse({ keysWanted: 100 });
  t.true(news.sampledKeys < 1000);
  t.deepEqual(
    news.largest.slice(0, 2).map(({ key }) => key),
    ['grows', 'shrinks'],
  );
  t.false(news.largest.some(({ key }) => key === 'goes' || key === 'expires'));
});

test('what has expired is not told', (t) => {
  const stores = new KeyspaceStores();
  for (let i = 0; i < 10; i++) stores.put(0, `a:${i}`, 10, { expiresAtMs: stores.clock.timeMs + i * 100 });
  stores.clock.timeMs += 450;
  const { news } = stores.analyse();
  t.is(news.sampledKeys, 5);
  t.is(news.prefixes[0]?.keys, 5);
});

test('keys that are there all the while are told once, whatever is written, removed and expires between two steps', (t) => {
  const stores = new KeyspaceStores(1, 32 << 20);
  const stayers = 3000;
  for (let i = 0; i < stayers; i++) stores.put(0, `stays:${i}`, 30);
  for (let i = 0; i < 3000; i++) stores.put(0, `goes:${i}`, 30);
  let step = 0;
  const { news } = stores.analyse({ metricsPrefixes: ['stays:'] }, () => {
    step++;
    for (let i = 0; i < 400; i++) {
      stores.put(0, `new:${step}:${i}`, 50 + i, { expiresAtMs: stores.clock.timeMs + 10 * i });
      stores.remove(0, `goes:${step * 100 + i}`);
      stores.put(0, `stays:${(step * 97 + i) % stayers}`, 40);
    }
    stores.clock.timeMs += 1000;
    stores.writers[0]?.expireDue(stores.clock.timeMs, 10_000);
    stores.writers[0]?.maintain();
  });
  t.true(step > 10);
  t.is(news.prefixes.find(({ prefix }) => prefix === 'stays:')?.keys, stayers);
  stores.writers[0]?.validate();
});

test('a store that is cleared meanwhile gives what there was before, and what came after', (t) => {
  const stores = new KeyspaceStores();
  for (let i = 0; i < 5000; i++) stores.put(0, `a:${i}`, 30);
  let step = 0;
  const { news } = stores.analyse({}, () => {
    if (++step !== 3) return;
    stores.writers[0]?.clear();
    stores.put(0, 'b:1', 10);
  });
  t.true(news.sampledKeys < 5000);
  const again = stores.analyse().news;
  t.deepEqual([again.keys, again.sampledKeys], [1, 1]);
  t.deepEqual(
    again.largest.map(({ key }) => key),
    ['b:1'],
  );
});

test('a store that lets nobody read is left alone', (t) => {
  const stores = new KeyspaceStores(2);
  stores.put(0, 'a:1', 10);
  stores.put(1, 'b:1', 10);
  stores.analyse();
  t.true(stores.writers[0]?.beginGroup(1, 100));
  const { news } = stores.analyse();
  t.is(news.sampledKeys, 1);
  t.deepEqual(
    news.prefixes.map(({ prefix }) => prefix),
    ['b:'],
  );
});

test('copies that are kept for other nodes are told like any key', (t) => {
  const stores = new KeyspaceStores(1, 8 << 20, { first: 0, count: 4, total: 4 });
  for (const writer of stores.writers) {
    if (writer instanceof PartitionedWriter) writer.setOwned(0, false);
  }
  for (let i = 0; i < 1000; i++) stores.put(0, `a:${i}`, 10);
  const { news } = stores.analyse();
  t.deepEqual(
    news.prefixes.map(({ prefix, keys }) => [prefix, keys]),
    [['a:', 1000]],
  );
});
