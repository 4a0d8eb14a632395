import test from 'ava';
import { crc16, SLOT_COUNT, slotOf } from '../../../src/base/slot.ts';
import { PartitionMap } from '../../../src/routing/partition-map.ts';

const bytes = (text: string): Uint8Array => Buffer.from(text, 'latin1');
const slot = (text: string): number => slotOf(bytes(text), 0, text.length);

test('crc16 gives the check value of CRC-16/XMODEM', (t) => {
  t.is(crc16(bytes('123456789'), 0, 9), 0x31c3);
});

test('crc16 of no bytes is 0', (t) => {
  t.is(crc16(bytes('abc'), 1, 1), 0);
});

// What `CLUSTER KEYSLOT` of redis-server 7.0.15 answers.
for (const [key, expected] of [
  ['foo', 12182],
  ['bar', 5061],
  ['hello', 866],
  ['somekey', 11058],
  ['123456789', 12739],
  ['', 0],
] as const) {
  test(`the slot of '${key}' is the one Redis Cluster gives it`, (t) => {
    t.is(slot(key), expected);
  });
}

test('keys with one hash tag share its slot', (t) => {
  t.is(slot('{user1000}.following'), slot('user1000'));
  t.is(slot('{user1000}.followers'), slot('user1000'));
  t.is(slot('foo{bar}{zap}'), slot('bar'));
});

test('an empty tag is no tag', (t) => {
  t.is(slot('foo{}{bar}'), crc16(bytes('foo{}{bar}'), 0, 10) % SLOT_COUNT);
});

test('the tag runs from the first opening brace to the first closing brace after it', (t) => {
  t.is(slot('foo{{bar}}zap'), slot('{bar'));
  t.is(slot('}foo{bar}'), slot('bar'));
});

test('a brace that is never closed is part of the key', (t) => {
  t.is(slot('foo{bar'), crc16(bytes('foo{bar'), 0, 7) % SLOT_COUNT);
  t.is(slot('foo}bar{'), crc16(bytes('foo}bar{'), 0, 8) % SLOT_COUNT);
});

test('a closing brace outside of the range does not close a tag', (t) => {
  const source = bytes('{bar}x');
  t.is(slotOf(source, 0, 4), crc16(source, 0, 4) % SLOT_COUNT);
});

test('partitions are contiguous, cover every slot once and differ by at most one slot', (t) => {
  for (const partitions of [1, 2, 3, 7, 64, 100, 1000, 16_383, 16_384]) {
    const map = new PartitionMap(partitions, 1);
    const sizes: number[] = [];
    for (let partition = 0; partition < partitions; partition++) {
      const first = map.firstSlotOf(partition);
      const end = map.firstSlotOf(partition + 1);
      sizes.push(end - first);
      for (let slot = first; slot < end; slot++) {
        if (map.partitionOfSlot(slot) !== partition) t.fail(`slot ${slot} of ${partitions}`);
      }
    }
    t.is(map.firstSlotOf(0), 0);
    t.is(map.firstSlotOf(partitions), SLOT_COUNT);
    t.true(Math.max(...sizes) - Math.min(...sizes) <= 1, `${partitions} partitions`);
  }
});

test('shards hold contiguous partitions, in numbers that differ by at most one', (t) => {
  for (const shards of [1, 2, 3, 7, 63, 64]) {
    const map = new PartitionMap(64, shards);
    const counts = new Array<number>(shards).fill(0);
    let last = 0;
    for (let partition = 0; partition < 64; partition++) {
      const shard = map.shardOfPartition(partition);
      t.true(shard === last || shard === last + 1);
      last = shard;
      counts[shard] = (counts[shard] as number) + 1;
    }
    t.is(last, shards - 1);
    t.true(Math.max(...counts) - Math.min(...counts) <= 1, `${shards} shards`);
  }
});

test('the shard of a key is that of its partition', (t) => {
  const map = new PartitionMap(64, 3);
  for (let number = 0; number < 1000; number++) {
    const key = bytes(`key:${number}`);
    const shard = map.shardOfPartition(map.partitionOfSlot(slotOf(key, 0, key.length)));
    t.is(map.shardOfKey(key, 0, key.length), shard);
    t.is(map.shardOfSlot(slotOf(key, 0, key.length)), shard);
  }
});

test('keys that differ in their last digit alone are spread over the shards', (t) => {
  const map = new PartitionMap(64, 4);
  for (const prefix of ['', 'k', 'key:', 'user:']) {
    const counts = [0, 0, 0, 0];
    for (let digit = 0; digit < 10; digit++) {
      const key = bytes(`${prefix}${digit}`);
      const shard = map.shardOfKey(key, 0, key.length);
      counts[shard] = (counts[shard] as number) + 1;
    }
    t.true(Math.max(...counts) <= 4, `${prefix}: ${counts}`);
  }
});

test('a map with more shards than partitions, or none, is refused', (t) => {
  t.throws(() => new PartitionMap(4, 5), { name: 'AssertionError' });
  t.throws(() => new PartitionMap(4, 0), { name: 'AssertionError' });
  t.throws(() => new PartitionMap(0, 1), { name: 'AssertionError' });
  t.throws(() => new PartitionMap(16_385, 1), { name: 'AssertionError' });
});
