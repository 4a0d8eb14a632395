import test from 'ava';
import { sharedNode, startNodeFixture } from '../resp/node-fixture.ts';
import { RpcClient } from './rpc-client.ts';

const node = sharedNode();
const open = async (t: Parameters<typeof RpcClient.open>[0]) => RpcClient.open(t, (await node()).node.tcpPort);

test('values come back as what they were stored as', async (t) => {
  const client = await open(t);
  const document = new Map<string, unknown>([
    ['a', [1, 2.5, true, null]],
    ['ü"\n', 'x\u0000€'],
    ['__proto__', { b: [] }],
  ]);
  const values: [value: unknown, read: unknown][] = [
    ['text', 'text'],
    ['', ''],
    ['é'.repeat(40), 'é'.repeat(40)],
    [Buffer.from([1, 2, 255]), Buffer.from([1, 2, 255])],
    [Buffer.from('ascii'), Buffer.from('ascii')],
    [0, 0],
    [-1, -1],
    [2 ** 31, 2 ** 31],
    [-(2 ** 31), -(2 ** 31)],
    [2n ** 63n - 1n, 2n ** 63n - 1n],
    [-(2n ** 63n), -(2n ** 63n)],
    [9_007_199_254_740_993n, 9_007_199_254_740_993n],
    [0.1, 0.1],
    [3.0, 3],
    [1e300, 1e300],
    [true, true],
    [null, null],
    [[], []],
    [
      [1, [2, { a: null }]],
      [1, [2, { a: null }]],
    ],
    [{}, {}],
    [document, { a: [1, 2.5, true, null], 'ü"\n': 'x\u0000€', __proto_: { b: [] } }],
    [[2n ** 64n - 1n], [2n ** 64n - 1n]],
  ];
  for (const [index, [value, read]] of values.entries()) {
    const key = `value:${index}`;
    t.is(await client.result('set', key, value), 'OK', key);
    t.deepEqual(await client.result('get', key), read, key);
  }
  const keys = values.map((_, index) => `value:${index}`);
  t.deepEqual(await client.result('mget', ...keys, 'none'), [...values.map(([, read]) => read), null]);
});

test('mset stores what set stores', async (t) => {
  const client = await open(t);
  t.is(await client.result('mset', 'm1', 1, 'm2', 'two', 'm3', { three: [3] }, 'm4', Buffer.from([4])), 'OK');
  t.deepEqual(await client.result('mget', 'm1', 'm2', 'm3', 'm4'), [1, 'two', { three: [3] }, Buffer.from([4])]);
  t.is(await client.result('mset', 'm5', Buffer.from([5]), 'm6', Buffer.from([6])), 'OK');
  t.deepEqual(await client.result('mget', 'm5', 'm6', '1'), [Buffer.from([5]), Buffer.from([6]), null]);
  t.is(await client.result('incr', 'm1'), 2);
  t.is(await client.fault('incr', 'm3'), 'wrong-type');
  t.is(await client.fault('mset', 'm1'), 'arity');
  t.is(await client.fault('mset', 'm1', 1, null, 2), 'invalid-argument');
});

test('bytes that are no UTF-8, stored as text, come back as bin', async (t) => {
  const client = await open(t);
  const bytes = Buffer.from([0x66, 0xff, 0x66]);
  await client.result('setnx', 'raw', bytes);
  t.deepEqual(await client.result('get', 'raw'), bytes);
  t.is(await client.result('append', 'text-then', 'abc'), 3);
  t.is(await client.result('get', 'text-then'), 'abc');
});

test('keys are str, bin or numbers', async (t) => {
  const client = await open(t);
  await client.result('set', 7, 'seven');
  t.is(await client.result('get', '7'), 'seven');
  t.is(await client.result('get', Buffer.from('7')), 'seven');
  t.is(await client.result('get', 7.0), 'seven');
  for (const key of [null, true, [], {}]) t.is(await client.fault('get', key), 'invalid-argument', String(key));
});

test('a map of options stands for the words of a command', async (t) => {
  const client = await open(t);
  t.is(await client.result('set', 'o', 1, { ttlMs: 60_000, nx: true }), 'OK');
  t.is(await client.result('set', 'o', 1, { nx: true, xx: false, get: null }), null);
  const left = Number(await client.result('pttl', 'o'));
  t.true(left > 0 && left <= 60_000);
  t.is(await client.result('set', 'o', 2, { KEEPTTL: true }), 'OK');
  t.true(Number(await client.result('pttl', 'o')) > 0);
  t.is(await client.result('set', 'o', 3, 'EX', 100, { get: true }), 2);
  t.is(await client.fault('set', 'o', 3, { nx: true, xx: true }), 'syntax');
  t.is(await client.fault('set', 'o', 3, { nonsense: true }), 'syntax');
  const refusal = async (...words: unknown[]) => (await client.call('set', 'o', 3, ...words))[0]?.message ?? '';
  t.regex(await refusal({ ttl: 5 }), /^unknown option "ttl"; did you mean ttlMs\?$/);
  t.regex(await refusal({ keepTtls: true }), /^unknown option "keepttls"; did you mean keepttl\?$/);
  t.regex(await refusal({ q: true }), /^unknown option "q"; the options are .*ttlMs/);
  t.is(await client.fault('set', 'o', 3, { ttlMs: Number.NaN }), 'invalid-argument');
  t.is(await client.fault('set', 'o', 3, { ttlMs: { a: 1 } }), 'invalid-argument');
  t.is(await client.fault('mget', 'o', { count: 1 }), 'syntax');
  t.is(await client.fault('get', 'o', { returnVersion: true }), 'syntax');
  const page = await client.result('scan', 0, { match: 'o', count: 4096 });
  t.true(Array.isArray(page) && Array.isArray(page[1]) && page[1].includes('o'));
});

test('versions are read, returned by writes, and conditions of writes', async (t) => {
  const client = await open(t);
  const written = (await client.result('set', 'v', 'one', { returnVersion: true })) as Record<string, unknown>;
  t.like(written, { result: 'OK', created: true });
  const entry = (await client.result('entry', 'v')) as Record<string, unknown>;
  t.deepEqual(entry, { value: 'one', version: written['version'], ttlMs: null, contentType: null });
  t.is(await client.result('set', 'v', 'two', { ifVersion: 1 }), null);
  t.is(await client.result('set', 'v', 'two', { ifVersion: written['version'] }), 'OK');
  t.is(await client.result('del', 'v', { ifVersion: written['version'] }), null);
  const { version } = (await client.result('entry', 'v')) as Record<string, unknown>;
  t.is(await client.result('del', 'v', { ifVersion: version }), 1);
  t.is(await client.result('del', 'v', { ifVersion: version }), 0);
  t.is(await client.result('entry', 'v'), null);
  await client.result('set', 'v', 1, { ttlMs: 50_000, contentType: 'text/plain' });
  const timed = (await client.result('entry', 'v')) as Record<string, unknown>;
  t.true(Number(timed['ttlMs']) > 0 && Number(timed['ttlMs']) <= 50_000);
  t.is(timed['contentType'], 'text/plain');
  const counted = (await client.result('incr', 'v', { returnVersion: true })) as Record<string, unknown>;
  t.like(counted, { result: 2, created: false });
});

test('commands of documents take values and answer values', async (t) => {
  const client = await open(t);
  t.is(await client.result('json.set', 'j', '$', { a: [1] }), 'OK');
  t.deepEqual(await client.result('json.arrappend', 'j', '$.a', 2, { b: null }, '"text"'), [4]);
  t.deepEqual(await client.result('json.get', 'j'), { a: [1, 2, { b: null }, 'text'] });
  t.deepEqual(await client.result('json.mget', 'j', 'none', '$.a[0]'), [[1], null]);
  t.is(await client.fault('json.set', 'j', '$', 'no json'), 'invalid-json');
});

test('a batch answers each operation in order, errors among them', async (t) => {
  const client = await open(t);
  const operations = [
    ['set', ['b:1', 1]],
    ['incr', ['b:1']],
    ['nosuch', []],
    ['entry', ['none']],
    ['dbsize', []],
    ['get', ['b:1']],
    ['hello', []],
    ['batch', []],
    ['mget', ['b:1', 'none']],
    ['rename', ['b:1', 'b:2']],
    ['get', ['b:2']],
  ];
  const answers = (await client.result('batch', ...operations)) as [{ code: string } | null, unknown][];
  const plain = answers.map(([error, result]) => error?.code ?? result);
  t.true(Number(plain[4]) > 0);
  plain[4] = 'a number';
  const refused = ['bad-request', 'bad-request'];
  t.deepEqual(plain, ['OK', 2, 'unknown-command', null, 'a number', 2, ...refused, [2, null], 'OK', 2]);
  t.deepEqual(await client.result('batch'), []);
  t.is(await client.fault('batch', ['get', ['a']], ['get']), 'bad-request');
  t.is(await client.fault('batch', 'get'), 'bad-request');
  const tooMany = Array.from({ length: 1001 }, () => ['get', ['a']]);
  t.is(await client.fault('batch', ...tooMany), 'request-too-large');
  const many = Array.from({ length: 1000 }, (_, index) => [index % 2 === 0 ? 'incr' : 'get', ['b:3']]);
  const counted = (await client.result('batch', ...many)) as [null, number][];
  t.deepEqual(
    counted.map(([, result]) => result),
    Array.from({ length: 1000 }, (_, index) => (index >> 1) + 1),
  );
});

test('commands take effect in the order they were sent, whatever they are', async (t) => {
  const client = await open(t);
  const answers: Promise<unknown>[] = [];
  for (let round = 0; round < 50; round++) {
    answers.push(client.result('set', `s:${round % 5}`, round), client.result('get', `s:${round % 5}`));
    if (round % 10 === 0) answers.push(client.result('rename', `s:${round % 5}`, 's:renamed'));
    if (round % 10 === 0) answers.push(client.result('get', 's:renamed'), client.result('get', `s:${round % 5}`));
  }
  const found = await Promise.all(answers);
  const wanted: unknown[] = [];
  for (let round = 0; round < 50; round++) {
    wanted.push('OK', round);
    if (round % 10 === 0) wanted.push('OK', round, null);
  }
  t.deepEqual(found, wanted);
});

test('notifications are run and not answered', async (t) => {
  const client = await open(t);
  client.notify('set', 'told', 'quietly');
  client.notify('nosuch', 'at all');
  client.notify('get');
  client.notify('batch', ['set', ['told:2', 1]]);
  t.is(await client.result('get', 'told'), 'quietly');
  t.is(await client.result('get', 'told:2'), 1);
  t.deepEqual(client.messages, []);
});

test('messages of channels and invalidations are notifications', async (t) => {
  const reader = await open(t);
  const writer = await open(t);
  t.deepEqual(await reader.result('subscribe', 'a', 'b'), [
    ['subscribe', 'a', 1],
    ['subscribe', 'b', 2],
  ]);
  await reader.result('psubscribe', 'n*');
  t.is(await writer.result('publish', 'a', 'hello'), 1);
  t.is(await writer.result('publish', 'news', Buffer.from([255])), 1);
  await reader.until('two messages', () => reader.messages.length === 2);
  t.deepEqual(reader.messages.splice(0), [
    [2, 'message', ['a', 'hello']],
    [2, 'pmessage', ['n*', 'news', Buffer.from([255])]],
  ]);
  t.is(await reader.result('client tracking', 'on'), 'OK');
  await reader.result('set', 'tracked', 1);
  t.is(await reader.result('get', 'tracked'), 1);
  await writer.result('set', 'tracked', 2);
  await reader.until('an invalidation', () => reader.messages.length > 0);
  t.deepEqual(reader.messages.splice(0), [[2, 'invalidate', [['tracked']]]]);
  t.is(await reader.result('get', 'tracked'), 2);
  t.deepEqual(await reader.result('unsubscribe'), [
    ['unsubscribe', 'a', 2],
    ['unsubscribe', 'b', 1],
  ]);
});

test('hello tells of the server; a name is kept', async (t) => {
  const client = await open(t);
  const told = (await client.result('hello', { name: 'tester' })) as Record<string, unknown>;
  t.like(told, { server: 'fluxcache', protocol: 1, user: 'default' });
  t.true((told['methods'] as string[]).includes('memory usage') && (told['methods'] as string[]).includes('entry'));
  t.is(await client.result('client getname'), 'tester');
  t.is(await client.result('client', 'id'), Number(told['id']));
  t.is(await client.fault('hello', { nonsense: 1 }), 'bad-request');
  t.is(await client.fault('hello', 1), 'bad-request');
  t.is(await client.fault('memory nosuch', 'a'), 'unknown-command');
  t.true(Number(await client.result('memory usage', 'o')) >= 0);
});

test('a transaction is queued and run as one', async (t) => {
  const client = await open(t);
  t.is(await client.result('multi'), 'OK');
  t.is(await client.result('set', '{t}a', 1), 'QUEUED');
  t.is(await client.result('incr', '{t}a'), 'QUEUED');
  t.deepEqual(await client.result('exec'), ['OK', 2]);
});

test('who asks for credentials refuses everything before they are given', async (t) => {
  const { node: guarded } = await startNodeFixture(t, { password: 'secret' }, [
    ...(await import('../../../src/server/access/users-file.ts').then(({ readAccounts }) => {
      const accounts = readAccounts({ password: 'secret', usersFile: '' });
      return accounts.kind === 'accounts' ? accounts.accounts : [];
    })),
  ]);
  const client = await RpcClient.open(t, guarded.tcpPort);
  t.is(await client.fault('get', 'a'), 'unauthenticated');
  t.is(await client.fault('batch', ['get', ['a']]), 'unauthenticated');
  t.is(await client.fault('hello'), 'unauthenticated');
  t.is(await client.fault('auth', 'wrong'), 'wrong-password');
  t.is(await client.fault('auth', 'nobody', 'secret'), 'wrong-password');
  const answers = [client.result('auth', 'default', 'secret'), client.result('set', 'a', 1)];
  t.deepEqual(await Promise.all(answers), ['OK', 'OK']);
  const other = await RpcClient.open(t, guarded.tcpPort);
  t.like((await other.result('hello', { user: 'default', password: 'secret' })) as object, { user: 'default' });
  t.is(await other.result('get', 'a'), 1);
  const large = await RpcClient.open(t, guarded.tcpPort);
  t.is(await large.fault('auth', 'x'.repeat(20_000)), 'request-too-large');
  await large.until('the connection is closed', () => large.isClosed);
});
