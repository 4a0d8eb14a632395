import test from 'ava';
import { ApplyResult } from '../../../src/base/effect.ts';
import { Freshness, PutStatus } from '../../../src/base/view.ts';
import { Arena, createStoreMemory } from '../../../src/store/arena.ts';
import { EffectReader, EffectWriter } from '../../../src/store/effect-codec.ts';
import { EffectLog } from '../../../src/store/effect-log.ts';
import { PartitionedWriter } from '../../../src/store/partitioned-writer.ts';
import { StoreReader } from '../../../src/store/reader.ts';
import { readStatistics } from '../../../src/store/statistics.ts';
import { TagNotes } from '../../../src/store/tag-notes.ts';
import { StoreWriter } from '../../../src/store/writer.ts';
import { listOf, putRequest, START_MS } from '../../property/store/model.ts';

const VALUE = Buffer.from('value');

function storeOf(budgetBytes = 1 << 20) {
  const clock = { at: START_MS, nowMs: (): number => clock.at };
  const memory = createStoreMemory({ budgetBytes, readersMax: 1, eviction: 'noeviction', hashKey: [7, 8] });
  return { clock, memory, writer: new StoreWriter(memory, clock), reader: new StoreReader(memory, 0, clock) };
}

/** Tells how many notes were looked at. */
class CountedWriter extends StoreWriter {
  get steps(): number {
    return this.validity.notes.steps;
  }

  get watchedPage(): number {
    return this.parts.indexWriter.watchedPage;
  }
}

function countedStoreOf(budgetBytes: number): CountedWriter {
  const memory = createStoreMemory({ budgetBytes, readersMax: 1, eviction: 'noeviction', hashKey: [7, 8] });
  return new CountedWriter(memory, { nowMs: () => START_MS });
}

function partedStoreOf(clock: { nowMs(): number }, budgetBytes = 2 << 20) {
  const partitions = { first: 0, count: 40, total: 40 };
  const options = { budgetBytes, readersMax: 1, eviction: 'noeviction', hashKey: [7, 8], partitions } as const;
  const memory = createStoreMemory(options);
  return { memory, writer: new PartitionedWriter(memory, clock) };
}

function invalidate(writer: StoreWriter, tags: readonly string[], isSoft = false): boolean {
  const list = listOf(tags);
  return writer.invalidateTags(list, 0, list.length, isSoft);
}

function has(writer: StoreWriter, key: string): boolean {
  return writer.peek(Buffer.from(key), 0, key.length);
}

test('an entry that bears none of the tags is not touched, nor one that was written since', (t) => {
  const { writer, memory } = storeOf();
  writer.put(putRequest('plain', VALUE));
  writer.put(putRequest('other', VALUE, { tags: ['b', 'ab'] }));
  writer.put(putRequest('one', VALUE, { tags: ['b', 'a'] }));
  t.true(invalidate(writer, ['a']));
  writer.put(putRequest('since', VALUE, { tags: ['a'] }));
  const seen = (): boolean[] => ['plain', 'other', 'one', 'since'].map((key) => has(writer, key));
  t.deepEqual(seen(), [true, true, false, true]);
  t.is(readStatistics(memory).pendingTags, 1);
  while (writer.maintain());
  t.deepEqual(seen(), [true, true, false, true]);
  const { pendingTags, invalidatedEntries, keys } = readStatistics(memory);
  t.deepEqual([pendingTags, invalidatedEntries, keys], [0, 1, 3]);
  writer.validate();
});

test('a soft invalidation leaves what has a stale window to those who ask for it, and takes the rest', (t) => {
  const { clock, writer, memory } = storeOf();
  writer.put(putRequest('window', VALUE, { tags: ['a'], staleMs: 100 }));
  writer.put(putRequest('none', VALUE, { tags: ['a'] }));
  invalidate(writer, ['a'], true);
  for (const isSwept of [false, true]) {
    if (isSwept) while (writer.maintain());
    t.false(has(writer, 'window'));
    t.is(writer.peekStale(Buffer.from('window'), 0, 6), Freshness.stale);
    t.is(writer.entry.expiresAtMs, START_MS);
    t.is(writer.peekStale(Buffer.from('none'), 0, 4), Freshness.none);
  }
  clock.at += 100;
  t.is(writer.peekStale(Buffer.from('window'), 0, 6), Freshness.none);
  t.is(writer.expireDue(clock.at, 10), 1);
  t.is(readStatistics(memory).keys, 0);
});

test('notes that fill the ring are refused until they are swept, and then there is room again, for ever', (t) => {
  const { writer, memory } = storeOf();
  writer.put(putRequest('key', VALUE, { tags: ['t0', 'kept'] }));
  let noted = 0;
  for (let round = 0; round < 40; round++) {
    while (invalidate(writer, [`t${noted}`, `${'long'.repeat(noted % 60)}${noted}`])) noted++;
    t.true(readStatistics(memory).pendingTags > 50);
    while (writer.maintain());
    t.is(readStatistics(memory).pendingTags, 0);
    writer.put(putRequest('key', VALUE, { tags: [`t${noted}`, 'kept'] }));
    t.true(has(writer, 'key'));
    writer.validate();
  }
  invalidate(writer, ['kept']);
  t.false(has(writer, 'key'));
  t.is(new StoreWriter(memory, { nowMs: () => START_MS }).peek(Buffer.from('key'), 0, 3), false);
});

test('a late fill is noticed also when the note of its tag had to make room: then it is refused to be sure', (t) => {
  const { clock, writer } = storeOf();
  const key = Buffer.from('key');
  t.is(writer.putHollow(key, 0, 3, writer.newFillToken(), clock.at + 60_000), PutStatus.created);
  const isOvertaken = (...tags: readonly string[]): boolean => {
    t.is(writer.peekStale(key, 0, 3), Freshness.hollow);
    const list = listOf(tags);
    return writer.isOvertaken(list, 0, list.length);
  };
  t.false(isOvertaken('a', 'b'));
  invalidate(writer, ['b']);
  t.true(isOvertaken('a', 'b'));
  t.false(isOvertaken('a'));
  while (writer.maintain());
  t.true(isOvertaken('b'));
  for (let n = 0; n < 5000; n++) {
    if (!invalidate(writer, [`other:${n}`])) while (writer.maintain());
  }
  t.true(isOvertaken('b'));
});

test('a hollow entry is nothing to plain reads and to walks, and goes when its time is over, without a change', (t) => {
  const { clock, writer, reader, memory } = storeOf();
  const key = Buffer.from('key');
  const told: number[] = [];
  writer.changes = { isListening: true, onChange: (kind) => told.push(kind), mark: () => 0, takeBack: () => undefined };
  writer.putHollow(key, 0, 3, 77, clock.at + 1000);
  t.false(writer.lookup(key, 0, 3));
  t.false(writer.setExpiry(key, 0, 3, 0));
  reader.enter();
  t.is(reader.peekStale(key, 0, 3), Freshness.hollow);
  t.deepEqual([reader.entry.fillToken, reader.entry.fillUntilMs, reader.entry.valueBytes], [77, clock.at + 1000, 0]);
  t.is(
    reader.scan(0, 10, () => t.fail('a hollow entry is visited')),
    0,
  );
  let visited = 0;
  reader.scan(0, 10, () => visited++, true);
  t.is(visited, 1);
  reader.leave();
  clock.at += 1000;
  t.is(writer.peekStale(key, 0, 3), Freshness.none);
  t.is(writer.expireDue(clock.at, 10), 1);
  t.deepEqual(told, []);
  const { keys, expiredEntries, fillsGranted, fillsExpired } = readStatistics(memory);
  t.deepEqual([keys, expiredEntries, fillsGranted, fillsExpired], [0, 0, 1, 1]);
});

test('a partition that is emptied forgets what was invalidated in it: what comes next has versions of its own', (t) => {
  const clock = { nowMs: () => START_MS };
  const { writer } = partedStoreOf(clock);
  const entry = putRequest('key', VALUE, { tags: ['a'] });
  const log = new EffectLog();
  writer.effects = log;
  writer.put(entry);
  let partition = -1;
  let record: Uint8Array = new Uint8Array(0);
  log.drain((drained, _keys, bytes) => {
    partition = drained;
    record = bytes;
  });
  invalidate(writer, ['a']);
  t.is(writer.applyEffects(partition, record), ApplyResult.applied);
  t.false(has(writer, 'key'), 'the same write again is as invalid as before');
  const mask = new Uint8Array(40);
  mask[partition] = 1;
  writer.clearPartitions(mask);
  t.is(writer.load(partition, [record]), ApplyResult.applied);
  t.true(has(writer, 'key'));
  writer.validate();
});

test('records of one invalidation in many partitions make one note of it at a copy', (t) => {
  const clock = { nowMs: () => START_MS };
  const primary = partedStoreOf(clock);
  const copy = partedStoreOf(clock);
  const log = new EffectLog();
  primary.writer.effects = log;
  for (let partition = 0; partition < 40; partition++) copy.writer.setOwned(partition, false);
  const replicate = (): number => {
    let records = 0;
    log.drain((partition, _keys, record) => {
      records++;
      t.is(copy.writer.applyEffects(partition, record), ApplyResult.applied);
    });
    return records;
  };
  for (let n = 0; n < 2000; n++) primary.writer.put(putRequest(`key:${n}`, VALUE, { tags: ['a'], staleMs: n % 2 }));
  replicate();
  invalidate(primary.writer, ['a', 'b']);
  t.is(replicate(), 40);
  t.is(readStatistics(copy.memory).pendingTags, 2);
  t.false(has(copy.writer, 'key:7'));
  while (copy.writer.maintain());
  t.is(readStatistics(copy.memory).keys, 0);
  t.true(copy.writer.lastVersion >= primary.writer.lastVersion);
});

test('a tag that is invalidated in the midst of a sweep has a sweep of its own', (t) => {
  const { writer, memory } = storeOf(8 << 20);
  for (let n = 0; n < 20_000; n++) writer.put(putRequest(`key:${n}`, VALUE, { tags: [n % 2 === 0 ? 'a' : 'b'] }));
  invalidate(writer, ['a']);
  for (let step = 0; step < 20; step++) writer.maintain();
  t.true(readStatistics(memory).keys > 10_000);
  invalidate(writer, ['b']);
  while (writer.maintain());
  const { keys, pendingTags, invalidatedEntries } = readStatistics(memory);
  t.deepEqual([keys, pendingTags, invalidatedEntries], [0, 0, 20_000]);
});

test('a partition that joins an invalidation in the midst of its sweep is swept as the others are', (t) => {
  const clock = { nowMs: () => START_MS };
  const primary = partedStoreOf(clock, 8 << 20);
  const copy = partedStoreOf(clock, 8 << 20);
  const log = new EffectLog();
  primary.writer.effects = log;
  for (let partition = 0; partition < 40; partition++) copy.writer.setOwned(partition, false);
  for (let n = 0; n < 20_000; n++) primary.writer.put(putRequest(`key:${n}`, VALUE, { tags: ['a'] }));
  log.drain((partition, _keys, record) => copy.writer.applyEffects(partition, record));
  invalidate(primary.writer, ['a']);
  let records = 0;
  log.drain((partition, _keys, record) => {
    if (records++ === 20) for (let step = 0; step < 20; step++) t.true(copy.writer.maintain());
    t.is(copy.writer.applyEffects(partition, record), ApplyResult.applied);
  });
  const { pendingTags, keys } = readStatistics(copy.memory);
  t.true(pendingTags === 1 && keys < 20_000 && keys > 0, 'the sweep was under way');
  while (copy.writer.maintain());
  t.is(readStatistics(copy.memory).keys, 0);
});

test('records with tags or tokens that cannot be are malformed, and nothing else', (t) => {
  const sound = new EffectWriter();
  sound.bytes[0] = 0;
  sound.length = 1;
  const list = listOf(['a', 'bc']);
  sound.invalidate(list, 0, list.length, 7, START_MS, true);
  sound.fill(VALUE, 0, 3, 5, START_MS, 6);
  const attributes = { staleMs: 9, tagBytes: list.length, fillToken: 3, fillUntilMs: 4, fillVersion: 5 };
  sound.put(0, 8, 1, 1, 0, 1, { ...attributes, isHollow: true });
  sound.bytes.set(list, sound.tagsAt);
  const record = sound.bytes.slice(0, sound.length);
  const reader = new EffectReader();
  const isSound = (bytes: Uint8Array): boolean => {
    reader.open(bytes);
    while (reader.next());
    return !reader.isFaulty;
  };
  t.true(isSound(record));
  t.deepEqual([reader.staleMs, reader.fillToken, reader.isHollow, reader.tagsEnd - reader.tagsStart], [9, 3, true, 5]);
  for (let length = 2; length < record.length; length++) isSound(record.subarray(0, length));
  for (let at = 1; at < record.length; at++) {
    const other = Uint8Array.from(record);
    other[at] = (other[at] as number) ^ 0xff;
    isSound(other);
  }
  for (const tags of [[], [0], [2, 97], [1, 97, 0]]) {
    const writer = new EffectWriter();
    writer.bytes[0] = 0;
    writer.length = 1;
    writer.invalidate(Uint8Array.from(tags), 0, tags.length, 7, START_MS, false);
    t.false(isSound(writer.bytes.slice(0, writer.length)), tags.join(' '));
  }
});

test('a partition whose entries the sweep has passed joins the note, and has a sweep of its own', (t) => {
  const clock = { nowMs: () => START_MS };
  const primary = partedStoreOf(clock, 8 << 20);
  const copy = partedStoreOf(clock, 8 << 20);
  const log = new EffectLog();
  primary.writer.effects = log;
  for (let partition = 0; partition < 40; partition++) copy.writer.setOwned(partition, false);
  for (let n = 0; n < 20_000; n++) primary.writer.put(putRequest(`key:${n}`, VALUE, { tags: ['a'] }));
  log.drain((partition, _keys, record) => copy.writer.applyEffects(partition, record));
  invalidate(primary.writer, ['a']);
  const records: Uint8Array[] = [];
  log.drain((partition, _keys, record) => {
    records[partition] = Uint8Array.from(record);
  });
  t.is(records.length, 40);
  for (let partition = 39; partition > 0; partition--) {
    t.is(copy.writer.applyEffects(partition, records[partition] as Uint8Array), ApplyResult.applied);
  }
  while (readStatistics(copy.memory).keys > 12_000) t.true(copy.writer.maintain());
  t.is(copy.writer.applyEffects(0, records[0] as Uint8Array), ApplyResult.applied);
  t.is(readStatistics(copy.memory).pendingTags, 1, 'one note for all');
  while (copy.writer.maintain());
  t.deepEqual([readStatistics(copy.memory).keys, readStatistics(copy.memory).pendingTags], [0, 0]);
  copy.writer.validate();
});

test('what several primaries invalidate comes to a copy in any order, and each partition has its own', (t) => {
  const clock = { nowMs: () => START_MS };
  const { writer } = partedStoreOf(clock);
  const owner = partedStoreOf(clock);
  const log = new EffectLog();
  owner.writer.effects = log;
  const names: string[] = [];
  for (let n = 0; names[0] === undefined || names[1] === undefined; n++) {
    owner.writer.put(putRequest(`key:${n}`, VALUE, { tags: ['a'] }));
    log.drain((partition) => {
      if (partition < 2) names[partition] ??= `key:${n}`;
    });
  }
  const [first, second] = names as [string, string];
  const record = (fill: (sound: EffectWriter) => void): Uint8Array => {
    const made = new EffectWriter();
    made.bytes[0] = 0;
    made.length = 1;
    fill(made);
    return made.bytes.slice(0, made.length);
  };
  const list = listOf(['a']);
  const note = (partition: number, version: number): void => {
    const bytes = record((made) => made.invalidate(list, 0, list.length, version, START_MS, false));
    t.is(writer.applyEffects(partition, bytes), ApplyResult.applied);
  };
  const put = (partition: number, key: string, version: number): void => {
    const attributes = { staleMs: 0, tagBytes: list.length, fillToken: 0, fillUntilMs: 0, fillVersion: 0 };
    const bytes = record((made) => {
      made.put(0, version, 0, key.length, 0, VALUE.length, { ...attributes, isHollow: false });
      made.bytes.set(list, made.tagsAt);
      made.bytes.set(Buffer.from(key), made.keyAt);
      made.bytes.set(VALUE, made.valueAt);
    });
    t.is(writer.applyEffects(partition, bytes), ApplyResult.applied);
  };
  const base = 1_000_000;
  // The second partition joins the note of the first one's youngest act only if it has none in between.
  note(0, base + 5);
  note(0, base + 9);
  note(1, base + 7);
  note(1, base + 9);
  put(1, second, base + 8);
  t.false(has(writer, second));
  put(1, second, base + 9);
  t.true(has(writer, second));
  // Nor if there is one behind it.
  note(1, base + 19);
  note(0, base + 17);
  note(1, base + 17);
  put(1, second, base + 18);
  t.false(has(writer, second));
  // What is told once more, late, hides nothing.
  note(0, base + 6);
  put(0, first, base + 8);
  t.false(has(writer, first));
  put(0, first, base + 20);
  t.true(has(writer, first));
  writer.validate();
});

test('an entry is judged in a step or two, however often its tag was invalidated before it was written', (t) => {
  const writer = countedStoreOf(64 << 20);
  for (let n = 0; n < 5000; n++) t.true(invalidate(writer, ['hot'], n % 2 === 0));
  writer.put(putRequest('key', VALUE, { tags: ['hot'] }));
  const before = writer.steps;
  t.true(has(writer, 'key'));
  const steps = writer.steps - before;
  t.true(steps > 0 && steps < 10, `${steps} steps`);
});

test('which tags share a bucket is the secret of the store', (t) => {
  const bucketOfBy = (hashKey: readonly [number, number]): ((tag: string) => number) => {
    const memory = createStoreMemory({ budgetBytes: 4 << 20, readersMax: 1, eviction: 'noeviction', hashKey });
    const notes = new TagNotes(new Arena(memory));
    return (tag) => notes.bucketOf(notes.hashOf(Buffer.from(tag), 0, tag.length));
  };
  const [one, other] = [bucketOfBy([1, 2]), bucketOfBy([3, 4])];
  const chosen = Array.from({ length: 50_000 }, (_, n) => `t${n}`).filter((tag) => one(tag) === one('t0'));
  t.true(chosen.length > 20);
  t.true(new Set(chosen.map(other)).size > chosen.length / 2);
});

test('a step of a sweep looks at a bounded number of notes, also of entries that all of them concern', (t) => {
  const writer = countedStoreOf(64 << 20);
  for (let n = 0; n < 3000; n++) writer.put(putRequest(`key:${n}`, VALUE, { tags: ['hot'], staleMs: 60_000 }));
  for (let n = 0; n < 5000; n++) t.true(invalidate(writer, ['hot'], true));
  let most = 0;
  for (let before = writer.steps; writer.maintain(); before = writer.steps)
    most = Math.max(most, writer.steps - before);
  t.true(most > 0 && most < 200_000, `${most} steps`);
  for (let n = 0; n < 3000; n++) t.is(writer.peekStale(Buffer.from(`key:${n}`), 0, `key:${n}`.length), Freshness.stale);
});

test('a page of the index that was replaced in the midst of a sweep is gone over from its start', (t) => {
  const writer = countedStoreOf(4 << 20);
  for (let n = 0; n < 700; n++) writer.put(putRequest(`key:${n}`, VALUE, { tags: ['a'] }));
  invalidate(writer, ['a']);
  writer.maintain();
  t.not(writer.watchedPage, 0);
  for (let n = 0; n < 2000; n++) writer.put(putRequest(`since:${n}`, VALUE, { tags: ['a'] }));
  t.is(writer.watchedPage, 0, 'another page may come to stand there');
  while (writer.maintain());
  t.is(writer.keyCount, 2000);
  writer.validate();
});

test('a writer that takes over knows of no token given before, and of the last note although it is not chained', (t) => {
  const { clock, memory, writer } = storeOf();
  const key = Buffer.from('key');
  t.is(writer.putHollow(key, 0, 3, writer.newFillToken(), clock.at + 60_000), PutStatus.created);
  writer.put(putRequest('tagged', VALUE, { tags: ['a'] }));
  const arena = new Arena(memory);
  const notes = new TagNotes(arena);
  const bucket = notes.bucketOf(notes.hashOf(Buffer.from('a'), 0, 1));
  const before = arena.word(bucket);
  invalidate(writer, ['a']);
  t.not(arena.word(bucket), before);
  // As if the writer had died between its last two stores.
  arena.words[bucket] = before;
  const next = new StoreWriter(memory, clock);
  t.false(has(next, 'tagged'));
  next.validate();
  t.is(next.peekStale(key, 0, 3), Freshness.hollow);
  const list = listOf(['b']);
  t.true(next.isOvertaken(list, 0, list.length));
});

for (const eviction of ['noeviction', 'flux'] as const) {
  test(`a soft sweep of a full store leaves nothing as it was (${eviction})`, (t) => {
    const clock = { nowMs: () => START_MS };
    const memory = createStoreMemory({ budgetBytes: 1 << 20, readersMax: 1, eviction, hashKey: [7, 8] });
    const writer = new StoreWriter(memory, clock);
    const names: string[] = [];
    for (let n = 0; n < 3000; n++) {
      const name = `key:${n}`;
      const value = Buffer.alloc(n % 7 === 0 ? 9000 : 100 + (n % 400));
      const status = writer.put(putRequest(name, value, { tags: ['a'], staleMs: 60_000 }));
      if (status !== PutStatus.outOfMemory) names.push(name);
    }
    t.true(readStatistics(memory).keys > 100);
    t.true(invalidate(writer, ['a'], true));
    while (writer.maintain());
    t.is(readStatistics(memory).pendingTags, 0);
    t.is(names.filter((name) => has(writer, name)).length, 0);
    writer.validate();
  });
}
