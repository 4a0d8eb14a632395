import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import { createStoreMemory, EVICTION_NAMES } from '../../../src/store/arena.ts';
import { readStatistics } from '../../../src/store/statistics.ts';
import { testScale as SCALE } from '../../scale.ts';
import { startThread } from '../../thread.ts';

/** A run is over when each reader has been round the index this often, having read keys and pairs between. */
const SCANS = 8 * SCALE;
/** How long threads may take to stop: the writer checks the whole structure before. */
const STOP_MS = 20_000;
/** Far beyond what that takes: a run that is not over by then has a reader or a writer that cannot end. */
const LIMIT_MS = 60_000 * SCALE;

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
    /** Scans of each reader that count. */
    const progress = new Int32Array(new SharedArrayBuffer(8));
    const memory = createStoreMemory({ budgetBytes: 8 << 20, readersMax: 2, eviction, hashKey: [3, 4] });
    const shared = { memory, stop, progress, keys: 40_000, stayers: 300, staySure: eviction !== 'flux' };
    const writer = startThread(new URL('./torture-writer-thread.ts', import.meta.url), shared);
    t.deepEqual(await once(writer, 'message'), ['ready']);
    const readers = [0, 1].map((readerIndex) =>
      startThread(new URL('./torture-reader-thread.ts', import.meta.url), { ...shared, readerIndex }),
    );
    const reports = readers.map(async (reader) => (await once(reader, 'message')) as [Report]);
    const written = once(writer, 'message') as Promise<[{ acts: number }]>;
    const all = Promise.all([written, ...reports]);
    // A reader that has found a fault reports at once, and a thread may fail.
    let reported = false;
    const noteReport = (): void => {
      reported = true;
    };
    for (const report of [written, ...reports]) report.then(noteReport, noteReport);
    const isDone = (): boolean =>
      Math.min(progress[0] as number, progress[1] as number) >= SCANS && readStatistics(memory).compactedBytes > 0;
    const startedAt = performance.now();
    while (!isDone() && !reported && performance.now() - startedAt < LIMIT_MS) await delay(10);
    Atomics.store(stop, 0, 1);
    const ended = await Promise.race([all, delay(STOP_MS, null, { ref: false })]).catch((error: unknown) =>
      String(error),
    );
    await Promise.all([writer, ...readers].map((thread) => thread.terminate()));
    if (ended === null || typeof ended === 'string') {
      t.fail(`${ended ?? 'threads that do not stop'}, after scans: ${progress.join(', ')}`);
      return;
    }
    const [[{ acts }], ...seen] = ended;
    for (const [report] of seen) {
      t.is(report.fault, '');
      t.true(report.hits > 1000 && report.pairs > 0 && report.scans >= SCANS, JSON.stringify(report));
    }
    const statistics = readStatistics(memory);
    t.log({
      acts,
      ...seen[0]?.[0],
      evicted: statistics.evictedEntries,
      compacted: statistics.compactedBytes,
    });
    t.true(statistics.compactedBytes > 0, 'no memory was compacted');
  });
}
