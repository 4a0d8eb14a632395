import test from 'ava';
import { systemClock } from '../../../src/base/ports.ts';
import { AccessUser } from '../../../src/server/access/rights.ts';
import { digestOf } from '../../../src/server/access/secrets.ts';
import { type NodeFixture, sharedNode, startNodeFixture } from './node-fixture.ts';
import { type Plain, PushClient } from './push-client.ts';

const node = sharedNode({ shards: 1 });

/** The fields of one line of CLIENT LIST. */
function fieldsOf(line: Plain): Record<string, string> {
  return Object.fromEntries(
    String(line)
      .trim()
      .split(' ')
      .map((field) => field.split(/=(.*)/s).slice(0, 2)),
  );
}

/** Asks until the answer is as wanted, for what takes a moment to be seen. */
async function eventually(ask: () => Promise<boolean>): Promise<boolean> {
  for (const until = performance.now() + 5000; performance.now() < until; ) if (await ask()) return true;
  return false;
}

/** Whether the client's connection ends. */
async function ends(client: PushClient): Promise<boolean> {
  try {
    await client.until(() => false);
    return false;
  } catch {
    return client.isClosed;
  }
}

test('CLIENT LIST has a line for each connection with the fields of Redis', async (t) => {
  const { connect } = await node();
  const [one, two] = [await connect(3), await connect(2)];
  t.is(await one.call('client', 'setname', 'first'), 'OK');
  t.is(await one.call('client', 'setinfo', 'LIB-NAME', 'a-library'), 'OK');
  t.is(await one.call('client', 'setinfo', 'lib-ver', '1.2'), 'OK');
  await two.call('subscribe', 'c');
  const id = await one.call('client', 'id');
  const lines = String(await one.call('client', 'list'))
    .trim()
    .split('\n')
    .map(fieldsOf);
  const mine = lines.find((fields) => fields['id'] === String(id));
  t.like(mine, { name: 'first', resp: '3', db: '0', cmd: 'client|list', user: 'default', flags: 'N', redir: '-1' });
  t.like(mine, { 'lib-name': 'a-library', 'lib-ver': '1.2', multi: '-1', sub: '0' });
  t.regex(mine?.['addr'] ?? '', /^127\.0\.0\.1:\d+$/);
  t.is(mine?.['laddr'], `127.0.0.1:${(await node()).node.tcpPort}`);
  t.true(lines.some(({ flags, sub, resp }) => flags === 'P' && sub === '1' && resp === '2'));
  t.deepEqual(fieldsOf(await one.call('client', 'info'))['id'], String(id));
  t.is(String(await one.call('client', 'list', 'id', Number(id), 99_999)).split('\n').length, 2);
  t.true(String(await one.call('client', 'list', 'type', 'pubsub')).includes('flags=P'));
  t.is(await one.call('client', 'list', 'type', 'replica'), '');
});

test('CLIENT LIST tells who tracks keys, and who is told in its place', async (t) => {
  const { connect } = await node();
  const [one, two] = [await connect(3), await connect(3)];
  const id = Number(await two.call('client', 'id'));
  t.is(await one.call('client', 'tracking', 'on'), 'OK');
  t.like(fieldsOf(await one.call('client', 'info')), { flags: 't', redir: '0' });
  await one.call('client', 'tracking', 'off');
  t.is(await one.call('client', 'tracking', 'on', 'redirect', id), 'OK');
  t.like(fieldsOf(await one.call('client', 'info')), { flags: 't', redir: String(id) });
});

test('CLIENT KILL closes what matches, and the one that asks when it is told to, after its answer', async (t) => {
  const { connect } = await node();
  const asker = await connect();
  const victims = [await connect(), await connect(), await connect()] as const;
  const ids = await Promise.all(victims.map((victim) => victim.call('client', 'id')));
  t.is(await asker.call('client', 'kill', 'id', Number(ids[0])), 1);
  t.true(await ends(victims[0]));
  const list = String(await asker.call('client', 'list', 'id', Number(ids[1])));
  t.is(await asker.call('client', 'kill', fieldsOf(list)['addr'] ?? ''), 'OK');
  t.true(await ends(victims[1]));
  t.is(await victims[2].call('client', 'kill', 'id', Number(ids[2])), 0, 'it spares itself unless told not to');
  t.is(await victims[2].call('client', 'kill', 'id', Number(ids[2]), 'skipme', 'no'), 1);
  t.true(await ends(victims[2]));
  t.is(await asker.call('ping'), 'PONG');
});

test('CLIENT REPLY OFF and SKIP leave answers out, and no more than told', async (t) => {
  const client = await (await node()).connect();
  client.send(['client', 'reply', 'off'], ['set', 'k', '1'], ['ping'], ['client', 'reply', 'on'], ['echo', 'a']);
  t.is(await client.reply(), 'OK');
  t.is(await client.reply(), 'a');
  client.send(['client', 'reply', 'skip'], ['echo', 'skipped'], ['echo', 'b']);
  t.is(await client.reply(), 'b');
});

test('CLIENT PAUSE holds commands back until its end, CLIENT UNPAUSE ends it', async (t) => {
  const { connect } = await startNodeFixture(t, { shards: 1 });
  const [one, two] = [await connect(), await connect()];
  t.is(await one.call('client', 'pause', 60_000, 'write'), 'OK');
  two.send(['get', 'k'], ['set', 'k', '1'], ['get', 'k']);
  t.is(await two.reply(), null, 'a read goes on');
  t.is(await one.call('echo', 'x'), 'x');
  t.deepEqual(two.replies, [], 'a write does not');
  t.is(await one.call('client', 'unpause'), 'OK');
  t.is(await two.reply(), 'OK');
  t.is(await two.reply(), '1');
  await one.call('client', 'pause', 50);
  t.is(await two.call('ping'), 'PONG', 'a pause ends by itself');
});

test('RESET brings a connection back to how it was accepted, QUIT closes it', async (t) => {
  const client = await (await node()).connect(3);
  await client.call('client', 'setname', 'x');
  await client.call('multi');
  t.is(await client.call('reset'), 'RESET');
  t.is(await client.call('client', 'getname'), null);
  t.like(fieldsOf(await client.call('client', 'info')), { resp: '2', multi: '-1', name: '' });
  t.is(await client.call('quit'), 'OK');
  t.true(await ends(client));
});

test('HELLO tells about the node as a map, and takes credentials and a name on the way', async (t) => {
  const { connect } = await guarded(t);
  const client = await connect(2);
  t.is(await client.call('get', 'k'), '-NOAUTH Authentication required.');
  t.regex(String(await client.call('hello', 3)), /^-NOAUTH HELLO must be called with the client already authenticated/);
  t.is(
    await client.call('hello', 3, 'auth', 'default', 'wrong'),
    '-WRONGPASS invalid username-password pair or user is disabled.',
  );
  t.is(await client.call('hello', 4), '-NOPROTO unsupported protocol version');
  const greeting = await client.call('hello', 3, 'setname', 'me', 'auth', 'reader', 'read-secret');
  t.deepEqual((greeting as Plain[]).slice(0, 3), [
    ['server', 'redis'],
    ['version', '7.0.15'],
    ['proto', 3],
  ]);
  t.is(await client.call('client', 'getname'), 'me');
  t.is(await client.call('acl', 'whoami'), 'reader');
  t.is(await client.call('auth', 'admin-secret'), '-WRONGPASS invalid username-password pair or user is disabled.');
  t.is(await client.call('auth', 'admin', 'admin-secret'), 'OK');
  t.is(await client.call('acl', 'whoami'), 'admin');
});

test('what a user may not do is refused with NOPERM; QUIT and RESET need no credentials', async (t) => {
  const { connect } = await guarded(t);
  const client = await connect(2);
  t.is(await client.call('reset'), 'RESET');
  t.is(await client.call('auth', 'reader', 'read-secret'), 'OK');
  t.is(
    await client.call('config', 'get', '*'),
    "-NOPERM User reader has no permissions to run the 'config|get' command",
  );
  t.is(await client.call('client', 'list'), "-NOPERM User reader has no permissions to run the 'client|list' command");
  t.is(await client.call('get', 'a:1'), null);
  t.is(await client.call('get', 'b'), '-NOPERM No permissions to access a key');
  t.is(await client.call('auth', 'admin', 'admin-secret'), 'OK');
  t.deepEqual(await client.call('acl', 'users'), ['reader', 'admin']);
  t.deepEqual(await client.call('acl', 'list'), ['user reader on ~a:* &* -@all +@read', 'user admin on ~* &* +@all']);
  const stranger = await connect(2);
  t.is(await stranger.call('quit'), 'OK');
});

/** A node with a user who may only read some keys, and one who may do everything. */
function guarded(t: Parameters<typeof startNodeFixture>[0]): Promise<NodeFixture> {
  return startNodeFixture(t, { shards: 1 }, [
    {
      user: new AccessUser('reader', ['read'], ['a:*']),
      password: null,
      tokenDigests: [digestOf('read-secret')],
    },
    {
      user: new AccessUser('admin', ['read', 'write', 'admin'], ['*']),
      password: null,
      tokenDigests: [digestOf('admin-secret')],
    },
  ]);
}

test('limits are changed while the node runs', async (t) => {
  const fixture = await startNodeFixture(t, { shards: 1 });
  const client = await fixture.connect();
  const idle = await fixture.connect();
  t.is(await client.call('config', 'set', 'maxclients', 2), 'OK');
  const third = await PushClient.open(fixture.node.tcpPort, 2);
  t.true(await ends(third));
  t.is(await client.call('config', 'set', 'maxclients', 10, 'timeout', 1), 'OK');
  const keepAlive = setInterval(() => client.send(['ping']), 100);
  t.teardown(() => clearInterval(keepAlive));
  t.true(await ends(idle), 'a connection that sends nothing is closed');
  t.is((await client.call('config', 'get', 'timeout')) === null, false);
});

test('slow commands are kept with their words and who sent them', async (t) => {
  const { connect } = await startNodeFixture(t, { shards: 1, slowLogThreshold: '0ms' });
  const client = await connect();
  await client.call('client', 'setname', 'slow-one');
  t.is(await client.call('mset', 'a', '1', 'b', '2'), 'OK');
  const [entry] = (await client.call('slowlog', 'get', 1)) as Plain[][];
  t.deepEqual(entry?.[3], ['mset', 'a', '1', 'b', '2']);
  t.is(entry?.[5], 'slow-one');
  t.regex(String(entry?.[4]), /^127\.0\.0\.1:\d+$/);
  t.true(Number(entry?.[2]) > 0);
  t.true(Math.abs(Number(entry?.[1]) - systemClock.nowMs() / 1000) < 60);
  t.is(await client.call('config', 'set', 'slowlog-log-slower-than', -1), 'OK');
  t.is(await client.call('slowlog', 'reset'), 'OK');
  await client.call('mset', 'a', '1');
  t.is(await client.call('slowlog', 'len'), 0);
});

test('INFO counts, CONFIG RESETSTAT lets it begin anew, LATENCY HISTOGRAM tells durations', async (t) => {
  const { connect } = await startNodeFixture(t, { shards: 1 });
  const client = await connect(2);
  const stats = async () => {
    const text = String(await client.call('info', 'stats', 'commandstats', 'errorstats'));
    return Object.fromEntries(text.split('\r\n').map((line) => line.split(/:(.*)/s).slice(0, 2)));
  };
  await client.call('set', 'k', '1');
  await client.call('get', 'k');
  await client.call('get', 'none');
  await client.call('incrby', 'k', 'x');
  t.true(await eventually(async () => (await stats())['keyspace_misses'] === '1'));
  const before = await stats();
  t.is(before['keyspace_hits'], '1');
  t.is(before['errorstat_ERR'], 'count=1');
  t.regex(before['cmdstat_get'] ?? '', /^calls=2,usec=\d+,usec_per_call=/);
  t.true(Number(before['total_net_input_bytes']) > 0);
  const histogram = (await client.call('latency', 'histogram', 'get')) as Plain[];
  t.is(histogram[0], 'get');
  t.is((histogram[1] as Plain[])[1], 2);
  t.is(await client.call('config', 'resetstat'), 'OK');
  const after = await stats();
  t.is(after['keyspace_hits'], '0');
  t.is(after['cmdstat_get'], undefined);
  t.is(after['errorstat_ERR'], undefined);
});

test('a node tells itself as a cluster of one, whose slots are those of its keys', async (t) => {
  const { connect, node: running } = await node();
  const client = await connect(2);
  const id = await client.call('cluster', 'myid');
  t.regex(String(id), /^[\da-f]{40}$/);
  const address = `127.0.0.1:${running.tcpPort}@${running.tcpPort + 10_000}`;
  t.is(await client.call('cluster', 'nodes'), `${id} ${address} myself,master - 0 0 1 connected 0-16383\n`);
  t.deepEqual(await client.call('cluster', 'slots'), [[0, 16_383, ['127.0.0.1', running.tcpPort, id, []]]]);
  t.true(String(await client.call('cluster', 'info')).startsWith('cluster_enabled:0\r\ncluster_state:ok\r\n'));
  t.is(await client.call('cluster', 'keyslot', '123456789'), 12_739);
  const keys = Array.from({ length: 20 }, (_, index) => `{tag}${index}`);
  for (const key of [...keys, 'other']) await client.call('set', key, '1');
  const slot = Number(await client.call('cluster', 'keyslot', '{tag}'));
  t.is(await client.call('cluster', 'countkeysinslot', slot), 20);
  t.deepEqual([...((await client.call('cluster', 'getkeysinslot', slot, 100)) as string[])].sort(), keys.sort());
  t.is(((await client.call('cluster', 'getkeysinslot', slot, 3)) as Plain[]).length, 3);
  t.is(await client.call('cluster', 'countkeysinslot', 16_384), '-ERR Invalid slot');
  t.is(await client.call('cluster', 'getkeysinslot', 0, -1), '-ERR Invalid slot or number of keys');
});

test('COMMAND DOCS gives the arguments that clients make hints of', async (t) => {
  const client = await (await node()).connect(3);
  const [[name, docs]] = (await client.call('command', 'docs', 'GETEX', 'nosuch')) as [[string, Plain[][]]];
  t.is(name, 'getex');
  const fields = Object.fromEntries(docs as [string, Plain][]);
  t.is(fields['group'], 'string');
  const [key, expiry] = fields['arguments'] as Plain[][];
  t.deepEqual(key, [
    ['name', 'key'],
    ['type', 'key'],
    ['key_spec_index', 0],
  ]);
  const { type, flags, arguments: members } = Object.fromEntries(expiry as [string, Plain][]);
  t.is(type, 'oneof');
  t.deepEqual(flags, ['optional']);
  t.deepEqual((members as Plain[])[0], [
    ['name', 'seconds'],
    ['type', 'integer'],
    ['token', 'EX'],
  ]);
  const all = (await client.call('command', 'docs')) as Plain[];
  t.is(await client.call('command', 'count'), all.length);
  t.is(((await client.call('command')) as Plain[]).length, all.length);
  const [[, client0]] = (await client.call('command', 'docs', 'client')) as [[string, [string, Plain[]][]]];
  t.true((Object.fromEntries(client0)['subcommands'] as [string, Plain][]).some(([sub]) => sub === 'client|kill'));
});
