import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { readAccounts } from '../../../src/server/access/users-file.ts';
import { sharedNode, startNodeFixture } from '../resp/node-fixture.ts';
import { Certificates, hasOpenssl } from '../server/certificates.ts';
import { program, runProgram } from './program.ts';
import { ScriptedFeed } from './scripted-feed.ts';
import { isTmuxInstalled, Terminal } from './terminal.ts';

const node = sharedNode();
/** Without tmux there is no terminal to drive: these are shown as skipped. */
const inTerminal = isTmuxInstalled() ? test.serial : test.serial.skip;

const withOpenssl = hasOpenssl ? test.serial : test.serial.skip;

async function start(t: ExecutionContext, args: readonly string[], environment: Record<string, string> = {}) {
  const terminal = await Terminal.start([...program, ...args], { columns: 100, rows: 30, environment });
  t.teardown(() => terminal.stop());
  return terminal;
}

const has = (pattern: RegExp) => (rows: string[]) => rows.some((row) => pattern.test(row));

inTerminal('top draws a node, follows its load, obeys keys and sizes, and leaves the terminal as it was', async (t) => {
  const { node: running, connect } = await node();
  const terminal = await start(t, ['-p', String(running.tcpPort), 'top']);
  // Before the first sample it is not known for how long the node has been up.
  const isDrawn = (drawn: string[]) => has(/^Shards/)(drawn) && drawn[0]?.includes(' up ') === true;
  const rows = await terminal.until('it is drawn', isDrawn);
  t.regex(rows[0] ?? '', /^test {2}ready {2}HTTP 127\.0\.0\.1:\d+ {2}up /);
  t.is(rows.length, 30);
  t.deepEqual(await terminal.modes(), { isOtherScreen: true, hasCursor: false });
  t.true((await terminal.rows(true))[0]?.includes('\x1b[32mready'));

  const client = await connect();
  const reads = Array.from({ length: 20 }, () => ['get', 'nothing there']);
  const load = setInterval(() => client.send(...reads), 10);
  try {
    await terminal.until('the load is seen', has(/^requests +[1-9]\S*\/s /));
    client.send(['getfill', 'nobody fills it']);
    await terminal.until('tokens are counted', has(/^loads +[1-9.]\S*\/s tokens/));
    await terminal.until('misses are counted', has(/^hits +0% .*[1-9]\S*\/s missed/));
    await terminal.press('2');
    await terminal.until('commands are shown', has(/ [\d.]+% +get$/));
    await terminal.press('Tab');
    await terminal.until('the next view is there', has(/^shard +busy +reads\/s/));
    await terminal.press('s', 's');
    await terminal.until('it is sorted', has(/busy↓/));
    await terminal.press('r');
    await terminal.until('the other way around', has(/busy↑/));
    await terminal.press('p');
    const still = await terminal.until('it stands still', (each) => each[0]?.endsWith('PAUSED') === true);
    await terminal.resize(46, 12);
    const narrow = await terminal.until('it is drawn anew', (each) => each.length === 12 && each[0]?.length === 46);
    t.true(narrow.every((row) => row.length <= 46));
    t.true(has(/^shard +busy/)(narrow) || has(/busy↑/)(narrow));
    t.is(narrow[1]?.slice(0, 20), still[1]?.slice(0, 20));
    await terminal.resize(100, 30);
    await terminal.press('p', '?');
    await terminal.until('help is shown', has(/^q, Ctrl-C +quit/));
    await terminal.press('Escape');
    await terminal.until('help is gone', has(/^shard +busy↑/));
    await terminal.press('1');
    await terminal.until('all is there again', has(/^Hot keys/));
  } finally {
    clearInterval(load);
  }

  await terminal.press('q');
  const after = await terminal.untilLast('status 0');
  // What stood there before stands there again, and nothing else.
  t.deepEqual(after, ['status 0']);
  t.deepEqual(await terminal.modes(), { isOtherScreen: false, hasCursor: true });
});

inTerminal(
  'top says that a node is lost, shows what was known, and goes on with the node once it is back',
  async (t) => {
    const first = await startNodeFixture(t);
    const { tcpPort } = first.node;
    const terminal = await start(t, ['-p', String(tcpPort), 'top']);
    await terminal.until('it is drawn', has(/^Shards/));
    await first.node.stop();
    const rows = await terminal.until('it is lost', has(/^test {2}LOST/));
    t.true(has(/^Shards/)(rows));
    await terminal.until('it is told when it is tried again', has(/trying again.*q quits\)$/));
    // Where it speaks HTTP now is another port, which it tells.
    await startNodeFixture(t, { tcpPort });
    await terminal.until('it is back', has(/^test {2}ready /));
    await terminal.until('figures come again', has(/^requests/));
    await terminal.press('C-c');
    await terminal.untilLast('status 0');
  },
);

inTerminal('ended by a signal, it leaves the terminal as it was', async (t) => {
  const { tcpPort } = (await node()).node;
  const folder = await folderOf(t);
  const inner = ['sh', '-c', `echo $$ > ${folder}/pid; exec "$@"`, 'sh', ...program, '-p', String(tcpPort), 'top'];
  const script = '"$@"; code=$?; stty -a | grep -o -e "-*icanon"; exit $code';
  const terminal = await Terminal.start(['sh', '-c', script, 'sh', ...inner]);
  t.teardown(() => terminal.stop());
  await terminal.until('it is drawn', has(/^Shards/));
  process.kill(Number(await readFile(join(folder, 'pid'), 'utf8')), 'SIGTERM');
  const rows = await terminal.untilLast('status 143');
  t.is(rows.at(-2), 'icanon');
  t.deepEqual(await terminal.modes(), { isOtherScreen: false, hasCursor: true });
});

inTerminal('Ctrl-Z stops it with the terminal as it was, and it goes on where it was', async (t) => {
  const { tcpPort } = (await node()).node;
  const terminal = await Terminal.start(['bash', '--norc', '--noprofile', '-i'], { columns: 100, rows: 30 });
  t.teardown(() => terminal.stop());
  await terminal.untilLast(/[$#]$/);
  await terminal.type(`${program.join(' ')} -p ${tcpPort} top --view shards`);
  await terminal.press('Enter');
  await terminal.until('it is drawn', has(/^Shards/));
  await terminal.press('C-z');
  await terminal.until('it is stopped', has(/Stopped/));
  t.deepEqual(await terminal.modes(), { isOtherScreen: false, hasCursor: true });
  await terminal.type('fg');
  await terminal.press('Enter');
  await terminal.until('it is drawn again', (rows) => has(/^Shards/)(rows) && !has(/Stopped/)(rows));
  await terminal.press('3', 's');
  await terminal.until('keys are obeyed', has(/shard↓/));
  await terminal.press('q');
  await terminal.until('it is left', (rows) => has(/Stopped/)(rows) && /[$#]$/.test(rows.at(-1) ?? ''));
  t.pass();
});

inTerminal('a hot key that would drive the terminal is shown spelt out, and moves nothing', async (t) => {
  const feed = await ScriptedFeed.start(t, 'fake');
  const hostile = '\x1b]0;owned\x07\x1b[2J\x1b[1;1Hpwned\r\n\u202e世界';
  feed.greeting = [
    ...feed.greeting,
    ['history', [{ byProtocol: { resp: 7 } }]],
    ['access', { hot: [{ key: hostile, reads: 5, share: 0.5 }], prefixes: [] }],
    ['health', { ready: false, reasons: ['the node\x1b[2K is shutting down'] }],
  ];
  const terminal = await start(t, ['top', '--http', String(feed.port), '--view', 'keys'], { NO_COLOR: '1' });
  const rows = await terminal.until('the key is there', has(/\\x1b\]0;owned/));
  t.true(has(/^ +5 +50\.0% +\\x1b\]0;owned\\x07\\x1b\[2J\\x1b\[1;1Hpwned\\r\\n\\u\{202e\}世界$/)(rows));
  t.regex(rows[0] ?? '', /^fake {2}NOT READY .*the node\\x1b\[2K is shutting down/);
  // Nor does anything else colour it where NO_COLOR is set.
  for (const row of await terminal.rows(true)) t.notRegex(row, /\[([34][0-7]|9\d)m/);
});

inTerminal('of a cluster the nodes are shown, and Enter leads to the marked one', async (t) => {
  const [here, there] = [await ScriptedFeed.start(t, 'n1'), await ScriptedFeed.start(t, 'n2')];
  const nodes = [here, there].map(({ port }, at) => ({
    id: `n${at + 1}`,
    isSelf: at === 0,
    health: 'up',
    tcp: `127.0.0.1:${port}`,
    http: `127.0.0.1:${port}`,
    primaries: 32,
  }));
  const report = { clusterId: 'ab', self: 'n1', leader: 'n1', nodes, partitions: { total: 64, online: 64 } };
  here.greeting = [...here.greeting, ['cluster', { report, peers: [] }]];
  const terminal = await start(t, ['top', '--http', `127.0.0.1:${here.port}`, '--view', 'cluster']);
  await terminal.until('the nodes are there', has(/^n2 +up +32 /));
  await terminal.press('Down', 'Enter');
  await terminal.until('it is the other one', (rows) => /^n2 /.test(rows[0] ?? ''));
  t.is(here.viewers, 0);
  t.is(there.viewers, 1);
});

inTerminal('a stream that makes no sense is given up, and asked for again', async (t) => {
  const feed = await ScriptedFeed.start(t, 'fake');
  const terminal = await start(t, ['top', '--http', String(feed.port)]);
  await terminal.until('it is drawn', has(/^fake /));
  feed.write('event: sample\ndata: {"atMs":\n\n');
  await terminal.until('it is told of', has(/tells something that this version does not understand/));
  await terminal.until('it is back', (rows) => /^fake {2}(?!LOST)/.test(rows[0] ?? '') && feed.asked.length > 1);
  feed.tell('sample', { byProtocol: { resp: 42 } });
  await terminal.until('figures come', has(/^requests +42\/s/));

  // Nor does it wait for a server that does not answer when it is to quit.
  feed.isSilent = true;
  const asked = feed.asked.length;
  feed.cut();
  await terminal.until('it asks again', () => feed.asked.length > asked);
  const pressedMs = performance.now();
  await terminal.press('q');
  await terminal.untilLast('status 0');
  t.true(performance.now() - pressedMs < 5000);
});

test.serial(
  'where there is no terminal it is printed once as plain text; --json prints a line each second',
  async (t) => {
    const { tcpPort } = (await node()).node;
    const [once, lines] = await Promise.all([
      runProgram(['-p', String(tcpPort), 'top']),
      runProgram(['-p', String(tcpPort), 'top', '--json', '-r', '2']),
    ]);
    t.is(once.code, 0);
    t.regex(once.stdout, /^test {2}ready {2}HTTP /);
    t.regex(once.stdout, /\nShards\b/);
    t.false(once.stdout.includes('\x1b'));
    t.is(lines.code, 0);
    const told = lines.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    t.is(told.length, 2);
    t.like(told[0], { node: 'test', ready: true, way: 'HTTP', cluster: null });
  },
);

test.serial('where HTTP cannot be reached INFO is asked instead, and what is missing is told', async (t) => {
  const { node: running } = await node();
  const { stdout, code } = await runProgram(['-p', String(running.tcpPort), 'top', '--no-http']);
  t.is(code, 0);
  t.regex(stdout, /RESP 127\.0\.0\.1:\d+/);
  t.regex(stdout, /\nrequests /);
  t.regex(stdout, /\nlatency +p50 [\d.]+ .s/);
  t.regex(stdout, /\nShards, hot keys and failovers are told over HTTP only\.\n$/);
});

test.serial('what keeps it from the node is told in a sentence, and the status is 1', async (t) => {
  const feed = await ScriptedFeed.start(t, 'fake');
  feed.refusal = { status: 401, body: '{"detail":"Authentication required."}' };
  const refused = await runProgram(['top', '--http', String(feed.port)]);
  t.is(refused.code, 1);
  t.is(refused.stderr, `fluxcache: HTTP at 127.0.0.1:${feed.port} answered 401: Authentication required.\n`);
  feed.refusal = { status: 200, body: '{}' };
  const strange = await runProgram(['top', '--http', String(feed.port)]);
  t.is(strange.stderr, `fluxcache: HTTP at 127.0.0.1:${feed.port} answered 200.\n`);

  const gone = await runProgram(['-p', '1', 'top']);
  t.is(gone.code, 1);
  t.regex(gone.stderr, /Could not connect to 127\.0\.0\.1:1/);
  const wrong = await runProgram(['top', '--http', 'nowhere', '--no-http', '-r', '3', '--view', 'x', 'now']);
  t.is(wrong.code, 2);
  for (const message of [
    /top takes options only, but was given "now"/,
    /--http: "nowhere" is not allowed/,
    /--http and --no-http contradict each other/,
    /-r needs --json/,
    /--view: "x" is not allowed\. Allowed: overview, commands/,
  ]) {
    t.regex(wrong.stderr, message);
  }
});

withOpenssl('credentials and TLS are those of the command line, over both protocols', async (t) => {
  const read = readAccounts({ password: 'hush hush', usersFile: '' });
  if (read.kind === 'problems') throw new Error(read.problems.join());
  const made = new Certificates().issue('server');
  t.teardown(() => made.remove());
  const files = { tlsCert: made.path('server.pem'), tlsKey: made.path('server.key') };
  const { node: guarded } = await startNodeFixture(t, { password: 'hush hush', ...files }, read.accounts);
  const { tcpPort, url } = guarded;
  const httpPort = new URL(url).port;
  const withTls = ['--tls', '--cacert', made.path('ca.pem')];
  const environment = { REDISCLI_AUTH: 'hush hush' };
  const [well, wrong, strange] = await Promise.all([
    runProgram(['-p', String(tcpPort), ...withTls, 'top', '--once'], { environment }),
    runProgram(['-p', String(tcpPort), ...withTls, '-a', 'wrong', 'top', '--http', httpPort]),
    runProgram(['-p', String(tcpPort), '--tls', 'top', '--http', httpPort], { environment }),
  ]);
  t.is(well.code, 0, well.stderr);
  t.regex(well.stdout, /^test {2}ready {2}HTTP /);
  t.is(wrong.code, 1);
  t.regex(wrong.stderr, /HTTP at 127\.0\.0\.1:\d+ answered 401: /);
  t.is(strange.code, 1);
  t.regex(strange.stderr, /not trusted|signed by itself/);
});

test.serial('a node of a cluster is found where it says it is reached', async (t) => {
  const dataDir = await folderOf(t);
  const settings = { bootstrapExpect: 1, partitions: 64, copies: 1, busPort: 0, dataDir, nodeName: 'alone' };
  const { node: member } = await startNodeFixture(t, settings);
  const { stdout, code } = await runProgram(['-p', String(member.tcpPort), 'top', '--json', '--once']);
  t.is(code, 0);
  const { way, cluster } = JSON.parse(stdout) as { way: string; cluster: { self: string; nodes: object[] } };
  t.is(way, 'HTTP');
  t.regex(cluster.self, /^alone/);
  t.is(cluster.nodes.length, 1);
});

test.serial(
  'a server of another kind, and one whose HTTP is not there, are asked by INFO, with the reason',
  async (t) => {
    const closed = await ScriptedFeed.start(t, 'of another node');
    const server = await infoServer(t);
    const run = () => runProgram(['-p', String(server.port), 'top']);
    server.info = 'redis_version:7.0.15\r\nused_memory:2048\r\nconnected_clients:1\r\n';
    const other = await run();
    t.is(other.code, 0, other.stderr);
    t.regex(other.stdout, /\nmemory +2K {2}0 keys/);
    t.regex(other.stdout, /told over HTTP only, which this server does not speak\.\n$/);

    // Something answers where the node says it speaks HTTP, and it is not the node: as where ports are mapped.
    server.info += `http_port:${closed.port}\r\nserver_time_usec:${Date.now() * 1000}\r\nuptime_in_seconds:9999\r\n`;
    const mapped = await run();
    t.is(mapped.code, 0, mapped.stderr);
    t.true(mapped.stdout.includes(`HTTP at 127.0.0.1:${closed.port} is of another node. --http says where it is.`));
  },
);

interface InfoServer {
  readonly port: number;
  /** What INFO says; everything else is refused. */
  info: string;
}

async function infoServer(t: ExecutionContext): Promise<InfoServer> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => void server.close());
  const told: InfoServer = { port: (server.address() as AddressInfo).port, info: '' };
  server.on('connection', (socket) => {
    socket.on('error', () => undefined);
    // One command at a time, and each in one chunk: the program waits for every answer.
    socket.on('data', (bytes) => {
      const isInfo = bytes.toString().includes('INFO');
      socket.write(isInfo ? `$${told.info.length}\r\n${told.info}\r\n` : '-ERR unknown command\r\n');
    });
  });
  return told;
}

async function folderOf(t: ExecutionContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'fluxcache-top-'));
  t.teardown(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));
  return folder;
}
