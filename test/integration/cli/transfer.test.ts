import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { type NodeFixture, startNodeFixture } from '../resp/node-fixture.ts';
import type { PushClient } from '../resp/push-client.ts';
import { program, runProgram } from './program.ts';
import { isTmuxInstalled, Terminal } from './terminal.ts';

const inTerminal = isTmuxInstalled() ? test : test.skip;

async function folderOf(t: ExecutionContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'fluxcache-transfer-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

async function nodeOf(t: ExecutionContext): Promise<{ fixture: NodeFixture; client: PushClient; port: string }> {
  const fixture = await startNodeFixture(t);
  return { fixture, client: await fixture.connect(2), port: String(fixture.node.tcpPort) };
}

/** All a server tells of keys, but for their versions. */
async function entriesOf(client: PushClient, keys: readonly (string | Uint8Array)[]): Promise<unknown[]> {
  const entries = [];
  for (const key of keys) {
    const told = (await client.call('GETENTRY', key)) as unknown[] | null;
    entries.push(told === null ? null : told.filter((_, at) => told[at - (at % 2)] !== 'version'));
  }
  return entries;
}

async function fill(client: PushClient): Promise<(string | Uint8Array)[]> {
  const later = Date.now() + 3_600_000;
  await client.call('SET', 'text', 'ü\n"\\');
  await client.call('SET', 'number', '12345678901234567890.5', 'TYPE', 'string');
  await client.call('SET', 'count', '-9223372036854775808', 'TYPE', 'number');
  await client.call('SET', 'json', '{"b":1.0,\n"a":[1e400]}', 'TYPE', 'json', 'CT', 'application/x');
  await client.call('SET', 'bytes', Uint8Array.of(0, 0xff), 'TYPE', 'bytes');
  await client.call('SET', 'all', 'x', 'PXAT', String(later), 'STALE', '1500', 'TAGS', '2', 'one', Uint8Array.of(0xfe));
  await client.call('SET', Uint8Array.of(0xff, 0x0a), 'of a key of bytes');
  await client.call('SET', 'long', 'y'.repeat(200_000));
  const many = Array.from({ length: 1500 }, (_, at) => `many:${at}`);
  await client.call('MSET', ...many.flatMap((key) => [key, `${key}=`]));
  return ['text', 'number', 'count', 'json', 'bytes', 'all', Uint8Array.of(0xff, 0x0a), 'long', ...many];
}

test('what is exported is imported as it was: by files of both formats, a pipe, and from server to server', async (t) => {
  const folder = await folderOf(t);
  const [from, to] = await Promise.all([nodeOf(t), nodeOf(t)]);
  const keys = await fill(from.client);
  const wanted = await entriesOf(from.client, keys);
  for (const name of ['all.ndjson', 'all.msgpack', '-', 'server']) {
    await to.client.call('FLUSHALL');
    const file = name === '-' ? '-' : join(folder, name);
    let read: { code: number | null; stdout: string; stderr: string };
    if (name === 'server') {
      read = await runProgram(['-p', to.port, 'import', '--from', `fluxcache://127.0.0.1:${from.port}`]);
    } else {
      const written = await runProgram(['-p', from.port, 'export', file]);
      t.is(written.code, 0, written.stderr);
      t.regex(written.stderr, /^1,508 entries exported in [\d.]+ s \([\d,]+\/s\)\n$/);
      read = await runProgram(['-p', to.port, 'import', file], { input: written.stdout });
    }
    t.regex(read.stdout, /^1,508 entries imported in /, read.stderr);
    t.is(read.code, 0);
    t.deepEqual(await entriesOf(to.client, keys), wanted, name);
  }
  t.deepEqual((await readdir(folder)).sort(), ['all.msgpack', 'all.ndjson']);
  t.is((await readFile(join(folder, 'all.ndjson'), 'utf8')).trimEnd().split('\n').length, keys.length);
});

test('keys of a pattern and a type only are exported and imported', async (t) => {
  const { client, port } = await nodeOf(t);
  await client.call('MSET', 'a:1', 'x', 'a:2', '7', 'b:1', 'x');
  await client.call('SET', 'a:json', '[]', 'TYPE', 'json');
  const keysOf = (text: string) =>
    text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).key)
      .sort();
  t.deepEqual(keysOf((await runProgram(['-p', port, 'export', '--match', 'a:*'])).stdout), ['a:1', 'a:2', 'a:json']);
  t.deepEqual(keysOf((await runProgram(['-p', port, 'export', '--type', 'json'])).stdout), ['a:json']);
  const { stdout: input } = await runProgram(['-p', port, 'export']);
  await client.call('FLUSHALL');
  const some = await runProgram(['-p', port, 'import', '--match', 'a:*', '--type', 'string', '--json'], { input });
  t.like(JSON.parse(some.stdout), { done: 2 });
  t.is(await client.call('DBSIZE'), 2);
});

test('bad records are told by their line, with what is wrong, and the others are imported', async (t) => {
  const { client, port } = await nodeOf(t);
  const input = [
    '{"key":"good","value":"1"}',
    'oops',
    '{"key":"worse","value":"x","tll":3}',
    '{"key":"old","value":"x","expiresAt":1}',
    '{"key":"refused","value":"x","type":"number"}',
    '{"key":"evil\\u001b[31m","value":"x","type":"number"}',
    '{"key":"last","value":{"a":1},"ttl":60,"stale":5,"tags":["t"]}',
  ].join('\n');
  const { code, stdout, stderr } = await runProgram(['-p', port, 'import'], { input });
  t.is(code, 1);
  t.deepEqual(stderr.trim().split('\n'), [
    'fluxcache: line 2: left out, as it is no JSON.',
    'fluxcache: line 3: left out, as there is no field "tll".',
    'fluxcache: line 5, key "refused": refused: ERR value is not a valid float or 64-bit integer',
    'fluxcache: line 6, key "evil\\x1b[31m": refused: ERR value is not a valid float or 64-bit integer',
  ]);
  t.regex(
    stdout,
    /^2 entries imported in .*\nexpired already: 1\nleft out, as they cannot be read: 2 records\nrefused, ERR value is .*: 2\n$/,
  );
  t.deepEqual(await client.call('MGET', 'good', 'old', 'refused'), ['1', null, null]);
  t.deepEqual(await client.call('TAGS', 'last'), ['t']);
  const lenient = await runProgram(['-p', port, 'import', '--lenient', '--json'], { input });
  t.is(lenient.code, 0);
  t.like(JSON.parse(lenient.stdout), { done: 2, expired: 1, unreadable: 2 });
  const broken = await runProgram(['-p', port, 'import', '--format', 'msgpack'], { input: Buffer.from([0xc1]) });
  t.deepEqual([broken.code, broken.stdout], [1, '']);
  t.regex(
    broken.stderr,
    /^fluxcache: Entry 1: a byte begins no value of MessagePack\. .* 0 entries imported .* before\.\n$/,
  );
});

test('--nx leaves what exists, --skip goes on behind a line, --dry-run writes nothing', async (t) => {
  const { client, port } = await nodeOf(t);
  await client.call('SET', 'b', 'mine');
  const input = ['a', 'b', 'c', 'd'].map((key) => JSON.stringify({ key, value: 'theirs' })).join('\n');
  const dry = await runProgram(['-p', port, 'import', '--dry-run'], { input });
  t.regex(dry.stdout, /^4 entries would be imported in /);
  t.is(await client.call('DBSIZE'), 1);
  const rest = await runProgram(['-p', port, 'import', '--nx', '--skip', '1', '--json'], { input });
  t.like(JSON.parse(rest.stdout), { done: 2, existing: 1 });
  t.is(rest.code, 0);
  t.deepEqual(await client.call('MGET', 'a', 'b', 'c', 'd'), [null, 'mine', 'theirs', 'theirs']);
});

test('mistakes end with status 2; files that are not there, and servers that are not, with 1 and leave no half of a file', async (t) => {
  const folder = await folderOf(t);
  const { port } = await nodeOf(t);
  const usage = await runProgram(['export', 'a', 'b']);
  const problem = 'fluxcache: export takes one file, but was given 2.\nSee fluxcache export --help.\n';
  t.deepEqual(usage, { code: 2, stdout: '', stderr: problem });
  const none = await runProgram(['-p', port, 'import', join(folder, 'none')]);
  t.is(none.code, 1);
  t.regex(none.stderr, /^fluxcache: .*none: there is no such file\.\n$/);
  const nowhere = await runProgram(['-p', port, 'export', join(folder, 'no', 'where')]);
  t.is(nowhere.code, 1);
  t.regex(nowhere.stderr, /^fluxcache: .*: there is no such file\./);
  const server = createServer((socket) => socket.destroy()).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const closing = String((server.address() as AddressInfo).port);
  const lost = await runProgram(['-p', closing, 'export', join(folder, 'lost')]);
  t.is(lost.code, 1);
  t.regex(lost.stderr, /closed the connection\.\n$/);
  t.deepEqual(await readdir(folder), []);
});

test('a server that goes away in the middle is waited for, and everything is written in the end', async (t) => {
  const first = await startNodeFixture(t);
  const { tcpPort } = first.node;
  const [node, ...before] = program;
  const child = spawn(node as string, [...before, '-p', String(tcpPort), 'import', '--json']);
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (bytes) => (stdout += bytes));
  child.stderr.on('data', (bytes) => (stderr += bytes));
  const ended = once(child, 'close');
  const lines = (from: number, to: number) =>
    Array.from({ length: to - from }, (_, at) => `{"key":"k${from + at}","value":"${'v'.repeat(300)}"}\n`).join('');
  child.stdin.write(lines(0, 5000));
  const client = await first.connect(2);
  while (Number(await client.call('DBSIZE')) < 4000) await new Promise((resolve) => setTimeout(resolve, 5));
  await first.node.stop();
  child.stdin.end(lines(5000, 10_000));
  while (!stderr.includes('waiting: ')) await once(child.stderr, 'data');
  const second = await startNodeFixture(t, { tcpPort });
  const [code] = await ended;
  t.is(code, 0, stderr);
  t.like(JSON.parse(stdout), { done: 10_000, existing: 0 });
  const other = await second.connect(2);
  t.is(await other.call('EXISTS', ...Array.from({ length: 5000 }, (_, at) => `k${5000 + at}`)), 5000);
});

test('a server that answers nothing is given up, and what was written before is told', async (t) => {
  const server = createServer((socket) => socket.on('error', () => undefined)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const port = String((server.address() as AddressInfo).port);
  const run = await runProgram(['-p', port, 'import', '--timeout', '0.2'], { input: '{"key":"k","value":"v"}' });
  t.is(run.code, 1);
  t.regex(run.stderr, /The server at 127\.0\.0\.1:\d+ has not answered for 0\.2 s\. 0 entries imported .* before\.\n$/);
});

/** Answers every SET with OK, up to as many as are allowed. */
async function slowServer(t: ExecutionContext): Promise<{ port: number; allow: (count: number) => void }> {
  let [asked, answered, allowed, text] = [0, 0, 0, ''];
  let answer = (): void => undefined;
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    answer = () => {
      const count = Math.min(asked, allowed) - answered;
      answered += count;
      socket.write('+OK\r\n'.repeat(count));
    };
    socket.on('data', (bytes) => {
      const parts = (text + bytes.toString('latin1')).split('\r\nSET\r\n');
      asked += parts.length - 1;
      text = (parts.at(-1) ?? '').slice(-6);
      answer();
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const allow = (count: number): void => {
    allowed += count;
    answer();
  };
  return { port: (server.address() as AddressInfo).port, allow };
}

async function slowImport(t: ExecutionContext, columns: number) {
  const folder = await folderOf(t);
  const file = join(folder, 'entries.ndjson');
  const line = (at: number) => `{"key":"k${at}","value":"${'v'.repeat(300)}"}\n`;
  await writeFile(file, Array.from({ length: 5000 }, (_, at) => (at === 10 ? 'oops\n' : line(at))).join(''));
  const server = await slowServer(t);
  const terminal = await Terminal.start([...program, '-p', String(server.port), 'import', file], { columns });
  t.teardown(() => terminal.stop());
  return { ...server, terminal };
}

inTerminal(
  'on a terminal a bar shows how far an import is, faults stand above it, and it goes in the end',
  async (t) => {
    const { terminal, allow } = await slowImport(t, 80);
    const begun = await terminal.untilLast(/^\[#+\.+\] +\d+% 0 entries, 0\/s$/);
    t.deepEqual(begun.slice(0, -1), ['fluxcache: line 11: left out, as it is no JSON.']);
    allow(1000);
    const later = await terminal.untilLast(/^\[#+\.+\] +\d+% 1,000 entries, [\d,]+\/s$/);
    t.is(later.length, 2);
    allow(10_000);
    const rows = await terminal.untilLast('status 1');
    t.is(rows.length, 4);
    t.regex(rows[1] ?? '', /^4,999 entries imported in /);
  },
);

inTerminal('in a narrow window there is the share and what fits, in one row', async (t) => {
  const { terminal, allow } = await slowImport(t, 30);
  const rows = await terminal.untilLast(/^\d+% 0 entries, 0\/s$/);
  // The fault takes two rows.
  t.is(rows.length, 3);
  allow(10_000);
  await terminal.untilLast('status 1');
});

inTerminal('Ctrl-C ends an import between two steps, and tells how to go on', async (t) => {
  const { terminal, allow } = await slowImport(t, 80);
  await terminal.untilLast(/^\[#+\.+\] +\d+% 0 entries, 0\/s$/);
  await terminal.press('C-c');
  await terminal.until('it is told', (rows) => rows.some((row) => row.includes('ending when this step is done')));
  allow(10_000);
  const rows = await terminal.untilLast('status 1');
  t.regex(rows.at(-2) ?? '', /^fluxcache: import was interrupted\. Go on with --skip [1-4]\d{3}\.$/);
});
