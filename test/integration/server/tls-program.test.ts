import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { get } from 'node:https';
import { join } from 'node:path';
import { connect, type TLSSocket } from 'node:tls';
import anyTest from 'ava';
import { builtTree } from '../../built-tree.ts';
import { Certificates, hasOpenssl } from './certificates.ts';

// Without the program openssl there are no certificates to test with.
const test = hasOpenssl ? anyTest.serial : anyTest.serial.skip;
const SERVER = join(await builtTree(), 'server.js');

function start(args: readonly string[]): ChildProcess {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('FLUXCACHE_')));
  const small = [
    '--http-port',
    '0',
    '--tcp-port',
    '0',
    '--max-memory',
    '16mb',
    '--shards',
    '1',
    '--log-format',
    'json',
  ];
  return spawn(process.execPath, [SERVER, ...small, ...args], { env });
}

async function check(args: readonly string[]): Promise<{ code: number | null; stderr: string }> {
  const child = start([...args, '--check-config']);
  let stderr = '';
  child.stderr?.on('data', (chunk) => {
    stderr += chunk;
  });
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, stderr };
}

/** Sends PING and answers what came. */
async function ping(socket: TLSSocket): Promise<string> {
  socket.write('PING\r\n');
  const [answer] = (await once(socket, 'data')) as [Buffer];
  return answer.toString('latin1');
}

test('both ports speak TLS; SIGHUP brings a new certificate to both, and open connections go on', async (t) => {
  const made = new Certificates().issue('one').issue('two');
  made.install('one');
  const child = start(['--tls-cert', made.path('server.pem'), '--tls-key', made.path('server.key')]);
  t.teardown(() => {
    child.kill('SIGKILL');
    made.remove();
  });
  let log = '';
  const logged = async (pattern: RegExp): Promise<RegExpExecArray> => {
    for (;;) {
      const found = pattern.exec(log);
      if (found !== null) return found;
      await new Promise((resolve, reject) => {
        child.stderr?.once('data', resolve);
        child.once('exit', () => reject(new Error(log)));
      });
    }
  };
  child.stderr?.on('data', (chunk) => {
    log += chunk;
  });
  const ready = await logged(/"url":"https:\/\/127\.0\.0\.1:(\d+)","tcpPort":(\d+)/);
  const [httpPort, tcpPort] = [Number(ready[1]), Number(ready[2])];
  const open = async (port: number): Promise<TLSSocket> => {
    const socket = connect({ host: '127.0.0.1', port, ca: made.authority });
    t.teardown(() => socket.destroy());
    await once(socket, 'secureConnect');
    return socket;
  };
  const shownAt = async (port: number): Promise<unknown> => {
    const socket = await open(port);
    const name = socket.getPeerCertificate().subject.CN;
    socket.destroy();
    return name;
  };
  const statusOf = (): Promise<number> =>
    new Promise((resolve, reject) => {
      const url = `https://127.0.0.1:${httpPort}/livez`;
      get(url, { ca: made.authority, agent: false }, (response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      }).on('error', reject);
    });
  t.is(await statusOf(), 200);
  const kept = await open(tcpPort);
  t.is(await ping(kept), '+PONG\r\n');
  made.install('two');
  child.kill('SIGHUP');
  await logged(/"subject":"CN=two".*the certificate was read anew/);
  t.is(await shownAt(tcpPort), 'two');
  for (let attempt = 0; (await shownAt(httpPort)) !== 'two' && attempt < 100; attempt++);
  t.is(await shownAt(httpPort), 'two');
  t.is(await statusOf(), 200);
  t.is(await ping(kept), '+PONG\r\n');
  child.kill('SIGTERM');
  const [code] = (await once(child, 'exit')) as [number | null];
  t.is(code, 0);
});

test('wrong files are found by --check-config, and options that say nothing together', async (t) => {
  const made = new Certificates().issue('one').issue('two').issue('old', 1);
  t.teardown(() => made.remove());
  const one = ['--tls-cert', made.path('one.pem')];
  const [right, absent, other, alone, without, soon] = await Promise.all([
    check([...one, '--tls-key', made.path('one.key'), '--tls-ca', made.path('ca.pem')]),
    check([...one, '--tls-key', made.path('nowhere.key')]),
    check([...one, '--tls-key', made.path('two.key')]),
    check(one),
    check(['--tls-ca', made.path('ca.pem')]),
    check(['--tls-cert', made.path('old.pem'), '--tls-key', made.path('old.key')]),
  ]);
  t.deepEqual(right, { code: 0, stderr: '' });
  t.is(absent.code, 2);
  t.regex(absent.stderr, /nowhere\.key: cannot be read: there is no such file\./);
  t.is(other.code, 2);
  t.regex(other.stderr, /two\.key: is not the key of the certificate in /);
  t.is(alone.code, 2);
  t.regex(alone.stderr, /--tls-cert: TLS needs the certificate and its key\. Set --tls-key, too\./);
  t.is(without.code, 2);
  t.regex(without.stderr, /--tls-ca: there is no TLS without a certificate\./);
  t.is(soon.code, 0);
  t.regex(soon.stderr, /old\.pem: the certificate of CN=old ends on /);
});
