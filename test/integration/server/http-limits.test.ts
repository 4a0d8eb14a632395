import test from 'ava';
import { readAccounts } from '../../../src/server/access/users-file.ts';
import { startFixture } from './http-fixture.ts';
import { getRequest, RawConnection } from './raw-http.ts';

const json = { 'Content-Type': 'application/json' };

test('a full memory is answered 507: nothing is lost, reads go on, deletes free', async (t) => {
  const node = await startFixture({ shardCount: 1, budgetBytes: 4 * 2 ** 20 });
  t.teardown(() => node.stop());
  const put = (key: string): Promise<Response> =>
    fetch(`${node.url}/v1/keys/${key}`, { method: 'PUT', body: 'x'.repeat(10_000) });
  const stored: string[] = [];
  let full: Response | null = null;
  while (full === null) {
    const key = `k${stored.length}`;
    const answer = await put(key);
    if (answer.status === 201) stored.push(key);
    else full = answer;
  }
  t.is(full.status, 507);
  t.like(await full.json(), { error: 'out-of-memory', status: 507 });
  for (const key of stored) t.is((await fetch(`${node.url}/v1/keys/${key}`, { method: 'HEAD' })).status, 200);
  for (const key of stored.splice(0, 50)) await fetch(`${node.url}/delete?key=${key}`, { method: 'DELETE' });
  t.is((await put('again')).status, 201);
  t.deepEqual(node.faults, []);
});

test('a reader that pauses gets a large value whole', async (t) => {
  const node = await startFixture({ shardCount: 1 });
  t.teardown(() => node.stop());
  const value = Buffer.alloc(8 * 2 ** 20, 'v');
  await fetch(`${node.url}/v1/keys/big`, { method: 'PUT', body: value });
  const reader = await RawConnection.open(node.front.port);
  reader.send(getRequest('/v1/keys/big'));
  reader.socket.pause();
  while (node.front.inFlight === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  reader.socket.resume();
  t.is((await reader.answer())?.body.length, value.length);
  reader.close();
});

test('a reader that stops reading is closed after the time limit', async (t) => {
  const node = await startFixture({ shardCount: 1, options: { replyTimeoutMs: 300 } });
  t.teardown(() => node.stop());
  await fetch(`${node.url}/v1/keys/big`, { method: 'PUT', body: Buffer.alloc(8 * 2 ** 20, 'v') });
  const stuck = await RawConnection.open(node.front.port);
  stuck.send(getRequest('/v1/keys/big'));
  stuck.socket.pause();
  while (node.front.inFlight === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  while (node.front.inFlight > 0) await new Promise((resolve) => setTimeout(resolve, 10));
  stuck.socket.resume();
  t.is(await stuck.answer(), null);
  t.is((await fetch(`${node.url}/livez`)).status, 200);
});

test('unread answers beyond the limit of all connections close the newest of them', async (t) => {
  const node = await startFixture({ shardCount: 1, options: { unsentBytesMax: 2 ** 16 } });
  t.teardown(() => node.stop());
  await fetch(`${node.url}/v1/keys/big`, { method: 'PUT', body: Buffer.alloc(8 * 2 ** 20, 'v') });
  const reader = await RawConnection.open(node.front.port);
  reader.send(getRequest('/v1/keys/big'));
  t.is(await reader.answer(), null);
  t.is((await fetch(`${node.url}/livez`)).status, 200);
});

test('too many requests at once are answered 503 with Retry-After', async (t) => {
  const node = await startFixture({ shardCount: 1, options: { requestsInFlightMax: 0 } });
  t.teardown(() => node.stop());
  for (const [method, path, body] of [
    ['POST', '/set', '{"key":"a","value":1}'],
    ['PUT', '/v1/keys/a', 'x'],
  ] as const) {
    const answer = await fetch(node.url + path, { method, body, headers: json });
    t.is(answer.status, 503);
    t.is(answer.headers.get('retry-after'), '1');
    t.like(await answer.json(), { error: 'overloaded', retryable: true });
  }
});

test('where there are users, requests need credentials, and probes do not', async (t) => {
  const read = readAccounts({ password: 'secret', usersFile: '' });
  const accounts = read.kind === 'accounts' ? read.accounts : [];
  t.is(accounts.length, 1);
  const node = await startFixture({ shardCount: 1, accounts });
  t.teardown(() => node.stop());
  for (const path of ['/livez', '/readyz', '/healthz', '/health', '/metrics']) {
    t.is((await fetch(node.url + path)).status, 200, path);
  }
  const body = '{"key":"a","value":1}';
  const basic = `Basic ${Buffer.from('default:secret').toString('base64')}`;
  for (const [authorization, status] of [
    ['', 401],
    ['Bearer secret', 200],
    [basic, 200],
  ] as const) {
    const headers = authorization === '' ? json : { ...json, Authorization: authorization };
    const stored = await fetch(`${node.url}/set`, { method: 'POST', headers, body });
    t.is(stored.status, status, authorization);
    if (status === 401) t.truthy(stored.headers.get('www-authenticate'));
    const found = await fetch(`${node.url}/get?key=a`, { headers });
    t.is(found.status, status, authorization);
    t.is((await fetch(`${node.url}/v1/keys/a`, { headers })).status, status, authorization);
  }
  const wrong = { Authorization: 'Bearer wrong' };
  t.is((await fetch(`${node.url}/get?key=a`, { headers: wrong })).status, 401);
  // After some failures the address has to wait.
  let held: Response;
  do held = await fetch(`${node.url}/get?key=a`, { headers: wrong });
  while (held.status === 401);
  t.is(held.status, 429);
  t.regex(held.headers.get('retry-after') ?? '', /^[1-9]\d*$/);
  t.deepEqual(node.faults, []);
});
