import { createConnection } from 'node:net';
import test from 'ava';
import { encodeRequest } from '../../../src/protocol/resp/request-encoder.ts';
import { startNodeFixture } from '../resp/node-fixture.ts';
import { RawConnection } from './raw-connection.ts';

test('a client that sends no more still gets its replies, and then the end', async (t) => {
  const { node } = await startNodeFixture(t);
  const raw = await RawConnection.open({ port: node.tcpPort, host: '127.0.0.1', allowHalfOpen: true });
  raw.socket.end('SET a 1\r\nGET a\r\nINCR a\r\n');
  t.is(await raw.closed(), '+OK\r\n$1\r\n1\r\n:2\r\n');
});

test('a connection beyond the limit is told so and closed; others are served', async (t) => {
  const { node } = await startNodeFixture(t, { maxConnections: 2 });
  const [first, second] = [await RawConnection.to(node.tcpPort), await RawConnection.to(node.tcpPort)];
  first.socket.write('PING\r\n');
  second.socket.write('PING\r\n');
  await Promise.all([first, second].map((raw) => raw.until((text) => text === '+PONG\r\n')));
  const third = await RawConnection.to(node.tcpPort);
  t.is(await third.closed(), '-ERR max number of clients reached\r\n');
  first.socket.destroy();
  second.socket.write('PING\r\n');
  await second.until((text) => text === '+PONG\r\n+PONG\r\n');
});

test('half a command, then silence: closed after the time limit, the others are served', async (t) => {
  const { node } = await startNodeFixture(t, { requestTimeout: '300ms' });
  const half = await RawConnection.to(node.tcpPort);
  const idle = await RawConnection.to(node.tcpPort);
  idle.socket.write('PING\r\n');
  half.socket.write('*2\r\n$3\r\nGET\r\n$5\r\nab');
  t.is(await half.closed(), '');
  // Silence between commands is no offence.
  idle.socket.write('PING\r\n');
  t.is(await idle.until((text) => text.length >= 14), '+PONG\r\n+PONG\r\n');
});

test('a connection that sends nothing is closed after the idle time, one that listens to a channel is not', async (t) => {
  const { node } = await startNodeFixture(t, { idleTimeout: '400ms' });
  const listener = await RawConnection.to(node.tcpPort);
  listener.socket.write('SUBSCRIBE c\r\n');
  await listener.until((text) => text.includes('subscribe'));
  const idle = await RawConnection.to(node.tcpPort);
  idle.socket.write('PING\r\n');
  t.is(await idle.closed(), '+PONG\r\n');
  const publisher = await RawConnection.to(node.tcpPort);
  publisher.socket.write('PUBLISH c hello\r\n');
  await listener.until((text) => text.includes('hello'));
  t.pass();
});

test('a client that reads nothing is held up, then closed at its output limit; the others are served', async (t) => {
  const { node } = await startNodeFixture(t, { maxClientOutput: '4mb' });
  const writer = await RawConnection.to(node.tcpPort);
  writer.socket.write(encodeRequest(['set', 'big', 'v'.repeat(1_000_000)]));
  await writer.until((text) => text === '+OK\r\n');
  const deaf = createConnection({ port: node.tcpPort, host: '127.0.0.1' });
  deaf.pause();
  const closed = new Promise<void>((resolve) => deaf.once('close', () => resolve()));
  deaf.on('error', () => undefined);
  deaf.write('SUBSCRIBE c\r\n');
  const listening = await RawConnection.to(node.tcpPort);
  listening.socket.write('PUBSUB NUMSUB c\r\n');
  await listening.until((text) => {
    if (text.endsWith(':1\r\n')) return true;
    listening.socket.write('PUBSUB NUMSUB c\r\n');
    return false;
  });
  const message = encodeRequest(['publish', 'c', 'm'.repeat(1_000_000)]);
  let published = 0;
  const publisher = await RawConnection.to(node.tcpPort);
  while (!publisher.text().endsWith(':0\r\n')) {
    publisher.socket.write(message);
    published++;
    await publisher.until((text) => text.split('\r\n').length > published);
  }
  t.true(published < 40, `${published} MB were taken for a client that reads nothing`);
  deaf.resume();
  await closed;
});

test('replies wait while a client does not read, and all come when it does', async (t) => {
  const { node } = await startNodeFixture(t, { maxClientOutput: '64mb' });
  const writer = await RawConnection.to(node.tcpPort);
  writer.socket.write(encodeRequest(['set', 'big', 'v'.repeat(1_000_000)]));
  await writer.until((text) => text === '+OK\r\n');
  const slow = createConnection({ port: node.tcpPort, host: '127.0.0.1' });
  slow.pause();
  // 200 MB of replies, of which a limit of 64 MB lets go only what is read.
  slow.write('GET big\r\n'.repeat(200));
  writer.socket.write('PING\r\n');
  await writer.until((text) => text.endsWith('+PONG\r\n'));
  let received = 0;
  const all = new Promise<void>((resolve, reject) => {
    slow.on('data', (bytes) => {
      received += bytes.length;
      if (received === 200 * (1_000_000 + '$1000000\r\n\r\n'.length)) resolve();
    });
    slow.once('close', () => reject(new Error(`closed after ${received} bytes`)));
  });
  slow.resume();
  await all;
  slow.destroy();
  t.pass();
});

test('what was taken before a stop is answered, in order, before the connection is closed', async (t) => {
  const { node } = await startNodeFixture(t);
  const raw = await RawConnection.to(node.tcpPort);
  const count = 5000;
  raw.socket.write(Array.from({ length: count }, (_, n) => `SET k${n} ${n}\r\nGET k${n}\r\n`).join(''));
  await raw.until((text) => text.length > 0);
  const stopped = node.stop();
  const replies = await raw.closed();
  t.true(await stopped);
  const complete = [...replies.matchAll(/\+OK\r\n\$\d+\r\n(\d+)\r\n/g)].map((match) => Number(match[1]));
  t.true(complete.length > 0);
  t.deepEqual(
    complete,
    complete.map((_, n) => n),
    'each command answered once, none skipped',
  );
  t.is(replies.replaceAll(/\+OK\r\n\$\d+\r\n\d+\r\n/g, '').replace(/^\+OK\r\n$/, ''), '', 'no reply is cut off');
});

test('another protocol is refused: TLS and bytes of no protocol are closed, HTTP is told where to go', async (t) => {
  const { node } = await startNodeFixture(t);
  for (const bytes of [Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00]), Buffer.from([0x00, 0x01]), Buffer.from([0xff])]) {
    const raw = await RawConnection.to(node.tcpPort);
    raw.socket.write(bytes);
    t.is(await raw.closed(), '');
  }
  const http = await RawConnection.to(node.tcpPort);
  http.socket.write('POST /set HTTP/1.1\r\nHost: localhost\r\nContent-Length: 12\r\n\r\nSET a hacked');
  const answer = await http.closed();
  t.true(answer.startsWith('HTTP/1.1 400 Bad Request\r\n'), answer);
  t.true(answer.includes(`HTTP is at port ${node.port}`), answer);
  const after = await RawConnection.to(node.tcpPort);
  after.socket.write('GET a\r\n');
  t.is(await after.until((text) => text.endsWith('\r\n')), '$-1\r\n');
});

test('replies come in the order of their commands though several shards answer them', async (t) => {
  const { node } = await startNodeFixture(t, { shards: 4, maxMemory: '64mb' });
  const raw = await RawConnection.to(node.tcpPort);
  const count = 2000;
  raw.socket.write(Array.from({ length: count }, (_, n) => `SET k${n} ${n}\r\nECHO ${n}\r\nGET k${n}\r\n`).join(''));
  const expected = Array.from({ length: count }, (_, n) => {
    const bulk = `$${String(n).length}\r\n${n}\r\n`;
    return `+OK\r\n${bulk}${bulk}`;
  }).join('');
  t.is(await raw.until((text) => text.length >= expected.length), expected);
});
