import test from 'ava';
import { KeyReader, TrackedKeys } from '../../../../src/server/tracking/tracked-keys.ts';

function taken(keys: TrackedKeys<string>, key: string): string[] {
  const owners: string[] = [];
  keys.take(key, (reader) => owners.push(reader.owner));
  return owners;
}

test('a key is noted once a reader, and forgotten when it is taken', (t) => {
  const keys = new TrackedKeys<string>();
  const [a, b] = [new KeyReader('a'), new KeyReader('b')];
  for (const reader of [a, a, b, a, b]) keys.add('k', reader);
  keys.add('l', a);
  t.deepEqual([keys.keyCount, keys.itemCount, a.keyCount, b.keyCount], [2, 3, 2, 1]);
  t.deepEqual(taken(keys, 'k'), ['a', 'b']);
  t.deepEqual(taken(keys, 'k'), []);
  t.deepEqual(taken(keys, 'l'), ['a']);
  t.deepEqual([keys.keyCount, keys.itemCount, keys.bytes, a.keyCount, b.keyCount], [0, 0, 0, 0, 0]);
});

test('readers that are gone are not told, and swept out in bounded steps until nothing of them is left', (t) => {
  const keys = new TrackedKeys<string>();
  const [a, b, c] = [new KeyReader('a'), new KeyReader('b'), new KeyReader('c')];
  for (let index = 0; index < 100; index++) {
    keys.add(`k${index}`, a);
    if (index % 2 === 0) keys.add(`k${index}`, b);
    if (index % 3 === 0) keys.add(`k${index}`, c);
  }
  keys.leave(a);
  t.deepEqual(taken(keys, 'k0'), ['b', 'c']);
  t.deepEqual(taken(keys, 'k1'), []);
  keys.leave(c);
  let steps = 0;
  for (; keys.goneItems > 0 && steps < 1000; steps++) keys.sweep(10);
  t.is(steps, 10);
  t.deepEqual([keys.keyCount, keys.itemCount, a.keyCount, b.keyCount, c.keyCount], [49, 49, 0, 49, 0]);
  for (let index = 2; index < 100; index += 2) t.deepEqual(taken(keys, `k${index}`), ['b']);
  t.is(keys.bytes, 0);
});

test('readers that leave while a sweep is on its way are swept out, too', (t) => {
  const keys = new TrackedKeys<string>();
  const readers = Array.from({ length: 10 }, (_, index) => new KeyReader(String(index)));
  for (let index = 0; index < 200; index++) for (const reader of readers) keys.add(`k${index}`, reader);
  for (const reader of readers) {
    keys.leave(reader);
    keys.sweep(70);
  }
  for (let steps = 0; keys.goneItems > 0 && steps < 100; steps++) keys.sweep(70);
  t.deepEqual([keys.goneItems, keys.itemCount, keys.keyCount, keys.bytes], [0, 0, 0, 0]);
});

test('victims come in about the order of the keys, and there are as many as keys', (t) => {
  const keys = new TrackedKeys<string>();
  const reader = new KeyReader('a');
  for (let index = 0; index < 50; index++) keys.add(`k${index}`, reader);
  const seen = new Set<string>();
  for (let next = keys.nextVictim(); next !== null; next = keys.nextVictim()) {
    seen.add(next);
    keys.take(next, () => undefined);
  }
  t.is(seen.size, 50);
  t.is(keys.keyCount, 0);
  keys.add('again', reader);
  t.is(keys.nextVictim(), 'again');
});

test('forgetting the oldest of many keys takes no longer the more were forgotten before', (t) => {
  const keys = new TrackedKeys<string>();
  const reader = new KeyReader('a');
  for (let index = 0; index < 50_000; index++) keys.add(`k${index}`, reader);
  const beganMs = performance.now();
  for (let index = 50_000; index < 100_000; index++) {
    const victim = keys.nextVictim();
    if (victim !== null) keys.take(victim, () => undefined);
    keys.add(`k${index}`, reader);
  }
  t.is(keys.keyCount, 50_000);
  t.true(performance.now() - beganMs < 2000);
});

test('when all is cleared, readers begin anew', (t) => {
  const keys = new TrackedKeys<string>();
  const [a, b] = [new KeyReader('a'), new KeyReader('b')];
  for (const reader of [a, b]) keys.add('k', reader);
  keys.leave(b);
  keys.clear([a]);
  t.deepEqual([keys.keyCount, keys.itemCount, keys.bytes, keys.goneItems, a.keyCount], [0, 0, 0, 0, 0]);
  keys.add('k', a);
  t.deepEqual(taken(keys, 'k'), ['a']);
});
