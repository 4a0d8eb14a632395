import test, { type ExecutionContext } from 'ava';
import { WatchedStore, type WatchedStoreOptions } from './watched-store.ts';

const MIB = 2 ** 20;
const KEYS = 12_000;

function open(t: ExecutionContext, options: Partial<WatchedStoreOptions> = {}): WatchedStore {
  const store = new WatchedStore({ budgetBytes: 4 * MIB, ...options });
  t.teardown(() => store.watch.stop());
  return store;
}

/** Numbers that are spread evenly, the same in every run. */
function evenly(): () => number {
  let state = 1;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
    return (state >>> 0) / 2 ** 32;
  };
}

/** What a client does with a store, one step at a time. */
type Load = (store: WatchedStore, random: () => number) => void;

/** The hit ratio once the load has gone on for a while. */
function run(store: WatchedStore, load: Load): number {
  const random = evenly();
  // From the beginning on as many keys are followed as may be: nothing was there before.
  for (let i = 0; i < 40; i++) store.pass();
  const steps = 60_000;
  for (let step = 0; step < steps; step++) {
    load(store, random);
    if (step % 400 === 0) store.pass();
    if (step === steps / 2) {
      store.hits = 0;
      store.lookups = 0;
      // What was counted while the caches filled fades.
      store.pass(3_600_000);
    }
  }
  return store.hits / store.lookups;
}

const name = (random: () => number): string => `item:${Math.floor(random() * KEYS)}`;

const aside: Load = (store, random) => {
  const key = name(random);
  if (!store.look(key)) store.put(key);
};
/** A writer refreshes keys; who reads stores nothing. */
const through: Load = (store, random) => {
  store.look(name(random));
  if (random() < 0.3) store.put(name(random));
};

for (const [what, load, eviction] of [
  ['to which is stored what it misses', aside, 'flux'],
  ['that is written through', through, 'flux'],
  ['that refuses what it has no room for', aside, 'noeviction'],
] as const) {
  test(`with four times the memory, a cache ${what} has about the hit ratio that is estimated`, (t) => {
    const small = open(t, { eviction });
    const measured = run(small, load);
    const real = run(open(t, { budgetBytes: 16 * MIB, eviction }), load);
    const estimated = small.watch.curve()?.points.find(({ memory }) => memory === 4)?.hitRatio ?? -1;
    t.true(real > measured + 0.3, `the example tells something: ${measured} and ${real}`);
    t.true(Math.abs(estimated - real) < 0.1, `${estimated}, and in truth ${real}`);
  });
}

test('with four times the memory, a cache that was filled once has about the hit ratio that is estimated', (t) => {
  const [small, large] = [open(t), open(t, { budgetBytes: 16 * MIB })];
  for (const store of [small, large]) {
    const random = evenly();
    for (let i = 0; i < 40; i++) store.pass();
    for (let key = 0; key < KEYS; key++) {
      store.put(`item:${key}`);
      if (key % 100 === 0) store.pass();
    }
    store.pass(3_600_000);
    for (let step = 0; step < 20_000; step++) {
      store.look(name(random));
      if (step % 400 === 0) store.pass();
    }
  }
  const real = large.hits / large.lookups;
  const estimated = small.watch.curve()?.points.find(({ memory }) => memory === 4)?.hitRatio ?? -1;
  t.true(real > small.hits / small.lookups + 0.3);
  t.true(Math.abs(estimated - real) < 0.1, `${estimated}, and in truth ${real}`);
});

test('what more memory would not spare is not promised: keys that are deleted, that expire, that nobody stores', (t) => {
  const store = open(t, { budgetBytes: 4 * MIB });
  const random = evenly();
  for (let i = 0; i < 40; i++) store.pass();
  for (let step = 0; step < 30_000; step++) {
    const key = `${step % 3}:${Math.floor(random() * 1000)}`;
    const found = store.look(key);
    if (step % 3 === 0 && !found) store.put(key, store.nowMs + 2000);
    else if (step % 3 === 1 && !found) store.put(key);
    if (step % 3 === 1 && random() < 0.5) store.remove(key);
    // Others fill the memory, so that there are evictions.
    store.put(`other:${step}`);
    if (step % 400 === 0) store.pass();
  }
  const points = store.watch.curve()?.points ?? [];
  const ratio = store.hits / store.lookups;
  t.true(ratio > 0.1 && ratio < 0.6, `${ratio}`);
  t.true((points.at(-1)?.hitRatio ?? 1) < ratio + 0.1, JSON.stringify(points));
});

test('of the last minute the hottest keys are told, with their share of the lookups', (t) => {
  const store = open(t);
  store.put('a:1');
  // So few lookups are all sampled, once it is known that they are few.
  for (let i = 0; i < 10; i++) {
    for (let look = 0; look < 200; look++) store.look('warm:up');
    store.pass();
  }
  store.pass(3_600_000);
  for (let i = 0; i < 400; i++) {
    store.look('a:1');
    if (i % 4 === 0) store.look('b:none');
    if (i % 40 === 0) store.pass();
  }
  store.pass();
  const { hot, prefixes } = store.watch.news();
  t.deepEqual(
    hot.map(({ key }) => key),
    ['a:1', 'b:none'],
  );
  t.true(Math.abs((hot[0]?.share ?? 0) - 0.8) < 0.1, `${hot[0]?.share}`);
  t.true(Math.abs((prefixes.find(({ prefix }) => prefix === 'a:')?.hitRatio ?? 0) - 1) < 0.01);
  t.is(prefixes.find(({ prefix }) => prefix === 'b:')?.hitRatio, 0);
  // An hour without lookups.
  store.pass(3_600_000);
  t.deepEqual(store.watch.news().hot, []);
  t.deepEqual(
    store.watch.news().prefixes.map(({ prefix }) => prefix),
    [null],
  );
});

test('lookups a second are those of now, not of the minute before', (t) => {
  const store = open(t);
  for (let i = 0; i < 240; i++) store.pass();
  for (let i = 0; i < 60; i++) {
    for (let look = 0; look < 50; look++) store.look('a:1');
    store.pass();
  }
  const told = () => store.watch.news().hot[0]?.reads ?? 0;
  t.true(told() > 180 && told() <= 200, `${told()} of 200`);
  for (let i = 0; i < 100; i++) store.pass();
  t.true(told() < 5, `${told()} of none`);
});

test('from the first lookups on keys are told with the share that they have', (t) => {
  const store = open(t);
  for (let i = 0; i < 3300; i++) {
    store.look(`a:${i % 11}`);
    if (i % 100 === 99) store.pass();
  }
  const { hot } = store.watch.news();
  t.is(hot.length, 11);
  for (const { share } of hot) t.true(Math.abs(share - 1 / 11) < 0.02, `${share}`);
});

test('lookups that the ring had no room for are made up for in what is counted for good', (t) => {
  const store = open(t, { metricsPrefixes: ['a:'] });
  for (let i = 0; i < 10; i++) store.pass();
  for (let i = 0; i < 100_000; i++) store.look('a:some-key-of-some-length');
  store.pass();
  const misses = store.watch.metricsPrefixes()[0]?.misses ?? 0;
  t.true(Math.abs(misses / 100_000 - 1) < 0.1, `${misses}`);
});

test('lookups of followed keys that the ring had no room for are taken for like the others', (t) => {
  const curveOf = (atOnce: number) => {
    const store = open(t);
    for (let i = 0; i < 40; i++) store.pass();
    for (let key = 0; key < 100; key += 2) store.put(`item:${key}`);
    store.pass();
    for (let i = 0; i < 100_000; i++) {
      store.look(`item:${i % 100}`);
      if (i % atOnce === 0) store.pass();
    }
    store.pass();
    return store.watch.curve();
  };
  const [all, some] = [curveOf(1000), curveOf(50_000)];
  t.true((all?.sampledLookups ?? 0) > 0);
  for (const curve of [all, some]) {
    for (const { hitRatio } of curve?.points ?? []) t.true(Math.abs(hitRatio - 0.5) < 0.05, `${hitRatio}`);
  }
  t.true(Math.abs((some?.sampledLookups ?? 0) / 100_000 / (some?.samplingRate ?? 1) - 1) < 0.6, JSON.stringify(some));
});
