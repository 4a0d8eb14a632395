import { createHash } from 'node:crypto';
import test from 'ava';
import { AccessUser } from '../../../src/server/access/rights.ts';
import { startNodeFixture } from './node-fixture.ts';

test.serial('what becomes of keys is published, by key and by event', async (t) => {
  const { connect } = await startNodeFixture(t, { notifyKeyspaceEvents: 'KEA' });
  const [listener, writer] = [await connect(3), await connect(2)];
  listener.send(['psubscribe', '__key*__:*']);
  await listener.push();
  const events = async (...words: readonly (string | number)[]): Promise<string[]> => {
    await writer.call(...words);
    const pushes = await listener.pushesSoFar();
    const texts = pushes.map((push) => (push as readonly string[]).slice(2).join(' '));
    // Each event comes twice: under its key, then under its name.
    return texts.flatMap((text, index) => {
      if (index % 2 === 1) return [];
      const [, key, event] = /^__keyspace@0__:(\S+) (\S+)$/.exec(text) ?? [];
      t.is(texts[index + 1], `__keyevent@0__:${event} ${key}`);
      return [`${event} ${key}`];
    });
  };
  t.deepEqual(await events('set', 'a', '1'), ['set a']);
  t.deepEqual(await events('set', 'a', '1', 'ex', 100), ['set a', 'expire a']);
  t.deepEqual(await events('set', 'a', '1', 'nx'), []);
  t.deepEqual(await events('incrby', 'a', '5'), ['incrby a']);
  t.deepEqual(await events('incrbyfloat', 'a', '0.5'), ['incrbyfloat a']);
  t.deepEqual(await events('append', 'a', 'x'), ['append a']);
  t.deepEqual(await events('setrange', 'a', 0, 'y'), ['setrange a']);
  t.deepEqual(await events('expire', 'a', 200), ['expire a']);
  t.deepEqual(await events('persist', 'a'), ['persist a']);
  t.deepEqual(await events('persist', 'a'), []);
  t.deepEqual((await events('mset', 'b', '1', 'c', '2')).sort(), ['set b', 'set c']);
  t.deepEqual((await events('copy', 'b', 'd')).sort(), ['copy_to d']);
  t.deepEqual((await events('rename', 'b', 'e')).sort(), ['rename_from b', 'rename_to e']);
  t.deepEqual(await events('getdel', 'e'), ['del e']);
  t.deepEqual((await events('del', 'a', 'c', 'nothing')).sort(), ['del a', 'del c']);
  t.deepEqual(await events('flushall'), []);
  t.deepEqual(await events('get', 'a'), []);
});

test.serial('keys that expire are told of within some milliseconds of their time, without being read', async (t) => {
  const { connect } = await startNodeFixture(t, { notifyKeyspaceEvents: 'Ex' });
  const [listener, writer] = [await connect(3), await connect(2)];
  listener.send(['subscribe', '__keyevent@0__:expired']);
  await listener.push();
  const dueMs = new Map<string, number>();
  const lateMs: number[] = [];
  listener.socket.on('data', () => {
    for (; listener.pushes.length > 0; ) {
      const [, , key] = listener.pushes.shift() as readonly string[];
      lateMs.push(Date.now() - (dueMs.get(key ?? '') ?? 0));
    }
  });
  for (let index = 0; index < 50; index++) {
    const atMs = Date.now() + 100 + index * 10;
    dueMs.set(`k${index}`, atMs);
    await writer.call('set', `k${index}`, 'v', 'pxat', atMs);
  }
  await listener.until(() => lateMs.length === 50);
  lateMs.sort((one, other) => one - other);
  t.true((lateMs[0] ?? -1) >= 0, 'none before its time');
  t.true((lateMs[25] ?? Infinity) < 250, `the median is ${lateMs[25]} ms late`);
  t.is(await writer.call('dbsize'), 0);
});

test.serial('keys that are evicted are told of', async (t) => {
  const { connect } = await startNodeFixture(t, { notifyKeyspaceEvents: 'Ee', maxMemory: '16mb', shards: 1 });
  const [listener, writer] = [await connect(3), await connect(2)];
  listener.send(['psubscribe', '*']);
  await listener.push();
  const count = 250;
  for (let index = 0; index < count; index++) await writer.call('set', `big${index}`, 'x'.repeat(100_000));
  const told = (await listener.pushesSoFar()) as readonly (readonly string[])[];
  const keys = new Set(told.map((push) => push[3]));
  t.true(told.every((push) => push[2] === '__keyevent@0__:evicted'));
  t.is(keys.size, told.length, 'each once');
  t.is(count - keys.size, (await writer.call('dbsize')) as number);
});

test.serial('nothing is published unless it is asked for', async (t) => {
  const { connect } = await startNodeFixture(t);
  const [listener, writer] = [await connect(3), await connect(2)];
  listener.send(['psubscribe', '*']);
  await listener.push();
  await writer.call('set', 'k', 'v');
  await writer.call('del', 'k');
  t.deepEqual(await listener.pushesSoFar(), []);
});

test.serial('a user is told of keys he may use, however he asks for others', async (t) => {
  const accounts = [
    new AccessUser('shop', ['read'], ['shop:*']),
    new AccessUser('operator', ['read', 'write', 'admin'], ['*']),
  ].map((user) => ({
    user,
    password: null,
    tokenDigests: [createHash('sha256').update(user.name).digest('hex')],
  }));
  const { connect } = await startNodeFixture(t, { notifyKeyspaceEvents: 'KEA' }, accounts);
  const clientOf = async (name: string) => {
    const client = await connect(2);
    await client.call('hello', 3, 'auth', name, name);
    return client;
  };
  const [shop, operator] = [await clientOf('shop'), await clientOf('operator')];
  for (const client of [shop, operator]) {
    client.send(['psubscribe', '__key*__:*'], ['subscribe', '__keyspace@0__:secret', '__keyevent@0__:set', 'news']);
    for (let count = 0; count < 4; count++) await client.push();
  }
  await operator.call('mset', 'secret', '1', 'shop:1', '1');
  await operator.call('del', 'secret');
  await operator.call('publish', 'news', 'of secret');
  const told = (pushes: readonly unknown[]): string[] => pushes.map((push) => (push as string[]).join(' ')).sort();
  t.deepEqual(told(await shop.pushesSoFar()), [
    'message __keyevent@0__:set shop:1',
    'message news of secret',
    'pmessage __key*__:* __keyevent@0__:set shop:1',
    'pmessage __key*__:* __keyspace@0__:shop:1 set',
  ]);
  t.is(told(await operator.pushesSoFar()).filter((text) => text.includes('secret')).length, 8);
});
