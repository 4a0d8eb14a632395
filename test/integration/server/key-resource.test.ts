import test from 'ava';
import { FrontEnd } from '../../../src/base/counters.ts';
import { commandTable } from '../../../src/command/table.ts';
import { type Fixture, startFixture } from './http-fixture.ts';

let node: Fixture;

test.before(async () => {
  node = await startFixture();
});

test.after.always(async (t) => {
  t.deepEqual(node.faults, []);
  await node.stop();
});

const json = { 'Content-Type': 'application/json' };

function at(key: string, init?: RequestInit): Promise<Response> {
  return fetch(`${node.url}/v1/keys/${encodeURIComponent(key)}`, init);
}

function put(key: string, body: string | Uint8Array, headers: Record<string, string> = {}): Promise<Response> {
  return at(key, { method: 'PUT', body, headers });
}

async function tagOf(answer: Response): Promise<string> {
  await answer.arrayBuffer();
  return answer.headers.get('etag') ?? '';
}

test('PUT answers 201 with the place when it creates, 204 when it replaces, each with a new strong ETag', async (t) => {
  const created = await put('made', 'a');
  t.is(created.status, 201);
  t.is(created.headers.get('location'), '/v1/keys/made');
  const replaced = await put('made', 'b');
  t.is(replaced.status, 204);
  t.is(replaced.headers.get('content-length'), null);
  const tags = [await tagOf(created), await tagOf(replaced)];
  t.not(tags[0], tags[1]);
  for (const tag of tags) t.regex(tag, /^"\d+"$/);
  t.is((await at('made')).headers.get('etag'), tags[1] ?? '');
});

test('GET returns the bytes with the Content-Type they came with, HEAD the same without them', async (t) => {
  const bytes = Uint8Array.from({ length: 1000 }, (_, index) => index % 256);
  await put('photo', bytes, { 'Content-Type': 'image/png' });
  const got = await at('photo');
  t.is(got.headers.get('content-type'), 'image/png');
  t.is(got.headers.get('x-content-type-options'), 'nosniff');
  t.is(got.headers.get('cache-control'), 'no-cache');
  t.deepEqual(new Uint8Array(await got.arrayBuffer()), bytes);
  const head = await at('photo', { method: 'HEAD' });
  t.is(head.status, 200);
  t.is(await head.text(), '');
  for (const name of ['content-type', 'etag', 'content-length']) t.is(head.headers.get(name), got.headers.get(name));
  t.is((await at('no photo', { method: 'HEAD' })).status, 404);
});

test("a page that a client has stored runs nothing in a browser that is shown it: it is of the dashboard's origin", async (t) => {
  await put('page', '<script>steal()</script>', { 'Content-Type': 'text/html' });
  const got = await at('page');
  t.is(got.headers.get('content-security-policy'), "default-src 'none'; sandbox");
  t.is(got.headers.get('x-content-type-options'), 'nosniff');
});

test('GET with If-None-Match is 304 while the entry is the one the client has', async (t) => {
  const tag = await tagOf(await put('cached', 'a'));
  for (const header of [tag, `W/${tag}`, `"0", ${tag}`, '*']) {
    const answer = await at('cached', { headers: { 'If-None-Match': header } });
    t.is(answer.status, 304, header);
    t.is(answer.headers.get('etag'), tag);
    t.is(await answer.text(), '');
  }
  t.is((await at('cached', { headers: { 'If-None-Match': '"other", "1,2"' } })).status, 200);
  await put('cached', 'b');
  t.is((await at('cached', { headers: { 'If-None-Match': tag } })).status, 200);
  t.is((await at('cached', { headers: { 'If-None-Match': 'unquoted' } })).status, 400);
});

test('GET with If-Match is 412 when the entry is another or none', async (t) => {
  const tag = await tagOf(await put('matched', 'a'));
  t.is((await at('matched', { headers: { 'If-Match': tag } })).status, 200);
  t.is((await at('matched', { headers: { 'If-Match': `W/${tag}` } })).status, 412);
  t.is((await at('matched', { headers: { 'If-Match': '"0"' } })).status, 412);
  t.is((await at('unmatched', { headers: { 'If-Match': '*' } })).status, 412);
});

test('PUT with If-None-Match: * only creates', async (t) => {
  t.is((await put('fresh', 'a', { 'If-None-Match': '*' })).status, 201);
  t.is((await put('fresh', 'b', { 'If-None-Match': '*' })).status, 412);
  t.is(await (await at('fresh')).text(), 'a');
});

test('PUT with If-Match replaces the entry that has one of the tags, and nothing else', async (t) => {
  t.is((await put('guarded', 'a', { 'If-Match': '*' })).status, 412);
  t.is((await put('guarded', 'a', { 'If-Match': '"1"' })).status, 412);
  const first = await tagOf(await put('guarded', 'a'));
  t.is((await put('guarded', 'b', { 'If-Match': '*' })).status, 204);
  t.is((await put('guarded', 'c', { 'If-Match': first })).status, 412);
  const tag = (await at('guarded')).headers.get('etag') ?? '';
  t.is((await put('guarded', 'd', { 'If-Match': `"0", ${tag}` })).status, 204);
  t.is((await put('guarded', 'e', { 'If-Match': `W/${tag}` })).status, 412);
  t.is(await (await at('guarded')).text(), 'd');
  const now = (await at('guarded')).headers.get('etag') ?? '';
  t.is((await put('guarded', 'f', { 'If-None-Match': now })).status, 412);
  t.is((await put('guarded', 'f', { 'If-None-Match': tag })).status, 204);
});

test('of many that write on condition of the same tag, one succeeds', async (t) => {
  const tag = await tagOf(await put('raced', 'a'));
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, i) => put('raced', `b${i}`, { 'If-Match': `${tag}, "0"` })),
  );
  t.is(answers.filter(({ status }) => status === 204).length, 1);
  t.is(answers.filter(({ status }) => status === 412).length, 19);
});

test('DELETE is 204, or 404 when there was nothing, and keeps to its preconditions', async (t) => {
  t.is((await at('gone', { method: 'DELETE' })).status, 404);
  const tag = await tagOf(await put('gone', 'a'));
  t.is((await at('gone', { method: 'DELETE', headers: { 'If-Match': '"0"' } })).status, 412);
  t.is((await at('gone', { method: 'DELETE', headers: { 'If-None-Match': tag } })).status, 412);
  t.is((await at('gone', { method: 'DELETE', headers: { 'If-Match': tag } })).status, 204);
  t.is((await at('gone')).status, 404);
  await put('gone', 'b');
  t.is((await at('gone', { method: 'DELETE', headers: { 'If-Match': '*' } })).status, 204);
  t.is((await at('gone', { method: 'DELETE', headers: { 'If-Match': '*' } })).status, 412);
});

test('the lifetime comes from ?ttl= or max-age, and goes out as Cache-Control', async (t) => {
  await fetch(`${node.url}/v1/keys/lasting?ttl=100.9`, { method: 'PUT', body: 'a' });
  const answer = await at('lasting');
  t.is(answer.headers.get('cache-control'), 'max-age=100');
  t.is(answer.headers.get('age'), '0');
  await put('lasting', 'a', { 'Cache-Control': 'public, max-age=50' });
  t.regex((await at('lasting')).headers.get('cache-control') ?? '', /^max-age=(50|49)$/);
  for (const header of ['max-age=0', 'max-age=x', 'max-age=-1', 'max-age=1, max-age=2']) {
    t.is((await put('lasting', 'a', { 'Cache-Control': header })).status, 400, header);
  }
  for (const ttl of ['0', '-1', 'x', '', 'Infinity', '1e99']) {
    t.is((await fetch(`${node.url}/v1/keys/lasting?ttl=${ttl}`, { method: 'PUT', body: 'a' })).status, 400, ttl);
  }
});

test('a value with a ttl is gone on time for every way of reading', async (t) => {
  const body = JSON.stringify({ key: 'brief', value: 1, ttl: 0.05 });
  await fetch(`${node.url}/set`, { method: 'POST', headers: json, body });
  const endMs = performance.now() + 50;
  while (performance.now() < endMs + 1) await new Promise((resolve) => setTimeout(resolve, 5));
  t.is((await fetch(`${node.url}/get?key=brief`)).status, 404);
  t.is((await at('brief')).status, 404);
});

test('JSON put as a resource is JSON everywhere, and must be JSON', async (t) => {
  t.is((await put('document', '{"a":[1]}', json)).status, 201);
  t.like(await (await fetch(`${node.url}/get?key=document`)).json(), { value: { a: [1] } });
  t.is((await put('document', '{"a":[1]', json)).status, 400);
  t.is((await put('document', '', json)).status, 400);
});

test('bytes that are no text are given as base64 where JSON is asked for', async (t) => {
  await put('raw', Uint8Array.of(0xff, 0xfe), { 'Content-Type': 'application/octet-stream' });
  t.like(await (await fetch(`${node.url}/get?key=raw`)).json(), { value: '//4=', valueEncoding: 'base64' });
  await fetch(`${node.url}/v1/keys/%ff`, { method: 'PUT', body: 'x' });
  t.like(await (await fetch(`${node.url}/get?key=%ff`)).json(), { key: '/w==', keyEncoding: 'base64', value: 'x' });
  // Keys of other tests, too, are looked at for a page.
  const keys: unknown[] = [];
  let cursor: string | null = '0';
  while (cursor !== null) {
    const listing = await fetch(`${node.url}/v1/keys?match=%ff&cursor=${cursor}`);
    const page = (await listing.json()) as { keys: unknown[]; cursor: string | null };
    keys.push(...page.keys);
    cursor = page.cursor;
  }
  t.deepEqual(keys, [{ base64: '/w==' }]);
});

test('incr adds whole numbers and fractions, and declines what is no number', async (t) => {
  const incr = (body?: string): Promise<Response> =>
    fetch(`${node.url}/v1/keys/counter/incr`, {
      method: 'POST',
      headers: json,
      ...(body === undefined ? {} : { body }),
    });
  t.like(await (await incr()).json(), { value: 1 });
  t.like(await (await incr('{"by":41}')).json(), { value: 42 });
  t.like(await (await incr('{"by":-0.5}')).json(), { value: 41.5 });
  t.is((await incr('{"by":"1"}')).status, 400);
  t.is((await incr('{"by":1,"key":"x"}')).status, 400);
  await put('counter', 'text');
  const declined = await incr();
  t.is(declined.status, 409);
  t.is(((await declined.json()) as { error: string }).error, 'not-a-number');
});

test('the pages of a listing together hold every key once', async (t) => {
  const wanted = Array.from({ length: 250 }, (_, index) => `listed:${index}`).sort();
  await Promise.all(wanted.map((key) => put(key, 'x')));
  const found: string[] = [];
  let cursor: string | null = '0';
  while (cursor !== null) {
    const page = await fetch(`${node.url}/v1/keys?match=listed:*&count=50&cursor=${cursor}`);
    const document = (await page.json()) as { keys: string[]; cursor: string | null };
    found.push(...document.keys);
    cursor = document.cursor;
  }
  t.deepEqual(found.sort(), wanted);
});

test('a batch runs in order and answers each operation by itself', async (t) => {
  const operations = [
    { op: 'set', key: 'b', value: 1 },
    { op: 'get', key: 'b' },
    { op: 'incr', key: 'b', by: 2 },
    { op: 'get', key: 'b' },
    { op: 'set', key: 'b', value: 9, nx: true },
    { op: 'delete', key: 'b' },
    { op: 'get', key: 'b' },
  ];
  const answer = await fetch(`${node.url}/v1/batch`, {
    method: 'POST',
    headers: json,
    body: JSON.stringify({ operations }),
  });
  t.like(await answer.json(), {
    results: [
      { status: 200 },
      { status: 200, value: 1 },
      { status: 200, value: 3 },
      { status: 200, value: 3 },
      { status: 409, error: 'conflict' },
      { status: 200, deleted: true },
      { status: 404, error: 'no-such-key' },
    ],
  });
});

test('a batch that cannot be read is refused whole, naming the operation', async (t) => {
  for (const [body, says] of [
    ['{"operations":[{"op":"set","key":"never","value":1},{"op":"fly","key":"a"}]}', /Operation 1: .*"fly"/],
    ['{"operations":[{"op":"set","key":"never","value":1},{"op":"get"}]}', /Operation 1: .*"key" is missing/],
    ['{"operations":[{"op":"get","key":"a","ttl":1}]}', /does not have/],
    ['{"operations":{}}', /must be an array/],
    ['{"ops":[]}', /no field "ops"/],
    ['{}', /"operations" is missing/],
    [JSON.stringify({ operations: Array.from({ length: 1001 }, () => ({ op: 'get', key: 'a' })) }), /more than 1000/],
  ] as const) {
    const answer = await fetch(`${node.url}/v1/batch`, { method: 'POST', headers: json, body });
    t.true(answer.status === 400 || answer.status === 413);
    t.regex(((await answer.json()) as { detail: string }).detail, says);
  }
  t.is((await at('never')).status, 404);
  const empty = await fetch(`${node.url}/v1/batch`, { method: 'POST', headers: json, body: '{"operations":[]}' });
  t.deepEqual(await empty.json(), { results: [] });
});

test('conditions of /set: nx, xx and ifVersion are kept or answered 409', async (t) => {
  const set = async (more: object): Promise<Response> =>
    fetch(`${node.url}/set`, {
      method: 'POST',
      headers: json,
      body: JSON.stringify({ key: 'cond', value: 1, ...more }),
    });
  t.is((await set({ xx: true })).status, 409);
  const { version } = (await (await set({ nx: true })).json()) as { version: number };
  t.is((await set({ nx: true })).status, 409);
  t.is((await set({ ifVersion: version + 1000 })).status, 409);
  t.is((await set({ ifVersion: version })).status, 200);
  t.is((await set({ xx: true })).status, 200);
});

test('every path of the description answers, and HEAD answers as GET without a body', async (t) => {
  const { paths } = (await (await fetch(`${node.url}/openapi.json`)).json()) as { paths: Record<string, object> };
  for (const [path, operations] of Object.entries(paths)) {
    for (const method of Object.keys(operations)) {
      const answer = await fetch(node.url + path.replace('{key}', 'none'), { method: method.toUpperCase() });
      t.not(answer.status, 405, `${method} ${path}`);
      t.false(answer.status >= 500, `${method} ${path}`);
      if (method === 'head') t.is(await answer.text(), '');
    }
  }
});

test.serial('what was asked for is counted when the metrics are read', async (t) => {
  await put('counted', 'x');
  await fetch(`${node.url}/metrics`);
  const row = (name: string): number => commandTable.named(name).id;
  t.true(node.counters.commandCount(row('set'), FrontEnd.http) > 0);
  const before = node.counters.commandCount(row('get'), FrontEnd.http);
  for (let index = 0; index < 5; index++) await fetch(`${node.url}/get?key=counted`);
  await fetch(`${node.url}/metrics`);
  t.is(node.counters.commandCount(row('get'), FrontEnd.http), before + 5);
});
