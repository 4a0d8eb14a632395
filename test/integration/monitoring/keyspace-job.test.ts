import test, { type ExecutionContext } from 'ava';
import type { Logger } from '../../../src/base/ports.ts';
import { systemClock } from '../../../src/base/ports.ts';
import { JobPool } from '../../../src/jobs/job-pool.ts';
import { KeyspaceWatch } from '../../../src/monitoring/keyspace/keyspace-watch.ts';
import { Arena } from '../../../src/store/arena.ts';
import { ReaderSlot } from '../../../src/store/layout.ts';
import { NodeProcess } from '../../node-process.ts';
import { type ThreadedOptions, ThreadedShards } from '../../threaded-shards.ts';

interface Bench {
  readonly threaded: ThreadedShards;
  readonly jobs: JobPool;
  readonly errors: string[];
  readonly watch: KeyspaceWatch;
  /** What the slots of jobs held when a thread was lost. */
  readonly heldWhenLost: number[][];
  /** What they hold now. */
  held(): number[];
}

async function benchOf(t: ExecutionContext, options: ThreadedOptions = {}): Promise<Bench> {
  const threaded = new ThreadedShards(options);
  const errors: string[] = [];
  const ignore = (): void => {};
  const error = (fields: object, message: string): void => void errors.push(`${message} ${JSON.stringify(fields)}`);
  const logger: Logger = { debug: ignore, info: ignore, warn: ignore, error };
  const { shards } = threaded;
  const { memories, reader } = shards.jobMemory;
  const held = (): number[] =>
    memories.map((memory) => {
      const arena = new Arena(memory);
      return Atomics.load(arena.words, arena.readerSlots + reader * ReaderSlot.words + ReaderSlot.epoch);
    });
  const heldWhenLost: number[][] = [];
  const onThreadLost = (): void => {
    heldWhenLost.push(held());
    shards.forgetJob();
  };
  const jobs = new JobPool({ logger, onThreadLost });
  const watch = new KeyspaceWatch({
    jobs,
    ...shards.jobMemory,
    intervalMs: 1,
    settings: { separator: ':', prefixesMax: 20, metricsPrefixes: ['stays:'] },
    clock: systemClock,
  });
  t.teardown(async () => {
    await jobs.stop();
    await watch.stop();
    await shards.stop(5000);
  });
  await shards.started();
  return { threaded, jobs, errors, watch, heldWhenLost, held };
}

async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise((resolve) => setTimeout(resolve, 5));
}

test('a thread beside the shards counts what stays, while all else is written, removed, cleared and expires', async (t) => {
  const { threaded, errors, watch } = await benchOf(t, { eviction: 'flux' });
  const stayers = 1000;
  const put = (key: string, ...more: string[]) => threaded.call('set', key, 'x'.repeat(50), ...more);
  for (let i = 0; i < stayers; i += 100) {
    await Promise.all(Array.from({ length: 100 }, (_, k) => put(`stays:${i + k}`)));
  }
  let round = 0;
  const counts: number[] = [];
  let last = watch.news();
  while (counts.length < 3) {
    round++;
    await Promise.all(
      Array.from({ length: 50 }, (_, i) => [
        put(`new:${round}:${i}`, 'px', '20'),
        put(`stays:${(round * 53 + i) % stayers}`),
        threaded.call('del', `new:${round - 1}:${i}`),
        threaded.call('append', `long:${i}`, 'y'.repeat(500)),
      ]).flat(),
    );
    const news = watch.news();
    if (news === last || news === null) continue;
    last = news;
    // What was begun before all were there does not count.
    counts.push(news.prefixes.find(({ prefix }) => prefix === 'stays:')?.keys ?? 0);
  }
  t.deepEqual(new Set(counts.slice(1)), new Set([stayers]));
  t.true(last?.largest.every(({ key }) => key.startsWith('long:')));
  await threaded.call('flushall');
  await put('stays:1');
  await until(() => watch.news()?.keys === 1);
  t.deepEqual(
    watch.news()?.largest.map(({ key }) => key),
    ['stays:1'],
  );
  t.deepEqual(errors, []);
  t.deepEqual(threaded.deaths, []);
});

test('a thread that ends while it reads holds up no writer, and the next analysis is well', async (t) => {
  const { threaded, jobs, errors, watch, heldWhenLost, held } = await benchOf(t);
  const entry = new URL('./dying-reader-job.ts', import.meta.url);
  const result = await jobs.run({ name: 'dying', entry, timeoutMs: 60_000 }, threaded.shards.jobMemory);
  t.is(result.kind, 'failed');
  t.is(heldWhenLost.length, 1);
  t.true(heldWhenLost[0]?.every((epoch) => epoch !== 0));
  t.deepEqual(held(), [0, 0]);
  t.is(errors.length, 1);
  // Together they are three times the budget: memory is used again.
  for (let i = 0; i < 330; i++) t.is(await threaded.call('set', `k:${i % 8}`, `${i}`.repeat(300_000)), 'OK');
  await until(() => watch.news()?.keys === 8);
  t.is(errors.length, 1);
});

test('a program that was built tells the memory of prefixes as metrics', async (t) => {
  const node = await NodeProcess.start({
    flags: ['--metrics-prefixes', 'user:,cart:', '--analysis-interval', '100ms', '--shards', '2'],
  });
  t.teardown(() => node.kill());
  const { url } = await node.ports();
  const commands = Array.from({ length: 300 }, (_, i) => ['SET', `${i < 200 ? 'user' : 'cart'}:${i}`, 'x'.repeat(100)]);
  const body = JSON.stringify(commands);
  const answer = await fetch(`${url}/pipeline`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body,
  });
  t.is(answer.status, 200);
  const metric = async (name: string): Promise<string | undefined> => {
    const text = await (await fetch(`${url}/metrics`)).text();
    return text.split('\n').find((line) => line.startsWith(`fluxcache_${name} `));
  };
  await until(
    async () => (await metric('prefix_keys{prefix="user:"}')) === 'fluxcache_prefix_keys{prefix="user:"} 200',
  );
  t.is(await metric('prefix_keys{prefix="cart:"}'), 'fluxcache_prefix_keys{prefix="cart:"} 100');
  const bytes = Number((await metric('prefix_memory_bytes{prefix="cart:"}'))?.split(' ')[1]);
  t.true(bytes > 100 * 100 && bytes < 100 * 250, `${bytes}`);
  node.signal('SIGTERM');
  t.is(await node.ended, 0);
  t.notRegex(node.log, /"level":"error"|"level":50/);
});
