import test from 'ava';
import {
  createLookupSample,
  HASH_RANGE,
  KEY_SAMPLE_BYTES,
  LookupSampleReader,
  LookupSampler,
} from '../../../src/base/lookup-sample.ts';
import type { EntryInfo } from '../../../src/base/view.ts';

const entry: EntryInfo = {
  type: 0,
  valueBytes: 3,
  version: 1,
  expiresAtMs: 1_750_000_000_123,
  contentTypeBytes: 0,
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
  readonly key: string;
}

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
    reader.drain({
      byTime: (bytes, start, end, isWhole, weight, found) =>
        void byTime.push({ key: text(bytes, start, end), isWhole, weight, found }),
      byHash: (hash, found, memoryBytes, expiresAtMs, bytes, start, end) =>
        void byHash.push({ hash, found, memoryBytes, expiresAtMs, key: text(bytes, start, end) }),
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
  new LookupSampleReader(handle).drain({ byTime: () => told++, byHash: () => told++ });
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

test('what was found is told with its size and expiry, what was not with its key', (t) => {
  const { look, drain } = setup(HASH_RANGE, 1 << 16);
  look(5, 'there', entry);
  look(6, 'not\xffthere');
  look(7, 'x'.repeat(KEY_SAMPLE_BYTES + 1));
  const [there, absent, long] = drain().byHash;
  t.like(there, { found: true, memoryBytes: 3_000_000_000, expiresAtMs: 1_750_000_000_123, key: '' });
  t.like(absent, { found: false, key: 'not\xffthere' });
  t.like(long, { found: false, key: '' });
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
  const dropped = reader.takeDropped();
  const untold = reader.takeUntold();
  t.true(dropped > 0 && untold > 0);
  t.is(first.byHash.length + dropped, 20_000);
  t.is(first.byTime.length + untold, 20_000);
  t.deepEqual([reader.takeDropped(), reader.takeUntold()], [0, 0]);
  // Lengths that never fit the ring's end: every way to go round is met.
  for (let i = 0; i < 3000; i++) {
    const key = `${i}:${'x'.repeat((i * 37) % KEY_SAMPLE_BYTES)}`.slice(0, KEY_SAMPLE_BYTES);
    look(i, key);
    const { byTime, byHash } = drain();
    t.deepEqual([byTime.map((sample) => sample.key), byHash.map((sample) => sample.key)], [[key], [key]]);
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
