import { once } from 'node:events';
import { setImmediate as nextTurn } from 'node:timers/promises';
import test from 'ava';
import { systemClock } from '../../../src/base/ports.ts';
import { Arena, createStoreMemory, type StoreMemory } from '../../../src/store/arena.ts';
import { KeyHasher } from '../../../src/store/hash.ts';
import { Control } from '../../../src/store/layout.ts';
import { StoreReader } from '../../../src/store/reader.ts';
import { StoreWriter } from '../../../src/store/writer.ts';
import { putRequest } from '../../property/store/model.ts';
import { testScale as SCALE } from '../../scale.ts';
import { startThread } from '../../thread.ts';
import { killAfter } from './kill-after.ts';

const VALUE = Buffer.from('v');

/** A new store whose directory has 2^17 words, which is how many a store of millions of keys swings to be cleared. */
function deepStore(): { memory: StoreMemory; writer: StoreWriter; keys: [string, string] } {
  const memory = createStoreMemory({ budgetBytes: 1 << 30, readersMax: 1, eviction: 'noeviction', hashKey: [5, 6] });
  const writer = new StoreWriter(memory, systemClock);
  const arena = new Arena(memory);
  const depth = arena.directoryDepthMax;
  const page = arena.word(arena.directory + 2);
  arena.words.fill(page, arena.directory + 2 ** depth, arena.directory + 2 ** (depth + 1));
  Atomics.store(arena.words, Control.directoryDepth, depth);
  writer.validate();

  const hasher = new KeyHasher(arena.hashKeyLow, arena.hashKeyHigh);
  const keys = Array.from({ length: 1000 }, (_, i) => `key:${i}`);
  const hashOf = (key: string): number => hasher.hash(Buffer.from(key), 0, key.length) >>> 0;
  keys.sort((a, b) => hashOf(a) - hashOf(b));
  return { memory, writer, keys: [keys[0] as string, keys.at(-1) as string] };
}

function putBoth(writer: StoreWriter, keys: readonly string[]): void {
  if (!writer.beginGroup(2, 100)) throw new Error('no room for two keys');
  for (const key of keys) writer.put(putRequest(key, VALUE));
  writer.endGroup();
}

test.serial('a reader on another thread sees all of a store that is being cleared, or nothing', async (t) => {
  const { memory, writer, keys } = deepStore();
  const stop = new Int32Array(new SharedArrayBuffer(4));
  const progress = new Int32Array(new SharedArrayBuffer(16));
  const seen = (what: number): number => Atomics.load(progress, what);
  const reader = startThread(new URL('./clear-reader-thread.ts', import.meta.url), { memory, stop, progress, keys });
  const done = once(reader, 'message');
  // Over once the reader has seen the store full, empty, and being cleared.
  const isDone = (): boolean => seen(0) >= 100 * SCALE && seen(1) >= 100 * SCALE && seen(3) >= 1000 * SCALE;
  while (!isDone() && seen(2) === 0) {
    for (let i = 0; i < 10; i++) {
      putBoth(writer, keys);
      writer.clear();
    }
    await nextTurn();
    putBoth(writer, keys);
    await nextTurn();
  }
  Atomics.store(stop, 0, 1);
  await done;
  t.is(seen(2), 0, `one of two keys was seen (${progress.join(', ')})`);
  t.log({ both: seen(0), none: seen(1), declined: seen(3) });
  writer.validate();
});

test.serial('a writer that dies while it clears a store leaves all or nothing, and readers outside until then', (t) => {
  const { memory, writer, keys } = deepStore();
  const words = new Int32Array(memory.arena);
  const reader = new StoreReader(memory, 0, systemClock);
  let successor = writer;
  let deathsInSwing = 0;
  for (let death = 0; death < 20 * SCALE; death++) {
    t.true(
      killAfter(1 + (death % 4), () => {
        for (;;) {
          putBoth(successor, keys);
          successor.clear();
        }
      }),
    );
    if (words[Control.redoFirst] !== 0) {
      deathsInSwing++;
      t.false(reader.enter(), 'a reader is let into a store cleared in part');
    }
    successor = new StoreWriter(memory, systemClock);
    successor.validate();
    t.true(reader.enter());
    const seen = keys.filter((key) => reader.peek(Buffer.from(key), 0, key.length));
    t.true(reader.leave());
    t.true(seen.length === 0 || seen.length === 2);
    t.is(successor.keyCount, seen.length);
  }
  t.log({ deathsInSwing });
  t.true(deathsInSwing > 0, 'no death fell into the swing of the directory');
});
