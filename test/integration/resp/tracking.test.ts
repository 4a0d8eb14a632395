import test from 'ava';
import { sharedNode, startNodeFixture } from './node-fixture.ts';

const node = sharedNode();

test('who read a key is told of its next change before the writer has its reply', async (t) => {
  const { connect } = await node();
  const [reader, writer] = [await connect(3), await connect(2)];
  t.is(await reader.call('client', 'tracking', 'on'), 'OK');
  for (const words of [
    ['set', 'told', 'v'],
    ['append', 'told', 'v'],
    ['expire', 'told', 100],
    ['persist', 'told'],
    ['del', 'told'],
  ]) {
    await reader.call('get', 'told');
    await writer.call(...words);
    t.deepEqual(await reader.pushesSoFar(), [['invalidate', ['told']]], words.join(' '));
  }
  await writer.call('set', 'told', 'v');
  t.deepEqual(await reader.pushesSoFar(), [], 'once only, until it is read again');
});

test('several keys, and keys read in a transaction, are noted; a write that changes nothing tells nothing', async (t) => {
  const { connect } = await node();
  const [reader, writer] = [await connect(3), await connect(2)];
  await writer.call('mset', 'm1', '1', 'm2', '2', 'm3', '3');
  await reader.call('client', 'tracking', 'on');
  await reader.call('mget', 'm1', 'm2', 'm3');
  t.is(await writer.call('set', 'm1', 'x', 'nx'), null);
  t.is(await writer.call('persist', 'm1'), 0);
  t.is(await writer.call('mset', 'm1', 'x', 'm3', 'x'), 'OK');
  const told = (await reader.pushesSoFar()).map((push) => JSON.stringify(push)).sort();
  t.deepEqual(told, ['["invalidate",["m1"]]', '["invalidate",["m3"]]']);
  reader.send(['multi'], ['get', 'm1'], ['exec']);
  await reader.until(() => reader.replies.length === 3);
  reader.replies.length = 0;
  await writer.call('incr', 'm9');
  await writer.call('set', 'm1', 'y');
  t.deepEqual(await reader.pushesSoFar(), [['invalidate', ['m1']]]);
});

test('keys that expire are told of on time, without being read', async (t) => {
  const { connect } = await node();
  const [reader, writer] = [await connect(3), await connect(2)];
  await reader.call('client', 'tracking', 'on');
  await writer.call('set', 'short', 'v', 'px', 60);
  await reader.call('get', 'short');
  const beganMs = performance.now();
  t.deepEqual(await reader.push(), ['invalidate', ['short']]);
  t.true(performance.now() - beganMs < 2000);
});

test('an invalidated tag is told as all keys, to who has read any, ahead of the reply; with SCOPED by its name', async (t) => {
  // All who track are told: a node of its own.
  const { connect } = await startNodeFixture(t);
  const [reader, idle, scoped, writer] = [await connect(3), await connect(3), await connect(3), await connect(2)];
  for (const client of [reader, idle]) t.is(await client.call('client', 'tracking', 'on'), 'OK');
  t.is(await scoped.call('client', 'tracking', 'on', 'scoped'), 'OK');
  await writer.call('set', 'tagged', 'v', 'tags', 2, 'one', 'two');
  for (const client of [reader, scoped]) t.is(await client.call('get', 'tagged'), 'v');
  t.is(await writer.call('invalidate', 'one', 'three'), 2);
  // Once for all shards, as it has read nothing since.
  t.deepEqual(await reader.pushesSoFar(), [['invalidate', null]]);
  t.deepEqual(await idle.pushesSoFar(), []);
  t.deepEqual(await scoped.pushesSoFar(), [
    ['invalidate-tags', ['one', 'three']],
    ['invalidate-tags', ['one', 'three']],
  ]);
  t.is(await reader.call('get', 'tagged'), null);
});

test('with BCAST, changes of all keys with a prefix are told; with NOLOOP those of its own are not', async (t) => {
  const { connect } = await node();
  const [reader, writer] = [await connect(3), await connect(3)];
  t.is(await reader.call('client', 'tracking', 'on', 'bcast', 'prefix', 'bc:', 'noloop'), 'OK');
  t.is(await writer.call('client', 'tracking', 'on', 'bcast', 'prefix', 'bc:'), 'OK');
  await reader.call('set', 'bc:1', 'v');
  await writer.call('set', 'bc:2', 'v');
  await writer.call('set', 'other', 'v');
  t.deepEqual(await reader.pushesSoFar(), [['invalidate', ['bc:2']]]);
  t.deepEqual(await writer.pushesSoFar(), [
    ['invalidate', ['bc:1']],
    ['invalidate', ['bc:2']],
  ]);
});

test('with OPTIN and OPTOUT, CLIENT CACHING chooses the command that follows', async (t) => {
  const { connect } = await node();
  const [inn, out, writer] = [await connect(3), await connect(3), await connect(2)];
  await inn.call('client', 'tracking', 'on', 'optin');
  await out.call('client', 'tracking', 'on', 'optout');
  inn.send(['get', 'o1'], ['client', 'caching', 'yes'], ['get', 'o2'], ['get', 'o3']);
  out.send(['get', 'o1'], ['client', 'caching', 'no'], ['get', 'o2'], ['get', 'o3']);
  inn.send(['client', 'caching', 'yes'], ['multi'], ['get', 'o4'], ['get', 'o5'], ['exec'], ['get', 'o6']);
  await inn.until(() => inn.replies.length === 10);
  await out.until(() => out.replies.length === 4);
  inn.replies.length = 0;
  out.replies.length = 0;
  for (let index = 1; index <= 6; index++) await writer.call('set', `o${index}`, 'v');
  t.deepEqual(
    await inn.pushesSoFar(),
    ['o2', 'o4', 'o5'].map((key) => ['invalidate', [key]]),
  );
  t.deepEqual(
    await out.pushesSoFar(),
    ['o1', 'o3'].map((key) => ['invalidate', [key]]),
  );
});

test('RESP2 is told on a second connection that is subscribed to __redis__:invalidate', async (t) => {
  const { connect } = await node();
  const [reader, listener, writer] = [await connect(2), await connect(2), await connect(2)];
  const id = (await listener.call('client', 'id')) as number;
  await listener.call('subscribe', '__redis__:invalidate');
  t.is(await reader.call('client', 'tracking', 'on', 'redirect', id), 'OK');
  t.is(await reader.call('client', 'getredir'), id);
  await reader.call('get', 'redirected');
  await writer.call('set', 'redirected', 'v');
  t.deepEqual(await listener.reply(), ['message', '__redis__:invalidate', ['redirected']]);
});

test('when the connection that is told has gone, RESP3 hears that', async (t) => {
  const { connect } = await node();
  const [reader, listener, writer] = [await connect(3), await connect(3), await connect(2)];
  const id = (await listener.call('client', 'id')) as number;
  await reader.call('client', 'tracking', 'on', 'redirect', id);
  await listener.call('quit');
  await listener.until(() => listener.isClosed).catch(() => undefined);
  await reader.call('get', 'broken');
  await writer.call('set', 'broken', 'v');
  t.deepEqual(await reader.push(), ['tracking-redir-broken', id]);
  t.deepEqual(await reader.call('client', 'trackinginfo'), [
    ['flags', ['on', 'broken_redirect']],
    ['redirect', id],
    ['prefixes', []],
  ]);
});

test('a client that wrote and read in one pipeline drops what it read', async (t) => {
  const { connect } = await node();
  const client = await connect(3);
  await client.call('client', 'tracking', 'on');
  client.log.length = 0;
  client.send(['get', 'own'], ['set', 'own', 'v'], ['get', 'own'], ['ping']);
  await client.until(() => client.replies.length === 4);
  const pushes = client.log.flatMap((item, index) => (Array.isArray(item) && item[0] === 'invalidate' ? [index] : []));
  t.true(pushes.length >= 1);
  const readAt = client.log.findLastIndex((item) => Array.isArray(item) && item[1] === 'v');
  t.true(Math.max(...pushes) > readAt || (await client.push()) !== null, JSON.stringify(client.log));
});

test('RESET and CLIENT TRACKING OFF end tracking', async (t) => {
  const { connect } = await node();
  const [reader, writer] = [await connect(3), await connect(2)];
  await reader.call('client', 'tracking', 'on');
  await reader.call('get', 'ended');
  t.is(await reader.call('client', 'tracking', 'off'), 'OK');
  await writer.call('set', 'ended', 'v');
  t.deepEqual(await reader.pushesSoFar(), []);
  await reader.call('client', 'tracking', 'on');
  await reader.call('get', 'ended');
  t.is(await reader.call('reset'), 'RESET');
  await reader.call('hello', 3);
  await writer.call('set', 'ended', 'w');
  t.deepEqual(await reader.pushesSoFar(), []);
});

test.serial('FLUSHALL tells all who track that all may have changed', async (t) => {
  const { connect } = await startNodeFixture(t, { shards: 3 });
  const [reader, broad, writer] = [await connect(3), await connect(3), await connect(2)];
  await reader.call('client', 'tracking', 'on');
  await broad.call('client', 'tracking', 'on', 'bcast', 'prefix', 'x');
  await reader.call('get', 'k');
  await writer.call('flushall');
  t.deepEqual((await reader.pushesSoFar())[0], ['invalidate', null]);
  t.deepEqual((await broad.pushesSoFar())[0], ['invalidate', null]);
  await writer.call('set', 'k', 'v');
  t.deepEqual(await reader.pushesSoFar(), [], 'nothing is remembered of what was read before');
});

test.serial('keys that are evicted are told of', async (t) => {
  const { connect } = await startNodeFixture(t, { maxMemory: '16mb', shards: 1 });
  const [reader, writer] = [await connect(3), await connect(2)];
  await reader.call('client', 'tracking', 'on');
  const value = 'x'.repeat(100_000);
  for (let index = 0; index < 250; index++) {
    await writer.call('set', `big${index}`, value);
    if (index < 100) await reader.call('exists', `big${index}`);
  }
  const told = await reader.pushesSoFar();
  t.true(told.length > 0);
  const gone: string[] = [];
  for (let index = 0; index < 100; index++) {
    if ((await writer.call('exists', `big${index}`)) === 0) gone.push(`big${index}`);
  }
  const keys = told.map((push) => ((push as readonly unknown[])[1] as string[])[0]);
  t.deepEqual(
    gone.filter((key) => !keys.includes(key)),
    [],
  );
});
