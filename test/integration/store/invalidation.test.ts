import { once } from 'node:events';
import { setImmediate as nextTurn } from 'node:timers/promises';
import test from 'ava';
import { systemClock } from '../../../src/base/ports.ts';
import { createStoreMemory } from '../../../src/store/arena.ts';
import { readStatistics } from '../../../src/store/statistics.ts';
import { StoreWriter } from '../../../src/store/writer.ts';
import { listOf, putRequest } from '../../property/store/model.ts';
import { testScale as SCALE } from '../../scale.ts';
import { startThread } from '../../thread.ts';
import { writeChecked } from './checked-value.ts';

const KEYS = 3000;
const TAGS = 8;
/** Sweeps that a run sees to their end, while others begin. */
const INVALIDATIONS = 60 * SCALE;
const LIMIT_MS = 60_000 * SCALE;

for (const eviction of ['noeviction', 'flux'] as const) {
  test.serial(
    `no reader finds a value after the invalidation of its tag has returned, under ${eviction}`,
    async (t) => {
      const memory = createStoreMemory({ budgetBytes: 2 << 20, readersMax: 2, eviction, hashKey: [3, 4] });
      const stop = new Int32Array(new SharedArrayBuffer(4));
      const floors = new Int32Array(new SharedArrayBuffer(8 * TAGS));
      const progress = new Int32Array(new SharedArrayBuffer(12));
      const writer = new StoreWriter(memory, systemClock);
      const value = Buffer.alloc(256);
      let seed = 1;
      const put = (number: number): void => {
        const bytes = 32 + (seed % 200);
        writeChecked(value, bytes, number, seed);
        const options = { tags: [`tag:${number % TAGS}`], staleMs: 60_000 };
        writer.put(putRequest(`key:${number}`, value.subarray(0, bytes), options));
        seed++;
      };
      for (let number = 0; number < KEYS; number++) put(number);
      const shared = { memory, stop, floors, progress, keys: KEYS, tags: TAGS };
      const readers = [0, 1].map((readerIndex) =>
        startThread(new URL('./invalidation-reader-thread.ts', import.meta.url), { ...shared, readerIndex }),
      );
      let isOver = false;
      const reports = readers.map(async (reader) => {
        const [fault] = (await once(reader, 'message')) as [string];
        isOver = true;
        return fault;
      });
      const seen = (what: number): number => Atomics.load(progress, what);
      const isDone = (count: number): boolean =>
        count >= INVALIDATIONS && Math.min(seen(0), seen(1), seen(2)) > 2000 * SCALE;
      const endMs = performance.now() + LIMIT_MS;
      let count = 0;
      while (!isOver && !isDone(count) && performance.now() < endMs) {
        const tag = count % TAGS;
        const isSoft = count % 3 === 0;
        const list = listOf([`tag:${tag}`]);
        t.true(writer.invalidateTags(list, 0, list.length, isSoft));
        Atomics.store(floors, isSoft ? TAGS + tag : tag, seed);
        count++;
        // Some of it is swept, and some written anew, before the next tag goes.
        for (let i = 0; i < 400; i++) put((seed * 7) % KEYS);
        for (let step = 0; step < count % 7; step++) writer.maintain();
        if (count % 16 === 0) while (readStatistics(memory).pendingTags > 0) writer.maintain();
        await nextTurn();
      }
      Atomics.store(stop, 0, 1);
      t.deepEqual(await Promise.all(reports), ['', '']);
      t.true(isDone(count), `${count} invalidations, read: ${progress.join(', ')}`);
      while (writer.maintain());
      writer.validate();
      t.is(readStatistics(memory).pendingTags, 0);
      t.log({ count, fresh: seen(0), stale: seen(1), absent: seen(2) });
    },
  );
}
