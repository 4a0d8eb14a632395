import { once } from 'node:events';
import { connect as connectTls } from 'node:tls';
import test from 'ava';
import { encodeRequest } from '../../../src/protocol/resp/request-encoder.ts';
import { startNodeFixture } from '../resp/node-fixture.ts';
import { Certificates, hasOpenssl } from '../server/certificates.ts';
import { RawConnection } from './raw-connection.ts';

const MEGABYTE = 1_000_000;
const big = encodeRequest(['set', 'big', 'v'.repeat(MEGABYTE)]);
const bigReplyBytes = MEGABYTE + '$1000000\r\n\r\n'.length;

test('who sends no more and reads slowly still gets every reply', async (t) => {
  const { node } = await startNodeFixture(t, { maxClientOutput: '64mb' });
  const writer = await RawConnection.to(node.tcpPort);
  await writer.exchange(big, '+OK\r\n');
  const slow = await RawConnection.open({ port: node.tcpPort, host: '127.0.0.1', allowHalfOpen: true });
  slow.socket.pause();
  let received = 0;
  slow.socket.on('data', (bytes) => {
    received += bytes.length;
  });
  slow.socket.end('GET big\r\n'.repeat(40));
  // The node has answered what fits, and waits with the rest.
  await writer.exchange('PING\r\n', '+PONG\r\n');
  const ended = once(slow.socket, 'end');
  slow.socket.resume();
  await ended;
  t.is(received, 40 * bigReplyBytes);
});

(hasOpenssl ? test : test.skip)('so over TLS', async (t) => {
  const certificates = new Certificates().issue('server');
  t.teardown(() => certificates.remove());
  const { node } = await startNodeFixture(t, {
    tlsCert: certificates.path('server.pem'),
    tlsKey: certificates.path('server.key'),
  });
  const open = async () => {
    // The types do not know that what connects takes this one, too.
    const halfOpen = { allowHalfOpen: true };
    const target = { port: node.tcpPort, host: '127.0.0.1', ca: certificates.authority, ...halfOpen };
    const socket = connectTls(target);
    await once(socket, 'secureConnect');
    return socket;
  };
  const writer = await open();
  writer.write(big);
  await once(writer, 'data');
  const slow = await open();
  let received = 0;
  slow.on('data', (bytes: Buffer) => {
    received += bytes.length;
  });
  slow.end('GET big\r\n'.repeat(20));
  await once(slow, 'end');
  t.is(received, 20 * bigReplyBytes);
  writer.destroy();
  slow.destroy();
});

test('a stop ends a client that never stops sending, with a whole reply to all it had taken', async (t) => {
  const { node } = await startNodeFixture(t, { drainTimeout: '8s' });
  const raw = await RawConnection.to(node.tcpPort);
  let sent = 0;
  const send = (): void => {
    if (raw.isClosed) return;
    for (let n = 0; n < 2000; n++) sent++;
    if (raw.socket.write('INCR n\r\n'.repeat(2000))) setImmediate(send);
    else raw.socket.once('drain', send);
  };
  send();
  await raw.until((text) => text.length > 100_000);
  const beganMs = performance.now();
  t.true(await node.stop(), 'nothing had to be cut off');
  t.true(performance.now() - beganMs < 6000);
  const replies = await raw.closed();
  const numbers = replies.split('\r\n').slice(0, -1);
  t.true(numbers.length < sent);
  t.deepEqual(
    numbers,
    numbers.map((_, index) => `:${index + 1}`),
  );
  raw.socket.destroy();
});

test('what is pushed to a connection that ends does not cut off what it is still owed', async (t) => {
  const { node } = await startNodeFixture(t, { maxClientOutput: '64mb' });
  const writer = await RawConnection.to(node.tcpPort);
  await writer.exchange(big, '+OK\r\n');
  const slow = await RawConnection.open({ port: node.tcpPort, host: '127.0.0.1' });
  slow.socket.pause();
  let received = 0;
  slow.socket.on('data', (bytes) => {
    received += bytes.length;
  });
  const confirmation = '>3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n';
  slow.send(`HELLO 3\r\nSUBSCRIBE c\r\n${'GET big\r\n'.repeat(10)}QUIT\r\n`);
  await writer.until((text) => {
    if (text.endsWith(':1\r\n')) return true;
    writer.send('PUBSUB NUMSUB c\r\n');
    return false;
  });
  await writer.exchange('PUBLISH c hello\r\n', ':1\r\n');
  const ended = once(slow.socket, 'end');
  slow.socket.resume();
  await ended;
  t.true(received >= 10 * bigReplyBytes + confirmation.length, `${received} bytes`);
});

test('a stop answers what CLIENT PAUSE holds back', async (t) => {
  const { node } = await startNodeFixture(t);
  const raw = await RawConnection.to(node.tcpPort);
  await raw.exchange('CLIENT PAUSE 60000\r\n', '+OK\r\n');
  raw.send('SET a 1\r\nGET a\r\n');
  const other = await RawConnection.to(node.tcpPort);
  await other.until((text) => {
    if (/cmd=set/.test(text)) return true;
    other.send('CLIENT LIST\r\n');
    return false;
  });
  t.true(await node.stop());
  t.is(await raw.closed(), '+OK\r\n+OK\r\n$1\r\n1\r\n');
});

test('HTTP behind a command: the command is answered, and then HTTP is told where to go', async (t) => {
  const { node } = await startNodeFixture(t);
  const raw = await RawConnection.to(node.tcpPort);
  raw.send('SET a 1\r\nPOST / HTTP/1.1\r\nHost: x\r\n\r\n');
  const answer = await raw.closed();
  t.true(answer.startsWith('+OK\r\nHTTP/1.1 400 Bad Request\r\n'), answer);
});

test('CLIENT LIST tells for how long a client has sent nothing', async (t) => {
  const { node } = await startNodeFixture(t);
  const [idle, busy] = [await RawConnection.to(node.tcpPort), await RawConnection.to(node.tcpPort)];
  await idle.exchange('CLIENT SETNAME idle\r\n', '+OK\r\n');
  await busy.exchange('CLIENT SETNAME busy\r\n', '+OK\r\n');
  const idleOf = (list: string, name: string) => Number(new RegExp(`name=${name} .*? idle=(\\d+)`).exec(list)?.[1]);
  const list = await busy.until((text) => {
    if (idleOf(text.slice(text.lastIndexOf('$')), 'idle') >= 1) return true;
    busy.send('CLIENT LIST\r\n');
    return false;
  });
  t.is(idleOf(list.slice(list.lastIndexOf('$')), 'busy'), 0);
});
