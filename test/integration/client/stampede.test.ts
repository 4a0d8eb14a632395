import test, { type ExecutionContext } from 'ava';
import { createClient } from '../../../src/index.ts';
import { ClusterProcesses } from '../../cluster-processes.ts';
import { NodeProcess } from '../../node-process.ts';
import { LoadingProcess, type LoadReport } from './loading-processes.ts';

const PROCESSES = 4;
const CALLS = 250;

async function processesAt(t: ExecutionContext, url: string): Promise<LoadingProcess[]> {
  const processes = await Promise.all(Array.from({ length: PROCESSES }, () => LoadingProcess.start(url)));
  t.teardown(() => {
    for (const process of processes) process.kill();
  });
  return processes;
}

function reportsOf(processes: readonly LoadingProcess[]): Promise<LoadReport[]> {
  return Promise.all(processes.map((process) => process.told('done')));
}

function sumOf(reports: readonly LoadReport[], what: 'loads' | 'count'): number {
  return reports.reduce((sum, report) => sum + report[what], 0);
}

test('a thousand calls of four processes for a missing key load once; behind a stale value nobody waits', async (t) => {
  const node = await NodeProcess.start({ flags: [] });
  t.teardown(() => node.kill());
  const { tcpPort } = await node.ports();
  const url = `fluxcache://127.0.0.1:${tcpPort}`;
  const processes = await processesAt(t, url);

  const options = { ttl: 60_000, fillMs: 20_000 };
  for (const process of processes) process.ask({ key: 'missing', count: CALLS, loadMs: 300, options });
  const reports = await reportsOf(processes);
  t.is(sumOf(reports, 'loads'), 1);
  t.is(sumOf(reports, 'count'), PROCESSES * CALLS);
  t.is(new Set(reports.flatMap(({ values }) => values)).size, 1);
  t.deepEqual(
    reports.flatMap(({ faults }) => faults),
    [],
  );

  const client = createClient(url);
  t.teardown(() => client.destroy());
  await client.set('stale', { from: 0 }, { ttl: 1, stale: 600_000 });
  while ((await client.get('stale')) !== null);
  // The loader would take longer than any patience.
  for (const process of processes) process.ask({ key: 'stale', count: CALLS, loadMs: 600_000, options });
  const stale = await reportsOf(processes);
  t.is(sumOf(stale, 'count'), PROCESSES * CALLS);
  t.deepEqual(new Set(stale.flatMap(({ values }) => values)), new Set([0]));

  // Whoever has the token is killed amidst loading: another one loads when its time is over.
  const fillMs = 1000;
  const beganMs = performance.now();
  const patient = { ttl: 60_000, fillMs, waitMs: 60_000 };
  for (const process of processes) {
    process.ask({ key: 'orphaned', count: CALLS, loadMs: 0, isHeld: true, options: patient });
  }
  const holder = await Promise.any(processes.map((process) => process.told('loading').then(() => process)));
  holder.kill();
  const others = processes.filter((process) => process !== holder);
  for (const process of others) process.letGo();
  const taken = await reportsOf(others);
  t.is(sumOf(taken, 'loads'), 1);
  t.is(sumOf(taken, 'count'), others.length * CALLS);
  t.true(performance.now() - beganMs >= fillMs);
  t.is(new Set(taken.flatMap(({ values }) => values)).size, 1);
});

test('a key is loaded once although its primary is killed while it is loaded', async (t) => {
  t.timeout(120_000);
  const cluster = await ClusterProcesses.start({ count: 3, flags: ['--max-memory', '32mb', '--shards', '1'] });
  t.teardown(() => cluster.end());
  const endpoints = cluster.nodes.map(({ tcpPort }) => `127.0.0.1:${tcpPort}`).join(',');
  const processes = await processesAt(t, `fluxcache://${endpoints}`);
  const key = 'of-a-node-that-dies';
  const slot = Number(await askOnce(cluster, ['cluster keyslot', key]));
  const primaryPort = await primaryPortOf(cluster, slot);
  const victim = cluster.nodes.find(({ tcpPort }) => tcpPort === primaryPort);
  if (victim === undefined) throw new Error('the key is of no node');

  const options = { ttl: 60_000, fillMs: 30_000, whenDown: 'error', onWaitTimeout: 'error' };
  for (const process of processes) process.ask({ key, count: CALLS, loadMs: 100, isHeld: true, options });
  await Promise.any(processes.map((process) => process.told('loading')));
  await cluster.process(victim.name).kill();
  for (const process of processes) process.letGo();
  const reports = await reportsOf(processes);
  t.deepEqual(
    reports.flatMap(({ faults }) => faults),
    [],
  );
  t.is(sumOf(reports, 'loads'), 1);
  t.is(sumOf(reports, 'count'), PROCESSES * CALLS);
  t.is(new Set(reports.flatMap(({ values }) => values)).size, 1);
});

async function askOnce(cluster: ClusterProcesses, [method, ...params]: [string, ...string[]]): Promise<unknown> {
  const client = createClient({ port: cluster.nodes[0]?.tcpPort ?? 0, cluster: false });
  try {
    return await client.call(method, ...params);
  } finally {
    client.destroy();
  }
}

async function primaryPortOf(cluster: ClusterProcesses, slot: number): Promise<number> {
  const ranges = (await askOnce(cluster, ['cluster slots'])) as [number, number, [string, number]][];
  const range = ranges.find(([first, last]) => first <= slot && slot <= last);
  return range?.[2][1] ?? 0;
}
