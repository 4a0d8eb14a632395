import test from 'ava';
import { createStoreMemory } from '../../../src/store/arena.ts';
import { StoreReader } from '../../../src/store/reader.ts';
import { readStatistics } from '../../../src/store/statistics.ts';
import { StoreWriter } from '../../../src/store/writer.ts';
import { putRequest, START_MS } from '../../property/store/model.ts';

import { testScale as SCALE } from '../../scale.ts';

function storeAt(nowMs: number, budgetBytes: number) {
  const clock = { at: nowMs, nowMs: (): number => clock.at };
  const memory = createStoreMemory({ budgetBytes, readersMax: 1, eviction: 'noeviction', hashKey: [7, 8] });
  return { clock, memory, writer: new StoreWriter(memory, clock), reader: new StoreReader(memory, 0, clock) };
}

test('an entry is there until its last millisecond and gone in the next, for the writer and for readers', (t) => {
  const { clock, writer, reader } = storeAt(START_MS, 1 << 20);
  const key = Buffer.from('k');
  writer.put(putRequest('k', Buffer.from('v'), { expiresAtMs: START_MS + 50 }));
  const seen = (): boolean[] => {
    reader.enter();
    const byReader = reader.lookup(key, 0, 1);
    reader.leave();
    return [writer.peek(key, 0, 1), byReader];
  };
  clock.at = START_MS + 49;
  t.deepEqual(seen(), [true, true]);
  clock.at = START_MS + 50;
  t.deepEqual(seen(), [false, false]);
});

test('memory of expired entries comes back without their being read', (t) => {
  const { clock, memory, writer } = storeAt(START_MS, 2 << 20);
  for (let n = 0; n < 5000; n++) {
    writer.put(putRequest(`key:${n}`, Buffer.alloc(100), { expiresAtMs: START_MS + 1 + (n % 50) }));
  }
  t.is(writer.nextExpiryMs(), START_MS + 1);
  clock.at += 50;
  t.is(writer.expireDue(clock.at, 10_000), 5000);
  t.is(writer.nextExpiryMs(), -1);
  while (writer.maintain());
  const { liveBytes, deadBytes, keys, expiredEntries } = readStatistics(memory);
  t.is(liveBytes + keys, 0);
  t.true(deadBytes <= 16_384, `${deadBytes} bytes not back`);
  t.is(expiredEntries, 5000);
  writer.validate();
});

test('many keys that expire at once are freed in steps of the size asked for', (t) => {
  const count = 100_000 * SCALE;
  const { clock, memory, writer } = storeAt(START_MS, count * 160);
  for (let n = 0; n < count; n++) {
    // Half of them expire together, between others that expire later.
    writer.put(
      putRequest(`key:${n}`, Buffer.alloc(16), { expiresAtMs: START_MS + (n % 2 === 0 ? 1000 : 100_000 + n) }),
    );
  }
  clock.at += 1000;
  let freed = 0;
  let stepMsMax = 0;
  for (;;) {
    const before = performance.now();
    const removed = writer.expireDue(clock.at, 500);
    stepMsMax = Math.max(stepMsMax, performance.now() - before);
    t.true(removed <= 500);
    freed += removed;
    if (removed < 500) break;
  }
  t.is(freed, count / 2);
  t.is(readStatistics(memory).keys, count / 2);
  t.is(writer.nextExpiryMs(), START_MS + 100_001);
  writer.validate();
  t.log(`longest step ${stepMsMax.toFixed(2)} ms`);
});

test('what expires in years is neither lost nor early, though the heap files it nearer', (t) => {
  const { clock, writer } = storeAt(START_MS, 1 << 20);
  const yearMs = 365 * 86_400_000;
  for (let year = 1; year <= 5; year++) {
    writer.put(putRequest(`year:${year}`, Buffer.from('v'), { expiresAtMs: START_MS + year * yearMs }));
  }
  let expired = 0;
  for (let day = 1; day <= 5 * 365; day++) {
    clock.at = START_MS + day * 86_400_000;
    const next = writer.nextExpiryMs();
    if (next <= clock.at) writer.expireDue(clock.at, 100);
    const due = Math.floor(day / 365);
    if (due > expired) {
      expired = due;
      t.is(writer.keyCount, 5 - expired);
    }
  }
  t.is(expired, 5);
  writer.validate();
});

test('a clock that leaps years ahead, or back, leaves the order of expiry right', (t) => {
  const { clock, writer } = storeAt(1000, 1 << 20);
  writer.put(putRequest('early', Buffer.from('v'), { expiresAtMs: START_MS + 1000 }));
  clock.at = START_MS;
  writer.put(putRequest('late', Buffer.from('v'), { expiresAtMs: START_MS + 2000 }));
  t.is(writer.nextExpiryMs(), START_MS + 1000);
  clock.at = START_MS + 1500;
  t.is(writer.expireDue(clock.at, 10), 1);
  t.is(writer.keyCount, 1);
  clock.at = 5000;
  t.is(writer.expireDue(clock.at, 10), 0);
  clock.at = START_MS + 2000;
  t.is(writer.expireDue(clock.at, 10), 1);
});

test('changing an expiry keeps the version, whether in place, across its high part, or to none', (t) => {
  const { clock, writer } = storeAt(START_MS, 1 << 20);
  const key = Buffer.from('k');
  writer.put(putRequest('k', Buffer.alloc(30_000, 3), { expiresAtMs: START_MS + 1000 }));
  const { lastVersion } = writer;
  for (const expiresAtMs of [START_MS + 5, START_MS + 2 ** 33, 0, 0, START_MS + 77]) {
    t.true(writer.setExpiry(key, 0, 1, expiresAtMs));
    t.true(writer.lookup(key, 0, 1));
    t.is(writer.entry.expiresAtMs, expiresAtMs);
    t.is(writer.entry.version, lastVersion);
    writer.validate();
  }
  const value = Buffer.alloc(30_000);
  writer.copyValue(value, 0);
  t.deepEqual(value, Buffer.alloc(30_000, 3));
  clock.at += 77;
  t.false(writer.setExpiry(key, 0, 1, START_MS + 1000));
});
