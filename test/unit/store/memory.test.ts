import test from 'ava';
import {
  BUDGET_BYTES_MAX,
  BUDGET_BYTES_MIN,
  createStoreMemory,
  type StoreMemoryOptions,
} from '../../../src/store/arena.ts';
import { readStatistics } from '../../../src/store/statistics.ts';
import { StoreWriter } from '../../../src/store/writer.ts';
import { putRequest } from '../../property/store/model.ts';

const OPTIONS: StoreMemoryOptions = { budgetBytes: 4 << 20, readersMax: 2, eviction: 'noeviction', hashKey: [1, 2] };
const clock = { nowMs: () => 1 };

for (const [what, change] of [
  ['a budget below a mebibyte', { budgetBytes: BUDGET_BYTES_MIN - 1 }],
  ['a budget beyond what an array can address', { budgetBytes: BUDGET_BYTES_MAX + 1 }],
  ['a budget that is no integer', { budgetBytes: 4e6 + 0.5 }],
  ['no reader', { readersMax: 0 }],
  ['too many readers', { readersMax: 129 }],
] as const) {
  test(`${what} is refused by name`, (t) => {
    const name = Object.keys(change)[0] as string;
    t.throws(() => createStoreMemory({ ...OPTIONS, ...change }), { instanceOf: RangeError, message: new RegExp(name) });
  });
}

test('an eviction policy that does not exist is refused, and those that do are named', (t) => {
  const options = { ...OPTIONS, eviction: 'lru' as 'flux' };
  t.throws(() => createStoreMemory(options), { message: /flux, noeviction, volatile-ttl.*lru/ });
});

test('the arena takes at most the budget, whatever the budget', (t) => {
  for (let budgetBytes = BUDGET_BYTES_MIN; budgetBytes < 3e8; budgetBytes = Math.floor(budgetBytes * 1.7) + 12_345) {
    const memory = createStoreMemory({ ...OPTIONS, budgetBytes, eviction: 'flux' });
    t.true(memory.arena.byteLength <= budgetBytes);
    t.true(memory.arena.byteLength > budgetBytes * 0.9, `${memory.arena.byteLength} of ${budgetBytes}`);
  }
});

test('memory that is no store cannot be attached to', (t) => {
  t.throws(() => new StoreWriter({ arena: new SharedArrayBuffer(1 << 20) }, clock), {
    message: /not the memory of a store/,
  });
});

test('versions start above the base that was asked for and survive the writer', (t) => {
  const memory = createStoreMemory({ ...OPTIONS, versionBase: 2 ** 40 });
  const writer = new StoreWriter(memory, clock);
  writer.put(putRequest('k', Buffer.from('v')));
  t.is(writer.lastVersion, 2 ** 40 + 1);
  const successor = new StoreWriter(memory, clock);
  successor.put(putRequest('k', Buffer.from('w')));
  t.is(successor.lastVersion, 2 ** 40 + 2);
  t.true(successor.lookup(Buffer.from('k'), 0, 1));
  t.is(successor.entry.version, 2 ** 40 + 2);
});

test('an empty store counts its bookkeeping and nothing else', (t) => {
  const memory = createStoreMemory(OPTIONS);
  new StoreWriter(memory, clock).validate();
  const statistics = readStatistics(memory);
  t.is(statistics.keys, 0);
  t.is(statistics.liveBytes + statistics.deadBytes + statistics.retiredBytes, 0);
  t.true(statistics.controlBytes + statistics.indexBytes + statistics.heapBytes < statistics.budgetBytes / 20);
});

test('a value is kept up to the length that the memory was made for, and not beyond what it has room for', (t) => {
  const small = new StoreWriter(createStoreMemory({ ...OPTIONS, valueBytesMax: 100 }), clock);
  t.is(small.valueBytesMax, 100);
  t.is(small.put(putRequest('k', Buffer.alloc(100))), 0);
  t.is(small.put(putRequest('k', Buffer.alloc(101))), 3);
  const fitting = new StoreWriter(createStoreMemory(OPTIONS), clock).valueBytesMax;
  t.is(new StoreWriter(createStoreMemory({ ...OPTIONS, valueBytesMax: 2 ** 30 }), clock).valueBytesMax, fitting);
});

test('keys of 64 KiB are kept where segments are large enough, and refused clearly where not', (t) => {
  const key = 'k'.repeat(65_536);
  const large = new StoreWriter(createStoreMemory({ ...OPTIONS, budgetBytes: 48 << 20 }), clock);
  t.is(large.put(putRequest(key, Buffer.from('v'))), 0);
  t.true(large.lookup(Buffer.from(key), 0, 65_536));
  t.false(large.lookup(Buffer.from(`${key.slice(1)}x`), 0, 65_536));
  const small = new StoreWriter(createStoreMemory(OPTIONS), clock);
  t.is(small.put(putRequest(key, Buffer.from('v'))), 3);
  t.false(small.lookup(Buffer.from(key), 0, 65_536));
});
