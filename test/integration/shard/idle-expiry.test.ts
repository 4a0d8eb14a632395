import test from 'ava';
import { readStatistics } from '../../../src/store/statistics.ts';
import { ThreadedShards, until } from '../../threaded-shards.ts';

const TTL_MS = 100;
const LATE_MS_MAX = 300;
/** A machine that runs other tests too may stall a thread; an actor that oversleeps does so every time. */
const ATTEMPTS = 10;

test('a shard that has nothing else to do gives back what expires when it is due, without anybody reading it', async (t) => {
  const threaded = new ThreadedShards({ shardCount: 1 });
  t.teardown(() => threaded.shards.stop(5000));
  await threaded.shards.started();
  const [thread] = threaded.shards.threads;
  if (thread === undefined) throw new Error('no shard');
  const { memory } = thread;
  const before = readStatistics(memory);

  const lateMs: number[] = [];
  while (lateMs.length < ATTEMPTS && !lateMs.some((late) => late < LATE_MS_MAX)) {
    t.is(await threaded.call('set', 'session', 'x'.repeat(1000), 'PX', String(TTL_MS)), 'OK');
    const storedMs = performance.now();
    // All of them: the counts of one removal change one after the other.
    await until('the entry is removed and its memory free', () => {
      const { keys, expiringKeys, expiredEntries, liveBytes } = readStatistics(memory);
      return keys + expiringKeys === 0 && expiredEntries === lateMs.length + 1 && liveBytes === before.liveBytes;
    });
    lateMs.push(performance.now() - storedMs - TTL_MS);
  }
  t.true(Math.min(...lateMs) < LATE_MS_MAX, `late by ${lateMs.map(Math.round)} ms`);
});
