import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import test from 'ava';
import { Counters, DURATION_BUCKETS, durationBoundsS, FrontEnd, Tally } from '../../../src/base/counters.ts';

const SHAPE = { commandCount: 3, errorCount: 5 };

/** Index of the bucket that one command of this duration is counted in. */
function bucketOf(elapsedMs: number): number {
  const counters = Counters.create(SHAPE);
  counters.command(1, FrontEnd.resp, elapsedMs);
  return counters.durationBuckets(1, FrontEnd.resp).indexOf(1);
}

test('a duration counts in the first bucket whose bound it does not pass', (t) => {
  t.is(durationBoundsS.length, DURATION_BUCKETS - 1);
  for (const [bucket, boundS] of durationBoundsS.entries()) {
    t.is(bucketOf(boundS * 1000), bucket);
    t.is(bucketOf(boundS * 1000 * 1.001), bucket + 1);
  }
});

test('a duration of zero, one below zero and one of an hour have buckets too', (t) => {
  t.deepEqual([0, -1, 3_600_000].map(bucketOf), [0, 0, DURATION_BUCKETS - 1]);
});

test('commands, errors and tallies of different rows and front ends are kept apart', (t) => {
  const counters = Counters.create(SHAPE);
  counters.command(0, FrontEnd.http, 1);
  counters.command(2, FrontEnd.internal, 2);
  counters.command(2, FrontEnd.internal, 3);
  counters.commands(2, FrontEnd.http, 10, 20);
  counters.error(4);
  counters.add(Tally.clients, FrontEnd.resp, 2);
  counters.add(Tally.clients, FrontEnd.resp, -1);
  counters.add(Tally.bytesSent, FrontEnd.internal, 7);
  const counts = [0, 1, 2].map((row) => Object.values(FrontEnd).map((front) => counters.commandCount(row, front)));
  t.deepEqual(counts, [
    [1, 0, 0, 0],
    [0, 0, 0, 0],
    [10, 0, 0, 2],
  ]);
  t.is(counters.durationSumMs(2, FrontEnd.internal), 5);
  t.is(counters.durationSumMs(2, FrontEnd.http), 20);
  t.deepEqual(
    [0, 1, 2, 3, 4].map((id) => counters.errorCount(id)),
    [0, 0, 0, 0, 1],
  );
  t.is(counters.tally(Tally.clients, FrontEnd.resp), 1);
  t.is(counters.tally(Tally.bytesSent, FrontEnd.internal), 7);
});

test('what two threads count at once adds up to what they did', async (t) => {
  const blocks = [Counters.create(SHAPE), Counters.create(SHAPE)];
  const source = `(async () => {
    (await import('${import.meta.resolve('tsx/esm/api')}')).register();
    const { workerData } = require('node:worker_threads');
    const { Counters } = await import(workerData.module);
    const counters = Counters.attach(workerData.shape, workerData.buffer);
    for (let i = 0; i < 100000; i++) { counters.command(i % 3, 0, i / 1000); counters.add(4, 0, 2); }
  })();`;
  const module = new URL('../../../src/base/counters.ts', import.meta.url).href;
  const workers = blocks.map(
    ({ buffer }) => new Worker(source, { eval: true, workerData: { module, shape: SHAPE, buffer } }),
  );
  const codes = await Promise.all(workers.map((worker) => once(worker, 'exit')));
  t.deepEqual(codes, [[0], [0]]);
  const total = Counters.sum(SHAPE, blocks);
  t.is(total.tally(Tally.bytesSent, FrontEnd.http), 400_000);
  t.is(total.commandCount(0, 0) + total.commandCount(1, 0) + total.commandCount(2, 0), 200_000);
});

test('what was counted since an earlier state is told by row, way and bucket', (t) => {
  const earlier = Counters.create({ commandCount: 3, errorCount: 5 });
  earlier.command(1, FrontEnd.resp, 0.5);
  earlier.error(2);
  const later = Counters.create(earlier.shape);
  later.copyFrom(earlier);
  t.is(later.errorCount(2), 1);
  const told = () => {
    const seen: number[][] = [];
    later.durationsSince(earlier, (...what) => seen.push(what));
    return seen;
  };
  t.deepEqual(told(), []);
  later.command(1, FrontEnd.resp, 0.5);
  later.commands(0, FrontEnd.http, 4, 0.004);
  later.commands(2, FrontEnd.internal, 7, 0);
  later.command(2, FrontEnd.internal, 20_000);
  t.deepEqual(told(), [
    [0, FrontEnd.http, 0, 4],
    [1, FrontEnd.resp, 9, 1],
    [2, FrontEnd.internal, 0, 7],
    [2, FrontEnd.internal, 25, 1],
  ]);
});
