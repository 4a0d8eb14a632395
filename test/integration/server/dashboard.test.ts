import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import type { DashboardPort, DashboardViewer } from '../../../src/server/http/dashboard-port.ts';
import { EventStreamClient } from '../../event-stream-client.ts';
import { type Fixture, type FixtureSettings, startFixture } from './http-fixture.ts';

const text = (value: string) => Buffer.from(value, 'utf8');

/** A dashboard of one page and one script, whose viewers a test tells what it likes. */
class FakeDashboard implements DashboardPort {
  readonly viewers = new Set<DashboardViewer>();
  readonly page = { contentType: 'text/html; charset=utf-8', version: 12, bytes: text('<!doctype html><p>é') };
  readonly files = new Map([['main.js', { contentType: 'text/javascript', version: 34, bytes: text('let a;') }]]);

  open(viewer: DashboardViewer): () => void {
    this.viewers.add(viewer);
    return () => void this.viewers.delete(viewer);
  }

  tell(name: string, data: string, replaces = false): void {
    const bytes = text(`event: ${name}\ndata: ${data}\n\n`);
    for (const viewer of this.viewers) viewer.tell({ name, replaces, bytes });
  }
}

interface Started extends Fixture {
  readonly dashboard: FakeDashboard;
}

async function started(t: ExecutionContext, settings: FixtureSettings = {}): Promise<Started> {
  const dashboard = new FakeDashboard();
  const fixture = await startFixture({ shardCount: 1, budgetBytes: 16 * 2 ** 20, dashboard, ...settings });
  t.teardown(async () => {
    await fixture.stop();
    if (fixture.faults.length > 0) throw new Error(fixture.faults.join('\n'));
  });
  return { ...fixture, dashboard };
}

async function until(holds: () => boolean): Promise<void> {
  const dueMs = performance.now() + 20_000;
  while (!holds()) {
    if (performance.now() > dueMs) throw new Error('it does not come to hold');
    await sleep(5);
  }
}

test('the page and its files are served with their type, a tag, and a policy that lets nothing in from elsewhere', async (t) => {
  const { url } = await started(t);
  const page = await fetch(url);
  t.is(page.status, 200);
  t.is(await page.text(), '<!doctype html><p>é');
  t.is(page.headers.get('content-type'), 'text/html; charset=utf-8');
  t.is(page.headers.get('etag'), '"12"');
  t.is(page.headers.get('cache-control'), 'no-cache');
  t.is(page.headers.get('x-content-type-options'), 'nosniff');
  t.is(page.headers.get('referrer-policy'), 'no-referrer');
  const policy = page.headers.get('content-security-policy') ?? '';
  t.regex(policy, /default-src 'self'/);
  t.regex(policy, /frame-ancestors 'none'/);
  t.notRegex(policy, /unsafe/);
  const script = await fetch(`${url}/dashboard/main.js`);
  t.is(await script.text(), 'let a;');
  t.is(script.headers.get('content-type'), 'text/javascript');
});

test('a browser that has a file is told so, and one that has another gets it', async (t) => {
  const { url } = await started(t);
  const asked = (ifNoneMatch: string) =>
    fetch(`${url}/dashboard/main.js`, { headers: { 'If-None-Match': ifNoneMatch } });
  for (const tags of ['"34"', 'W/"34"', '"1", "34"', '*']) {
    const answer = await asked(tags);
    t.is(answer.status, 304, tags);
    t.is(answer.headers.get('etag'), '"34"');
    t.is(await answer.text(), '');
  }
  for (const tags of ['"35"', '"1"', 'no tag at all']) t.is((await asked(tags)).status, 200, tags);
});

test('HEAD is answered with the head of GET', async (t) => {
  const { url } = await started(t);
  const head = await fetch(url, { method: 'HEAD' });
  t.is(head.status, 200);
  t.is(head.headers.get('content-length'), String(Buffer.byteLength('<!doctype html><p>é')));
  t.is((await fetch(`${url}/v1/dashboard`, { method: 'HEAD' })).status, 200);
});

test('no path leads to any other file', async (t) => {
  const { front, url } = await started(t);
  const paths = [
    '/dashboard/',
    '/dashboard/index.html',
    '/dashboard/none.js',
    '/dashboard/MAIN.JS',
    '/dashboard/main.js%00',
    '/dashboard/%6dain.js',
    '/dashboard/..%2fmain.js',
    '/dashboard/../dashboard-feed.ts',
    '/dashboard/..%2f..%2f..%2fpackage.json',
    '/dashboard/%2e%2e/feed.ts',
    '/dashboard/..\\..\\package.json',
    '/dashboard//etc/passwd',
    '/dashboard/%2fetc%2fpasswd',
    '/dashboard/__proto__',
    '/dashboard/constructor',
    '/dashboard/x/main.js',
  ];
  for (const path of paths) {
    const socket = connect(front.port, '127.0.0.1');
    socket.write(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`);
    const [data] = (await once(socket, 'data')) as [Buffer];
    t.regex(data.toString('latin1'), /^HTTP\/1\.1 404 /, path);
    socket.destroy();
  }
  t.is((await fetch(`${url}/dashboard/main.js`, { method: 'PUT', body: 'x' })).status, 405);
});

test('where there is no dashboard, its paths lead nowhere, and commands are still taken at /', async (t) => {
  const fixture = await startFixture({ shardCount: 1, budgetBytes: 16 * 2 ** 20 });
  t.teardown(() => fixture.stop());
  for (const path of ['/', '/dashboard/main.js', '/v1/dashboard']) {
    t.is((await fetch(fixture.url + path)).status, 404, path);
  }
  const headers = { 'Content-Type': 'application/json' };
  const answer = await fetch(fixture.url, { method: 'POST', headers, body: '["PING"]' });
  t.deepEqual(await answer.json(), { result: 'PONG' });
});

test('what viewers are told comes as events, until they go', async (t) => {
  const { url, dashboard } = await started(t);
  const stream = await EventStreamClient.open(`${url}/v1/dashboard`);
  t.is(stream.response.headers.get('content-type'), 'text/event-stream');
  t.is(stream.response.headers.get('cache-control'), 'no-store');
  await until(() => dashboard.viewers.size === 1);
  dashboard.tell('sample', '{"a":1}');
  dashboard.tell('sample', '{"a":2}');
  t.deepEqual(await stream.first('sample', ({ a }: { a: number }) => a === 2), { a: 2 });
  stream.close();
  await until(() => dashboard.viewers.size === 0);
});

test('there are no more dashboards open than streams may be, and one that goes makes room', async (t) => {
  const { url, dashboard } = await started(t, { options: { eventStreamsMax: 1 } });
  const first = await EventStreamClient.open(`${url}/v1/dashboard`);
  t.is((await fetch(`${url}/v1/dashboard`)).status, 429);
  first.close();
  await until(() => dashboard.viewers.size === 0);
  const second = await EventStreamClient.open(`${url}/v1/dashboard`);
  t.is(second.response.status, 200);
  second.close();
});

test('a drain ends the dashboards that are open', async (t) => {
  const { front, url, dashboard } = await started(t);
  const streams = await Promise.all([1, 2].map(() => EventStreamClient.open(`${url}/v1/dashboard`)));
  await until(() => dashboard.viewers.size === 2);
  t.true(await front.drain());
  await Promise.all(streams.map(({ ended }) => ended));
  t.is(dashboard.viewers.size, 0);
});

async function unreading(port: number): Promise<ReturnType<typeof connect>> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  await once(socket, 'connect');
  socket.write('GET /v1/dashboard HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n');
  await once(socket, 'data');
  socket.pause();
  return socket;
}

test('a browser that reads nothing is cut off at its limit; the other goes on', async (t) => {
  const { front, url, dashboard } = await started(t, { options: { streamBytesMax: 1 << 20 } });
  const slow = await unreading(front.port);
  const quick = await EventStreamClient.open(`${url}/v1/dashboard`);
  await until(() => dashboard.viewers.size === 2);
  let told = 0;
  // Sockets of this machine take some megabytes that nobody reads.
  while (dashboard.viewers.size === 2 && told < 1000) {
    dashboard.tell('sample', `"${'s'.repeat(200_000)}"`);
    told++;
    await sleep(1);
  }
  t.is(dashboard.viewers.size, 1);
  await until(() => quick.events.length === told);
  quick.close();
  slow.destroy();
});

test('a browser that reads nothing has the latest of what replaces itself waiting, and no more', async (t) => {
  const { front, dashboard } = await started(t, { options: { streamBytesMax: 1 << 20 } });
  const slow = await unreading(front.port);
  await until(() => dashboard.viewers.size === 1);
  // A hundred times what may wait for one that reads nothing.
  for (let told = 0; told < 500; told++) {
    dashboard.tell('cluster', `"${told} ${'c'.repeat(200_000)}"`, true);
    if (told % 50 === 0) await sleep(1);
  }
  t.is(dashboard.viewers.size, 1);
  let received = '';
  slow.on('data', (data) => {
    received += data.toString('latin1');
  });
  slow.resume();
  await until(() => received.includes('"499 c') && /c"\n\n(\r\n)?$/.test(received.slice(-10)));
  t.true(received.length < 80 * 2 ** 20, `${received.length}`);
  slow.destroy();
});

test('a browser that reads nothing for long is cut off, however little waits for it', async (t) => {
  const { front, dashboard } = await started(t, { options: { replyTimeoutMs: 300 } });
  const slow = await unreading(front.port);
  await until(() => dashboard.viewers.size === 1);
  const fillMs = performance.now();
  dashboard.tell('history', `"${'h'.repeat(20 * 2 ** 20)}"`);
  while (dashboard.viewers.size === 1 && performance.now() - fillMs < 10_000) {
    dashboard.tell('sample', '1');
    await sleep(10);
  }
  t.is(dashboard.viewers.size, 0);
  t.true(performance.now() - fillMs >= 250);
  slow.destroy();
});
