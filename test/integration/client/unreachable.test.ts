import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, createServer, type Server } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import { type ClientOptions, ConnectionError, createClient, TimeoutError } from '../../../src/index.ts';
import { startNodeFixture } from '../resp/node-fixture.ts';
import { Certificates, hasOpenssl } from '../server/certificates.ts';

// Without the program openssl there are no certificates to test with.
const testTls = hasOpenssl ? test : test.skip;

async function portOf(t: ExecutionContext, server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => server.close());
  return (server.address() as AddressInfo).port;
}

/** What a read fails of that has some time, but nobody to answer it. */
async function failureAt(t: ExecutionContext, options: ClientOptions): Promise<TimeoutError> {
  const client = createClient({ commandTimeoutMs: 1000, ...options });
  t.teardown(() => client.destroy());
  const error = await t.throwsAsync(client.get('a'), { instanceOf: TimeoutError });
  t.true(error?.cause instanceof ConnectionError);
  return error as TimeoutError;
}

test('a call that could not be sent says that nothing listens, with the error of the socket as the cause', async (t) => {
  const server = createServer();
  const port = await portOf(t, server);
  await new Promise((resolve) => server.close(resolve));
  const error = await failureAt(t, { port });
  t.regex(
    error.message,
    /^The call could not be sent in time\. The connection to 127\.0\.0\.1:\d+ failed: .*ECONNREFUSED/,
  );
  const { cause } = error.cause as ConnectionError;
  t.is((cause as NodeJS.ErrnoException).code, 'ECONNREFUSED');
});

test('a call to a port of HTTP says so when it is answered, and what to look at when it is not', async (t) => {
  const { node } = await startNodeFixture(t, { shards: 1 });
  const http = await portOf(t, createHttpServer());
  const [answered, silent] = await Promise.all([
    failureAt(t, { port: http }),
    failureAt(t, { port: Number(new URL(node.url).port) }),
  ]);
  t.regex(
    answered.message,
    /was answered in HTTP: this is not the port of MessagePack-RPC, which is 7379 by default\.$/,
  );
  t.regex(silent.message, /(nothing answers|before it answered) \(is it the port of MessagePack-RPC, 7379 by default,/);
});

test('a call to a server of Redis says that it speaks RESP', async (t) => {
  const port = await portOf(
    t,
    createServer((socket) => {
      socket.on('error', () => undefined).on('data', () => socket.end('-ERR unknown command\r\n'));
    }),
  );
  t.regex(
    (await failureAt(t, { port })).message,
    /was answered in RESP: the server there does not speak MessagePack-RPC\.$/,
  );
});

testTls('a call without TLS to a port of TLS says so, and one with TLS why the certificate is refused', async (t) => {
  const certificates = new Certificates().issue('server');
  t.teardown(() => certificates.remove());
  const [tlsCert, tlsKey] = ['server.pem', 'server.key'].map((file) => certificates.path(file));
  const { node } = await startNodeFixture(t, { shards: 1, tlsCert, tlsKey });
  const [plain, untrusted] = await Promise.all([
    failureAt(t, { port: node.tcpPort }),
    failureAt(t, { port: node.tcpPort, tls: true }),
  ]);
  t.regex(plain.message, /was answered in TLS|before it answered .*without TLS/);
  t.regex(untrusted.message, /failed: .*certificate/);
});
