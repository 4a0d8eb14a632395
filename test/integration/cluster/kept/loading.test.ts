import test from 'ava';
import { ClusterProcesses } from '../../../cluster-processes.ts';
import { RespConnection } from '../../../resp-connection.ts';

/** Enough that the node is seen while it reads them. */
const COUNT = 200_000;
const PER_COMMAND = 2000;
const FLAGS = ['--copies', '1', '--partitions', '16', '--persistence', '--on-loss', 'offline', '--max-memory', '512mb'];

test('a node of a cluster listens while it reads what was kept, says so, and then serves all of it', async (t) => {
  t.timeout(240_000);
  const cluster = await ClusterProcesses.start({ count: 1, flags: FLAGS });
  t.teardown(() => cluster.end());
  const { tcpPort, url } = cluster.addressesOf('n1');
  const writer = await RespConnection.open({ host: '127.0.0.1', port: tcpPort });
  const value = 'v'.repeat(64);
  for (let first = 0; first < COUNT; first += PER_COMMAND) {
    const pairs = Array.from({ length: PER_COMMAND }, (_, index) => [`key:${first + index}`, value]).flat();
    t.is((await writer.send([['MSET', ...pairs]]))[0]?.toString(), '+OK\r\n');
  }
  writer.close();
  await cluster.process('n1').kill();
  const node = await cluster.startNode('n1');
  await node.logged(({ msg }) => (msg === 'reading what was kept on the disk' ? true : undefined));
  const resp = await RespConnection.open({ host: '127.0.0.1', port: tcpPort });
  t.teardown(() => resp.close());
  const commands = [
    ['GET', 'key:1'],
    ['SET', 'key:1', 'w'],
    ['DBSIZE'],
    ['PING'],
    ['MULTI'],
    ['GET', 'key:1'],
    ['EXEC'],
  ];
  const [replies, live, ready, metrics] = await Promise.all([
    resp.send([...commands, ['INFO', 'persistence']]),
    fetch(`${url}/livez`),
    fetch(`${url}/readyz`),
    fetch(`${url}/metrics`),
  ]);
  const texts = replies.map(String);
  for (const index of [0, 1, 2, 3, 6]) t.regex(texts[index] as string, /^-LOADING /, commands[index]?.join(' '));
  t.regex(texts.at(-1) as string, /\r\nloading:1\r\n/);
  t.deepEqual([live.status, ready.status, metrics.status], [200, 503, 200]);
  t.regex(await ready.text(), /reading what was kept on the disk/);
  t.regex(await metrics.text(), /^fluxcache_cluster_lease_seconds.* 0$/m);

  await cluster.isReady('n1');
  const [size, one, info] = (await resp.send([['DBSIZE'], ['GET', 'key:1'], ['INFO', 'persistence']])).map(String);
  t.is(size, `:${COUNT}\r\n`);
  t.is(one, `$64\r\n${value}\r\n`);
  t.regex(info as string, /\r\nloading:0\r\n/);
});
