import { spawn } from 'node:child_process';
import { once } from 'node:events';
import test from 'ava';
import { ClusterProcesses } from '../../cluster-processes.ts';
import { RespConnection } from '../../resp-connection.ts';
import { program, runProgram } from './program.ts';

const KEYS = 6000;

test('an import goes on while a node of the cluster is killed, and an export from any other has all of it', async (t) => {
  const cluster = await ClusterProcesses.start({ count: 3, flags: ['--copies', '2', '--partitions', '32'] });
  t.teardown(() => cluster.end());
  const port = (name: string) => String(cluster.addressesOf(name).tcpPort);
  const lines = Array.from({ length: KEYS }, (_, at) => `{"key":"k${at}","value":"${at}","tags":["t"],"ttl":3600}\n`);
  const [node, ...before] = program;
  const child = spawn(node as string, [...before, '-p', port('n1'), 'import', '--json']);
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (bytes) => (stdout += bytes));
  child.stderr.on('data', (bytes) => (stderr += bytes));
  const ended = once(child, 'close');
  child.stdin.write(lines.slice(0, KEYS / 2).join(''));
  const client = await RespConnection.open({ host: '127.0.0.1', port: cluster.addressesOf('n1').tcpPort });
  t.teardown(() => client.close());
  while (Number((await client.send([['DBSIZE']])).join().slice(1)) < KEYS / 3) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  await cluster.process('n3').kill();
  child.stdin.end(lines.slice(KEYS / 2).join(''));
  const [code] = await ended;
  t.is(code, 0, stderr);
  t.like(JSON.parse(stdout), { done: KEYS, refused: {} });

  const exported = await runProgram(['-p', port('n2'), 'export']);
  t.is(exported.code, 0, exported.stderr);
  const entries = exported.stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { key: string; value: string; tags: string[]; expiresAt: number });
  t.is(new Set(entries.map(({ key }) => key)).size, KEYS);
  for (const { key, value, tags, expiresAt } of entries) {
    if (`k${value}` !== key || tags.join() !== 't' || !(expiresAt > Date.now())) t.fail(key);
  }
});
