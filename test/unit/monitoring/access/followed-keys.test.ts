import test from 'ava';
import { HASH_RANGE } from '../../../../src/base/lookup-sample.ts';
import { FollowedKeys } from '../../../../src/monitoring/access/followed-keys.ts';
import { MEMORY_FACTORS } from '../../../../src/monitoring/access/memory-factors.ts';

const KEY_BYTES = 100;

interface Entry {
  readonly expiresAtMs: number;
}

/** A store that a test fills and empties by hand, of so many keys' memory, and what follows what is done with its keys. */
function setup(capacityKeys: number, keysMax = 1000, threshold = HASH_RANGE) {
  const entries = new Map<number, Entry>();
  const clock = { at: 1_750_000_000_000, nowMs: () => clock.at };
  const capacityBytes = () => capacityKeys * KEY_BYTES;
  const followed = new FollowedKeys({ capacityBytes, clock, keysMax, threshold });
  /** Hashes that are spread as those of keys are. */
  const hashOf = (key: number) => Math.imul(key + 1, 0x9e37_79b1);
  const look = (key: number): boolean => {
    const entry = entries.get(key);
    followed.looked(hashOf(key), entry !== undefined, KEY_BYTES, entry?.expiresAtMs ?? 0);
    return entry !== undefined;
  };
  const store = (key: number, expiresAtMs = 0): void => {
    entries.delete(key);
    entries.set(key, { expiresAtMs });
    followed.stored(hashOf(key), KEY_BYTES, expiresAtMs);
    // First in, first out: what was evicted tells the caches nothing.
    const oldest = entries.size > capacityKeys ? entries.keys().next().value : undefined;
    if (oldest !== undefined) entries.delete(oldest);
  };
  const remove = (key: number): void => {
    entries.delete(key);
    followed.removed(hashOf(key));
  };
  /** As a cache-aside does: what is missed is stored. */
  const fetch = (key: number): void => {
    if (!look(key)) store(key);
  };
  return { followed, entries, clock, hashOf, look, store, remove, fetch };
}

const at = (followed: FollowedKeys, memory: (typeof MEMORY_FACTORS)[number]): number =>
  (followed.hits[MEMORY_FACTORS.indexOf(memory)] ?? 0) / followed.counted;

test('what was evicted would be found with more memory, and not with less', (t) => {
  const { followed, fetch } = setup(100);
  // A loop over more keys than there is memory for: first in, first out, the store would never have the next one.
  for (let i = 0; i < 4000; i++) fetch(i % 150);
  t.true(at(followed, 2) > 0.9, `${at(followed, 2)}`);
  t.true(at(followed, 4) > 0.9);
  t.true(at(followed, 0.5) < 0.7 && at(followed, 0.25) < at(followed, 1));
});

test('what was written and never stored again when it was missed would be found with more memory', (t) => {
  const { followed, look, store } = setup(100);
  for (let key = 0; key < 200; key++) store(key);
  for (let i = 0; i < 4000; i++) look((i * 7) % 200);
  t.true(at(followed, 2) > 0.99, `${at(followed, 2)}`);
  t.true(at(followed, 1) < 0.6, `${at(followed, 1)}`);
  t.true(at(followed, 0.5) < 0.4, `a cache that lost a key does not get it back: ${at(followed, 0.5)}`);
});

test('a key that nobody stores is a miss whatever memory there is', (t) => {
  const { followed, look } = setup(100);
  for (let i = 0; i < 500; i++) look(i % 10);
  t.is(followed.counted, 500);
  t.deepEqual([...followed.hits], [0, 0, 0, 0, 0, 0, 0, 0]);
});

test('a key that had expired is a miss whatever memory there is', (t) => {
  const { followed, entries, clock, look, store } = setup(100);
  for (let i = 0; i < 50; i++) {
    look(1);
    store(1, clock.at + 1000);
    clock.at += 1000;
    entries.delete(1);
  }
  t.deepEqual([...followed.hits], [0, 0, 0, 0, 0, 0, 0, 0]);
});

test('what expires makes room in all caches, and an expiry that is changed counts', (t) => {
  const { followed, entries, clock, hashOf, look, store } = setup(10);
  for (let key = 0; key < 30; key++) store(key, clock.at + 1000);
  followed.expires(hashOf(29), 0);
  clock.at += 1000;
  followed.expireDue();
  entries.clear();
  for (let key = 100; key < 109; key++) store(key);
  for (let round = 0; round < 3; round++) for (let key = 100; key < 109; key++) look(key);
  t.is(at(followed, 1), 1);
  look(29);
  t.is(followed.hits[MEMORY_FACTORS.indexOf(4)], 28, 'it does not expire any more');
});

test('a key that a command removed is a miss whatever memory there is, also after it was found by others', (t) => {
  const { followed, look, store, remove } = setup(100);
  for (let i = 0; i < 50; i++) {
    look(1);
    store(1);
    remove(1);
  }
  t.deepEqual([...followed.hits], [0, 0, 0, 0, 0, 0, 0, 0]);
});

test('keys that were all removed at once are misses whatever memory there is', (t) => {
  const { followed, entries, look, store } = setup(100);
  for (let key = 0; key < 50; key++) store(key);
  entries.clear();
  followed.cleared();
  for (let key = 0; key < 50; key++) look(key);
  t.deepEqual([...followed.hits], [0, 0, 0, 0, 0, 0, 0, 0]);
});

test('what is found of a time when it was not followed counts from the second time on', (t) => {
  const { followed, entries, look } = setup(100);
  entries.set(1, { expiresAtMs: 0 });
  look(1);
  t.is(followed.counted, 0);
  look(1);
  t.is(followed.counted, 1);
  t.is(at(followed, 1), 1);
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
