import test from 'ava';
import {
  createLookupSample,
  drainInOrder,
  HASH_RANGE,
  KEY_SAMPLE_BYTES,
  LookupSampleReader,
  LookupSampler,
  type LookupSink,
} from '../../../src/base/lookup-sample.ts';
import type { EntryInfo } from '../../../src/base/view.ts';

const entry: EntryInfo = {
  type: 0,
  valueBytes: 3,
  version: 1,
  expiresAtMs: 1_750_000_000_123,
  contentTypeBytes: 0,
  staleMs: 0,
  tagCount: 0,
  tagBytes: 0,
  fillToken: 0,
  fillUntilMs: 0,
  fillVersion: 0,
  isHollow: false,
  memoryBytes: 3_000_000_000,
};

interface ByTime {
  readonly key: string;
  readonly isWhole: boolean;
  readonly weight: number;
  readonly found: boolean;
}

interface ByHash {
  readonly hash: number;
  readonly found: boolean;
  readonly memoryBytes: number;
  readonly expiresAtMs: number;
}

/** A sink that takes no notice. */
const nothing = () => undefined;
const deaf: LookupSink = {
  byTime: nothing,
  looked: nothing,
  stored: nothing,
  expires: nothing,
  removed: nothing,
  cleared: nothing,
};

function setup(threshold: number, interval: number) {
  const handle = createLookupSample();
  const reader = new LookupSampleReader(handle);
  reader.sample(threshold, interval);
  const sampler = new LookupSampler(handle, 42);
  const look = (hash: number, key: string, found: EntryInfo | null = null): void => {
    const bytes = Buffer.from(`<${key}>`, 'latin1');
    if (sampler.isDue(hash)) sampler.note(hash, bytes, 1, bytes.length - 1, found);
  };
  const drain = () => {
    const byTime: ByTime[] = [];
    const byHash: ByHash[] = [];
    const text = (bytes: Uint8Array, start: number, end: number) =>
      Buffer.from(bytes.slice(start, end)).toString('latin1');
    drainInOrder([reader], {
      ...deaf,
      byTime: (bytes, start, end, isWhole, weight, found) =>
        void byTime.push({ key: text(bytes, start, end), isWhole, weight, found }),
      looked: (hash, found, memoryBytes, expiresAtMs) => void byHash.push({ hash, found, memoryBytes, expiresAtMs }),
    });
    return { byTime, byHash };
  };
  return { handle, reader, look, drain };
}

test('nothing is sampled before somebody wants it', (t) => {
  const handle = createLookupSample();
  const sampler = new LookupSampler(handle, 1);
  const key = Buffer.from('k');
  for (let i = 0; i < 10_000; i++) if (sampler.isDue(i * 7919)) sampler.note(i * 7919, key, 0, 1, null);
  let told = 0;
  drainInOrder([new LookupSampleReader(handle)], { ...deaf, byTime: () => told++, looked: () => told++ });
  t.is(told, 0);
});

test('each lookup is told with its key and what was found when all are sampled, and once only', (t) => {
  const { look, drain } = setup(0, 1);
  look(1, 'one', entry);
  look(2, 'two');
  t.deepEqual(drain().byTime, [
    { key: 'one', isWhole: true, weight: 1, found: true },
    { key: 'two', isWhole: true, weight: 1, found: false },
  ]);
  t.deepEqual(drain().byTime, []);
});

test('samples by time stand for all lookups, and are not taken in step with them', (t) => {
  const { look, drain } = setup(0, 32);
  let total = 0;
  const keys = new Set<string>();
  for (let round = 0; round < 100; round++) {
    for (let i = 0; i < 1024; i++) look(i, `key${i % 32}`);
    for (const { key, weight } of drain().byTime) {
      total += weight;
      keys.add(key);
    }
  }
  t.true(Math.abs(total - 102_400) < 102_400 * 0.05, `${total} of 102400`);
  t.is(keys.size, 32);
});

test('a key is followed by its hash: always or never', (t) => {
  const { look, drain } = setup(HASH_RANGE / 8, 1 << 16);
  const seen = new Map<number, number>();
  for (let round = 0; round < 3; round++) {
    for (let i = 0; i < 800; i++) look(Math.imul(i, 0x85eb_ca6b), `k${i}`, entry);
    for (const { hash } of drain().byHash) seen.set(hash, (seen.get(hash) ?? 0) + 1);
  }
  t.true(seen.size > 50 && seen.size < 150, `${seen.size} of 800`);
  for (const count of seen.values()) t.is(count, 3);
  for (const hash of seen.keys()) t.true(hash >>> 8 < HASH_RANGE / 8);
});

test('what was found is told with its size and expiry', (t) => {
  const { look, drain } = setup(HASH_RANGE, 1 << 16);
  look(5, 'there', entry);
  look(6, 'not there');
  const [there, absent] = drain().byHash;
  t.like(there, { found: true, memoryBytes: 3_000_000_000, expiresAtMs: 1_750_000_000_123 });
  t.like(absent, { found: false });
});

test('what several threads do with a key is told in the order in which they did it', (t) => {
  const first = createLookupSample();
  const handles = [first, createLookupSample(first.numbers), createLookupSample(first.numbers)];
  const readers = handles.map((handle) => new LookupSampleReader(handle));
  for (const reader of readers) reader.sample(HASH_RANGE, 4);
  const samplers = handles.map((handle, i) => new LookupSampler(handle, i + 1));
  const key = Buffer.from('k');
  const done: string[] = [];
  for (let i = 0; i < 500; i++) {
    const sampler = samplers[(i * i) % 3];
    if (sampler === undefined) continue;
    if (i % 4 === 0) sampler.noteStored(1, i, 2 ** 33 + i);
    else if (i % 4 === 1) sampler.noteRemoved(1);
    else if (i % 4 === 2) sampler.noteExpiry(1, i);
    else if (i % 8 === 3) sampler.noteCleared();
    else if (sampler.isDue(1)) sampler.note(1, key, 0, 1, null);
    const names = [`stored ${i} ${2 ** 33 + i}`, 'removed', `expires ${i}`, i % 8 === 3 ? 'cleared' : 'looked'];
    done.push(names[i % 4] ?? '');
  }
  const told: string[] = [];
  drainInOrder(readers, {
    byTime: nothing,
    looked: () => void told.push('looked'),
    stored: (_hash, bytes, expiresAtMs) => void told.push(`stored ${bytes} ${expiresAtMs}`),
    expires: (_hash, expiresAtMs) => void told.push(`expires ${expiresAtMs}`),
    removed: () => void told.push('removed'),
    cleared: () => void told.push('cleared'),
  });
  t.deepEqual(told, done);
});

test('of a long key the beginning is kept, and it is said that it is no whole key', (t) => {
  const { look, drain } = setup(0, 1);
  look(1, `${'p'.repeat(KEY_SAMPLE_BYTES)}rest`);
  look(1, 'p'.repeat(KEY_SAMPLE_BYTES));
  const [cut, whole] = drain().byTime;
  t.deepEqual([cut?.key.length, cut?.isWhole], [KEY_SAMPLE_BYTES, false]);
  t.deepEqual([whole?.key.length, whole?.isWhole], [KEY_SAMPLE_BYTES, true]);
});

test('a ring that nobody empties drops samples and counts them; emptied, it goes round whole', (t) => {
  const { look, drain, reader } = setup(HASH_RANGE, 1);
  for (let i = 0; i < 20_000; i++) look(i, `key:${i}`, entry);
  const first = drain();
  const dropped = reader.takeDroppedLookups();
  const weight = reader.takeDroppedWeight();
  t.true(dropped > 0 && weight > 0);
  t.is(first.byHash.length + dropped, 20_000);
  t.is(first.byTime.length + weight, 20_000);
  t.deepEqual([reader.takeDroppedLookups(), reader.takeDroppedWeight(), reader.takeDroppedWrites()], [0, 0, 0]);
  // Lengths that never fit the ring's end: every way to go round is met.
  for (let i = 0; i < 3000; i++) {
    const key = `${i}:${'x'.repeat((i * 37) % KEY_SAMPLE_BYTES)}`.slice(0, KEY_SAMPLE_BYTES);
    look(i, key);
    const { byTime, byHash } = drain();
    t.deepEqual([byTime.map((sample) => sample.key), byHash.length], [[key], 1]);
  }
});

test('a sampler that takes over from another goes on behind what that one has written', (t) => {
  const { handle, look, drain } = setup(0, 1);
  look(1, 'before');
  const next = new LookupSampler(handle, 3);
  const key = Buffer.from('after');
  if (next.isDue(2)) next.note(2, key, 0, key.length, null);
  t.deepEqual(
    drain().byTime.map((sample) => sample.key),
    ['before', 'after'],
  );
});
