import test, { type ExecutionContext } from 'ava';
import { createClient, type FluxClient } from '../../../src/index.ts';
import { ClusterProcesses } from '../../cluster-processes.ts';
import { testScale } from '../../scale.ts';

const SILENCE_MAX_MS = 800;
const keys = Array.from({ length: 40 }, (_, index) => `near:${index}`);

/** What was acknowledged of one key, in order: the value is its index. */
type Acknowledged = Map<string, number[]>;

/** Writes ever larger numbers to all keys, one after the other, whatever becomes of the cluster. */
async function write(writer: FluxClient, acknowledged: Acknowledged, mayGoOn: () => boolean): Promise<void> {
  for (let value = 1; mayGoOn(); value++) {
    for (const key of keys) {
      for (;;) {
        try {
          await writer.set(key, value, { retryable: true });
          break;
        } catch {
          // Its outcome is not known: the same again.
        }
      }
      acknowledged.get(key)?.push(performance.now());
    }
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

interface Watch {
  reads: number;
  /** The longest after an acknowledgement that something older was answered. */
  stalestMs: number;
  readonly faults: string[];
}

async function read(near: FluxClient, acknowledged: Acknowledged, mayGoOn: () => boolean): Promise<Watch> {
  const watch: Watch = { reads: 0, stalestMs: 0, faults: [] };
  const seen = new Map<string, number>();
  while (mayGoOn()) {
    for (const key of keys) {
      const askedMs = performance.now();
      let value: number | null;
      try {
        value = await near.get<number>(key);
      } catch {
        continue;
      }
      watch.reads++;
      const number = value ?? 0;
      // When the one after it was acknowledged.
      const endedMs = acknowledged.get(key)?.[number + 1] ?? Number.POSITIVE_INFINITY;
      watch.stalestMs = Math.max(watch.stalestMs, askedMs - endedMs);
      if (number < (seen.get(key) ?? 0)) watch.faults.push(`${key}: ${number} behind ${seen.get(key)}`);
      seen.set(key, number);
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
  return watch;
}

async function until(isSo: () => boolean | Promise<boolean>, limitMs = 60_000): Promise<void> {
  const deadlineMs = performance.now() + limitMs;
  while (!(await isSo())) {
    if (performance.now() > deadlineMs) throw new Error(`it was not so within ${limitMs} ms: ${String(isSo)}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function race(t: ExecutionContext, trouble: (cluster: ClusterProcesses) => Promise<void>): Promise<void> {
  const cluster = await ClusterProcesses.start({ count: 3 });
  t.teardown(() => cluster.end());
  const endpoints = cluster.nodes.map(({ tcpPort }) => `127.0.0.1:${tcpPort}`);
  const writer = createClient({ endpoints, commandTimeoutMs: 10_000 });
  const near = createClient({ endpoints, commandTimeoutMs: 10_000, nearCache: { silenceMax: SILENCE_MAX_MS } });
  t.teardown(() => {
    writer.destroy();
    near.destroy();
  });
  const acknowledged: Acknowledged = new Map(keys.map((key) => [key, [0]]));
  const roundsOf = () => Math.min(...[...acknowledged.values()].map(({ length }) => length));
  let isRunning = true;
  const writing = write(writer, acknowledged, () => isRunning);
  const reading = read(near, acknowledged, () => isRunning);
  await until(() => roundsOf() > 5);
  await trouble(cluster);
  const rounds = roundsOf();
  await until(() => roundsOf() > rounds + 5);
  isRunning = false;
  await writing;
  const { reads, stalestMs, faults } = await reading;
  const { hits = 0 } = near.nearCache ?? {};
  t.log(`${reads} reads, ${hits} from memory; the stalest was ${stalestMs.toFixed(1)} ms old`);
  t.deepEqual(faults.slice(0, 5), []);
  t.true(stalestMs <= SILENCE_MAX_MS, `${stalestMs} ms`);
  t.true(hits > keys.length);
  await near.ping();
  const last = keys.map((key) => (acknowledged.get(key)?.length ?? 0) - 1);
  await until(async () => (await near.mget<number>(keys)).every((value, index) => value === last[index]));
  t.deepEqual(await near.mget<number>(keys), last);
}

/** Each takes a cluster of its own: one in the default suite. */
const long = testScale > 1 ? test.serial : test.serial.skip;

test.serial(
  'nothing old is answered when a node stands still, is replaced, and goes on as if nothing had been',
  async (t) => {
    await race(t, async (cluster) => {
      const { url } = cluster.addressesOf('n1');
      const hasFailedOver = /^fluxcache_failovers_total\S* [1-9]/m;
      cluster.process('n3').signal('SIGSTOP');
      await until(async () => hasFailedOver.test(await (await fetch(`${url}/metrics`)).text()));
      cluster.process('n3').signal('SIGCONT');
      await cluster.isReady('n3');
    });
  },
);

long('nor when a node dies, and another serves its keys', async (t) => {
  await race(t, async (cluster) => {
    await cluster.process('n2').kill();
  });
});

long('nor when a node hands over and leaves', async (t) => {
  await race(t, async (cluster) => {
    cluster.process('n1').signal('SIGTERM');
    await cluster.process('n1').ended;
    await cluster.startNode('n1');
    await cluster.isReady('n1');
  });
});
