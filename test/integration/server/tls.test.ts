import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { connect } from 'node:net';
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls';
import anyTest, { type ExecutionContext } from 'ava';
import { AccessUser } from '../../../src/server/access/rights.ts';
import { digestOf } from '../../../src/server/access/secrets.ts';
import type { TlsSettings } from '../../../src/server/tls/tls-files.ts';
import { openTlsIdentity, type TlsIdentity } from '../../../src/server/tls/tls-identity.ts';
import { Certificates, hasOpenssl } from './certificates.ts';
import { type Fixture, type FixtureSettings, startFixture } from './http-fixture.ts';

// Without the program openssl there are no certificates to test with.
const test = hasOpenssl ? anyTest.serial : anyTest.serial.skip;

interface Answer {
  readonly status: number;
  readonly body: string;
  /** Whom the certificate names that the server showed. */
  readonly shown: string;
}

interface TlsFixture extends Fixture {
  readonly made: Certificates;
  readonly identity: TlsIdentity;
  /** The names of this server's files, without .pem and .key. */
  readonly server: string;
}

/** Whoever is told what to do at the end. */
type Scope = Pick<ExecutionContext, 'teardown'>;

let authority: Certificates | null = null;
let servers = 0;
const atEnd: (() => void | Promise<void>)[] = [];
const wholeFile: Scope = { teardown: (end) => void atEnd.push(end) };

anyTest.after.always(async () => {
  for (const end of atEnd) await end();
  authority?.remove();
});

async function started(
  t: Scope,
  changed: Partial<TlsSettings> = {},
  settings: FixtureSettings = {},
): Promise<TlsFixture> {
  authority ??= new Certificates().issue('one').issue('two').issue('client');
  const made = authority;
  const server = `server-${servers++}`;
  made.install('one', server);
  const wanted: TlsSettings = {
    certFile: made.path(`${server}.pem`),
    keyFile: made.path(`${server}.key`),
    caFile: '',
    isClientCertRequired: true,
    minVersion: 'TLSv1.2',
    ...changed,
    ...(changed.caFile === undefined ? undefined : { caFile: made.path(changed.caFile) }),
  };
  let identity: TlsIdentity | null = null;
  const tls: FixtureSettings['tls'] = (log) => {
    identity = openTlsIdentity(wanted, log);
    return identity;
  };
  const fixture = await startFixture({ shardCount: 1, budgetBytes: 32 * 2 ** 20, ...settings, tls });
  t.teardown(() => fixture.stop());
  if (identity === null) throw new Error('no certificate was opened');
  return { ...fixture, made, identity, server };
}

function ask(
  { front, made }: TlsFixture,
  path: string,
  options: ConnectionOptions = {},
  agent?: Agent,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      { host: '127.0.0.1', port: front.port, path, ca: made.authority, ...options, agent: agent ?? false },
      (response) => {
        const shown = (response.socket as TLSSocket).getPeerCertificate().subject?.CN ?? 'resumed';
        let body = '';
        response.setEncoding('utf8').on('data', (chunk: string) => {
          body += chunk;
        });
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body, shown: String(shown) }));
        response.on('error', reject);
      },
    );
    outgoing.on('error', reject);
    outgoing.end();
  });
}

/** The two ways in which the port can be served, by the rules that ask for them. */
const ways: readonly (readonly [string, Partial<TlsSettings>])[] = [
  ["the engine's TLS", {}],
  ["Node's TLS", { minVersion: 'TLSv1.3' }],
];

for (const [way, settings] of ways) {
  let unchanged: Promise<TlsFixture> | null = null;
  /** One server for the tests that leave it as it is. */
  const shared = (): Promise<TlsFixture> => {
    unchanged ??= started(wholeFile, settings);
    return unchanged;
  };

  test(`${way} takes a new certificate, and open connections go on`, async (t) => {
    const fixture = await started(t, settings);
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    t.teardown(() => agent.destroy());
    const before = await ask(fixture, '/livez', {}, agent);
    t.like(before, { status: 200, shown: 'one' });
    fixture.made.install('two', fixture.server);
    t.true(fixture.identity.reload());
    // For a moment both may be shown; then none but the new.
    let inARow = 0;
    for (let attempt = 0; inARow < 20 && attempt < 1000; attempt++) {
      inARow = (await ask(fixture, '/livez')).shown === 'two' ? inARow + 1 : 0;
    }
    t.is(inARow, 20);
    t.like(await ask(fixture, '/livez', {}, agent), { status: 200, shown: 'one' });
    t.deepEqual(fixture.faults, []);
  });

  test(`${way} keeps the certificate in use when the new file is broken`, async (t) => {
    const fixture = await started(t, settings);
    writeFileSync(fixture.made.path(`${fixture.server}.pem`), 'nonsense');
    t.false(fixture.identity.reload());
    t.like(await ask(fixture, '/livez'), { status: 200, shown: 'one' });
    fixture.made.install('one', fixture.server);
    writeFileSync(fixture.made.path(`${fixture.server}.key`), fixture.made.read('two.key'));
    t.false(fixture.identity.reload());
    t.like(await ask(fixture, '/livez'), { status: 200, shown: 'one' });
    t.is(fixture.faults.length, 2);
    t.regex(fixture.faults[0] ?? '', /certificate was not replaced.*server-\d+\.pem: holds no certificate/);
    t.regex(fixture.faults[1] ?? '', /server-\d+\.key: is not the key of the certificate/);
  });

  test(`${way} refuses no connection while certificates are replaced`, async (t) => {
    const fixture = await started(t, settings);
    const shown = new Set<string>();
    const failures: string[] = [];
    let isOver = false;
    let served = 0;
    const load = Array.from({ length: 3 }, async () => {
      while (!isOver) {
        try {
          shown.add((await ask(fixture, '/livez')).shown);
          served++;
        } catch (error) {
          failures.push(error instanceof Error && 'code' in error ? String(error.code) : String(error));
        }
      }
    });
    for (const name of ['two', 'one', 'two', 'one', 'two']) {
      const target = served + 20;
      fixture.made.install(name, fixture.server);
      t.true(fixture.identity.reload());
      while (served + failures.length < target) await new Promise((resolve) => setTimeout(resolve, 5));
    }
    isOver = true;
    await Promise.all(load);
    t.deepEqual([...shown].sort(), ['one', 'two']);
    // One that waits in the system's queue of the replaced socket at that very moment may be reset, never refused.
    t.deepEqual(
      failures.filter((code) => code !== 'ECONNRESET'),
      [],
    );
    t.true(failures.length <= 1, failures.join());
  });

  test(`${way} closes connections that do not speak it, and serves on`, async (t) => {
    const fixture = await shared();
    for (const bytes of [
      'GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n',
      '*1\r\n$4\r\nPING\r\n',
      '\x16\x03\x01\xff\xff',
    ]) {
      const socket = connect(fixture.front.port, '127.0.0.1');
      socket.on('error', () => {});
      let received = '';
      socket.on('data', (chunk) => {
        received += chunk.toString('latin1');
      });
      await once(socket, 'connect');
      socket.end(bytes, 'latin1');
      await once(socket, 'close');
      t.false(received.includes('HTTP/1.1 200'));
    }
    t.like(await ask(fixture, '/livez'), { status: 200 });
    t.deepEqual(fixture.faults, []);
  });

  test(`${way} speaks no version below the least`, async (t) => {
    const fixture = await shared();
    const old: ConnectionOptions = {
      maxVersion: settings.minVersion === 'TLSv1.3' ? 'TLSv1.2' : 'TLSv1.1',
      minVersion: 'TLSv1',
    };
    await t.throwsAsync(ask(fixture, '/livez', { ...old, ciphers: 'DEFAULT@SECLEVEL=0' }));
    t.like(await ask(fixture, '/livez', { minVersion: 'TLSv1.3' }), { status: 200 });
  });

  test(`${way} carries large values both ways, and drains`, async (t) => {
    const fixture = await shared();
    const value = 'x'.repeat(2_000_000);
    const status = await new Promise<number>((resolve, reject) => {
      const options = {
        host: '127.0.0.1',
        port: fixture.front.port,
        ca: fixture.made.authority,
        agent: false as const,
      };
      const outgoing = request({ ...options, path: '/v1/keys/big', method: 'PUT' }, (response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      });
      outgoing.on('error', reject);
      outgoing.end(value);
    });
    t.is(status, 201);
    const answer = await ask(fixture, '/v1/keys/big');
    t.is(answer.body.length, value.length);
    t.true(await fixture.front.drain());
    await t.throwsAsync(ask(fixture, '/livez'));
  });
}

test('clients without a certificate of the authority are refused where one is required', async (t) => {
  const fixture = await started(t, { caFile: 'ca.pem' });
  const client = { cert: fixture.made.read('client.pem'), key: fixture.made.read('client.key') };
  t.like(await ask(fixture, '/livez', client), { status: 200 });
  await t.throwsAsync(ask(fixture, '/livez'));
  const foreign = new Certificates().issue('foreign');
  t.teardown(() => foreign.remove());
  await t.throwsAsync(ask(fixture, '/livez', { cert: foreign.read('foreign.pem'), key: foreign.read('foreign.key') }));
  t.like(await ask(fixture, '/livez', client), { status: 200 });
});

test('a certificate that is not required may be left out', async (t) => {
  const fixture = await started(t, { caFile: 'ca.pem', isClientCertRequired: false });
  t.like(await ask(fixture, '/livez'), { status: 200 });
  t.like(
    await ask(fixture, '/livez', { cert: fixture.made.read('client.pem'), key: fixture.made.read('client.key') }),
    {
      status: 200,
    },
  );
});

test("the address of a client behind Node's TLS is told apart when credentials fail", async (t) => {
  const user = new AccessUser('app', ['read'], ['*']);
  const accounts = [{ user, password: null, tokenDigests: [digestOf('right')] }];
  const fixture = await started(t, { minVersion: 'TLSv1.3' }, { accounts });
  const statusFrom = (localAddress: string, token: string): Promise<number> =>
    new Promise((resolve, reject) => {
      const headers = { Authorization: `Bearer ${token}` };
      const { port } = fixture.front;
      const ca = fixture.made.authority;
      const outgoing = request(
        { host: '127.0.0.1', port, path: '/get?key=a', localAddress, headers, ca, agent: false },
        (response) => {
          response.resume();
          resolve(response.statusCode ?? 0);
        },
      );
      outgoing.on('error', reject);
      outgoing.end();
    });
  let status = 0;
  for (let attempt = 0; attempt < 20 && status !== 429; attempt++) status = await statusFrom('127.0.0.2', 'wrong');
  t.is(status, 429);
  t.is(await statusFrom('127.0.0.3', 'right'), 404);
});

test('a port is closed while a new certificate is taken', async (t) => {
  const fixture = await started(t);
  fixture.made.install('two', fixture.server);
  t.true(fixture.identity.reload());
  fixture.front.close();
  await t.throwsAsync(ask(fixture, '/livez'));
  // The change that was under way finds the port closed.
  for (let turn = 0; turn < 100; turn++) await new Promise((resolve) => setImmediate(resolve));
  await t.throwsAsync(ask(fixture, '/livez'));
});

test('a TLS hello on a plain port is closed without an answer in plain text', async (t) => {
  const fixture = await startFixture({ shardCount: 1, budgetBytes: 32 * 2 ** 20 });
  t.teardown(() => fixture.stop());
  const socket = connectTls({ host: '127.0.0.1', port: fixture.front.port, rejectUnauthorized: false });
  const [error] = (await once(socket, 'error')) as [Error];
  t.truthy(error);
  const plain = await fetch(`${fixture.url}/livez`);
  t.is(plain.status, 200);
});
