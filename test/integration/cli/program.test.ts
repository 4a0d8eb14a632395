import { execFile, spawnSync } from 'node:child_process';
import { createServer } from 'node:net';
import test from 'ava';
import { AccessUser } from '../../../src/server/access/rights.ts';
import { sharedNode, startNodeFixture } from '../resp/node-fixture.ts';
import { Certificates, hasOpenssl } from '../server/certificates.ts';
import { runProgram } from './program.ts';

const shared = sharedNode({ maxMemory: '64mb' });
const port = async () => String((await shared()).node.tcpPort);
const withRedisCli = spawnSync('redis-cli', ['--version']).status === 0 ? test : test.skip;

/** A port that was free a moment ago. */
async function freedPort(): Promise<string> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address !== null ? String(address.port) : '';
}

test('one command: its reply on standard output and status 0, an error reply and status 1', async (t) => {
  const p = await port();
  const [set, refused, url] = await Promise.all([
    runProgram(['-p', p, 'set', 'one:a', 'x y']),
    runProgram(['-p', p, 'nosuch', 'a']),
    runProgram(['--no-raw', 'echo', 'hi'], { environment: { FLUXCACHE_URL: `fluxcache://127.0.0.1:${p}` } }),
  ]);
  t.deepEqual(set, { code: 0, stdout: 'OK\n', stderr: '' });
  t.like(refused, { code: 1, stderr: '' });
  t.regex(refused.stdout, /^ERR unknown command 'nosuch', with args beginning with: 'a' \n/);
  t.deepEqual(url, { code: 0, stdout: '"hi"\n', stderr: '' });
});

test('help and version are printed; mistakes and servers that are not there are told of on standard error', async (t) => {
  const nobodyAt = await freedPort();
  const [help, benchHelp, version, mistakes, nobody] = await Promise.all([
    runProgram(['--help']),
    runProgram(['bench', '--help']),
    runProgram(['--version']),
    runProgram(['-2', '-3', '--raw', '--json', '--scan', '--stat', '--hotkeys']),
    runProgram(['-p', nobodyAt, 'ping']),
  ]);
  t.regex(help.stdout, /^Usage: fluxcache \[OPTION…\]/);
  t.regex(benchHelp.stdout, /^Usage: fluxcache bench/);
  t.regex(version.stdout, /^\d+\.\d+\.\d+\n$/);
  for (const { code } of [help, benchHelp, version]) t.is(code, 0);
  t.like(mistakes, { code: 2, stdout: '' });
  for (const line of [/-2 and -3 contradict/, /--raw and --json contradict/, /--scan and --stat/, /--hotkeys is not/]) {
    t.regex(mistakes.stderr, line);
  }
  t.deepEqual(nobody, {
    code: 1,
    stdout: '',
    stderr: `fluxcache: Could not connect to 127.0.0.1:${nobodyAt}: nothing listens there.\n`,
  });
});

test('commands on standard input are run one after the other, bytes and quotes included, up to the first error with -e', async (t) => {
  const p = await port();
  const lines = Buffer.concat([
    Buffer.from('set in:a "\\x00\\n"\nget in:a\n\nset in:'),
    Buffer.from([0xff]),
    Buffer.from(" 'v w'\nnosuch\nget in:\"\n"),
    Buffer.from('get "in:\\xff"\n'),
  ]);
  const [all, upToError] = await Promise.all([
    runProgram(['-p', p, '--no-raw'], { input: lines }),
    runProgram(['-p', p, '-e'], { input: 'nosuch\nping\n' }),
  ]);
  t.is(all.code, 1);
  t.regex(all.stdout, /^OK\n"\\x00\\n"\nOK\n\(error\) ERR unknown command 'nosuch'[^\n]*\n"v w"\n$/);
  t.is(all.stderr, 'fluxcache: the quotes do not match: get in:"\n');
  t.is(upToError.code, 1);
  t.notRegex(upToError.stdout, /PONG/);
});

test('-x and -X take an argument from standard input, -r and -d repeat and join, --json speaks RESP3', async (t) => {
  const p = await port();
  const bytes = Buffer.from([0, 1, 0xff, 0x0a]);
  t.like(await runProgram(['-p', p, '-x', 'set', 'x:last'], { input: bytes }), { code: 0, stdout: 'OK\n' });
  t.like(await runProgram(['-p', p, '-X', 'TAG', 'mset', 'TAG', 'x:key', 'n', '1'], { input: 'x:tag' }), { code: 0 });
  const [json, repeated, joined, wrongTag] = await Promise.all([
    runProgram(['-p', p, '--json', 'mget', 'x:last', 'x:tag', 'none']),
    runProgram(['-p', p, '-r', '3', '-i', '1ms', 'incr', 'x:count']),
    runProgram(['-p', p, '-d', ',', '-D', ';', 'mget', 'x:tag', 'x:tag']),
    runProgram(['-p', p, '-X', 'none', 'ping']),
  ]);
  t.is(json.stdout, '["\\\\x00\\\\x01\\\\xff\\\\n","x:key",null]\n');
  t.is(repeated.stdout, '1\n2\n3\n');
  t.is(joined.stdout, 'x:key,x:key;');
  t.deepEqual(wrongTag, { code: 2, stdout: '', stderr: 'fluxcache: -X: none of the arguments is "none".\n' });
});

test('--pipe sends RESP as it is, counts replies and errors, and tells of data that breaks off', async (t) => {
  const p = await port();
  const sets = Array.from(
    { length: 5000 },
    (_, at) => `*3\r\n$3\r\nSET\r\n$9\r\npipe:${1000 + (at % 1000)}\r\n$1\r\nv\r\n`,
  );
  const [good, bad, broken] = await Promise.all([
    runProgram(['-p', p, '--pipe'], { input: `${sets.join('')}PING` }),
    runProgram(['-p', p, '--pipe'], { input: 'PING\r\nINCR a b\r\n' }),
    runProgram(['-p', p, '--pipe', '--pipe-timeout', '0.2'], { input: '*2\r\n$3\r\nGET\r\n$1000\r\n' }),
  ]);
  const end = 'All data transferred. Waiting for the last reply...\nLast reply received from server.\n';
  t.deepEqual(good, { code: 0, stdout: `${end}errors: 0, replies: 5001\n`, stderr: '' });
  t.is(bad.code, 1);
  t.is(bad.stdout, `${end}errors: 1, replies: 2\n`);
  t.regex(bad.stderr, /^ERR wrong number of arguments for 'incr' command\n$/);
  t.is(broken.code, 1);
  t.regex(broken.stderr, /no reply for 0\.2 s: the data may end within a command/);
});

test('--scan prints the keys of a pattern and type; --bigkeys and --memkeys find the largest', async (t) => {
  const p = await port();
  const client = await (await shared()).connect(2);
  const pairs = Array.from({ length: 300 }, (_, at) => [`scan:${at}`, 'x'.repeat(at + 1)]).flat();
  await client.call('MSET', ...pairs);
  await client.call('JSON.SET', 'scan:json', '$', '{"a":1}');
  const pattern = ['--pattern', 'scan:*'];
  const [scan, typed, big, memory] = await Promise.all([
    runProgram(['-p', p, '--scan', ...pattern, '--count', '50']),
    runProgram(['-p', p, '--scan', ...pattern, '--type', 'ReJSON-RL', '--json']),
    runProgram(['-p', p, '--bigkeys', ...pattern, '--json']),
    runProgram(['-p', p, '--memkeys', ...pattern]),
  ]);
  t.deepEqual(new Set(scan.stdout.split('\n').filter((line) => /^scan:\d/.test(line))).size, 300);
  t.is(typed.stdout, '"scan:json"\n');
  const found = JSON.parse(big.stdout);
  t.like(found, { keys: 301, types: { string: { unit: 'bytes', keys: 300, largest: 300, largestKey: 'scan:299' } } });
  t.is(found.types['ReJSON-RL'].largestKey, 'scan:json');
  t.regex(memory.stdout, /^Largest string: "scan:29\d" with \d+ bytes of memory$/m);
});

test('--stat prints figures and --latency times where there is no terminal, too', async (t) => {
  const p = await port();
  const [stat, csv, history] = await Promise.all([
    runProgram(['-p', p, '--stat', '-r', '2', '-i', '10ms']),
    runProgram(['-p', p, '--latency', '--csv', '-i', '50ms']),
    runProgram(['-p', p, '--latency-history', '--no-raw', '-r', '2', '-i', '50ms']),
  ]);
  const [heading, first, second, end] = stat.stdout.split('\n');
  t.regex(heading ?? '', /^keys +memory +clients +requests/);
  t.regex(first ?? '', /^\d+ +[\d.]+[BKM] +\d+ +\d+ /);
  t.regex(second ?? '', /\(\d+\/s\)/);
  t.is(end, '');
  t.regex(csv.stdout, /^\d+\.\d{3},\d+\.\d{3},\d+\.\d{3},\d+\n$/);
  t.is(history.stdout.split('\n').length, 3);
});

withRedisCli('replies look as in redis-cli, for people, raw and as CSV, in both versions of RESP', async (t) => {
  const p = await port();
  const client = await (await shared()).connect(2);
  await client.call('MSET', 'cmp:a', 'x\0"\xff\n', 'cmp:n', '5');
  const lines =
    'get cmp:a\nget none\nmget cmp:a none cmp:n\nstrlen cmp:a\nnosuch\ncommand info get set\nconfig get max*\ntype cmp:a\nping\nset cmp:b 1\n';
  for (const args of [['--no-raw'], ['--raw'], ['--csv'], ['--no-raw', '-3'], ['--csv', '-3']]) {
    const theirs = new Promise<string>((resolve) => {
      const child = execFile('redis-cli', ['-p', p, ...args], { encoding: 'latin1' }, (_error, stdout) =>
        resolve(stdout),
      );
      child.stdin?.end(lines);
    });
    const ours = await runProgram(['-p', p, ...args], { input: lines });
    // redis-cli tells the time of what took half a second, as on a busy machine.
    const expected = Buffer.from(await theirs, 'latin1')
      .toString('utf8')
      .replaceAll(/^\(\d+\.\d\ds\)\n/gm, '');
    t.is(ours.stdout, expected, args.join(' '));
  }
});

test('bench: every protocol answers as it must, and the report adds up', async (t) => {
  const { node } = await shared();
  const load = ['bench', '-c', '4', '-n', '2000', '--keys', '100', '--fill', '--json'];
  const runs: [string, ...string[]][] = [
    ['resp', '-p', String(node.tcpPort), '-P', '8', '--distribution', 'zipf'],
    ['msgpack', '-p', String(node.tcpPort), '-P', '8', '--threads', '2', '--ttl', '100', '-d', '500'],
    ['http', '-p', new URL(node.url).port, '--ratio', '1:1', '--rate', '20000'],
  ];
  for (const [protocol, ...args] of runs) {
    const { code, stdout, stderr } = await runProgram([...load, '--protocol', protocol, ...args]);
    t.is(stderr, '', protocol);
    t.is(code, 0, protocol);
    const report = JSON.parse(stdout);
    t.like(report, { protocol, requests: 2000, errors: 0, wrong: 0, firstFault: '' });
    t.is(report.reads + report.writes, 2000, protocol);
    t.is(report.hits, report.reads, protocol);
    const { min, p50, p99, max } = report.latencyMs.all;
    t.true(0 < min && min <= p50 && p50 <= p99 && p99 <= max, protocol);
    t.is(report.generatorLateMs === null, protocol !== 'http');
  }
});

test('bench tells of errors and of wrong answers, and ends with status 1', async (t) => {
  // Answers every read with a value of another key, and every write with an error.
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.on('data', (bytes) => {
      for (const command of bytes.toString('latin1').match(/\r\n(GET|SET)\r\n/g) ?? []) {
        socket.write(command.includes('GET') ? `$64\r\n${'9'.repeat(12).padEnd(64, 'x')}\r\n` : '-ERR full\r\n');
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => server.close());
  const address = server.address();
  const p = typeof address === 'object' && address !== null ? String(address.port) : '';
  const run = await runProgram(['bench', '-p', p, '-c', '1', '-n', '100', '--json']);
  t.is(run.code, 1);
  const { reads, writes, wrong, errors, hits, firstFault } = JSON.parse(run.stdout);
  t.deepEqual([wrong, errors, hits], [reads, writes, 0]);
  t.regex(firstFault, /^a read of key \d+ was answered "\$64|^"-ERR full/);
});

test('bench tells a refused login over MessagePack-RPC as text, and of reads that found nothing how to have keys', async (t) => {
  const p = await port();
  const user = new AccessUser('app', ['read', 'write'], ['*']);
  const guarded = await startNodeFixture(t, { shards: 1 }, [{ user, password: null, tokenDigests: [] }]);
  const [refused, misses] = await Promise.all([
    runProgram([
      'bench',
      '-p',
      String(guarded.node.tcpPort),
      '--protocol',
      'msgpack',
      '--user',
      'app',
      '-a',
      'bad',
      '-n',
      '10',
      '-c',
      '1',
    ]),
    runProgram(['bench', '-p', p, '-d', '33', '--ratio', '1:0', '-n', '100', '-c', '2']),
  ]);
  t.is(refused.code, 1);
  t.regex(refused.stderr, /^fluxcache: Logging in was refused: \{"code":"[a-z-]+","message":"[ -~]+\n$/);
  t.is(misses.code, 0);
  t.regex(misses.stdout, /^note +0% of reads found a key; --fill sets them first$/m);
});

const withOpenssl = hasOpenssl ? test : test.skip;

withOpenssl('TLS: a certificate is checked, against the authority that is named', async (t) => {
  const certificates = new Certificates().issue('server');
  t.teardown(() => certificates.remove());
  const [tlsCert, tlsKey, ca] = ['server.pem', 'server.key', 'ca.pem'].map((file) => certificates.path(file));
  const { node } = await startNodeFixture(t, { tlsCert, tlsKey });
  const p = String(node.tcpPort);
  const [trusted, byUrl, insecure, unknown, plain, plainServer] = await Promise.all([
    runProgram(['-p', p, '--tls', '--cacert', ca as string, 'ping']),
    runProgram(['-u', `fluxcaches://localhost:${p}`, '--cacert', ca as string, 'ping']),
    runProgram(['bench', '-p', p, '--tls', '--insecure', '-n', '50', '-c', '2', '--json']),
    runProgram(['-p', p, '--tls', 'ping']),
    runProgram(['-p', p, 'ping']),
    runProgram(['-p', await port(), '--tls', 'ping']),
  ]);
  t.deepEqual(trusted, { code: 0, stdout: 'PONG\n', stderr: '' });
  t.deepEqual(byUrl, { code: 0, stdout: 'PONG\n', stderr: '' });
  t.like(JSON.parse(insecure.stdout), { requests: 50, errors: 0 });
  t.is(unknown.code, 1);
  t.regex(
    unknown.stderr,
    /Could not connect to 127\.0\.0\.1:\d+: its certificate is signed by one that is not trusted/,
  );
  t.is(plain.code, 1);
  t.is(plainServer.code, 1);
  t.regex(plainServer.stderr, /Could not connect to 127\.0\.0\.1:\d+: it does not speak TLS\.|closed/);
});
