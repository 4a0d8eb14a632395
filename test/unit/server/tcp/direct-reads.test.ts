import { once } from 'node:events';
import { type AddressInfo, createConnection, createServer, Socket } from 'node:net';
import test from 'ava';
import { withDirectReads } from '../../../../src/server/tcp/direct-reads.ts';

test('an accepted socket reads to one buffer, can be paused, and ends when its other end does', async (t) => {
  const server = createServer({ pauseOnConnect: true, allowHalfOpen: true });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = createConnection((server.address() as AddressInfo).port, '127.0.0.1');
  const [accepted] = (await once(server, 'connection')) as [Socket];
  const memories = new Set<ArrayBufferLike>();
  let text = '';
  let onNews = (): void => undefined;
  const socket = withDirectReads(accepted, (bytes) => {
    memories.add(bytes.buffer);
    text += Buffer.from(bytes).toString();
    onNews();
  });
  const until = (expected: string): Promise<void> =>
    new Promise((resolve) => {
      onNews = () => {
        if (text === expected) resolve();
      };
      onNews();
    });
  t.not(socket, accepted, 'this version of Node has the handle that direct reads need');
  client.write('one ');
  await until('one ');
  socket.pause();
  client.write('two ');
  // What is written through the paused socket comes behind what the other end has sent before.
  socket.write('pong');
  t.is(String(await once(client, 'data')), 'pong');
  t.is(text, 'one ');
  socket.resume();
  await until('one two ');
  t.is(memories.size, 1);
  const ended = once(socket, 'end');
  client.end();
  await ended;
  socket.end('bye');
  t.is(String(await once(client, 'data')), 'bye');
  await once(client, 'close');
  server.close();
});

test('a socket of another kind is left as it is', async (t) => {
  const stream = new Socket();
  const read = new Promise<string>((resolve) => {
    t.is(
      withDirectReads(stream, (bytes) => resolve(Buffer.from(bytes).toString())),
      stream,
    );
  });
  stream.push('hello');
  t.is(await read, 'hello');
});
