import test, { type ExecutionContext } from 'ava';
import type { JobResult } from '../../../../src/jobs/job-pool.ts';
import { type AnalysisInput, analyseKeyspace } from '../../../../src/monitoring/keyspace/analyse-keyspace.ts';
import { KeyspaceWatch, type KeyspaceWatchOptions } from '../../../../src/monitoring/keyspace/keyspace-watch.ts';
import { KeyspaceStores } from './keyspace-stores.ts';

/** Far more than anything here takes. */
const NEVER_MS = 3_600_000;

class Bench {
  readonly stores = new KeyspaceStores();
  readonly watch: KeyspaceWatch;
  /** Analyses that were begun, and the most that ran at once. */
  begun = 0;
  atOnce = 0;
  /** What jobs come to, if not to what they should. */
  outcome: JobResult<never> | null = null;
  #running = 0;
  #gate: Promise<void> = Promise.resolve();
  #open: () => void = () => {};

  constructor(t: ExecutionContext, options: Partial<KeyspaceWatchOptions>) {
    this.watch = new KeyspaceWatch({
      jobs: {
        run: <Output>(_job: unknown, input: unknown) => this.#run(input as AnalysisInput) as Promise<JobResult<Output>>,
      },
      memories: this.stores.memories,
      reader: 1,
      intervalMs: 0,
      watchedIntervalMs: NEVER_MS,
      settings: { separator: ':', prefixesMax: 10, metricsPrefixes: ['a:'] },
      clock: this.stores.clock,
      ...options,
    });
    t.teardown(() => this.watch.stop());
  }

  async #run(input: AnalysisInput): Promise<JobResult<unknown>> {
    this.begun++;
    this.#running++;
    this.atOnce = Math.max(this.atOnce, this.#running);
    await this.#gate;
    this.#running--;
    return this.outcome ?? { kind: 'done', output: analyseKeyspace(input, this.stores.clock, () => {}) };
  }

  /** Analyses do not end until the function returned is called. */
  hold(): () => void {
    this.#gate = new Promise((resolve) => {
      this.#open = resolve;
    });
    return () => this.#open();
  }

  async until(isSo: () => boolean): Promise<void> {
    while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

/** Long enough for a timer of a millisecond or two to be seen to have run. */
const aWhile = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 30));

test('keys are analysed at every interval, and what is told is replaced', async (t) => {
  const { watch, stores, until } = new Bench(t, { intervalMs: 2 });
  t.is(watch.news(), null);
  t.deepEqual(watch.metricsPrefixes(), []);
  stores.put(0, 'a:1', 10);
  await until(() => watch.news()?.keys === 1);
  t.like(watch.metricsPrefixes()[0], { prefix: 'a:', keys: 1 });
  stores.put(0, 'a:2', 10);
  await until(() => watch.news()?.keys === 2);
  t.is(watch.news()?.prefixes[0]?.keys, 2);
});

test('without an interval nothing is analysed until somebody looks, and then at once', async (t) => {
  const bench = new Bench(t, {});
  bench.stores.put(0, 'a:1', 10);
  await aWhile();
  t.is(bench.begun, 0);
  bench.watch.watch();
  await bench.until(() => bench.watch.news() !== null);
  t.is(bench.begun, 1);
});

test('it is analysed often while anybody looks, and no more when nobody does', async (t) => {
  const bench = new Bench(t, { watchedIntervalMs: 2 });
  bench.stores.put(0, 'a:1', 10);
  const first = bench.watch.watch();
  const second = bench.watch.watch();
  first();
  first();
  const before = bench.begun;
  await bench.until(() => bench.begun > before + 3);
  second();
  await aWhile();
  const then = bench.begun;
  await aWhile();
  t.is(bench.begun, then);
});

test('whoever looks again soon is shown what there is', async (t) => {
  const bench = new Bench(t, {});
  bench.stores.put(0, 'a:1', 10);
  bench.watch.watch()();
  const end = bench.watch.watch();
  await bench.until(() => bench.watch.news() !== null);
  end();
  bench.watch.watch();
  await aWhile();
  t.is(bench.begun, 1);
});

test('two analyses never run at once', async (t) => {
  const bench = new Bench(t, { intervalMs: 1, watchedIntervalMs: 1 });
  bench.stores.put(0, 'a:1', 10);
  const release = bench.hold();
  await bench.until(() => bench.begun === 1);
  for (let i = 0; i < 5; i++) bench.watch.watch();
  await aWhile();
  t.is(bench.begun, 1);
  release();
  await bench.until(() => bench.begun > 3);
  t.is(bench.atOnce, 1);
});

test('an analysis that fails leaves what was told, and the next comes at its time', async (t) => {
  const bench = new Bench(t, { intervalMs: 5 });
  bench.stores.put(0, 'a:1', 10);
  await bench.until(() => bench.watch.news() !== null);
  bench.outcome = { kind: 'failed', reason: 'a test' };
  await bench.until(() => bench.begun > 3);
  const told = bench.watch.news();
  t.is(told?.keys, 1);
  bench.stores.put(0, 'a:2', 10);
  bench.outcome = null;
  await bench.until(() => bench.watch.news()?.keys === 2);
});

test('an analysis that fails is not tried again at once because somebody looks', async (t) => {
  const bench = new Bench(t, {});
  bench.outcome = { kind: 'failed', reason: 'a test' };
  bench.stores.put(0, 'a:1', 10);
  bench.watch.watch();
  await bench.until(() => bench.begun === 1);
  await aWhile();
  bench.watch.watch();
  await aWhile();
  t.is(bench.begun, 1);
  t.is(bench.watch.news(), null);
});

test('no job is begun for a node without keys, and what was told is forgotten', async (t) => {
  const bench = new Bench(t, { intervalMs: 2 });
  await bench.until(() => bench.watch.news() !== null);
  t.is(bench.begun, 0);
  t.is(bench.watch.news()?.keys, 0);
  t.deepEqual(bench.watch.metricsPrefixes(), [{ prefix: 'a:', keys: 0, bytes: 0 }]);
  bench.stores.put(0, 'a:1', 10);
  await bench.until(() => bench.watch.news()?.largest.length === 1);
  bench.stores.remove(0, 'a:1');
  await bench.until(() => bench.watch.news()?.largest.length === 0);
  t.deepEqual(bench.watch.metricsPrefixes(), [{ prefix: 'a:', keys: 0, bytes: 0 }]);
});

test('stopping waits for the analysis that runs, and none is begun after that', async (t) => {
  const bench = new Bench(t, { intervalMs: 1 });
  bench.stores.put(0, 'a:1', 10);
  const release = bench.hold();
  await bench.until(() => bench.begun === 1);
  let isStopped = false;
  const stopped = bench.watch.stop().then(() => {
    isStopped = true;
  });
  await aWhile();
  t.false(isStopped);
  release();
  await stopped;
  bench.watch.watch();
  await aWhile();
  t.is(bench.begun, 1);
});
