import test from 'ava';
import { PutStatus } from '../../../src/base/view.ts';
import { createStoreMemory, type EvictionName, type StoreMemory } from '../../../src/store/arena.ts';
import { StoreReader } from '../../../src/store/reader.ts';
import { readStatistics } from '../../../src/store/statistics.ts';
import { StoreWriter } from '../../../src/store/writer.ts';
import { putRequest } from '../../property/store/model.ts';

const clock = { nowMs: () => 1_700_000_000_000 };

function storeOf(eviction: EvictionName, budgetBytes = 8 << 20): { memory: StoreMemory; writer: StoreWriter } {
  const memory = createStoreMemory({ budgetBytes, readersMax: 1, eviction, hashKey: [7, 8] });
  return { memory, writer: new StoreWriter(memory, clock) };
}

function has(writer: StoreWriter, key: string): boolean {
  const bytes = Buffer.from(key);
  return writer.peek(bytes, 0, bytes.length);
}

function remove(writer: StoreWriter, key: string): boolean {
  const bytes = Buffer.from(key);
  return writer.remove(bytes, 0, bytes.length);
}

/** The share of the budget that serves: live entries, the index, and the heap. */
function usefulShare(memory: StoreMemory): number {
  const { liveBytes, indexBytes, heapBytes, budgetBytes } = readStatistics(memory);
  return (liveBytes + indexBytes + heapBytes) / budgetBytes;
}

const MIXES: Readonly<Record<string, (n: number) => number>> = {
  'tiny values': (n) => n % 9,
  'values of 64 bytes': () => 64,
  'values of up to 2000 bytes': (n) => (n * 7919) % 2000,
  'values of about a chunk': (n) => 3900 + (n % 300),
  'values small and, every hundredth, large': (n) => (n % 100 === 0 ? 150_000 : n % 400),
  'values that grow for ever': (n) => n >> 5,
};

for (const [mix, bytesOf] of Object.entries(MIXES)) {
  for (const eviction of ['noeviction', 'flux'] as const) {
    test(`at least 85% of a full ${eviction} store is entries and index: ${mix}`, (t) => {
      const { memory, writer } = storeOf(eviction);
      let bytes = 0;
      let refusals = 0;
      // Fill it, then keep replacing, removing and adding, so that dead bytes are everywhere.
      for (let n = 0; bytes < 25e6 && n < 250_000 && refusals < 400; n++) {
        const value = Buffer.alloc(bytesOf(n));
        bytes += value.length + 40;
        if (writer.put(putRequest(`key:${n}`, value)) === PutStatus.outOfMemory) refusals++;
        if (n % 5 === 0) remove(writer, `key:${(n * 31) % (n + 1)}`);
        if (n % 3 === 0) writer.put(putRequest(`key:${(n * 17) % (n + 1)}`, Buffer.alloc(bytesOf(n + 7))));
      }
      writer.validate();
      const share = usefulShare(memory);
      t.log(`${(share * 100).toFixed(1)}%`);
      t.true(share >= 0.85, `${(share * 100).toFixed(1)}%`);
    });
  }
}

test('a full store without eviction refuses writes, loses nothing and is read as before; deleting makes room', (t) => {
  const { memory, writer } = storeOf('noeviction', 4 << 20);
  const value = Buffer.alloc(200, 'x');
  let kept = 0;
  while (writer.put(putRequest(`key:${kept}`, value)) === PutStatus.created) kept++;
  t.true(kept > 12_000);
  for (let n = 0; n < 1000; n++) t.is(writer.put(putRequest(`other:${n}`, value)), PutStatus.outOfMemory);
  t.true(readStatistics(memory).outOfMemory > 1000);
  const reader = new StoreReader(memory, 0, clock);
  t.true(reader.enter());
  let found = 0;
  for (let n = 0; n < kept; n++) {
    const key = Buffer.from(`key:${n}`);
    if (reader.lookup(key, 0, key.length) && reader.entry.valueBytes === 200) found++;
  }
  t.is(found, kept);
  t.true(reader.leave());
  for (let n = 0; n < kept; n += 2) t.true(remove(writer, `key:${n}`));
  let added = 0;
  while (writer.put(putRequest(`new:${added}`, value)) === PutStatus.created) added++;
  t.true(added > kept * 0.45, `${added} added after ${kept / 2} of ${kept} were deleted`);
  for (let n = 1; n < kept; n += 2) t.true(has(writer, `key:${n}`));
  writer.validate();
});

// Room is made by copying what lives to a free segment: a store whose last one went to a write would be stuck for good.
for (const valueBytes of [300, 700, 1000, 1300, 2500]) {
  test(`what a few deletions here and there leave of a full store can be written again: ${valueBytes} bytes`, (t) => {
    const { memory, writer } = storeOf('noeviction');
    const value = Buffer.alloc(valueBytes);
    let kept = 0;
    while (writer.put(putRequest(`key:${kept}`, value)) === PutStatus.created) kept++;
    let removed = 0;
    for (let n = 0; n < kept; n += 5) if (remove(writer, `key:${n}`)) removed++;
    let added = 0;
    while (added < removed && writer.put(putRequest(`new:${added}`, value)) === PutStatus.created) added++;
    t.true(added > removed * 0.9, `${added} added after ${removed} of ${kept} were deleted`);
    const { outOfMemory } = readStatistics(memory);
    for (let n = 0; n < added; n++) remove(writer, `new:${n}`);
    for (let n = 0; n < kept; n++) if (n % 5 !== 0) writer.put(putRequest(`key:${(n * 7919) % kept}`, value));
    t.is(readStatistics(memory).outOfMemory, outOfMemory);
    writer.validate();
  });
}

test('a full store that holds one huge value can replace it, or refuses and keeps it', (t) => {
  const { writer } = storeOf('noeviction', 4 << 20);
  const first = Buffer.alloc(1_500_000, 1);
  t.is(writer.put(putRequest('huge', first)), PutStatus.created);
  t.is(writer.put(putRequest('huge', Buffer.alloc(1_500_000, 2))), PutStatus.replaced);
  t.is(writer.put(putRequest('second', first)), PutStatus.created);
  t.is(writer.put(putRequest('third', first)), PutStatus.outOfMemory);
  t.true(has(writer, 'huge') && has(writer, 'second') && !has(writer, 'third'));
  t.true(remove(writer, 'huge'));
  t.is(writer.put(putRequest('third', first)), PutStatus.created);
  writer.validate();
});

test('a value beyond what the store can ever hold is too large, whatever the policy', (t) => {
  for (const eviction of ['noeviction', 'flux', 'volatile-ttl'] as const) {
    const { writer } = storeOf(eviction, 1 << 20);
    t.is(writer.put(putRequest('k', Buffer.alloc(writer.valueBytesMax + 1))), PutStatus.tooLarge);
    t.is(writer.put(putRequest('k', Buffer.alloc(100_000))), PutStatus.created);
  }
});

test('volatile-ttl gives up what expires soonest, never what does not expire, and then refuses', (t) => {
  const { memory, writer } = storeOf('volatile-ttl', 4 << 20);
  const value = Buffer.alloc(200);
  const expiring = 6000;
  for (let n = 0; n < expiring; n++) {
    const status = writer.put(putRequest(`ttl:${n}`, value, { expiresAtMs: clock.nowMs() + 1000 + n }));
    t.is(status, PutStatus.created);
  }
  let lasting = 0;
  while (writer.put(putRequest(`key:${lasting}`, value)) === PutStatus.created) {
    lasting++;
    if (lasting !== 13_000) continue;
    // Some had to go: those that expire first, and none that expires later than one that stays.
    const present = Array.from({ length: expiring }, (_, n) => has(writer, `ttl:${n}`));
    const firstKept = present.indexOf(true);
    t.true(firstKept > 0);
    t.true(present.slice(firstKept).every(Boolean));
  }
  t.is(readStatistics(memory).expiringKeys, 0);
  t.is(readStatistics(memory).evictedEntries, expiring);
  for (let n = 0; n < lasting; n++) t.true(has(writer, `key:${n}`));
  writer.validate();
});

test('groups that do not fit are refused before they begin; those that fit are whole', (t) => {
  const { writer } = storeOf('noeviction', 2 << 20);
  t.false(writer.beginGroup(10, 3 << 20));
  t.true(writer.beginGroup(2000, 2000 * 120));
  for (let n = 0; n < 2000; n++) t.is(writer.put(putRequest(`key:${n}`, Buffer.alloc(100))), PutStatus.created);
  writer.endGroup();
  t.is(writer.keyCount, 2000);
  writer.validate();
});

test('a group in which memory runs out is taken back: what it replaced is there again, and its memory is free', (t) => {
  const { memory, writer } = storeOf('noeviction', 2 << 20);
  const expiresAtMs = clock.nowMs() + 1000;
  writer.put(putRequest('large', Buffer.alloc(20_000, 'a')));
  writer.put(putRequest('expiring', Buffer.from('b'), { expiresAtMs }));
  const { liveBytes } = readStatistics(memory);
  for (let attempt = 0; attempt < 3; attempt++) {
    // More is written than was declared, so that room ends in the middle.
    t.true(writer.beginGroup(1, 100));
    writer.put(putRequest('large', Buffer.alloc(30_000)));
    writer.put(putRequest('expiring', Buffer.alloc(30_000)));
    let written = 0;
    while (writer.put(putRequest(`new:${written}`, Buffer.alloc(300))) === PutStatus.created) written++;
    t.true(written > 4000, `only ${written} written`);
    writer.abandonGroup();
    writer.validate();
    t.is(writer.keyCount, 2);
    t.is(readStatistics(memory).liveBytes, liveBytes);
    t.true(has(writer, 'large') && writer.entry.valueBytes === 20_000);
    t.true(has(writer, 'expiring') && writer.entry.expiresAtMs === expiresAtMs);
  }
  t.is(writer.put(putRequest('new', Buffer.alloc(300_000))), PutStatus.created);
});
