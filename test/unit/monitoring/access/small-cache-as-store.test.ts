import test from 'ava';
import type { PutRequest } from '../../../../src/base/view.ts';
import { SmallCache } from '../../../../src/monitoring/access/small-cache.ts';
import { storeTotalsOf } from '../../../../src/monitoring/access/store-totals.ts';
import { createStoreMemory } from '../../../../src/store/arena.ts';
import { StoreReader } from '../../../../src/store/reader.ts';
import { StoreWriter } from '../../../../src/store/writer.ts';

/** What a simulated cache may err by. */
const ERROR_MAX = 0.04;
const LOOKUPS = 60_000;

/** The same numbers in every run, evenly from 0 to 1. */
function evenly(): () => number {
  let state = 1;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
    return (state >>> 0) / 2 ** 32;
  };
}

const streams: Record<string, (random: () => number, i: number) => number> = {
  'some keys are favourites': (random) => Math.floor(12_000 * random() ** 3),
  'all keys are alike': (random) => Math.floor(8000 * random()),
  'favourites stay and others pass by once': (random, i) => (i % 2 === 0 ? Math.floor(3000 * random()) : 3000 + i),
  'favourites are beside a loop': (random, i) =>
    i % 3 === 0 ? 12_000 + (i % 7000) : Math.floor(12_000 * random() ** 3),
  'favourites change now and then': (random, i) => Math.floor(i / 6000) * 1000 + Math.floor(12_000 * random() ** 3),
  'favourites change all the time': (random, i) => Math.floor(i / 3) + Math.floor(6000 * random() ** 2),
};

/** Replays the stream, cache-aside, on a store, and on a small cache of the same memory that holds all keys. */
function replay(numbers: Uint32Array): { readonly real: number; readonly simulated: number } {
  const clock = { nowMs: () => 1_750_000_000_000 };
  const memory = createStoreMemory({ budgetBytes: 4 * 2 ** 20, readersMax: 1, eviction: 'flux', hashKey: [3, 5] });
  const writer = new StoreWriter(memory, clock);
  const reader = new StoreReader(memory, 0, clock);
  const key = Buffer.alloc(16);
  const request: PutRequest = {
    key,
    keyStart: 0,
    keyEnd: key.length,
    value: Buffer.alloc(1000),
    valueStart: 0,
    valueEnd: 1000,
    type: 0,
    expiresAtMs: 0,
    contentType: key,
    contentTypeStart: 0,
    contentTypeEnd: 0,
  };
  const bytes = new Float64Array(1 + numbers.reduce((largest, number) => Math.max(largest, number), 0));
  const cache = new SmallCache(bytes.length, bytes, 0);
  const nothing = (): void => undefined;
  let real = 0;
  let simulated = 0;
  let counted = 0;
  for (const [i, number] of numbers.entries()) {
    if (i % 500 === 0) cache.fit(storeTotalsOf([memory]).capacityBytes, nothing);
    key.writeUInt32LE(number);
    reader.enter();
    const isFound = reader.lookup(key, 0, key.length);
    if (isFound && bytes[number] === 0) bytes[number] = reader.entry.memoryBytes;
    reader.leave();
    if (!isFound) writer.put(request);
    const isHit = cache.use(number);
    if (!isHit) {
      if (bytes[number] === 0) bytes[number] = 1000 + 16 + 30;
      cache.store(number, nothing);
    }
    if (i < LOOKUPS / 2) continue;
    counted++;
    if (isFound) real++;
    if (isHit) simulated++;
  }
  return { real: real / counted, simulated: simulated / counted };
}

for (const [what, next] of Object.entries(streams)) {
  test(`a small cache of all keys has about the hit ratio of a store where ${what}`, (t) => {
    const random = evenly();
    const { real, simulated } = replay(Uint32Array.from({ length: LOOKUPS }, (_, i) => next(random, i)));
    t.true(real > 0.1 && real < 0.95, `the example tells something: ${real}`);
    t.true(Math.abs(simulated - real) < ERROR_MAX, `${simulated}, and in truth ${real}`);
  });
}
