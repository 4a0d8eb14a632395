import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { Redis } from 'ioredis';
import { createClient } from 'redis';
import { createClient as createFluxClient } from '../../../src/index.ts';
import { keepEntries } from '../../kept-data.ts';
import { NodeProcess } from '../../node-process.ts';
import { RespConnection } from '../../resp-connection.ts';

/** Enough that a node is seen while it reads them. */
const COUNT = 600_000;
const LAST = `key:${COUNT - 1}`;
const LOADING = 'FluxCache is loading the dataset in memory';

function infoOf(reply: Buffer): Map<string, string> {
  const fields = reply
    .toString()
    .split('\r\n')
    .map((line) => line.split(':') as [string, string]);
  return new Map(fields);
}

test('while a node reads what was kept, it says so in every way, reads nothing to anybody, and then serves all of it', async (t) => {
  const dataDir = mkdtempSync(join(tmpdir(), 'fluxcache-loading-'));
  t.teardown(() => rmSync(dataDir, { recursive: true }));
  const value = Buffer.alloc(64, 'v');
  keepEntries(dataDir, COUNT, (index) => ({ key: Buffer.from(`key:${index}`), value, version: index + 1 }), {
    shards: 1,
    asSnapshot: true,
  });
  const flags = ['--persistence', '--data-dir', dataDir, '--max-memory', '512mb'];
  const node = await NodeProcess.start({ flags });
  t.teardown(() => node.kill());
  const { tcpPort, httpPort } = await node.logged(({ msg, tcpPort, httpPort }) =>
    msg === 'reading what was kept on the disk' ? { tcpPort: Number(tcpPort), httpPort: Number(httpPort) } : undefined,
  );
  const url = `http://127.0.0.1:${httpPort}`;
  const patient = new Redis(tcpPort, '127.0.0.1', { maxRetriesPerRequest: null });
  const patientRead = patient.get(LAST);
  const plain = createClient({ socket: { host: '127.0.0.1', port: tcpPort } });
  plain.on('error', () => undefined);
  const own = createFluxClient({ host: '127.0.0.1', port: tcpPort, retry: { attemptsMax: 1 } });
  t.teardown(() => {
    patient.disconnect();
    plain.destroy();
    void own.close();
  });
  const resp = await RespConnection.open({ port: tcpPort, host: '127.0.0.1' });
  t.teardown(() => resp.close());
  const commands = [
    ['GET', LAST],
    ['SET', 'new', '1'],
    ['MGET', LAST, 'new'],
    ['DBSIZE'],
    ['SCAN', '0'],
    ['FLUSHALL'],
    ['RENAME', LAST, 'new'],
    // As of Redis: whoever asks by PING whether a node serves is told that it does not.
    ['PING'],
    ['MULTI'],
    ['GET', LAST],
    ['EXEC'],
    ['HELLO', '2'],
    ['CLIENT', 'ID'],
    ['SUBSCRIBE', 'channel'],
    ['UNSUBSCRIBE', 'channel'],
    ['TIME'],
    ['CONFIG', 'GET', 'maxmemory'],
    ['COMMAND', 'COUNT'],
    ['SAVE'],
    ['BGSAVE'],
    ['SHUTDOWN', 'SAVE'],
    ['INFO', 'persistence'],
  ];
  const [replies, key, health, ready, live, metrics, snapshot, rpc, connected] = await Promise.all([
    resp.send(commands),
    fetch(`${url}/v1/keys/${LAST}`),
    fetch(`${url}/health`),
    fetch(`${url}/readyz`),
    fetch(`${url}/livez`),
    fetch(`${url}/metrics`),
    fetch(`${url}/v1/snapshot`, { method: 'POST' }),
    own.get(LAST).catch((error: unknown) => error),
    plain.connect().then(() => plain.get(LAST).catch((error: unknown) => error)),
  ]);
  const texts = replies.map(String);
  for (const index of [0, 1, 2, 3, 4, 5, 6, 7])
    t.is(texts[index], `-LOADING ${LOADING}\r\n`, commands[index]?.join(' '));
  for (const index of [18, 19, 20]) t.is(texts[index], `-LOADING ${LOADING}\r\n`, commands[index]?.join(' '));
  t.is(texts[8], '+OK\r\n');
  t.is(texts[10], `-LOADING ${LOADING}\r\n`, 'EXEC');
  for (const index of [11, 12, 13, 14, 15, 16, 17])
    t.notRegex(texts[index] as string, /^-/, commands[index]?.join(' '));
  const info = infoOf(replies.at(-1) as Buffer);
  t.is(info.get('loading'), '1');
  t.true(Number(info.get('loading_start_time')) > 1_600_000_000);
  t.true(Number(info.get('loading_loaded_bytes')) <= Number(info.get('loading_total_bytes')));
  t.regex(info.get('loading_loaded_perc') as string, /^\d+\.\d\d$/);
  t.true(Number(info.get('loading_eta_seconds')) >= 1);
  t.is(key.status, 503);
  t.regex(key.headers.get('retry-after') ?? '', /^\d+$/);
  t.like(await key.json(), { error: 'not-ready', detail: LOADING });
  t.deepEqual([health.status, ready.status, live.status, metrics.status], [503, 503, 200, 200]);
  t.regex(await ready.text(), /reading what was kept on the disk("|: \d+ %, \d+ of \d+ MiB)/);
  t.is(snapshot.status, 503);
  t.regex(snapshot.headers.get('retry-after') ?? '', /^\d+$/);
  t.like(await snapshot.json(), { error: 'not-ready', detail: LOADING });
  t.like(rpc, { code: 'not-ready' });
  t.regex(String(connected), new RegExp(`LOADING ${LOADING}`));

  await node.ports();
  t.is(await patientRead, value.toString(), 'ioredis waits until it is ready');
  t.is(await plain.get(LAST), value.toString());
  const [size, one, after] = await resp.send([['DBSIZE'], ['PING'], ['INFO', 'persistence']]);
  t.is(size?.toString(), `:${COUNT}\r\n`);
  t.is(one?.toString(), '+PONG\r\n');
  t.is(infoOf(after as Buffer).get('loading'), '0');
  t.false(infoOf(after as Buffer).has('loading_total_bytes'));
  t.is((await fetch(`${url}/readyz`)).status, 200);
});

test('a node that is stopped while it reads ends at once, and reads it all the next time', async (t) => {
  const dataDir = mkdtempSync(join(tmpdir(), 'fluxcache-loading-'));
  t.teardown(() => rmSync(dataDir, { recursive: true }));
  const value = Buffer.alloc(10, 'v');
  keepEntries(dataDir, 200_000, (index) => ({ key: Buffer.from(`key:${index}`), value, version: index + 1 }), {
    shards: 1,
    asSnapshot: false,
  });
  const flags = ['--persistence', '--data-dir', dataDir, '--max-memory', '512mb'];
  const first = await NodeProcess.start({ flags });
  t.teardown(() => first.kill());
  await first.logged(({ msg }) => (msg === 'reading what was kept on the disk' ? true : undefined));
  first.signal('SIGTERM');
  t.is(await first.ended, 0);
  const second = await NodeProcess.start({ flags });
  t.teardown(() => second.kill());
  const { tcpPort } = await second.ports();
  const resp = await RespConnection.open({ port: tcpPort, host: '127.0.0.1' });
  t.teardown(() => resp.close());
  const [size] = await resp.send([['DBSIZE']]);
  t.is(size?.toString(), ':200000\r\n');
});

test('a node whose data is damaged ends with a message that names the file, the place, and what to do', async (t) => {
  const dataDir = mkdtempSync(join(tmpdir(), 'fluxcache-loading-'));
  t.teardown(() => rmSync(dataDir, { recursive: true }));
  const value = Buffer.alloc(10, 'v');
  keepEntries(dataDir, 5000, (index) => ({ key: Buffer.from(`key:${index}`), value, version: index + 1 }), {
    shards: 2,
    asSnapshot: false,
  });
  const log = join(dataDir, 'keys', 'generation-1', 'shard-001', 'log-0000000000000001.fxl');
  const bytes = readFileSync(log);
  bytes[200] = (bytes[200] as number) ^ 1;
  writeFileSync(log, bytes);
  const flags = ['--persistence', '--data-dir', dataDir, '--shards', '2'];
  const node = await NodeProcess.start({ flags });
  t.teardown(() => node.kill());
  t.is(await node.ended, 1);
  t.regex(node.log, /fluxcache-server: .*shard-001\/log-0000000000000001\.fxl at byte 64: damaged: .*fluxcache repair/);
  t.deepEqual(readFileSync(log), bytes);
});

test('a node whose log ends amidst a write starts with all that was written before, and says how much it cut off', async (t) => {
  const dataDir = mkdtempSync(join(tmpdir(), 'fluxcache-loading-'));
  t.teardown(() => rmSync(dataDir, { recursive: true }));
  const value = Buffer.alloc(10, 'v');
  keepEntries(dataDir, 5000, (index) => ({ key: Buffer.from(`key:${index}`), value, version: index + 1 }), {
    shards: 1,
    asSnapshot: false,
  });
  const log = join(dataDir, 'keys', 'generation-1', 'shard-000', 'log-0000000000000001.fxl');
  const bytes = readFileSync(log);
  // The mark at its end, and the end of the last thousand records.
  writeFileSync(log, bytes.subarray(0, bytes.length - 100));
  const flags = ['--persistence', '--data-dir', dataDir];
  const node = await NodeProcess.start({ flags });
  t.teardown(() => node.kill());
  const { tcpPort } = await node.ports();
  const resp = await RespConnection.open({ port: tcpPort, host: '127.0.0.1' });
  t.teardown(() => resp.close());
  const [size, there, gone] = await resp.send([['DBSIZE'], ['EXISTS', 'key:3999'], ['EXISTS', 'key:4000']]);
  t.deepEqual([size, there, gone].map(String), [':4000\r\n', ':1\r\n', ':0\r\n']);
  const torn = await node.logged(({ tornBytes }) => (tornBytes === undefined ? undefined : Number(tornBytes)));
  t.true(torn > 20_000);
});
