import test from 'ava';
import { ApplyResult } from '../../../src/base/effect.ts';
import { slotOf } from '../../../src/base/slot.ts';
import { PutStatus } from '../../../src/base/view.ts';
import { PartitionMap } from '../../../src/routing/partition-map.ts';
import { createStoreMemory, type EvictionName } from '../../../src/store/arena.ts';
import { EffectLog } from '../../../src/store/effect-log.ts';
import { PartitionedWriter } from '../../../src/store/partitioned-writer.ts';
import { StoreReader } from '../../../src/store/reader.ts';
import { readStatistics } from '../../../src/store/statistics.ts';
import { StoreWriter } from '../../../src/store/writer.ts';
import { putRequest } from '../../property/store/model.ts';
import { contentsOf, copyPartition } from '../../property/store/replicated-model.ts';

const VALUE = Buffer.from('value');
const NO_BYTES = new Uint8Array(0);

interface Options {
  readonly first?: number;
  readonly count?: number;
  readonly total?: number;
  readonly budgetBytes?: number;
  readonly eviction?: EvictionName;
  readonly seed?: number;
}

function storeOf(options: Options = {}) {
  const { first = 0, count = 16, total = 16, budgetBytes = 8 << 20, eviction = 'noeviction', seed = 1 } = options;
  const clock = { at: 1_000_000, nowMs: (): number => clock.at };
  const memory = createStoreMemory({
    budgetBytes,
    readersMax: 1,
    eviction,
    hashKey: [seed, 2],
    partitions: { first, count, total },
  });
  const writer = new PartitionedWriter(memory, clock);
  const reader = new StoreReader(memory, 0, clock);
  const log = new EffectLog();
  return { writer, reader, memory, clock, log };
}

function partitionOf(key: string, total = 16): number {
  return Math.floor((slotOf(Buffer.from(key), 0, key.length) * total) / 16_384);
}

function* keysOf(partition: number, total = 16): Generator<string> {
  for (let i = 0; ; i++) if (partitionOf(`key:${i}`, total) === partition) yield `key:${i}`;
}

function some(keys: Iterable<string>, count: number): string[] {
  const some: string[] = [];
  for (const key of keys) if (some.push(key) === count) break;
  return some;
}

function has(store: StoreWriter, key: string): boolean {
  return store.peek(Buffer.from(key), 0, key.length);
}

function remove(store: StoreWriter, key: string): boolean {
  return store.remove(Buffer.from(key), 0, key.length);
}

/** What the log tells of each partition goes to the other store. */
function replicate(log: EffectLog, to: PartitionedWriter): ApplyResult[] {
  const results: ApplyResult[] = [];
  log.drain((partition, _keys, record) => results.push(to.applyEffects(partition, record)));
  return results;
}

function scanned(view: StoreReader | StoreWriter): string[] {
  const keys: string[] = [];
  let cursor = 0;
  do {
    cursor = view.scan(cursor, 10, (bytes, start, end) => {
      keys.push(Buffer.from(bytes.subarray(start, end)).toString());
    });
  } while (cursor !== 0);
  return keys.sort();
}

test('keys are counted by the partition that routing gives them', (t) => {
  const map = new PartitionMap(37, 3);
  const { writer } = storeOf({ first: 0, count: 37, total: 37 });
  const counts = new Array<number>(37).fill(0);
  for (let i = 0; i < 5000; i++) {
    const key = i % 3 === 0 ? `{tag${i % 100}}:${i}` : `key:${i}`;
    writer.put(putRequest(key, VALUE, i % 2 === 0 ? { expiresAtMs: 2e12 } : {}));
    const partition = map.partitionOfSlot(slotOf(Buffer.from(key), 0, key.length));
    counts[partition] = (counts[partition] ?? 0) + 1;
  }
  t.deepEqual(
    counts.map((_, partition) => writer.keysOfPartition(partition)),
    counts,
  );
  t.is(writer.keyCount, 5000);
  t.is(writer.expiringKeyCount, 2500);
  writer.validate();
});

test('a store of some of the partitions knows nothing of keys of the others', (t) => {
  const { writer, memory, clock } = storeOf({ first: 5, count: 6 });
  for (let partition = 5; partition < 11; partition++) {
    for (const key of some(keysOf(partition), 50)) writer.put(putRequest(key, VALUE));
    t.is(writer.keysOfPartition(partition), 50);
  }
  for (const partition of [0, 4, 11, 15]) {
    for (const key of some(keysOf(partition), 20)) t.false(has(writer, key));
    t.is(writer.keysOfPartition(partition), 0);
  }
  writer.validate();
  const successor = new PartitionedWriter(memory, clock);
  successor.validate();
  t.is(successor.keysOfPartition(7), 50);
  const record = Uint8Array.from([0, 4]);
  t.is(successor.applyEffects(4, record), ApplyResult.malformed);
});

test('one partition may have all the keys, and as many as a store without partitions would', (t) => {
  const { writer } = storeOf({ total: 1024, count: 1024 });
  const plainMemory = createStoreMemory({
    budgetBytes: 8 << 20,
    readersMax: 1,
    eviction: 'noeviction',
    hashKey: [1, 2],
  });
  const plain = new StoreWriter(plainMemory, { nowMs: () => 1 });
  const counts = [writer, plain].map((store) => {
    let count = 0;
    while (store.put(putRequest(`{tag}${count}`, NO_BYTES)) === PutStatus.created) count++;
    return count;
  });
  writer.validate();
  t.true((counts[0] as number) > 100_000);
  // Three in a hundred are kept back for what primaries tell replicas.
  t.true((counts[0] as number) > (counts[1] as number) * 0.93, `${counts}`);
});

test('with partitions to be shown, a reader and the writer show their keys and count them', (t) => {
  const { writer, reader } = storeOf();
  const expected: string[] = [];
  const shown = new Uint8Array(16);
  for (const partition of [1, 6, 15]) shown[partition] = 1;
  for (let i = 0; i < 4000; i++) {
    writer.put(putRequest(`key:${i}`, VALUE, i % 4 === 0 ? { expiresAtMs: 2e12 } : {}));
    if (shown[partitionOf(`key:${i}`)] === 1) expected.push(`key:${i}`);
  }
  const expiring = expected.filter((key) => Number(key.slice(4)) % 4 === 0).length;
  t.is(reader.keyCountOf(shown), expected.length);
  t.true(reader.enter());
  for (const view of [reader, writer]) {
    view.shown = shown;
    t.deepEqual(scanned(view), expected.sort());
    t.is(view.keyCount, expected.length);
    t.is(view.expiringKeyCount, expiring);
    const key = new Uint8Array(100);
    for (let random = 0; random < 2 ** 32; random += 2 ** 27 + 1234) {
      const length = view.randomKey(key, random);
      t.is(shown[partitionOf(Buffer.from(key.subarray(0, length)).toString())], 1);
    }
    view.shown = new Uint8Array(16);
    t.is(view.randomKey(key, 5), -1);
    t.deepEqual(scanned(view), []);
    view.shown = null;
    t.is(scanned(view).length, 4000);
  }
  reader.leave();
});

test('a partition cleared leaves the others as they are, and lets its memory go', (t) => {
  const { writer, memory, reader } = storeOf();
  for (let i = 0; i < 20_000; i++) writer.put(putRequest(`key:${i}`, VALUE, i % 2 === 0 ? { expiresAtMs: 2e12 } : {}));
  const before = [...Array(16).keys()].map((partition) => writer.keysOfPartition(partition));
  const others = contentsOf(writer, 3);
  const { liveBytes } = readStatistics(memory);
  writer.clearPartition(9);
  writer.validate();
  t.is(writer.keysOfPartition(9), 0);
  t.is(writer.keyCount, 20_000 - (before[9] as number));
  t.deepEqual(contentsOf(writer, 3), others);
  t.true(readStatistics(memory).liveBytes < liveBytes * 0.95);
  t.true(reader.enter());
  t.true(reader.leave());
});

test('partitions cleared together leave the others as they are; what was owned is told of', (t) => {
  const { writer, log } = storeOf({ first: 32, total: 64 });
  for (let i = 0; i < 20_000; i++) {
    const key = `key:${i}`;
    const partition = partitionOf(key, 64);
    if (partition >= 32 && partition < 48) writer.put(putRequest(key, VALUE));
  }
  const mask = new Uint8Array(64);
  for (const partition of [33, 40, 47]) mask[partition] = 1;
  const kept = writer.keyCount - writer.keyCountOf(mask);
  const others = contentsOf(writer, 34);
  writer.setOwned(40, false);
  writer.effects = log;
  writer.clearPartitions(mask);
  writer.validate();
  t.is(writer.keyCountOf(mask), 0);
  t.is(writer.keyCount, kept);
  t.deepEqual(contentsOf(writer, 34), others);
  const told: number[] = [];
  log.drain((partition) => told.push(partition));
  t.deepEqual(told, [33, 47]);
});

test('a flush empties what is owned, tells it by partition, and leaves what is not', (t) => {
  const { writer, log } = storeOf();
  for (let i = 0; i < 2000; i++) writer.put(putRequest(`key:${i}`, VALUE));
  const kept = contentsOf(writer, 4);
  writer.setOwned(4, false);
  writer.clearPartition(5);
  writer.effects = log;
  writer.clear();
  const told: number[] = [];
  log.drain((partition, keys, _record, clears) => {
    if (clears && keys.length === 0) told.push(partition);
  });
  t.deepEqual(told, [0, 1, 2, 3, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]);
  t.is(writer.keyCount, kept.size);
  t.deepEqual(contentsOf(writer, 4), kept);
  writer.validate();
});

test('a flush within a group empties what is owned and cannot be taken back; what follows it can', (t) => {
  for (const keepsOne of [true, false]) {
    const { writer, log } = storeOf();
    const [first = '', second = ''] = some(keysOf(2), 2);
    for (let i = 0; i < 3000; i++) writer.put(putRequest(`key:${i}`, VALUE));
    const kept = writer.keysOfPartition(4);
    if (keepsOne) writer.setOwned(4, false);
    writer.effects = log;
    t.true(writer.beginGroup(0, 0));
    writer.put(putRequest(first, Buffer.from('in the group')));
    writer.clear();
    writer.put(putRequest(second, VALUE));
    writer.abandonGroup();
    t.is(writer.keyCount, keepsOne ? kept : 0);
    writer.validate();
    const replica = storeOf({ seed: 3 }).writer;
    for (const key of [first, second]) replica.put(putRequest(key, VALUE));
    replicate(log, replica);
    t.false(has(replica, first));
    t.false(has(replica, second));
  }
});

test('entries of a partition that is not owned are absent when their time has come, and kept for their primary', (t) => {
  const primary = storeOf();
  const replica = storeOf({ seed: 9 });
  for (let partition = 0; partition < 16; partition++) replica.writer.setOwned(partition, false);
  primary.writer.effects = primary.log;
  const keys = some(keysOf(3), 500);
  for (const key of keys) primary.writer.put(putRequest(key, VALUE, { expiresAtMs: 1_000_500 }));
  t.deepEqual([...new Set(replicate(primary.log, replica.writer))], [ApplyResult.applied]);
  // The replica's clock is ahead of the primary's.
  replica.clock.at = 1_001_000;
  t.is(replica.writer.nextExpiryMs(), -1);
  t.is(replica.writer.expireDue(replica.clock.at, 1000), 0);
  t.false(has(replica.writer, keys[0] as string));
  t.is(replica.writer.keysOfPartition(3), 500);
  t.is(replica.writer.expiringKeysOfPartition(3), 500);
  replica.writer.validate();
  // What the primary does to them still counts.
  const [first = '', second = ''] = keys;
  t.true(primary.writer.setExpiry(Buffer.from(first), 0, first.length, 0));
  t.true(primary.writer.setExpiry(Buffer.from(second), 0, second.length, 3_000_000));
  replicate(primary.log, replica.writer);
  t.true(has(replica.writer, first));
  t.true(has(replica.writer, second));
  t.deepEqual(contentsOf(replica.writer, 3), contentsOf(primary.writer, 3));
  primary.clock.at = 1_001_000;
  primary.writer.expireDue(primary.clock.at, 1000);
  replicate(primary.log, replica.writer);
  t.is(replica.writer.keysOfPartition(3), 2);
  replica.writer.validate();
});

test('a partition that becomes owned expires, step by step, and tells of it; one given up no longer does', (t) => {
  const { writer, clock, log } = storeOf();
  for (let partition = 0; partition < 16; partition++) writer.setOwned(partition, false);
  const keys = { 3: some(keysOf(3), 2000), 7: some(keysOf(7), 2000) };
  for (const key of [...keys[3], ...keys[7]]) {
    const request = putRequest(key, VALUE, { expiresAtMs: 1_000_500 });
    writer.put(request);
  }
  writer.effects = log;
  writer.setOwned(3, true);
  writer.setOwned(7, true);
  let steps = 0;
  while (writer.maintain()) {
    writer.validate();
    steps++;
  }
  t.true(steps > 3);
  t.is(writer.nextExpiryMs(), 1_000_500);
  writer.setOwned(7, false);
  clock.at = 1_000_600;
  while (writer.expireDue(clock.at, 100) > 0);
  writer.validate();
  t.is(writer.keysOfPartition(3), 0);
  t.is(writer.keysOfPartition(7), 2000);
  let told = 0;
  log.drain((partition, hashes) => {
    t.is(partition, 3);
    told += hashes.length;
  });
  t.is(told, 2000);
  t.is(writer.nextExpiryMs(), -1, 'what fell due left the heap');
  writer.setOwned(7, true);
  while (writer.maintain());
  while (writer.expireDue(clock.at, 100) > 0);
  t.is(writer.keyCount, 0);
  writer.validate();
});

test('evictions of owned partitions are told, also when a replicated write is what needs the room', (t) => {
  const { writer, log, memory } = storeOf({ budgetBytes: 1 << 20, eviction: 'flux' });
  const source = storeOf({ budgetBytes: 8 << 20, seed: 4 });
  source.writer.effects = source.log;
  writer.effects = log;
  writer.setOwned(3, false);
  const others = storeOf({ seed: 5 });
  for (let i = 0; i < 3000; i++) {
    const key = `key:${i}`;
    if (partitionOf(key) !== 3) writer.put(putRequest(key, Buffer.alloc(100)));
  }
  for (const key of some(keysOf(3), 6000)) {
    source.writer.put(putRequest(key, Buffer.alloc(300)));
    replicate(source.log, writer);
  }
  writer.validate();
  t.true(readStatistics(memory).evictedEntries > 3000);
  // All that the log tells leaves a second store with the same entries in what is owned.
  log.drain((partition, _keys, record) => {
    t.not(partition, 3);
    others.writer.applyEffects(partition, record);
  });
  for (let partition = 0; partition < 16; partition++) {
    if (partition === 3) continue;
    t.deepEqual(contentsOf(others.writer, partition), contentsOf(writer, partition));
  }
});

test('what was evicted within a group is told although the group is taken back', (t) => {
  const { writer, log, memory } = storeOf({ budgetBytes: 1 << 20, eviction: 'flux' });
  const replica = storeOf({ seed: 5 });
  writer.effects = log;
  for (let i = 0; i < 20_000; i++) {
    writer.put(putRequest(`key:${i}`, Buffer.alloc(100)));
    replicate(log, replica.writer);
  }
  const { evictedEntries } = readStatistics(memory);
  t.true(writer.beginGroup(0, 0));
  for (let i = 0; i < 2000; i++) writer.put(putRequest(`other:${i}`, Buffer.alloc(200)));
  writer.abandonGroup();
  t.true(readStatistics(memory).evictedEntries > evictedEntries);
  replicate(log, replica.writer);
  for (let partition = 0; partition < 16; partition++) {
    t.deepEqual(contentsOf(replica.writer, partition), contentsOf(writer, partition));
  }
});

test('a store that does not evict keeps room for what primaries tell it, beyond what commands may fill', (t) => {
  const { writer } = storeOf({ budgetBytes: 4 << 20 });
  const source = storeOf({ budgetBytes: 16 << 20, seed: 4 });
  source.writer.effects = source.log;
  writer.setOwned(3, false);
  let filled = 0;
  while (writer.put(putRequest(`{a}${filled}`, Buffer.alloc(400))) === PutStatus.created) filled++;
  t.not(partitionOf('{a}'), 3);
  let replicated = 0;
  let result: ApplyResult = ApplyResult.applied;
  let last = '';
  for (const key of keysOf(3)) {
    last = key;
    source.writer.put(putRequest(key, Buffer.alloc(400)));
    [result = ApplyResult.applied] = replicate(source.log, writer);
    if (result !== ApplyResult.applied) break;
    replicated++;
  }
  t.is(result, ApplyResult.outOfMemory);
  t.true(replicated > filled * 0.02, `${replicated} beside ${filled}`);
  t.false(has(writer, last));
  t.is(writer.put(putRequest('{a}more', Buffer.alloc(400))), PutStatus.outOfMemory);
  writer.validate();
});

test('a replicated write that finds no room leaves nothing of what was there before', (t) => {
  const { writer } = storeOf({ budgetBytes: 1 << 20 });
  const source = storeOf({ seed: 4 });
  source.writer.effects = source.log;
  const [key = ''] = some(keysOf(3), 1);
  source.writer.put(putRequest(key, VALUE));
  t.deepEqual(replicate(source.log, writer), [ApplyResult.applied]);
  source.writer.put(putRequest(key, Buffer.alloc(3 << 20)));
  t.deepEqual(replicate(source.log, writer), [ApplyResult.outOfMemory]);
  t.false(has(writer, key));
  writer.validate();
});

test('records that cannot be read, or name keys of another partition, change nothing', (t) => {
  const { writer } = storeOf();
  const source = storeOf({ seed: 4 });
  source.writer.effects = source.log;
  const [key = ''] = some(keysOf(3), 1);
  source.writer.put(putRequest(key, VALUE));
  let record = new Uint8Array(0);
  source.log.drain((_partition, _keys, bytes) => {
    record = new Uint8Array(bytes);
  });
  t.is(writer.applyEffects(4, record), ApplyResult.malformed);
  t.is(writer.applyEffects(16, record), ApplyResult.malformed);
  t.is(writer.applyEffects(3, record.subarray(0, record.length - 1)), ApplyResult.malformed);
  t.is(writer.applyEffects(3, Buffer.concat([record, Buffer.of(0)])), ApplyResult.malformed);
  t.is(writer.applyEffects(3, new Uint8Array(0)), ApplyResult.malformed);
  t.is(writer.keyCount, 0);
  t.is(writer.lastVersion, 0);
  t.is(writer.applyEffects(3, record), ApplyResult.applied);
  t.is(writer.applyEffects(3, record), ApplyResult.applied, 'twice is as once');
  t.is(writer.keyCount, 1);
  t.is(writer.lastVersion, 1);
});

test('versions go on above those of the primary before', (t) => {
  const primary = storeOf();
  const { writer } = storeOf({ seed: 8 });
  primary.writer.effects = primary.log;
  const [key = ''] = some(keysOf(3), 1);
  for (let i = 0; i < 10; i++) primary.writer.put(putRequest(key, VALUE));
  replicate(primary.log, writer);
  writer.put(putRequest(key, VALUE));
  t.is(writer.lastVersion, 11);
});

test('a group is seen at once by readers of a replica', (t) => {
  const primary = storeOf();
  const replica = storeOf({ seed: 8 });
  primary.writer.effects = primary.log;
  const keys = some(keysOf(3), 300);
  primary.writer.beginGroup(0, 0);
  for (const key of keys) primary.writer.put(putRequest(key, VALUE));
  primary.writer.endGroup();
  const { sequence } = sequenceOf(replica.memory);
  t.deepEqual(replicate(primary.log, replica.writer), [ApplyResult.applied]);
  t.is(sequenceOf(replica.memory).sequence, sequence + 2, 'readers were turned away, once');
  t.is(replica.writer.keyCount, 300);
  primary.writer.put(putRequest(keys[0] as string, VALUE));
  replicate(primary.log, replica.writer);
  t.is(sequenceOf(replica.memory).sequence, sequence + 2, 'for a single write they are not');
});

function sequenceOf({ arena }: { readonly arena: SharedArrayBuffer }): { readonly sequence: number } {
  return { sequence: new Int32Array(arena)[32] as number };
}

test('a partition is copied as it is, in pieces, whatever its values are', (t) => {
  const source = storeOf({ budgetBytes: 32 << 20 });
  const target = storeOf({ budgetBytes: 32 << 20, seed: 77 });
  let n = 0;
  for (const key of some(keysOf(11), 400)) {
    const bytes = n % 50 === 0 ? 300_000 : n * 7;
    const contentType = n % 3 === 0 ? 'text/plain' : '';
    const expiresAtMs = n % 5 === 0 ? 1_000_001 + n : 0;
    source.writer.put(putRequest(key, Buffer.alloc(bytes, n), { contentType, expiresAtMs, type: (n % 4) as 0 }));
    n++;
  }
  // Also what has expired and is still there: the clock may be set back.
  source.clock.at = 1_000_100;
  for (const key of some(keysOf(12), 100)) source.writer.put(putRequest(key, VALUE));
  copyPartition(source.writer, target.writer, 11);
  t.deepEqual(contentsOf(target.writer, 11), contentsOf(source.writer, 11));
  t.is(target.writer.keyCount, 400);
  target.writer.validate();
  t.true(remove(target.writer, some(keysOf(11), 2)[1] as string));
});
