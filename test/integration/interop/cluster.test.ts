import test, { type ExecutionContext } from 'ava';
import { Cluster } from 'ioredis';
import { createCluster } from 'redis';
import { createClient } from '../../../src/index.ts';
import { ClusterProcesses } from '../../cluster-processes.ts';
import { runProgram } from '../cli/program.ts';
import { areRedisToolsInstalled, runTool } from './redis-tools.ts';

// redis-cli and redis-benchmark are Debian's redis-tools; without them these tests are told as skipped.
const testTools = areRedisToolsInstalled ? test : test.skip;
const REQUESTS = 2000;

let cluster: ClusterProcesses;

test.before(async () => {
  // A long lease: a machine that is busy with other tests keeps processes waiting.
  cluster = await ClusterProcesses.start({ count: 3, flags: ['--lease', '10s', '--partitions', '16'] });
});

test.after.always(async () => {
  await cluster?.end();
});

function keysOf(prefix: string, count = 60): string[] {
  return Array.from({ length: count }, (_, index) => `${prefix}:${index}`);
}

async function redisCli(t: ExecutionContext, port: number, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await runTool(['redis-cli', '-p', String(port), ...args]);
  t.is(code, 0, stderr);
  return stdout.trim();
}

test('the client library finds all nodes by one of them, and asks each for its own keys', async (t) => {
  const [first] = cluster.nodes;
  const client = createClient({ port: first?.tcpPort ?? 0, commandTimeoutMs: 30_000 });
  t.teardown(() => client.destroy());
  const known = new Promise<readonly { port: number }[]>((resolve) =>
    client.on('topology', ({ nodes }) => resolve(nodes)),
  );
  const keys = keysOf('flux');
  await client.mset(keys.map((key, index) => [key, index] as const));
  t.deepEqual(await client.mget(keys), [...keys.keys()]);
  t.deepEqual((await known).map(({ port }) => port).sort(), cluster.nodes.map(({ tcpPort }) => tcpPort).sort());
  const found: unknown[] = [];
  for await (const key of client.scan({ match: 'flux:*', count: 25 })) found.push(key);
  t.deepEqual(found.sort(), [...keys].sort());
  t.is(await client.incr('flux:0', 5), 5);
  const news = await client.subscribe('flux-news');
  t.is(await client.publish('flux-news', 'hello'), 1);
  t.is((await news.next()).value?.payload, 'hello');
  t.is(await client.delete(...keys), keys.length);
});

test('reads of the client library from copies come to be what was written', async (t) => {
  const [first] = cluster.nodes;
  const client = createClient({ port: first?.tcpPort ?? 0, readFrom: 'replica', commandTimeoutMs: 30_000 });
  t.teardown(() => client.destroy());
  const keys = keysOf('copy', 30);
  await client.mset(keys.map((key, index) => [key, index] as const));
  // Copies may be a little behind, for so long as the cluster allows at most.
  for (;;) {
    const values = await client.mget(keys);
    if (values.every((value, index) => value === index)) break;
  }
  t.pass();
});

test('ioredis as a cluster client reads and writes keys of all nodes, in pipelines of one slot, and follows redirects', async (t) => {
  const startup = cluster.nodes.slice(1, 2).map(({ tcpPort }) => ({ host: '127.0.0.1', port: tcpPort }));
  const client = new Cluster(startup, { slotsRefreshTimeout: 30_000, redisOptions: { connectTimeout: 30_000 } });
  t.teardown(() => client.disconnect());
  const keys = keysOf('io');
  t.deepEqual(
    await Promise.all(keys.map((key, index) => client.set(key, index))),
    keys.map(() => 'OK'),
  );
  t.deepEqual(
    await Promise.all(keys.map((key) => client.get(key))),
    keys.map((_, index) => `${index}`),
  );
  t.is(client.nodes('master').length, 3);
  const piped = await client.pipeline().set('{io}a', 1).incr('{io}a').get('{io}a').exec();
  t.deepEqual(piped, [
    [null, 'OK'],
    [null, 2],
    [null, '2'],
  ]);
  t.deepEqual(await client.multi().incr('{io}a').incr('{io}a').exec(), [
    [null, 3],
    [null, 4],
  ]);
  t.deepEqual(await client.mget('{io}a', '{io}none'), ['4', null]);
});

test('ioredis reads from replicas when it is told to', async (t) => {
  const startup = cluster.nodes.map(({ tcpPort }) => ({ host: '127.0.0.1', port: tcpPort }));
  const client = new Cluster(startup, { scaleReads: 'slave', slotsRefreshTimeout: 30_000 });
  t.teardown(() => client.disconnect());
  t.is(await client.set('ios:a', 'x'), 'OK');
  while ((await client.get('ios:a')) !== 'x');
  t.pass();
});

test('node-redis as a cluster client reads and writes keys of all nodes, transactions and subscriptions included', async (t) => {
  const [first] = cluster.nodes;
  const client = createCluster({ rootNodes: [{ url: `redis://127.0.0.1:${first?.tcpPort}` }] });
  await client.connect();
  t.teardown(() => client.destroy());
  const keys = keysOf('nr');
  t.deepEqual(
    await Promise.all(keys.map((key, index) => client.set(key, String(index)))),
    keys.map(() => 'OK'),
  );
  t.deepEqual(
    await Promise.all(keys.map((key) => client.get(key))),
    keys.map((_, index) => `${index}`),
  );
  t.is(client.masters.length, 3);
  t.deepEqual(await client.multi().set('{nr}a', '1').incr('{nr}a').execTyped(), ['OK', 2]);
  const got = new Promise((resolve) => void client.subscribe('nr-news', resolve));
  while ((await client.publish('nr-news', 'hello')) === 0);
  t.is(await got, 'hello');
});

testTools('redis-cli works at any node, with -c and without, and is told of the cluster', async (t) => {
  const ports = cluster.nodes.map(({ tcpPort }) => tcpPort);
  const [one = 0, two = 0, three = 0] = ports;
  for (const [index, key] of keysOf('cli', 6).entries()) {
    const port = ports[index % 3] ?? 0;
    t.is(await redisCli(t, port, '-c', 'set', key, `v${index}`), 'OK');
    t.is(await redisCli(t, ports[(index + 1) % 3] ?? 0, 'get', key), `v${index}`);
    t.is(await redisCli(t, ports[(index + 2) % 3] ?? 0, '-c', 'get', key), `v${index}`);
  }
  t.regex(await redisCli(t, one, 'cluster', 'info'), /cluster_state:ok\r?\n[\s\S]*cluster_known_nodes:3/);
  t.is((await redisCli(t, two, 'cluster', 'nodes')).split('\n').length, 3);
  const found = (await redisCli(t, three, '--scan', '--pattern', 'cli:*')).split('\n').sort();
  t.deepEqual(found, keysOf('cli', 6));
});

testTools('redis-benchmark --cluster spreads its requests over all nodes, and none fails', async (t) => {
  const [first] = cluster.nodes;
  const { code, stdout, stderr } = await runTool([
    ...(['redis-benchmark', '--cluster', '-p', String(first?.tcpPort)] as const),
    ...['-t', 'set,get,incr', '-n', String(REQUESTS), '-r', '500', '-c', '6', '-P', '4', '-q'],
  ]);
  t.is(code, 0, stderr);
  const text = stdout.replaceAll('\r', '\n');
  t.regex(text, /Cluster has 3 master nodes/);
  t.notRegex(text, /error/i);
  const done = text.match(/^.*requests per second/gm) ?? [];
  t.deepEqual(
    done.map((line) => line.trim().split(':')[0]),
    ['SET', 'GET', 'INCR'],
  );
});

test('fluxcache cluster status tells of every node, and -c follows what a node redirects', async (t) => {
  const [first, second] = cluster.nodes;
  const { stdout, code, stderr } = await runProgram(['-p', String(second?.tcpPort), 'cluster', 'status']);
  t.is(code, 0, stderr);
  for (const { name, tcpPort } of cluster.nodes) t.regex(stdout, new RegExp(`${name}-\\w+ +127.0.0.1:${tcpPort} `));
  t.regex(stdout, /partitions: 16 of 16 online/);
  const lines = ['readonly', ...keysOf('c', 8).map((key) => `set ${key} 1`)].join('\n');
  const input = { input: lines.replace('readonly', 'client capa redirect') };
  const followed = await runProgram(['-p', String(first?.tcpPort), '-c', '--raw'], input);
  t.is(followed.code, 0, followed.stdout);
  t.deepEqual(followed.stdout.trim().split('\n'), Array(9).fill('OK'));
});
