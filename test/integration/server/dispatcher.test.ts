import test, { type ExecutionContext } from 'ava';
import { OrderedSession } from '../../../src/server/dispatch/ordered-session.ts';
import { readStatistics } from '../../../src/store/statistics.ts';
import { type ThreadedOptions, ThreadedShards, until } from '../../threaded-shards.ts';

const scale = Number(process.env['FLUXCACHE_TEST_SCALE'] ?? 1);

async function started(t: ExecutionContext, options: ThreadedOptions = {}): Promise<ThreadedShards> {
  const threaded = new ThreadedShards(options);
  t.teardown(() => threaded.shards.stop(5000));
  await threaded.shards.started();
  return threaded;
}

test.serial(
  'commands over many keys are scattered over the shards and answered in the order of the keys',
  async (t) => {
    const threaded = await started(t, { shardCount: 3 });
    const keys = Array.from({ length: 100 }, (_, number) => `key:${number}`);
    t.is(await threaded.call('mset', ...keys.flatMap((key) => [key, `value of ${key}`])), 'OK');
    t.is(await threaded.call('dbsize'), 100);
    t.true(threaded.shards.threads.every(({ memory }) => readStatistics(memory).keys > 10));
    t.deepEqual(await threaded.call('mget', 'absent', ...keys), [null, ...keys.map((key) => `value of ${key}`)]);
    t.is(await threaded.call('exists', ...keys, 'absent', 'key:0'), 101);
    t.is(await threaded.call('rename', threaded.keyOf(0), threaded.keyOf(1)), 'error no-such-key no such key');
    await threaded.call('set', threaded.keyOf(0), 'moved');
    t.is(await threaded.call('rename', threaded.keyOf(0), threaded.keyOf(2)), 'OK');
    t.is(await threaded.call('get', threaded.keyOf(2)), 'moved');
    t.is(await threaded.call('get', threaded.keyOf(0)), null);
    t.regex(String(await threaded.call('msetnx', threaded.keyOf(0), 'x', threaded.keyOf(1), 'y')), /^error cross-slot/);
    t.is(await threaded.call('del', ...keys), 100);
    t.is(await threaded.call('flushall'), 'OK');
    t.is(await threaded.call('dbsize'), 0);
  },
);

test.serial('SCAN goes over all shards and returns every key once', async (t) => {
  const threaded = await started(t, { shardCount: 3 });
  const keys = Array.from({ length: 500 }, (_, number) => `key:${number}`);
  await threaded.call('mset', ...keys.flatMap((key) => [key, 'x']));
  const seen: string[] = [];
  let cursor = '0';
  do {
    const [next, found] = (await threaded.call('scan', cursor, 'COUNT', '50')) as [string, string[]];
    cursor = next;
    seen.push(...found);
  } while (cursor !== '0');
  t.deepEqual(seen.toSorted(), keys.toSorted());
});

test.serial('a pipeline of one connection sees its own writes (I7)', async (t) => {
  const threaded = await started(t);
  const session = new OrderedSession(2);
  const replies: Promise<unknown>[] = [];
  const expected: unknown[] = [];
  for (let number = 0; number < 500 * scale; number++) {
    const key = `key:${number % 7}`;
    replies.push(threaded.callIn(session, 'set', key, `${number}`));
    replies.push(threaded.callIn(session, 'get', key));
    replies.push(threaded.callIn(session, 'mget', 'key:0', key));
    const zero = `${number - (number % 7)}`;
    expected.push('OK', `${number}`, [zero, `${number}`]);
    // Every now and then the pipeline runs dry, so that reads are local again.
    if (number % 50 === 49) await Promise.all(replies);
  }
  t.deepEqual(await Promise.all(replies), expected);
  t.is(session.inFlight, 0);
});

test.serial('what was acknowledged to one connection is read by every other, without a hop', async (t) => {
  const threaded = await started(t);
  for (let number = 0; number < 300; number++) {
    await threaded.call('set', 'key', `${number}`);
    const view = threaded.shards.dispatcher.beginRead(Buffer.from('key'), 0, 3);
    t.not(view, null);
    t.true(view?.lookup(Buffer.from('key'), 0, 3));
    const target = new Uint8Array(8);
    view?.copyValue(target, 0);
    threaded.shards.dispatcher.endRead();
    t.is(Buffer.from(target).toString('latin1').replaceAll('\0', ''), `${number}`);
  }
});

test.serial('two keys of one shard that are written as one are never seen apart (I8)', async (t) => {
  const threaded = await started(t, { shardCount: 1 });
  let done = false;
  let torn = 0;
  let seen = 0;
  const write = async (): Promise<void> => {
    for (let number = 0; number < 3000 * scale; number++) {
      await threaded.call('mset', 'left', `${number}`, 'right', `${number}`);
    }
    done = true;
  };
  const read = async (): Promise<void> => {
    while (!done) {
      for (let again = 0; again < 20; again++) {
        const [left, right] = (await threaded.call('mget', 'left', 'right')) as [string, string];
        seen++;
        if (left !== right) torn++;
      }
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  await Promise.all([write(), write(), read()]);
  t.is(torn, 0);
  t.true(seen > 100, `${seen}`);
});

test.serial('more commands than rings and queues hold: each is answered once, as done or as overloaded', async (t) => {
  const threaded = await started(t, {
    commandRingBytes: 4096,
    replyRingBytes: 1024,
    outbox: { queuedCountMax: 50, queuedBytesMax: 100_000 },
  });
  const replies = await Promise.all(Array.from({ length: 2000 }, () => threaded.call('incr', 'counter')));
  const done = replies.filter((reply) => typeof reply === 'number');
  const refused = replies.filter((reply) => String(reply).startsWith('error overloaded'));
  t.is(done.length + refused.length, 2000);
  t.true(refused.length > 0 && done.length > 50, `${done.length} done`);
  t.is(await threaded.call('get', 'counter'), String(done.length));
});

test.serial('values far larger than the ring go both ways', async (t) => {
  const threaded = await started(t, { commandRingBytes: 65_536, replyRingBytes: 65_536 });
  const session = new OrderedSession(2);
  const large = 'x'.repeat(3_000_000);
  const replies = [
    threaded.callIn(session, 'set', 'large', large),
    // By mailbox, because the write is in flight.
    threaded.callIn(session, 'get', 'large'),
    threaded.callIn(session, 'append', 'large', 'y'),
    threaded.callIn(session, 'strlen', 'large'),
  ];
  t.deepEqual(await Promise.all(replies), ['OK', large, 3_000_001, 3_000_001]);
  t.is(await threaded.call('get', 'large'), `${large}y`);
});

test.serial('an entry is gone when its time is over, and its memory is freed without being read', async (t) => {
  const threaded = await started(t, { shardCount: 1 });
  const memory = threaded.shards.threads[0]?.memory;
  if (memory === undefined) throw new Error('there is a shard');
  await threaded.call('set', 'short', 'x'.repeat(1000), 'PX', '50');
  t.is(readStatistics(memory).keys, 1);
  await until('the actor woke up and removed it', () => readStatistics(memory).keys === 0, 5000);
  t.is(readStatistics(memory).expiredEntries, 1);
  t.is(await threaded.call('get', 'short'), null);
});

test.serial('a stop answers all that was in flight, ends the threads and refuses what comes after', async (t) => {
  const threaded = await started(t);
  const replies = Array.from({ length: 5000 }, (_, number) => threaded.call('set', `key:${number}`, 'x'));
  const stopped = threaded.shards.stop(10_000);
  t.is(await threaded.call('get', 'key:0'), 'error shutting-down the node is shutting down');
  t.true((await Promise.all(replies)).every((reply) => reply === 'OK'));
  await stopped;
  t.false(threaded.shards.supervisor.serving(0));
  t.deepEqual(threaded.deaths, []);
});

test.serial('shards that do not start say so', async (t) => {
  const threaded = new ThreadedShards({ entry: new URL('./no-such-thread.mjs', import.meta.url) });
  await t.throwsAsync(threaded.shards.started(), { name: 'FluxError', message: /shard \d did not start/ });
  await threaded.shards.stop(100);
});
