import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import { createStoreMemory, EVICTION_NAMES } from '../../../src/store/arena.ts';
import { readStatistics } from '../../../src/store/statistics.ts';
import { testScale as SCALE } from '../../scale.ts';
import { startThread } from '../../thread.ts';

/** A run is over when the writer has done this much and every reader has been round the index this often. */
const ACTS = 30_000 * SCALE;
const SCANS = 8 * SCALE;

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
    /** Scans of each reader, then the writer's acts. */
    const progress = new Int32Array(new SharedArrayBuffer(12));
    const memory = createStoreMemory({ budgetBytes: 8 << 20, readersMax: 2, eviction, hashKey: [3, 4] });
    const shared = { memory, stop, progress, keys: 40_000, stayers: 300, staySure: eviction !== 'flux' };
    const writer = startThread(new URL('./torture-writer-thread.ts', import.meta.url), shared);
    t.deepEqual(await once(writer, 'message'), ['ready']);
    const readers = [0, 1].map((readerIndex) =>
      startThread(new URL('./torture-reader-thread.ts', import.meta.url), { ...shared, readerIndex }),
    );
    const reports = Promise.all(readers.map(async (reader) => (await once(reader, 'message')) as [Report]));
    const written = once(writer, 'message') as Promise<[{ acts: number }]>;
    const isDone = (): boolean =>
      Math.min(progress[0] as number, progress[1] as number) >= SCANS && (progress[2] as number) >= ACTS;
    // A reader that has found a fault reports at once.
    let reported = false;
    const noteReport = (): void => {
      reported = true;
    };
    void reports.then(noteReport, noteReport);
    while (!isDone() && !reported) await delay(10);
    Atomics.store(stop, 0, 1);
    const [{ acts }] = await written;
    for (const [report] of await reports) {
      t.is(report.fault, '');
      t.true(report.hits > 1000 && report.pairs > 0, JSON.stringify(report));
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
