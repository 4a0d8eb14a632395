import anyTest from 'ava';
import { AccessUser } from '../../../src/server/access/rights.ts';
import { digestOf } from '../../../src/server/access/secrets.ts';
import { isTmuxInstalled, Terminal } from '../cli/terminal.ts';
import { sharedNode, startNodeFixture } from '../resp/node-fixture.ts';
import { Certificates, hasOpenssl } from '../server/certificates.ts';
import { areRedisToolsInstalled, runTool, type ToolEnd } from './redis-tools.ts';

const test = areRedisToolsInstalled ? anyTest.serial : anyTest.serial.skip;
const testInTerminal = areRedisToolsInstalled && isTmuxInstalled() ? anyTest.serial : anyTest.serial.skip;
const testTls = areRedisToolsInstalled && hasOpenssl ? anyTest.serial : anyTest.serial.skip;
const shared = sharedNode({ maxMemory: '64mb' });

/** The node's port, and redis-cli with it. No keys are left of the test before. */
async function started() {
  const { node, faults } = await shared();
  const port = String(node.tcpPort);
  const cli = (...args: string[]): Promise<ToolEnd> => runTool(['redis-cli', '-p', port, ...args]);
  await cli('flushall');
  return { port, cli, faults };
}

test('redis-cli prints replies of every kind, over RESP 2 and 3, as text and as CSV', async (t) => {
  const { cli, port } = await started();
  const said = async (...args: string[]): Promise<string> => {
    const { stdout, stderr } = await cli(...args);
    t.is(stderr, '');
    return stdout;
  };
  t.is(await said('set', 'a', 'x y'), 'OK\n');
  t.is(await said('mset', 'b', '2', 'c', '"'), 'OK\n');
  t.is(await said('--no-raw', 'mget', 'a', 'none', 'b'), '1) "x y"\n2) (nil)\n3) "2"\n');
  t.is(await said('--csv', 'mget', 'a', 'none', 'c'), '"x y",NULL,"\\""\n');
  t.is(await said('incr', 'n'), '1\n');
  t.is(await said('--no-raw', 'incr', 'a'), '(error) ERR value is not an integer or out of range\n');
  t.is(await said('-3', '--no-raw', 'config', 'get', 'maxmemory'), '1# "maxmemory" => "67108864"\n');
  t.is(await said('--no-raw', 'config', 'get', 'maxmemory'), '1) "maxmemory"\n2) "67108864"\n');
  t.is(await said('-3', '--no-raw', 'get', 'none'), '(nil)\n');
  t.regex(await said('-3', 'hello'), /^server redis\nversion .*\nproto 3\n/);
  t.is(await said('json.set', 'j', '$', '{"a":[1]}'), 'OK\n');
  t.is(await said('-3', '--no-raw', 'json.numincrby', 'j', '$.a[0]', '1.5'), '1) (double) 2.5\n');
  t.is(await said('-r', '3', 'incr', 'n'), '2\n3\n4\n');
  const bytes = Buffer.from([0, 255, 13, 10, 128]);
  t.is((await runTool(['redis-cli', '-p', port, '-x', 'set', 'bin'], bytes)).stdout, 'OK\n');
  t.is(await said('--no-raw', 'get', 'bin'), '"\\x00\\xff\\r\\n\\x80"\n');
  const lines = 'set l 1\nincr l\nmulti\nincr l\nget l\nexec\nincr b c\n';
  const { stdout } = await runTool(['redis-cli', '-p', port], lines);
  t.is(stdout, "OK\n2\nOK\nQUEUED\nQUEUED\n3\n3\nERR wrong number of arguments for 'incr' command\n\n");
});

test('redis-cli --pipe loads 100 000 commands, told apart from those that fail', async (t) => {
  const { cli, port, faults } = await started();
  const commands: string[] = [];
  for (let index = 0; index < 100_000; index++) commands.push(`SET key:${index} value:${index}\r\n`);
  const loaded = await runTool(['redis-cli', '-p', port, '--pipe'], commands.join(''));
  t.deepEqual([loaded.code, loaded.stderr], [0, '']);
  t.regex(loaded.stdout, /errors: 0, replies: 100000\n$/);
  t.is((await cli('dbsize')).stdout, '100000\n');
  t.is((await cli('get', 'key:99999')).stdout, 'value:99999\n');
  const encoded = '*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\nx\r\n*2\r\n$4\r\nINCR\r\n$1\r\na\r\n';
  const failed = await runTool(['redis-cli', '-p', port, '--pipe'], encoded);
  t.is(failed.code, 1);
  t.regex(failed.stdout, /errors: 1, replies: 2\n$/);
  const found = await cli('--scan', '--pattern', 'key:9999*');
  t.deepEqual(found.stdout.trim().split('\n').sort(), [
    'key:9999',
    ...Array.from({ length: 10 }, (_, index) => `key:9999${index}`),
  ]);
  t.deepEqual(faults, []);
});

test('redis-cli --bigkeys and --memkeys find the largest, and --stat and --latency measure', async (t) => {
  const { cli, port } = await started();
  await runTool(['redis-cli', '-p', port], Array.from({ length: 300 }, (_, i) => `set small:${i} x`).join('\n'));
  await cli('set', 'largest', 'x'.repeat(5000));
  const [big, memory] = await Promise.all([cli('--bigkeys'), cli('--memkeys')]);
  for (const { code, stderr } of [big, memory]) t.deepEqual([code, stderr], [0, '']);
  t.regex(big.stdout, /Sampled 301 keys in the keyspace!/);
  t.regex(big.stdout, /Biggest string found '"largest"' has 5000 bytes/);
  t.regex(big.stdout, /301 strings with 5300 bytes \(100\.00% of keys/);
  t.regex(memory.stdout, /Biggest string found '"largest"' has 5\d\d\d bytes/);

  const latency = await cli('--latency', '--csv', '-i', '0.2');
  t.regex(latency.stdout, /^\d+,\d+,[\d.]+,\d+\n/);
  // Its output is kept back while it is no terminal, so that nothing would be there when it is ended.
  const isThere = (out: string) => out.split('\n').length > 4;
  const stat = await runTool(['stdbuf', '-oL', 'redis-cli', '-p', port, '-i', '0.05', '--stat'], '', isThere);
  t.regex(stat.stdout, /^-+ data -+ -+ load -+ - child -\nkeys +mem +clients +blocked +requests +connections/);
  t.regex(stat.stdout, /\n301 +\d+\.\d\dM +\d+ +0 +\d+ \(\+\d+\) +\d+ *\n/);
});

test('redis-cli lists what the node documents of its commands', async (t) => {
  const { cli } = await started();
  const { stdout } = await cli('--no-raw', '-3', 'command', 'docs', 'set', 'json.set');
  t.regex(stdout, /^1# "set" => \n +1# "summary" => "Sets the value of a key/);
  t.regex(stdout, /\n2# "json\.set" => \n +1# "summary" =>/);
  const all = (await cli('-3', 'command', 'docs')).stdout;
  t.true(all.split('\n').filter((line) => /summary /.test(line)).length > 50);
});

test('redis-cli logs in with -a and --user, and is refused with the texts Redis has', async (t) => {
  const account = (name: string, password: string, user = new AccessUser(name, ['read', 'write'], ['app:*'])) => ({
    user,
    password: null,
    tokenDigests: [digestOf(password)],
  });
  const admin = new AccessUser('default', ['read', 'write', 'admin'], ['*']);
  const { node } = await startNodeFixture(t, { shards: 1 }, [
    account('default', 'root', admin),
    account('app', 'p@ss'),
  ]);
  const cli = (...args: string[]) => runTool(['redis-cli', '-p', String(node.tcpPort), '--no-auth-warning', ...args]);
  t.is((await cli('get', 'a')).stdout, 'NOAUTH Authentication required.\n\n');
  t.is((await cli('-a', 'root', 'acl', 'whoami')).stdout, 'default\n');
  t.is((await cli('-a', 'p@ss', '--user', 'app', 'set', 'app:a', '1')).stdout, 'OK\n');
  t.is((await cli('-3', '-a', 'p@ss', '--user', 'app', 'get', 'app:a')).stdout, '1\n');
  t.is((await cli('-a', 'p@ss', '--user', 'app', 'get', 'a')).stdout, 'NOPERM No permissions to access a key\n\n');
  t.is((await cli('-u', `redis://app:p%40ss@127.0.0.1:${node.tcpPort}`, 'get', 'app:a')).stdout, '1\n');
  const wrong = await cli('-a', 'guess', 'get', 'a');
  t.regex(wrong.stderr, /AUTH failed: WRONGPASS invalid username-password pair or user is disabled\./);
});

testTls('redis-cli speaks TLS with a node whose certificate it trusts', async (t) => {
  const made = new Certificates().issue('server');
  t.teardown(() => made.remove());
  const files = { tlsCert: made.path('server.pem'), tlsKey: made.path('server.key') };
  const { node } = await startNodeFixture(t, { shards: 1, ...files });
  const cli = (...args: string[]) => runTool(['redis-cli', '-p', String(node.tcpPort), ...args]);
  t.is((await cli('--tls', '--cacert', made.path('ca.pem'), 'ping')).stdout, 'PONG\n');
  t.regex((await cli('--tls', 'ping')).stderr, /certificate verify failed/);
});

testInTerminal(
  'redis-cli, used by hand, hints at arguments, hears messages and goes through a transaction',
  async (t) => {
    const { port } = await started();
    const terminal = await Terminal.start(['redis-cli', '-p', port]);
    t.teardown(() => terminal.stop());
    const prompt = `127.0.0.1:${port}>`;
    await terminal.untilLast(prompt);
    await terminal.type('set ');
    await terminal.untilLast(/^127\.0\.0\.1:\d+> set\s+key value /);
    await terminal.type('hand 1');
    await terminal.press('Enter');
    await terminal.until('it is set', (rows) => rows.at(-2) === 'OK' && rows.at(-1) === prompt);
    await terminal.type('multi');
    await terminal.press('Enter');
    await terminal.untilLast(`127.0.0.1:${port}(TX)>`);
    await terminal.type('incr hand');
    await terminal.press('Enter');
    await terminal.until('it is queued', (rows) => rows.at(-2) === 'QUEUED' && rows.at(-1)?.endsWith('(TX)>') === true);
    await terminal.type('exec');
    await terminal.press('Enter');
    await terminal.until('it is run', (rows) => rows.at(-2) === '1) (integer) 2' && rows.at(-1) === prompt);
    await terminal.type('subscribe news');
    await terminal.press('Enter');
    await terminal.until('it is subscribed', (rows) => rows.includes('3) (integer) 1'));
    await runTool(['redis-cli', '-p', port, 'publish', 'news', 'today']);
    await terminal.until('the message is there', (rows) => rows.includes('3) "today"'));
    t.pass();
  },
);
