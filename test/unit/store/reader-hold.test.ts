import test from 'ava';
import { PutStatus } from '../../../src/base/view.ts';
import { createStoreMemory } from '../../../src/store/arena.ts';
import { StoreReader } from '../../../src/store/reader.ts';
import { StoreWriter } from '../../../src/store/writer.ts';
import { putRequest } from '../../property/store/model.ts';

const clock = { nowMs: () => 1_750_000_000_000 };
const key = Buffer.from('k');

function setup() {
  const memory = createStoreMemory({ budgetBytes: 4 << 20, readersMax: 1, eviction: 'noeviction', hashKey: [3, 4] });
  return { writer: new StoreWriter(memory, clock), reader: new StoreReader(memory, 0, clock) };
}

function put(writer: StoreWriter, value: Uint8Array): PutStatus {
  return writer.put(putRequest('k', value));
}

/** Overwrites the key until the store has no memory left to write to, at most `count` times; how often it went. */
function overwrite(writer: StoreWriter, count: number): number {
  const value = new Uint8Array(20_000);
  for (let done = 0; done < count; done++) if (put(writer, value) === PutStatus.outOfMemory) return done;
  return count;
}

test('memory that was replaced while a reader holds its reads is not used again before it releases them', (t) => {
  const { writer, reader } = setup();
  put(writer, Buffer.from('first'));
  reader.hold();
  t.true(reader.enter());
  t.true(reader.lookup(key, 0, 1));
  reader.leave();
  const written = overwrite(writer, 1000);
  t.true(written < 1000, 'the writer ran out of memory that nobody may look at');
  reader.release();
  t.is(overwrite(writer, 1000), 1000);
});

test('held reads see every write that came before them, and none while a group is published', (t) => {
  const { writer, reader } = setup();
  put(writer, Buffer.from('a'));
  reader.hold();
  t.true(reader.enter());
  t.true(reader.leave());
  put(writer, Buffer.from('longer'));
  t.true(reader.enter());
  t.true(reader.lookup(key, 0, 1));
  t.is(reader.entry.valueBytes, 6);
  t.true(writer.beginGroup(1, 100));
  put(writer, Buffer.from('in a group'));
  t.false(reader.leave(), 'a group began meanwhile');
  t.false(reader.enter());
  writer.endGroup();
  t.true(reader.enter());
  t.true(reader.lookup(key, 0, 1));
  t.is(reader.entry.valueBytes, 10);
  reader.leave();
  reader.release();
});
