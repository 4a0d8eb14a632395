import test from 'ava';
import { sharedNode, startNodeFixture } from './node-fixture.ts';

const node = sharedNode();

test('messages come to those who named the channel and to those whose pattern matches, in both versions', async (t) => {
  const { connect } = await node();
  const [one, two, publisher] = [await connect(3), await connect(2), await connect(2)];
  one.send(['subscribe', 'news', 'olds']);
  t.deepEqual(
    [await one.push(), await one.push()],
    [
      ['subscribe', 'news', 1],
      ['subscribe', 'olds', 2],
    ],
  );
  t.deepEqual(await two.call('psubscribe', 'n*'), ['psubscribe', 'n*', 1]);
  t.is(await publisher.call('publish', 'news', 'hi\r\n\xff'), 2);
  t.is(await publisher.call('publish', 'olds', ''), 1);
  t.is(await publisher.call('publish', 'nobody', ''), 1);
  t.is(await publisher.call('publish', 'hears', ''), 0);
  t.deepEqual(
    [await one.push(), await one.push()],
    [
      ['message', 'news', 'hi\r\n\xc3\xbf'],
      ['message', 'olds', ''],
    ],
  );
  t.deepEqual(
    [await two.reply(), await two.reply()],
    [
      ['pmessage', 'n*', 'news', 'hi\r\n\xc3\xbf'],
      ['pmessage', 'n*', 'nobody', ''],
    ],
  );
});

test('messages of one publisher come in their order, between replies', async (t) => {
  const { connect } = await node();
  const [reader, publisher] = [await connect(3), await connect(2)];
  reader.send(['subscribe', 'ordered']);
  await reader.push();
  const count = 1000;
  for (let index = 0; index < count; index++) {
    publisher.send(['publish', 'ordered', index]);
    if (index % 10 === 0) reader.send(['set', 'k', index], ['get', 'k']);
  }
  await reader.until(() => reader.pushes.length === count && reader.replies.length === count / 5);
  t.deepEqual(
    reader.pushes,
    Array.from({ length: count }, (_, index) => ['message', 'ordered', String(index)]),
  );
  for (let index = 0; index < reader.replies.length; index += 2) {
    t.deepEqual(reader.replies.slice(index, index + 2), ['OK', String(index * 5)]);
  }
});

test('in a pipeline, SUBSCRIBE is confirmed behind the replies before it, and messages come behind that', async (t) => {
  const { connect } = await node();
  const client = await connect(3);
  client.send(
    ['set', 'piped', 'v'],
    ['subscribe', 'piped'],
    ['publish', 'piped', 'm'],
    ['get', 'piped'],
    ['unsubscribe'],
    ['ping'],
  );
  await client.until(() => client.log.length === 7);
  t.deepEqual(client.log, [
    ['reply', 'OK'],
    ['subscribe', 'piped', 1],
    ['message', 'piped', 'm'],
    ['reply', 1],
    ['reply', 'v'],
    ['unsubscribe', 'piped', 0],
    ['reply', 'PONG'],
  ]);
});

test('a subscribed connection of RESP2 takes few commands, until it has left all', async (t) => {
  const { connect } = await node();
  const client = await connect(2);
  await client.call('subscribe', 'a');
  const allowed = '(P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context';
  t.is(await client.call('get', 'k'), `-ERR Can't execute 'get': only ${allowed}`);
  t.deepEqual(await client.call('ping'), ['pong', '']);
  t.deepEqual(await client.call('ping', 'x'), ['pong', 'x']);
  t.deepEqual(await client.call('unsubscribe'), ['unsubscribe', 'a', 0]);
  t.is(await client.call('ping'), 'PONG');
  t.is(await client.call('get', 'absent'), null);
  t.deepEqual(await client.call('unsubscribe'), ['unsubscribe', null, 0]);
});

test.serial('a connection that closes, or says RESET, is subscribed to nothing', async (t) => {
  const { connect } = await startNodeFixture(t);
  const [one, two, three] = [await connect(3), await connect(2), await connect(2)];
  one.send(['subscribe', 'c'], ['psubscribe', 'c*'], ['ssubscribe', 's']);
  await two.call('subscribe', 'c');
  await one.until(() => one.pushes.length === 3);
  t.deepEqual(await three.call('pubsub', 'numsub', 'c', 'd'), ['c', 2, 'd', 0]);
  t.is(await three.call('pubsub', 'numpat'), 1);
  t.deepEqual(await three.call('pubsub', 'channels'), ['c']);
  t.deepEqual(await three.call('pubsub', 'channels', 'x*'), []);
  t.deepEqual(await three.call('pubsub', 'shardchannels'), ['s']);
  t.deepEqual(await three.call('pubsub', 'shardnumsub', 's'), ['s', 1]);
  t.is(await three.call('spublish', 's', 'm'), 1);
  one.close();
  if ((await two.call('reset')) !== 'RESET') t.fail();
  const endMs = performance.now() + 5000;
  while ((await three.call('pubsub', 'numpat')) !== 0 && performance.now() < endMs);
  t.deepEqual(await three.call('pubsub', 'numsub', 'c'), ['c', 0]);
  t.is(await three.call('publish', 'c', 'x'), 0);
});

test('a message reaches a thousand subscribers', async (t) => {
  const { connect, faults } = await node();
  const clients = await Promise.all(Array.from({ length: 1000 }, (_, index) => connect(index % 2 === 0 ? 2 : 3)));
  for (const client of clients) client.send(['subscribe', 'all']);
  await Promise.all(clients.map((client) => client.until(() => client.log.length === 1)));
  const publisher = await connect(2);
  publisher.send(['publish', 'all', 'x'.repeat(1000)], ['publish', 'all', 'end']);
  await Promise.all(clients.map((client) => client.until(() => client.log.length === 3)));
  t.deepEqual([await publisher.reply(), await publisher.reply()], [1000, 1000]);
  t.deepEqual(clients[7]?.log[2], ['message', 'all', 'end']);
  t.deepEqual(faults, []);
});

test.serial('a subscriber that never reads is closed at its output limit, others get all', async (t) => {
  const { connect } = await startNodeFixture(t, { maxClientOutput: '1mb' });
  const [stuck, reader, publisher, watcher] = [await connect(3), await connect(3), await connect(2), await connect(2)];
  for (const client of [stuck, reader]) {
    client.send(['subscribe', 'c']);
    await client.push();
  }
  stuck.socket.pause();
  const message = 'x'.repeat(50_000);
  let sent = 0;
  for (let receivers: unknown = 2; receivers === 2 && sent < 2000; sent++) {
    receivers = await publisher.call('publish', 'c', message);
  }
  t.true(sent < 2000, 'the connection was closed on the way');
  await reader.until(() => reader.pushes.length === sent);
  t.is(await watcher.call('ping'), 'PONG');
  t.deepEqual(await watcher.call('pubsub', 'numsub', 'c'), ['c', 1]);
});
