import test from 'ava';
import { HASH_RANGE } from '../../../../src/base/lookup-sample.ts';
import { FollowedKeys, type FoundEntry, MEMORY_FACTORS } from '../../../../src/monitoring/access/followed-keys.ts';

const KEY_BYTES = 100;

/** A store that a test fills and empties by hand, of so many keys' memory, and what follows its lookups. */
function setup(capacityKeys: number, keysMax = 1000, threshold = HASH_RANGE) {
  const entries = new Map<number, FoundEntry>();
  const clock = { at: 1_750_000_000_000, nowMs: () => clock.at };
  const state = { evicted: 0 };
  const followed = new FollowedKeys({
    store: {
      find: (key) => entries.get(Buffer.from(key).readInt32LE()) ?? null,
      evicted: () => state.evicted,
      capacityBytes: () => capacityKeys * KEY_BYTES,
    },
    clock,
    keysMax,
    threshold,
  });
  /** Hashes that are spread as those of keys are. */
  const hashOf = (key: number) => Math.imul(key + 1, 0x9e37_79b1);
  const look = (key: number): boolean => {
    const entry = entries.get(key);
    if (entry !== undefined) followed.hit(hashOf(key), entry.memoryBytes, entry.expiresAtMs);
    else {
      const bytes = Buffer.alloc(4);
      bytes.writeInt32LE(key);
      followed.miss(hashOf(key), bytes);
    }
    return entry !== undefined;
  };
  const store = (key: number, expiresAtMs = 0) => entries.set(key, { memoryBytes: KEY_BYTES, expiresAtMs });
  /** As a cache-aside does: what is missed is stored, and what is stored is found by the next `settle`. */
  const fetch = (key: number): void => {
    if (!look(key)) store(key);
    followed.settle();
  };
  return { followed, entries, clock, state, look, store, fetch };
}

const at = (followed: FollowedKeys, memory: (typeof MEMORY_FACTORS)[number]): number =>
  (followed.hits[MEMORY_FACTORS.indexOf(memory)] ?? 0) / followed.counted;

test('what was evicted would be found with more memory, and not with less', (t) => {
  const { followed, entries, state, fetch } = setup(100);
  // A loop over more keys than there is memory for: first in, first out, the store would never have the next one.
  for (let i = 0; i < 4000; i++) {
    fetch(i % 150);
    const oldest = entries.size > 100 ? entries.keys().next().value : undefined;
    if (oldest === undefined) continue;
    entries.delete(oldest);
    state.evicted++;
  }
  t.true(at(followed, 2) > 0.9, `${at(followed, 2)}`);
  t.true(at(followed, 4) > 0.9);
  t.true(at(followed, 0.5) < 0.7 && at(followed, 0.25) < at(followed, 1));
});

test('a key that nobody stores is a miss whatever memory there is', (t) => {
  const { followed, look, state } = setup(100);
  for (let i = 0; i < 500; i++) {
    state.evicted++;
    look(i % 10);
    followed.settle();
  }
  t.is(followed.counted, 500);
  for (const hits of followed.hits) t.is(hits, 0);
});

test('a key that had expired is a miss whatever memory there is', (t) => {
  const { followed, entries, clock, look, store, state } = setup(100);
  for (let i = 0; i < 50; i++) {
    look(1);
    store(1, clock.at + 1000);
    followed.settle();
    clock.at += 1000;
    entries.delete(1);
    state.evicted++;
  }
  for (const hits of followed.hits) t.is(hits, 0);
});

test('a key that was deleted is a miss whatever memory there is, as long as nothing is evicted', (t) => {
  const { followed, entries, look, store } = setup(100);
  for (let i = 0; i < 50; i++) {
    look(1);
    store(1);
    followed.settle();
    entries.delete(1);
  }
  for (const hits of followed.hits) t.is(hits, 0);
});

test('no more keys are followed than may be, and those that are stay the same share of all', (t) => {
  const { followed, fetch } = setup(10_000, 200);
  for (let i = 0; i < 10_000; i++) fetch((i * 7919) % 2000);
  t.true(followed.keyCount <= 200);
  t.true(followed.share > 0.03 && followed.share < 0.11, `${followed.share}`);
  t.true(Math.abs(followed.sampled / (10_000 * followed.share) - 1) < 0.3, 'what was counted is scaled with the share');
});

test('keys that came once make room for others before fewer keys are followed', (t) => {
  const { followed, fetch } = setup(10, 500);
  for (let i = 0; i < 20_000; i++) fetch(i);
  t.true(followed.keyCount <= 500);
  t.is(followed.share, 1);
});
