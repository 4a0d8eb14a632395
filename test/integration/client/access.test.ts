import test, { type ExecutionContext } from 'ava';
import { type ClientOptions, ConnectionError, createClient, type FluxClient, ReplyError } from '../../../src/index.ts';
import { AccessUser } from '../../../src/server/access/rights.ts';
import { digestOf } from '../../../src/server/access/secrets.ts';
import { startNodeFixture } from '../resp/node-fixture.ts';
import { Certificates, hasOpenssl } from '../server/certificates.ts';

// Without the program openssl there are no certificates to test with.
const testTls = hasOpenssl ? test : test.skip;

function clientOf(t: ExecutionContext, options: string | ClientOptions): FluxClient {
  const client = createClient(options);
  t.teardown(() => client.destroy());
  return client;
}

test('user and password of the URL are what the node asks for, and its rights what it refuses by', async (t) => {
  const user = new AccessUser('app', ['read', 'write'], ['app:*']);
  const accounts = [{ user, password: null, tokenDigests: [digestOf('p@ss')] }];
  const { node } = await startNodeFixture(t, { shards: 1 }, accounts);
  const client = clientOf(t, `fluxcache://app:p%40ss@127.0.0.1:${node.tcpPort}`);
  t.true(await client.set('app:key', 1));
  await t.throwsAsync(client.set('other', 1), { instanceOf: ReplyError, code: 'forbidden' });
  await t.throwsAsync(client.call('flushall'), { code: 'forbidden' });
  const wrong = clientOf(t, { port: node.tcpPort, user: 'app', password: 'guess' });
  await t.throwsAsync(wrong.get('app:key'), { instanceOf: ReplyError, code: 'wrong-password' });
  const nobody = clientOf(t, { port: node.tcpPort });
  await t.throwsAsync(nobody.get('app:key'), { instanceOf: ReplyError, code: 'unauthenticated' });
});

test('a client outlives its node, and goes on with the one that is started in its place', async (t) => {
  const ends: (() => Promise<void>)[] = [];
  const first = await startNodeFixture({ teardown: (end) => void ends.push(end) }, { shards: 1 });
  const { tcpPort } = first.node;
  const client = clientOf(t, {
    port: tcpPort,
    commandTimeoutMs: 30_000,
    reconnect: { delayMsFirst: 5, delayMsMax: 50 },
  });
  await client.set('key', 'of the first');
  const lost = new Promise((resolve) => client.on('error', resolve));
  for (const end of ends) await end();
  await lost;
  const waiting = client.set('key', 'of the second');
  await startNodeFixture(t, { shards: 1, tcpPort });
  t.true(await waiting);
  t.is(await client.get('key'), 'of the second');
});

testTls('over TLS the certificate must be of an authority that is trusted, for the host that was named', async (t) => {
  const made = new Certificates().issue('server');
  t.teardown(() => made.remove());
  const files = { tlsCert: made.path('server.pem'), tlsKey: made.path('server.key') };
  const { node } = await startNodeFixture(t, { shards: 1, ...files });
  const url = `fluxcaches://localhost:${node.tcpPort}`;
  const client = clientOf(t, { url, tls: { ca: made.authority } });
  t.true(await client.set('key', Buffer.alloc(200_000, 'x')));
  t.is((await client.get<Uint8Array>('key'))?.length, 200_000);
  const strict = clientOf(t, url);
  const error = await t.throwsAsync(strict.connect(), { instanceOf: ConnectionError, code: 'connection' });
  t.true(error?.cause instanceof Error);
  const elsewhere = clientOf(t, { url, tls: { ca: made.authority, servername: 'other.example' } });
  await t.throwsAsync(elsewhere.connect(), { instanceOf: ConnectionError, message: /other\.example|altnames/ });
  const careless = clientOf(t, { url, tls: { rejectUnauthorized: false } });
  t.is(await careless.ping(), 'PONG');
  const plain = clientOf(t, { port: node.tcpPort });
  await t.throwsAsync(plain.connect(), { instanceOf: ConnectionError });
});
