import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import test from 'ava';
import { builtTree } from '../../built-tree.ts';
import { NodeProcess } from '../../node-process.ts';
import { PushClient } from '../resp/push-client.ts';

const run = promisify(execFile);

async function info(client: PushClient): Promise<Map<string, string>> {
  const lines = String(await client.call('info', 'persistence')).split('\r\n');
  return new Map(lines.map((line) => line.split(':') as [string, string]));
}

test('snapshots are asked for by commands of Redis, over HTTP and by fluxcache snapshot', async (t) => {
  const dataDir = await mkdtemp(join(tmpdir(), 'fluxcache-commands-'));
  const flags = ['--persistence', '--data-dir', dataDir, '--fsync', 'always', '--snapshot-interval', '15m'];
  const node = await NodeProcess.start({ flags });
  try {
    const { url, tcpPort } = await node.ports();
    const client = await PushClient.open(tcpPort, 2);
    for (let i = 0; i < 100; i++) client.send(['set', `key:${i}`, 'x']);
    for (let i = 0; i < 100; i++) t.is(await client.reply(), 'OK');
    t.deepEqual(await client.call('config', 'get', 'save'), ['save', '900 1']);
    t.deepEqual(await client.call('config', 'get', 'appendonly'), ['appendonly', 'yes']);
    t.deepEqual(await client.call('config', 'get', 'appendfsync'), ['appendfsync', 'always']);
    t.deepEqual(await client.call('config', 'get', 'dir'), ['dir', dataDir]);
    t.is(await client.call('config', 'set', 'appendonly', 'yes'), 'OK');

    const startedAt = Number(await client.call('lastsave'));
    t.is(await client.call('save'), 'OK');
    const savedAt = Number(await client.call('lastsave'));
    t.true(savedAt >= startedAt);
    t.regex(String(await client.call('info', 'persistence')), /rdb_saves:1\r\n/);

    t.is(await client.call('set', 'key:1', 'y'), 'OK');
    client.send(['bgsave'], ['bgsave'], ['bgsave', 'schedule'], ['bgrewriteaof'], ['save'], ['bgsave', 'now']);
    t.is(await client.reply(), 'Background saving started');
    t.is(await client.reply(), '-ERR Background save already in progress');
    t.is(await client.reply(), 'Background saving scheduled');
    t.is(await client.reply(), 'Background append only file rewriting scheduled');
    t.is(await client.reply(), '-ERR Background save already in progress');
    t.is(await client.reply(), '-ERR syntax error');
    while (/rdb_bgsave_in_progress:1/.test(String(await client.call('info', 'persistence'))));

    const answer = await fetch(`${url}/v1/snapshot`, { method: 'POST' });
    t.is(answer.status, 200);
    const { entries, bytes, ok } = (await answer.json()) as Record<string, unknown>;
    t.is(ok, true);
    t.is(entries, 100);
    t.true(Number(bytes) > 1000);
    t.is((await fetch(`${url}/v1/snapshot?wait=false`, { method: 'POST' })).status, 202);
    t.is((await fetch(`${url}/v1/snapshot?wait=soon`, { method: 'POST' })).status, 400);
    t.is((await fetch(`${url}/v1/snapshot`)).status, 405);

    const program = join(await builtTree(), 'cli.js');
    const { stdout } = await run(process.execPath, [program, '-p', String(tcpPort), 'snapshot']);
    t.regex(stdout, /^A snapshot was made in \d+ ms\.\n$/);

    t.is(await client.call('config', 'set', 'appendfsync', 'no', 'save', '3600 1 1 5'), 'OK');
    t.deepEqual(await client.call('config', 'get', 'save'), ['save', '3600 1 1 5']);
    const before = await info(client);
    t.is(before.get('log_fsync'), 'no');
    for (let i = 0; i < 5; i++) t.is(await client.call('set', `key:${i}`, 'w'), 'OK');
    while ((await info(client)).get('rdb_saves') === before.get('rdb_saves')) await sleep(50);

    t.is(await client.call('set', 'key:2', 'z'), 'OK');
    client.send(['shutdown', 'save']);
    t.is(await node.ended, 0);
    t.deepEqual(client.replies, []);
  } finally {
    await node.kill();
    await rm(dataDir, { recursive: true });
  }
});

const NOTHING_KEPT = 'No snapshot can be made, since nothing is kept on the disk: start the node with --persistence.';

test('a node that keeps nothing on the disk says so', async (t) => {
  const node = await NodeProcess.start({ flags: [] });
  try {
    const { url, tcpPort } = await node.ports();
    const client = await PushClient.open(tcpPort, 2);
    for (const command of ['save', 'bgsave', 'bgrewriteaof']) {
      t.is(await client.call(command), `-ERR ${NOTHING_KEPT}`, command);
    }
    t.deepEqual(await client.call('config', 'get', 'save'), ['save', '']);
    const answer = await fetch(`${url}/v1/snapshot`, { method: 'POST' });
    t.is(answer.status, 409);
    t.like(await answer.json(), { error: 'conflict', detail: NOTHING_KEPT });
    const program = join(await builtTree(), 'cli.js');
    const asked = run(process.execPath, [program, '-p', String(tcpPort), 'snapshot']);
    const { stderr } = await t.throwsAsync<Error & { stderr: string }>(asked);
    t.is(stderr, `fluxcache: ${NOTHING_KEPT}\n`);
    client.close();
  } finally {
    await node.kill();
  }
});
