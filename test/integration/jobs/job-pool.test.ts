import test, { type ExecutionContext } from 'ava';
import { type Job, JobPool, type JobPoolOptions } from '../../../src/jobs/job-pool.ts';
import type { Script } from './scripted-job.ts';

const JOB: Job = { name: 'scripted', entry: new URL('./scripted-job.ts', import.meta.url), timeoutMs: 30_000 };

interface Bench {
  readonly pool: JobPool;
  readonly errors: string[];
  run(script: Script, job?: Partial<Job>): Promise<unknown>;
}

/** A pool that is stopped when the test ends. */
function benchOf(t: ExecutionContext, options: Partial<JobPoolOptions> = {}): Bench {
  const errors: string[] = [];
  const ignore = (): void => {};
  const logger = {
    debug: ignore,
    info: ignore,
    warn: ignore,
    error: (fields: object, message: string) => void errors.push(`${message}: ${JSON.stringify(fields)}`),
  };
  const pool = new JobPool({ logger, ...options });
  t.teardown(() => pool.stop());
  return { pool, errors, run: (script, job = {}) => pool.run({ ...JOB, ...job }, script) };
}

/** Resolves when a job has set the first word. */
async function begun(shared: SharedArrayBuffer): Promise<void> {
  const words = new Int32Array(shared);
  while (Atomics.load(words, 0) === 0) await new Promise((resolve) => setTimeout(resolve, 5));
}

test('a job is given its input, answers, and its thread serves the next one', async (t) => {
  const { run, errors } = benchOf(t);
  t.deepEqual(await run({ act: 'answer', value: 'a' }), { kind: 'done', output: { value: 'a', calls: 1 } });
  t.deepEqual(await run({ act: 'answer', value: 'b' }), { kind: 'done', output: { value: 'b', calls: 2 } });
  t.deepEqual(errors, []);
});

test('jobs run one after the other, in their order', async (t) => {
  const { run } = benchOf(t);
  const shared = new SharedArrayBuffer(8);
  const order: string[] = [];
  const note = (what: string) => () => void order.push(what);
  const first = run({ act: 'wait', shared }).then(note('first'));
  const second = run({ act: 'answer' }).then(note('second'));
  await begun(shared);
  t.deepEqual(order, []);
  const words = new Int32Array(shared);
  Atomics.store(words, 1, 1);
  Atomics.notify(words, 1);
  await Promise.all([first, second]);
  t.deepEqual(order, ['first', 'second']);
});

test('a job that throws has failed, which is logged, and its thread serves the next one', async (t) => {
  let lost = 0;
  const { run, errors } = benchOf(t, { onThreadLost: () => lost++ });
  const failed = (await run({ act: 'throw', value: 'no such luck' })) as { kind: string; reason: string };
  t.is(failed.kind, 'failed');
  t.regex(failed.reason, /no such luck/);
  t.is(errors.length, 1);
  t.regex(errors[0] ?? '', /a job failed.*scripted.*no such luck/);
  t.deepEqual(await run({ act: 'answer', value: 'b' }), { kind: 'done', output: { value: 'b', calls: 2 } });
  t.is(lost, 0);
});

for (const [what, script, reason] of [
  ['that ends its thread', { act: 'exit' }, /exit/],
  ['that runs out of heap', { act: 'fill-heap' }, /memory/],
] as const) {
  test(`a job ${what} has failed: its thread is told lost once it has ended, and the next job has another`, async (t) => {
    let lost = 0;
    const { run, errors } = benchOf(t, { onThreadLost: () => lost++, heapMiB: 32 });
    const failing = run(script);
    const next = run({ act: 'answer', value: 'b' });
    const failed = (await failing) as { kind: string; reason: string };
    t.is(failed.kind, 'failed');
    t.regex(failed.reason, reason);
    t.is(lost, 1);
    t.is(errors.length, 1);
    t.deepEqual(await next, { kind: 'done', output: { value: 'b', calls: 1 } });
  });
}

test('a job that takes too long has failed, and its thread is ended', async (t) => {
  let lost = 0;
  const { run, errors } = benchOf(t, { onThreadLost: () => lost++ });
  const shared = new SharedArrayBuffer(8);
  const words = new Int32Array(shared);
  let attempts = 0;
  // On a machine with much to do, the time may be over before the thread has begun with it.
  while (Atomics.load(words, 0) === 0) {
    attempts++;
    const failed = (await run({ act: 'hang', shared }, { timeoutMs: 1000 * attempts })) as {
      kind: string;
      reason: string;
    };
    t.is(failed.kind, 'failed');
    t.is(failed.reason, `it took longer than ${1000 * attempts} ms`);
  }
  t.true(lost >= 1 && lost <= attempts, `${lost} of ${attempts}`);
  t.is(errors.length, attempts);
  t.deepEqual(await run({ act: 'answer', value: 'b' }), { kind: 'done', output: { value: 'b', calls: 1 } });
});

test('stopping ends the job that runs and those that wait, and logs nothing', async (t) => {
  let lost = 0;
  const { pool, run, errors } = benchOf(t, { onThreadLost: () => lost++ });
  const shared = new SharedArrayBuffer(8);
  const running = run({ act: 'hang', shared });
  const waiting = run({ act: 'answer' });
  await begun(shared);
  await pool.stop();
  t.deepEqual(await running, { kind: 'stopped' });
  t.deepEqual(await waiting, { kind: 'stopped' });
  t.deepEqual(await run({ act: 'answer' }), { kind: 'stopped' });
  t.is(lost, 1);
  t.deepEqual(errors, []);
});

test('a thread without a job ends, and the next job has another', async (t) => {
  const { run } = benchOf(t, { idleMs: 1 });
  await run({ act: 'answer' });
  let calls = 2;
  // When it has ended is not told: jobs that find it still there count on.
  for (let left = 100; left > 0 && calls > 1; left--) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    ({
      output: { calls },
    } = (await run({ act: 'answer' })) as { output: { calls: number } });
  }
  t.is(calls, 1);
});

test('an input that cannot be copied is a failure', async (t) => {
  const { pool } = benchOf(t);
  const result = await pool.run(JOB, { act: () => {} });
  t.is(result.kind, 'failed');
});
