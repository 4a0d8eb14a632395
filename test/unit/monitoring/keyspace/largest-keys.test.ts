import test from 'ava';
import fc from 'fast-check';
import type { EntryInfo } from '../../../../src/base/view.ts';
import { LargestKeys } from '../../../../src/monitoring/keyspace/largest-keys.ts';

const plain: EntryInfo = {
  type: 0,
  valueBytes: 0,
  version: 1,
  expiresAtMs: 0,
  contentTypeBytes: 0,
  staleMs: 0,
  tagCount: 0,
  tagBytes: 0,
  fillToken: 0,
  fillUntilMs: 0,
  fillVersion: 0,
  isHollow: false,
  memoryBytes: 0,
};

function offer(largest: LargestKeys, key: string, memoryBytes: number): void {
  const bytes = Buffer.from(`<${key}>`);
  const entry: EntryInfo = { ...plain, memoryBytes };
  largest.offer(0, bytes, 1, bytes.length - 1, entry);
}

test('the largest of the keys that were offered are kept, the largest first', (t) => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.integer({ min: 1, max: 1000 }), { maxLength: 60 }), (sizes) => {
      const largest = new LargestKeys(8);
      for (const size of sizes) offer(largest, `key-${size}`, size);
      const expected = [...sizes].sort((a, b) => b - a).slice(0, 8);
      t.deepEqual(
        largest.list().map(({ key, bytes }) => `${key} ${bytes}`),
        expected.map((size) => `key-${size} ${size}`),
      );
    }),
  );
});

test('a key that is offered again is there once, as it is now', (t) => {
  const largest = new LargestKeys(3);
  offer(largest, 'a', 10);
  offer(largest, 'b', 20);
  offer(largest, 'a', 30);
  t.deepEqual(
    largest.list().map(({ key, bytes }) => [key, bytes]),
    [
      ['a', 30],
      ['b', 20],
    ],
  );
});

test('keys are kept byte by byte', (t) => {
  const largest = new LargestKeys(3);
  const bytes = Uint8Array.of(0, 0xff, 0xc3, 0xa9);
  const entry: EntryInfo = { ...plain, type: 1, expiresAtMs: 5, memoryBytes: 9 };
  largest.offer(3, bytes, 0, 4, entry);
  t.deepEqual(largest.list(), [{ shard: 3, key: '\0\xff\xc3\xa9', type: 1, bytes: 9, expiresAtMs: 5 }]);
});
