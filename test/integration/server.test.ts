import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { builtTree } from '../built-tree.ts';

const SERVER = join(await builtTree(), 'server.js');

interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** Starts the program as users do, without any FLUXCACHE_ variable but the given ones. */
function start(
  args: string[],
  environment: Record<string, string> = {},
): { child: ChildProcess; ended: Promise<Ended> } {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('FLUXCACHE_')));
  const child = spawn(process.execPath, [SERVER, ...args], { env: { ...env, ...environment } });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text) => {
    stderr += text;
  });
  const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, stdout, stderr }));
  return { child, ended };
}

/** Runs the program to its end; `input` is its standard input. */
function run(args: string[], { input = '', environment = {} } = {}): Promise<Ended> {
  const { child, ended } = start(args, environment);
  child.stdin?.end(input);
  return ended;
}

/** Starts a server on a free port and waits for its ready line. */
async function serve(t: ExecutionContext, args: string[] = [], environment: Record<string, string> = {}) {
  const { child, ended } = start(
    ['--http-port', '0', '--tcp-port', '0', '--max-memory', '16mb', '--shards', '1', ...args],
    environment,
  );
  t.teardown(() => child.kill('SIGKILL'));
  const url = await new Promise<string>((resolve, reject) => {
    let text = '';
    child.stderr?.on('data', (chunk) => {
      text += chunk;
      const ready = /"url":"([^"]+)".*"msg":"ready"|ready url=(\S+)/.exec(text);
      if (ready !== null) resolve((ready[1] ?? ready[2]) as string);
    });
    void ended.then(({ stderr }) => reject(new Error(`it ended: ${stderr}`)));
  });
  return { child, ended, url };
}

test('help, version and a right configuration are printed to standard output with status 0', async (t) => {
  const [help, version, check] = await Promise.all([
    run(['--help']),
    run(['--version']),
    run(['--check-config', '--max-memory', '1gb'], { environment: { FLUXCACHE_PASSWORD: 'hush' } }),
  ]);
  t.like(help, { code: 0, stderr: '' });
  t.regex(help.stdout, /^Usage: fluxcache-server/);
  t.like(version, { code: 0, stderr: '' });
  t.regex(version.stdout, /^\d+\.\d+\.\d+\n$/);
  t.like(check, { code: 0, stderr: '' });
  t.regex(check.stdout, /^maxMemory: 1gb {2}# flag$/m);
  t.regex(check.stdout, /^# password: set by environment, not shown$/m);
  t.false(check.stdout.includes('hush'));
});

test('mistakes in flags, file and users file end with status 2, a line for each and nothing on standard output', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'fluxcache-server-'));
  const file = join(folder, 'cache.yaml');
  await writeFile(file, 'httpPort: 99999\nmaxMemry: 1gb\n');
  const users = join(folder, 'users.yaml');
  await writeFile(users, 'users: {app: {password: hunter2, rights: [read]}}\n');
  const [flags, missing, values, badUsers, open] = await Promise.all([
    run(['--htpp-port', '80', '--log-level', 'loud']),
    run(['--config', join(folder, 'nowhere.yaml')]),
    run(['--check-config', '--config', file]),
    run(['--users-file', users]),
    run(['--bind', '0.0.0.0']),
  ]);
  for (const ended of [flags, missing, values, badUsers, open]) t.like(ended, { code: 2, stdout: '' });
  t.regex(flags.stderr, /^fluxcache-server: --htpp-port: there is no such option\. Did you mean --http-port\?$/m);
  t.regex(missing.stderr, /^fluxcache-server: .*nowhere\.yaml: there is no such file\.$/m);
  t.regex(values.stderr, /httpPort in .*cache\.yaml: 99999 is not allowed\. Allowed: an integer from 0 to 65535\.$/m);
  t.regex(values.stderr, /maxMemry in .*cache\.yaml: there is no such option\. Did you mean maxMemory\?$/m);
  t.regex(badUsers.stderr, /users\.yaml: user app, password: must be a hash/);
  t.false(badUsers.stderr.includes('hunter2'));
  t.regex(open.stderr, /--bind: other machines can reach 0\.0\.0\.0/);
});

test('a port in use and an address of another machine end with status 1 and one line that says what to do', async (t) => {
  const taken = createServer();
  taken.listen(0, '127.0.0.1');
  await once(taken, 'listening');
  t.teardown(() => taken.close());
  const address = taken.address();
  const port = typeof address === 'object' && address !== null ? String(address.port) : '';
  const [inUse, elsewhere] = await Promise.all([
    run(['--http-port', port, '--tcp-port', '0', '--log-level', 'silent']),
    run(['--bind', '192.0.2.1', '--insecure', '--log-level', 'silent']),
  ]);
  t.is(inUse.code, 1);
  t.is(
    inUse.stderr,
    `fluxcache-server: Cannot listen: port ${port} on 127.0.0.1 is in use by another program. Choose another with --http-port.\n`,
  );
  t.is(elsewhere.code, 1);
  t.is(
    elsewhere.stderr,
    'fluxcache-server: Cannot listen: 192.0.2.1 is no address of this machine. Choose another with --bind.\n',
  );
});

test('a node that cannot have its bus port or its directory ends with status 1 and names the option', async (t) => {
  const taken = createServer();
  taken.listen(0, '127.0.0.1');
  await once(taken, 'listening');
  t.teardown(() => taken.close());
  const address = taken.address();
  const busPort = typeof address === 'object' && address !== null ? String(address.port) : '';
  const folder = await mkdtemp(join(tmpdir(), 'fluxcache-server-'));
  t.teardown(() => rm(folder, { recursive: true }));
  const file = join(folder, 'file');
  await writeFile(file, '');
  const args = [
    '--http-port',
    '0',
    '--tcp-port',
    '0',
    '--max-memory',
    '16mb',
    '--shards',
    '1',
    '--bootstrap-expect',
    '1',
  ];
  const nodeOf = (dataDir: string, port = '0') => [...args, '--data-dir', dataDir, '--bus-port', port];
  await serve(t, nodeOf(join(folder, 'node')).slice(args.indexOf('--bootstrap-expect')));
  const silent = ['--log-level', 'silent'];
  const [portTaken, directoryTaken, noDirectory] = await Promise.all([
    run([...nodeOf(join(folder, 'other'), busPort), ...silent]),
    run([...nodeOf(join(folder, 'node')), ...silent]),
    run([...nodeOf(file), ...silent]),
  ]);
  t.deepEqual([portTaken.code, directoryTaken.code, noDirectory.code], [1, 1, 1]);
  t.is(
    portTaken.stderr,
    `fluxcache-server: Cannot listen: port ${busPort} on 127.0.0.1 is in use by another program. Choose another with --bus-port.\n`,
  );
  t.regex(directoryTaken.stderr, /in use by process \d+.*\. --data-dir says which directory a node has\.\n$/);
  t.regex(noDirectory.stderr, /file.*EEXIST.*\. --data-dir says which directory a node has\.\n$/);
});

test('a hashed password from standard input lets its user in by a users file', async (t) => {
  const { stdout: hash, code } = await run(['--hash-password'], { input: 'correct horse\n' });
  t.is(code, 0);
  t.regex(hash, /^scrypt\$\S+\n$/);
  t.is((await run(['--hash-password'], { input: '\n' })).code, 2);
  const users = join(await mkdtemp(join(tmpdir(), 'fluxcache-server-')), 'users.yaml');
  await writeFile(users, `users: {app: {password: ${hash.trim()}, rights: [read], keys: ['app:*']}}\n`);
  const { url, child, ended } = await serve(t, ['--users-file', users]);
  const get = async (key: string, credentials?: string) => {
    const headers = credentials === undefined ? {} : { authorization: `Basic ${btoa(credentials)}` };
    const { status, headers: answer } = await fetch(`${url}/get?key=${key}`, { headers });
    return { status, challenge: answer.get('www-authenticate') };
  };
  const without = await get('app:1');
  t.is(without.status, 401);
  t.truthy(without.challenge);
  t.is((await get('app:1', 'app:wrong')).status, 401);
  t.is((await get('app:1', 'app:correct horse')).status, 404);
  t.is((await get('other', 'app:correct horse')).status, 403);
  const list = async (query: string) => {
    const headers = { authorization: `Basic ${btoa('app:correct horse')}` };
    const answer = await fetch(`${url}/v1/keys${query}`, { headers });
    return [answer.status, await answer.text()] as const;
  };
  t.deepEqual(await list('?match=app:*'), [200, '{"keys":[],"cursor":null}']);
  const [status, problem] = await list('');
  t.is(status, 403);
  t.regex(problem, /may list keys within the patterns of his keys only: app:\*/);
  const set = await fetch(`${url}/set`, {
    method: 'POST',
    headers: { authorization: `Basic ${btoa('app:correct horse')}`, 'content-type': 'application/json' },
    body: '{"key":"app:1","value":1}',
  });
  t.is(set.status, 403);
  t.is((await fetch(`${url}/readyz`)).status, 200);
  child.kill('SIGTERM');
  const { stderr } = await ended;
  t.false(stderr.includes('horse'));
});

test('a server serves, shows it in its metrics and views, and stops with status 0 when told to', async (t) => {
  const { url, child, ended } = await serve(t, ['--node-name', 'box']);
  const set = await fetch(`${url}/set`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{"key":"foo","value":"bar"}',
  });
  t.is(set.status, 200);
  t.like(await (await fetch(`${url}/get?key=foo`)).json(), { key: 'foo', value: 'bar', ttl: null });
  const metrics = await (await fetch(`${url}/metrics`)).text();
  t.regex(metrics, /^fluxcache_commands_total\{cmd="set"\} 1$/m);
  t.regex(metrics, /^fluxcache_net_input_bytes_total\{protocol="http"\} 27$/m);
  t.regex(metrics, /^fluxcache_net_output_bytes_total\{protocol="http"\} [1-9]\d+$/m);
  t.regex(metrics, /^fluxcache_db_keys\{db="db0"\} 1$/m);
  t.regex(metrics, /^fluxcache_keyspace_hits_total 1$/m);
  t.regex(metrics, /^fluxcache_commands_duration_seconds_count\{cmd="set",protocol="http"\} 1$/m);
  const { nodes } = (await (await fetch(`${url}/nodes`)).json()) as { nodes: object[] };
  t.like(nodes[0], { name: 'box', state: 'serving', healthy: true, keys: 1 });
  // There is no certificate to be read anew, and no reason to end.
  child.kill('SIGHUP');
  t.is((await fetch(`${url}/livez`)).status, 200);
  child.kill('SIGTERM');
  const { code, stderr } = await ended;
  t.is(code, 0, stderr);
  t.regex(stderr, /nothing to be read anew[\s\S]*"msg":"stopped"/);
  await t.throwsAsync(fetch(`${url}/livez`));
});

test('a server whose log is not read any more serves on', async (t) => {
  for (const format of ['text', 'json']) {
    const { child, ended, url } = await serve(t, ['--log-level', 'debug', '--log-format', format]);
    child.stderr?.destroy();
    t.is((await fetch(`${url}/readyz`)).status, 200, format);
    child.kill('SIGTERM');
    t.is((await ended).code, 0, format);
  }
});

test('Ctrl-C stops a server, and a server can start on the port again at once', async (t) => {
  const first = await serve(t);
  const { port } = new URL(first.url);
  // Twice, as a terminal and a parent process that passes signals on do.
  first.child.kill('SIGINT');
  first.child.kill('SIGTERM');
  const end = await first.ended;
  t.is(end.code, 0);
  t.regex(end.stderr, /"engine":"[^"]+".*"msg":"ready"/);
  const again = start(['--http-port', port, '--tcp-port', '0', '--max-memory', '16mb', '--shards', '1']);
  t.teardown(() => again.child.kill('SIGKILL'));
  const served = await new Promise<boolean>((resolve) => {
    again.child.stderr?.on('data', (chunk) => String(chunk).includes('"msg":"ready"') && resolve(true));
    void again.ended.then(() => resolve(false));
  });
  t.true(served);
  again.child.kill('SIGTERM');
  t.is((await again.ended).code, 0);
});

test('clients that pipeline reads and reset the connection leave the server serving', async (t) => {
  const { ended, child, url } = await serve(t);
  const value = 'v'.repeat(1000);
  const body = JSON.stringify({ key: 'k', value });
  const headers = { 'Content-Type': 'application/json' };
  t.is((await fetch(`${url}/set`, { method: 'POST', headers, body })).status, 200);
  const { hostname, port } = new URL(url);
  const reads = `GET /get?key=k HTTP/1.1\r\nHost: ${hostname}\r\n\r\n`.repeat(50);
  /** Resets at once, or within the first answers: what a reset meets is a matter of timing. */
  const resetOnce = (delayMs: number): Promise<void> =>
    new Promise((resolve) => {
      const socket = connect(Number(port), hostname);
      socket.once('close', () => resolve());
      socket.on('error', () => {});
      socket.once('connect', () => {
        socket.write(reads);
        setTimeout(() => (socket.writableEnded ? socket.destroy() : socket.resetAndDestroy()), delayMs);
      });
    });
  const clients = Array.from({ length: 8 }, async (_, client) => {
    for (let turn = 0; turn < 60 && child.exitCode === null && child.signalCode === null; turn++) {
      await resetOnce((client + turn) % 5);
    }
  });
  await Promise.all(clients);
  t.is(child.signalCode, null);
  const found = (await (await fetch(`${url}/get?key=k`)).json()) as { value: string };
  t.is(found.value, value);
  child.kill('SIGTERM');
  t.is((await ended).code, 0);
});
