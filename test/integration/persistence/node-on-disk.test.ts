import { execFile } from 'node:child_process';
import { appendFile, lstat, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import test, { type ExecutionContext } from 'ava';
import { lockDirectory } from '../../../src/base/directory-lock-file.ts';
import type { Reply } from '../../../src/protocol/resp/reply.ts';
import { CrashClient } from '../../fault/crash-client.ts';
import { NodeProcess } from '../../node-process.ts';
import { RpcClient } from '../rpc/rpc-client.ts';

const run = promisify(execFile);
const ROOM_MIB = 4;

function shown(reply: Reply): string {
  if (reply.kind === 'bulk') return Buffer.from(reply.bytes).toString('latin1');
  return 'text' in reply ? reply.text : reply.kind;
}

async function folder(t: ExecutionContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'fluxcache-node-'));
  t.teardown(() => rm(path, { recursive: true, force: true }));
  return path;
}

async function start(t: ExecutionContext, dataDir: string, ...flags: string[]): Promise<NodeProcess> {
  const node = await NodeProcess.start({ flags: ['--persistence', '--data-dir', dataDir, ...flags] });
  t.teardown(() => node.kill());
  return node;
}

test('a full disk refuses writes over every protocol, and takes them again without a restart once there is room', async (t) => {
  const dataDir = await folder(t);
  try {
    await run('mount', ['-t', 'tmpfs', '-o', `size=${ROOM_MIB}m`, 'fluxcache-test', dataDir]);
  } catch (error) {
    t.log(`SKIPPED: a small file system cannot be mounted here (${String(error).split('\n')[0]})`);
    t.pass();
    return;
  }
  t.teardown(() => run('umount', ['-l', dataDir]));
  const node = await start(t, dataDir, '--fsync', 'always', '--snapshot-interval', '0');
  const { url, tcpPort } = await node.ports();
  const client = await CrashClient.open(tcpPort);
  const filler = join(dataDir, 'filler');
  await writeFile(filler, Buffer.alloc((ROOM_MIB - 1) * 2 ** 20));

  const told = new Map<string, string>();
  /** What is neither acknowledged nor refused may be there or not. */
  const open = new Map<string, string[]>();
  let refusal = '';
  for (let number = 0; refusal === '' && number < 1000; number++) {
    const [key, value] = [`key:${number % 20}`, `${number} ${'x'.repeat(20_000)}`];
    const reply = shown(await client.ask(['SET', key, value]));
    if (/^MISCONF/.test(reply)) refusal = reply;
    else if (reply !== 'OK') open.set(key, [...(open.get(key) ?? []), value]);
    else {
      told.set(key, value);
      open.delete(key);
    }
  }
  t.regex(refusal, /^MISCONF the log on the disk cannot be written/);
  const [first] = await client.read(['key:1']);
  t.regex(first ?? '', /^\d+ x/, 'reads go on');
  t.is(shown(await client.ask(['PING'])), 'PONG');
  t.regex(shown(await client.ask(['INCR', 'counter'])), /^MISCONF/);
  const rpc = await RpcClient.open(t, tcpPort);
  const [fault] = await rpc.call('set', 'key', 'x');
  t.is(fault?.code, 'disk-failed');
  t.true(fault?.retryable);
  t.regex(fault?.message ?? '', /^the log on the disk cannot be written/);
  t.regex(String(await rpc.result('get', 'key:1')), /^\d+ x/);
  const put = await fetch(`${url}/v1/keys/key`, { method: 'PUT', body: 'x' });
  t.is(put.status, 507);
  t.is(put.headers.get('retry-after'), '1');
  t.is(((await put.json()) as { error: string }).error, 'disk-failed');
  const health = (await (await fetch(`${url}/health`)).json()) as { status?: string };
  t.is(health.status, 'degraded');
  t.regex(
    JSON.stringify(health),
    /the log of shard 0 cannot be written; it is tried again: writes are refused \(ENOSPC: /,
  );
  t.is((await fetch(`${url}/readyz`)).status, 200, 'it is there for reads');
  await node.logged(({ msg, code }) =>
    msg === 'the log on the disk is in trouble' && code === 'ENOSPC' ? true : undefined,
  );

  // Killed meanwhile, it starts all the same, and gives what it has.
  await node.kill();
  const room = Buffer.alloc(64 * 1024);
  await appendFile(filler, room).catch(() => undefined);
  const refilled = await start(t, dataDir, '--fsync', 'always', '--snapshot-interval', '0');
  const reader = await CrashClient.open((await refilled.ports()).tcpPort);
  for (const [key, value] of told) {
    const [text] = await reader.read([key]);
    t.true([value, ...(open.get(key) ?? [])].includes(text ?? ''), `${key} is ${text?.slice(0, 10)}`);
  }
  const locks = (await readdir(join(dataDir, 'keys'))).filter((name) => name.startsWith('keys.lock'));
  t.deepEqual(locks, ['keys.lock']);
  t.true((await lstat(join(dataDir, 'keys', 'keys.lock'))).isSymbolicLink());
  await t.throwsAsync(lockDirectory(join(dataDir, 'keys'), 'keys.lock'), {
    message: new RegExp(`in use by process ${refilled.pid}`),
  });
  let isRefused = false;
  for (let number = 0; number < 100 && !isRefused; number++) {
    isRefused = shown(await reader.ask(['SET', 'key:1', `after ${'x'.repeat(20_000)}`])).startsWith('MISCONF');
  }
  t.true(isRefused);

  await rm(filler);
  await refilled.logged(({ msg }) => (msg === 'the log on the disk is written again' ? true : undefined));
  t.is(shown(await reader.ask(['SET', 'key:1', 'room'])), 'OK');
  told.set('key:1', 'room');
  open.delete('key:1');
  await refilled.kill();

  const again = await start(t, dataDir);
  const found = await CrashClient.open((await again.ports()).tcpPort);
  for (const [key, value] of told) {
    const [text] = await found.read([key]);
    t.true([value, ...(open.get(key) ?? [])].includes(text ?? ''), `${key} is ${text?.slice(0, 10)}`);
  }
  found.close();
  await again.kill();
});

test('a second process is kept out of the directory, and told which option names it', async (t) => {
  const dataDir = await folder(t);
  const first = await start(t, dataDir);
  await first.ports();
  const second = await start(t, dataDir);
  t.is(await second.ended, 1);
  t.regex(second.log, new RegExp(`--data-dir: .*keys is in use by process ${first.pid} .*Give every node a directory`));
  await first.kill();
  const third = await start(t, dataDir);
  await third.ports();
  await third.kill();
});

for (const fsync of ['always', 'everysec', 'no']) {
  test(`what was written is there after a stop in order with --fsync ${fsync}`, async (t) => {
    const dataDir = await folder(t);
    const node = await start(t, dataDir, '--fsync', fsync, '--shards', '2');
    const client = await CrashClient.open((await node.ports()).tcpPort);
    const keys = Array.from({ length: 300 }, (_, number) => `key:${number}`);
    await Promise.all(keys.map((key) => client.ask(['SET', key, `value of ${key}`])));
    await client.ask(['FLUSHALL']);
    await Promise.all(keys.slice(100).map((key) => client.ask(['SET', key, `second value of ${key}`])));
    await client.ask(['PEXPIREAT', 'key:150', Date.now() + 86_400_000]);
    await client.ask(['PEXPIRE', 'key:151', 1]);
    node.signal('SIGTERM');
    t.is(await node.ended, 0);
    const again = await start(t, dataDir, '--fsync', fsync, '--shards', '2');
    const found = await CrashClient.open((await again.ports()).tcpPort);
    const expected = keys.map((key, number) => (number < 100 || number === 151 ? null : `second value of ${key}`));
    t.deepEqual(await found.read(keys), expected);
    const left = await found.ask(['PTTL', 'key:150']);
    t.true(left.kind === 'integer' && left.value > 80_000_000);
    found.close();
    await again.kill();
  });
}

test('a node that is started without --persistence on a directory with keys warns that these grow old', async (t) => {
  const dataDir = await folder(t);
  const warned = (node: NodeProcess) => /keys are kept there, .* will be older than what is written now/.test(node.log);
  const plain = async () => {
    const node = await NodeProcess.start({ flags: ['--data-dir', dataDir] });
    t.teardown(() => node.kill());
    await node.ports();
    node.child.kill('SIGTERM');
    t.is(await node.ended, 0);
    return node;
  };
  t.false(warned(await plain()), 'there are none yet');
  const keeping = await start(t, dataDir);
  await keeping.ports();
  keeping.child.kill('SIGTERM');
  t.is(await keeping.ended, 0);
  t.true(warned(await plain()));
});
