import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import { createStoreMemory, EVICTION_NAMES } from '../../../src/store/arena.ts';
import { readStatistics } from '../../../src/store/statistics.ts';
import { testScale as SCALE } from '../../scale.ts';
import { startThread } from '../../thread.ts';

const RUN_MS = 1500 * SCALE;

interface Report {
  fault: string;
  reads: number;
  hits: number;
  scans: number;
  pairs: number;
  refused: number;
}

for (const eviction of EVICTION_NAMES) {
  test.serial(`two readers never see a torn, recycled or wrong value under ${eviction}`, async (t) => {
    const stop = new Int32Array(new SharedArrayBuffer(4));
    const memory = createStoreMemory({ budgetBytes: 8 << 20, readersMax: 2, eviction, hashKey: [3, 4] });
    const shared = { memory, stop, keys: 40_000, stayers: 300, staySure: eviction !== 'flux' };
    const writer = startThread(new URL('./torture-writer-thread.ts', import.meta.url), shared);
    t.deepEqual(await once(writer, 'message'), ['ready']);
    const readers = [0, 1].map((readerIndex) =>
      startThread(new URL('./torture-reader-thread.ts', import.meta.url), { ...shared, readerIndex }),
    );
    const reports = Promise.all(readers.map(async (reader) => (await once(reader, 'message')) as [Report]));
    const written = once(writer, 'message') as Promise<[{ acts: number }]>;
    // The run ends by time, or as soon as a reader has found a fault.
    await Promise.race([delay(RUN_MS), reports]);
    Atomics.store(stop, 0, 1);
    const [{ acts }] = await written;
    t.true(acts > 5000, `${acts} acts`);
    for (const [report] of await reports) {
      t.is(report.fault, '');
      t.true(report.hits > 1000 && report.pairs > 0 && report.scans > 0, JSON.stringify(report));
    }
    const statistics = readStatistics(memory);
    t.log({
      acts,
      ...(await reports)[0]?.[0],
      evicted: statistics.evictedEntries,
      compacted: statistics.compactedBytes,
    });
    t.true(statistics.compactedBytes > 0, 'no memory was compacted');
  });
}
