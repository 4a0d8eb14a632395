import { setTimeout } from 'node:timers/promises';
import test from 'ava';
import { ClusterProcesses } from '../../../cluster-processes.ts';
import { RespConnection } from '../../../resp-connection.ts';
import { runProgram } from '../../cli/program.ts';

const NAMES = ['n1', 'n2', 'n3'];

function flags(fsync: string): string[] {
  return ['--copies', '2', '--partitions', '32', '--persistence', '--fsync', fsync, '--on-loss', 'offline'];
}

/** Rounds of a writer before nodes are killed: all of its keys are written, and some again. */
const ROUNDS_MIN = 80;

/** Writes through a node, and tells what was acknowledged once it has ended. */
interface Writer {
  /** Resolves when it has made that many rounds, or has ended. */
  readonly busy: Promise<void>;
  readonly acknowledged: Promise<ReadonlyMap<string, string>>;
}

/** Begins to write keys one after the other through a node until told to stop, or until it dies. */
function beginWriting(tcpPort: number, prefix: string, hasEnded: () => boolean): Writer {
  let onBusy: () => void = () => undefined;
  const busy = new Promise<void>((resolve) => {
    onBusy = resolve;
  });
  const acknowledged = writeUntil(tcpPort, prefix, hasEnded, onBusy).finally(onBusy);
  return { busy, acknowledged };
}

async function writeUntil(
  tcpPort: number,
  prefix: string,
  hasEnded: () => boolean,
  onBusy: () => void,
): Promise<ReadonlyMap<string, string>> {
  const acknowledged = new Map<string, string>();
  try {
    const connection = await RespConnection.open({ host: '127.0.0.1', port: tcpPort });
    for (let round = 0; !hasEnded(); round++) {
      if (round === ROUNDS_MIN) onBusy();
      const pairs = Array.from({ length: 8 }, (_, index) => [`${prefix}:${round % 50}:${index}`, `${round}`] as const);
      const replies = await connection.send(pairs.map(([key, value]) => ['SET', key, value]));
      for (const [index, [key, value]] of pairs.entries()) {
        if (replies[index]?.toString() === '+OK\r\n') acknowledged.set(key, value);
      }
    }
    connection.close();
  } catch {
    // It was killed.
  }
  return acknowledged;
}

/** Nodes of a slow machine may lose their leases for a while: what is refused is asked again for so long. */
const PATIENCE_MS = 60_000;

/** Keys whose value is older than what was acknowledged. */
async function missing(tcpPort: number, acknowledged: ReadonlyMap<string, string>): Promise<string[]> {
  const connection = await RespConnection.open({ host: '127.0.0.1', port: tcpPort });
  const giveUpAtMs = performance.now() + PATIENCE_MS;
  const found: string[] = [];
  let keys = [...acknowledged.keys()];
  while (keys.length > 0) {
    const replies = await connection.send(keys.map((key) => ['GET', key]));
    const refused: string[] = [];
    for (const [index, key] of keys.entries()) {
      const reply = replies[index]?.toString() ?? '';
      // A later write of it may have taken effect without an answer.
      if (Number(reply.split('\r\n')[1] ?? Number.NaN) >= Number(acknowledged.get(key))) continue;
      if (reply.startsWith('-') && performance.now() < giveUpAtMs) refused.push(key);
      else found.push(`${key}: ${JSON.stringify(reply)}`);
    }
    keys = refused;
    if (keys.length > 0) await setTimeout(100);
  }
  connection.close();
  return found;
}

/** How often all copies of a partition were lost, as each node knows it: what alerts go by. */
async function lossesOf({ nodes }: ClusterProcesses): Promise<number[]> {
  const pages = await Promise.all(nodes.map(async ({ url }) => (await fetch(`${url}/metrics`)).text()));
  return pages.map((page) => Number(/^fluxcache_cluster_partition_losses_total\S* (\d+)$/m.exec(page)?.[1]));
}

test.serial(
  'every acknowledged write is there after all nodes were killed under load, and started again',
  async (t) => {
    t.timeout(240_000);
    const cluster = await ClusterProcesses.start({ count: 3, flags: flags('always') });
    t.teardown(() => cluster.end());
    const acknowledged = new Map<string, string>();
    for (let round = 0; round < 2; round++) {
      let hasEnded = false;
      const writers = cluster.nodes.map(({ tcpPort, name }) => beginWriting(tcpPort, name, () => hasEnded));
      await Promise.all(writers.map(({ busy }) => busy));
      await Promise.all(NAMES.map((name) => cluster.process(name).kill()));
      hasEnded = true;
      for (const written of await Promise.all(writers.map((writer) => writer.acknowledged))) {
        t.true(written.size > 0);
        for (const [key, value] of written) acknowledged.set(key, value);
      }
      await Promise.all(NAMES.map((name) => cluster.startNode(name)));
      await Promise.all(NAMES.map((name) => cluster.isReady(name)));
      for (const { tcpPort } of cluster.nodes) t.deepEqual(await missing(tcpPort, acknowledged), []);
    }
  },
);

test.serial('with fsync everysec a cluster comes back with its keys after all of its nodes were killed', async (t) => {
  t.timeout(240_000);
  const cluster = await ClusterProcesses.start({ count: 3, flags: flags('everysec') });
  t.teardown(() => cluster.end());
  let hasEnded = false;
  const writer = beginWriting(cluster.nodes[0]?.tcpPort ?? 0, 'n1', () => hasEnded);
  await writer.busy;
  hasEnded = true;
  const acknowledged = await writer.acknowledged;
  t.true(acknowledged.size > 0);
  await Promise.all(NAMES.map((name) => cluster.process(name).kill()));
  await Promise.all(NAMES.map((name) => cluster.startNode(name)));
  await Promise.all(NAMES.map((name) => cluster.isReady(name)));
  for (const { tcpPort } of cluster.nodes) t.deepEqual(await missing(tcpPort, acknowledged), []);
  t.deepEqual(await lossesOf(cluster), [0, 0, 0]);
});

test.serial('a cluster whose nodes all ended in order comes back with its keys, from snapshots too', async (t) => {
  t.timeout(240_000);
  const cluster = await ClusterProcesses.start({ count: 3, flags: flags('everysec') });
  t.teardown(() => cluster.end());
  const port = cluster.nodes[0]?.tcpPort ?? 0;
  const connection = await RespConnection.open({ host: '127.0.0.1', port });
  const acknowledged = new Map(Array.from({ length: 500 }, (_, index) => [`k:${index}`, `${index}`] as const));
  await connection.send([...acknowledged].map(([key, value]) => ['SET', key, value]));
  t.is((await connection.send([['SAVE']]))[0]?.toString(), '+OK\r\n');
  await connection.send([['SET', 'k:1', '1001']]);
  acknowledged.set('k:1', '1001');
  connection.close();
  for (const name of NAMES) cluster.process(name).child.kill('SIGTERM');
  await Promise.all(NAMES.map((name) => cluster.process(name).ended));
  for (const name of NAMES) t.notRegex(cluster.process(name).log, /is lost/, 'nothing is');
  const repair = await runProgram(['repair', cluster.directoryOf('n1')]);
  t.is(repair.code, 0, `there is nothing to repair: ${repair.stdout}${repair.stderr}`);
  await Promise.all(NAMES.map((name) => cluster.startNode(name)));
  await Promise.all(NAMES.map((name) => cluster.isReady(name)));
  for (const { tcpPort } of cluster.nodes) t.deepEqual(await missing(tcpPort, acknowledged), []);
  t.deepEqual(await lossesOf(cluster), [0, 0, 0], 'no alert says that anything was');
});
