import test from 'ava';
import { type PutRequest, PutStatus, ValueType } from '../../../src/base/view.ts';
import { createStoreMemory } from '../../../src/store/arena.ts';
import { readStatistics } from '../../../src/store/statistics.ts';
import { StoreWriter } from '../../../src/store/writer.ts';

const EMPTY = new Uint8Array(0);
const BUDGET_BYTES = 2 << 20;
/** Of the budget, for what is no entry's: notes of tags. How much of a loop stays hangs on single segments here. */
const NOTES_BYTES = 64 << 10;
const VALUE_BYTES = 400;
/** About as many entries of this size fit, all overhead counted. */
const FITTING = 4000;

/** A cache-aside over a store of 2 MiB: what is asked for and absent is stored. */
class Cache {
  readonly memory = createStoreMemory({
    budgetBytes: BUDGET_BYTES + NOTES_BYTES,
    readersMax: 1,
    eviction: 'flux',
    hashKey: [1, 2],
  });
  readonly writer = new StoreWriter(this.memory, { nowMs: () => 1_000_000 });
  readonly #request: PutRequest;

  constructor(valueBytes = VALUE_BYTES) {
    this.#request = {
      key: EMPTY,
      keyStart: 0,
      keyEnd: 0,
      value: new Uint8Array(valueBytes),
      valueStart: 0,
      valueEnd: valueBytes,
      type: ValueType.string,
      expiresAtMs: 0,
      contentType: EMPTY,
      contentTypeStart: 0,
      contentTypeEnd: 0,
    };
  }

  /** Asks for a key; true when it was there. */
  ask(name: string): boolean {
    const key = Buffer.from(name);
    if (this.writer.lookup(key, 0, key.length)) return true;
    this.#request.key = key;
    this.#request.keyEnd = key.length;
    if (this.writer.put(this.#request) !== PutStatus.created) throw new Error('not stored');
    return false;
  }

  /** Asks for keys `name:from` to `name:(to - 1)`; the share that was there. */
  askAll(name: string, from: number, to: number): number {
    let hits = 0;
    for (let i = from; i < to; i++) if (this.ask(`${name}:${i}`)) hits++;
    return hits / (to - from);
  }

  has(name: string): boolean {
    const key = Buffer.from(name);
    return this.writer.peek(key, 0, key.length);
  }
}

test('what was used stays when a scan of ten times the memory passes', (t) => {
  const cache = new Cache();
  cache.askAll('scan', 0, FITTING * 2);
  for (let round = 0; round < 3; round++) cache.askAll('hot', 0, 1000);
  for (let i = 0; i < FITTING * 10; i++) {
    cache.ask(`scan:${FITTING * 2 + i}`);
    if (i % 40 === 0) cache.ask(`hot:${(i / 40) % 1000}`);
  }
  t.true(cache.askAll('hot', 0, 1000) > 0.95);
  cache.writer.validate();
});

test('of a loop twice as large as memory, most of what fits stays', (t) => {
  const cache = new Cache();
  for (let round = 0; round < 8; round++) cache.askAll('loop', 0, FITTING * 2);
  const hits = cache.askAll('loop', 0, FITTING * 2);
  t.true(hits > 0.35, `${hits} of the loop hit, 0.5 would fit`);
});

test('of values in chunks, too, most of what fits of a loop stays', (t) => {
  const cache = new Cache(20_000);
  const loop = Math.floor((BUDGET_BYTES * 2) / 20_000);
  for (let round = 0; round < 12; round++) cache.askAll('loop', 0, loop);
  const hits = cache.askAll('loop', 0, loop);
  t.true(hits > 0.3, `${hits} of the loop hit, 0.5 would fit`);
  cache.writer.validate();
});

test('new favourites take the place of old ones', (t) => {
  const cache = new Cache();
  for (let round = 0; round < 6; round++) cache.askAll('old', 0, 3000);
  for (let round = 0; round < 6; round++) cache.askAll('new', 0, 3000);
  t.true(cache.askAll('new', 0, 3000) > 0.9);
});

test('where the favourites change all the time, what is recent stays', (t) => {
  const cache = new Cache();
  let hits = 0;
  for (let phase = 0; phase < 24; phase++) {
    for (let round = 0; round < 3; round++) {
      const share = cache.askAll(`phase ${phase}`, 0, 3000);
      if (phase >= 16) hits += share / 24;
    }
  }
  t.true(hits > 0.4, `${hits} hit, two thirds can`);
});

test('a key that keeps coming back gets in although each of its stays is short', (t) => {
  const cache = new Cache();
  for (let round = 0; round < 2; round++) cache.askAll('old', 0, FITTING * 2);
  for (let i = 0; i < FITTING * 8; i++) {
    cache.ask(`scan:${i}`);
    if (i % 1200 === 0) cache.ask('again');
  }
  t.true(cache.has('again'));
});

test('filling free memory copies nothing', (t) => {
  const cache = new Cache();
  cache.askAll('first', 0, Math.floor(FITTING * 0.9));
  const { compactedBytes, evictedEntries } = readStatistics(cache.memory);
  t.deepEqual({ compactedBytes, evictedEntries }, { compactedBytes: 0, evictedEntries: 0 });
});

test('a store under flux attaches again in the middle of its work and goes on evicting', (t) => {
  const cache = new Cache();
  cache.askAll('scan', 0, FITTING * 2);
  for (let round = 0; round < 3; round++) cache.askAll('hot', 0, 500);
  const again = new StoreWriter(cache.memory, { nowMs: () => 1_000_000 });
  again.validate();
  let present = 0;
  for (let i = 0; i < 500; i++) {
    const key = Buffer.from(`hot:${i}`);
    if (again.lookup(key, 0, key.length)) present++;
  }
  t.is(present, 500);
});
