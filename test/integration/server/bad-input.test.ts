import test from 'ava';
import { type Fixture, startFixture } from './http-fixture.ts';
import { getRequest, postRequest, RawConnection } from './raw-http.ts';

let node: Fixture;
/** With a short time limit for requests. */
let hasty: Fixture;

test.before(async () => {
  node = await startFixture();
  hasty = await startFixture({ shardCount: 1, options: { requestTimeoutMs: 300 } });
});

test.after.always('nothing is left in flight and nothing failed', async (t) => {
  while (node.front.inFlight + hasty.front.inFlight > 0) await new Promise((resolve) => setTimeout(resolve, 5));
  t.deepEqual([...node.faults, ...hasty.faults], []);
  await Promise.all([node.stop(), hasty.stop()]);
});

interface Problem {
  readonly status: number;
  readonly detail: string;
  readonly error: string;
  readonly field?: string;
  readonly allowed?: string;
}

const json = { 'Content-Type': 'application/json' };

async function problemOf(answer: Response): Promise<Problem> {
  const problem = (await answer.json()) as Problem & { type: string; title: string };
  if (answer.headers.get('content-type') !== 'application/problem+json') throw new Error('not a problem document');
  if (problem.status !== answer.status || problem.type === '' || problem.title === '') throw new Error('incomplete');
  return problem;
}

async function post(path: string, body: string | Uint8Array, headers: Record<string, string> = json): Promise<Problem> {
  return problemOf(await fetch(node.url + path, { method: 'POST', headers, body }));
}

/** The server answers as ever. */
async function servesOn(at: Fixture = node): Promise<boolean> {
  const answer = await fetch(`${at.url}/set`, { method: 'POST', headers: json, body: '{"key":"alive","value":1}' });
  return answer.status === 200 && (await fetch(`${at.url}/get?key=alive`)).status === 200 && at.faults.length === 0;
}

const nested = (levels: number): string => `${'['.repeat(levels)}${']'.repeat(levels)}`;

/** What is sent to `POST /set`, the status, and what the answer must say. */
const badBodies: readonly [title: string, body: string | Uint8Array, status: number, says: RegExp][] = [
  ['no body', '', 400, /empty/],
  ['white space only', '  \n', 400, /object/],
  ['an array', '[]', 400, /object/],
  ['a string', '"x"', 400, /object/],
  ['null', 'null', 400, /object/],
  ['an empty object', '{}', 400, /"key" is missing/],
  ['no value', '{"key":"a"}', 400, /"value" is missing/],
  ['no key', '{"value":1}', 400, /"key" is missing/],
  ['broken JSON', '{"key":"a","value":', 400, /ends/],
  ['a comma too many', '{"key":"a","value":1,}', 400, /byte 21/],
  ['a comma missing', '{"key":"a" "value":1}', 400, /byte 11/],
  ['text behind the object', '{"key":"a","value":1}x', 400, /end of the body/],
  ['two objects', '{"key":"a","value":1}{"key":"b","value":1}', 400, /end of the body/],
  ['single quotes', "{'key':'a','value':1}", 400, /double quotes/],
  ['a bare word', '{"key":"a","value":bar}', 400, /a value is due/],
  ['NaN', '{"key":"a","value":NaN}', 400, /a value is due/],
  ['a leading zero', '{"key":"a","value":01}', 400, /byte 20/],
  ['a bad escape', '{"key":"\\x","value":1}', 400, /escape/],
  ['a raw newline in a string', '{"key":"a\nb","value":1}', 400, /control character/],
  ['bytes that are no UTF-8', Buffer.from('{"key":"\xff","value":1}', 'latin1'), 400, /UTF-8/],
  ['half a surrogate pair', '{"key":"\\ud800","value":1}', 400, /surrogate/],
  ['a byte order mark', '\ufeff{"key":"a","value":1}', 400, /object/],
  ['a number as key', '{"key":7,"value":1}', 400, /"key" must be a string/],
  ['null as key', '{"key":null,"value":1}', 400, /"key" must be a string/],
  ['an empty key', '{"key":"","value":1}', 400, /empty/],
  ['a key over the limit', `{"key":"${'k'.repeat(70_000)}","value":1}`, 413, /key has 70000 bytes/],
  ['a value over the limit', `{"key":"a","value":"${'v'.repeat(8 * 2 ** 20 + 1)}"}`, 413, /8388609 bytes/],
  ['a body over the limit', 'x'.repeat(17 * 2 ** 20), 413, /more than 16777216 bytes/],
  ['an unknown field', '{"key":"a","value":1,"tll":5}', 400, /no field "tll"/],
  ['tags that are no array', '{"key":"a","value":1,"tags":{"x":1}}', 400, /"tags" must be an array/],
  ['an array of tags without an end', '{"key":"a","value":1,"tags":["x"', 400, /',' or '\]'/],
  ['__proto__ as a field', '{"key":"a","value":1,"__proto__":{"nx":true}}', 400, /no field "__proto__"/],
  ['a field given twice', '{"key":"a","value":1,"key":"b"}', 400, /"key" is given twice/],
  ['a field given twice, once escaped', '{"key":"a","value":1,"\\u006bey":"b"}', 400, /"key" is given twice/],
  ['a text as ttl', '{"key":"a","value":1,"ttl":"5"}', 400, /"ttl" must be/],
  ['a negative ttl', '{"key":"a","value":1,"ttl":-5}', 400, /ttl is out of range/],
  ['a ttl of 0, which is past', '{"key":"a","value":1,"ttl":0}', 400, /ttl is out of range/],
  ['a ttl that is not finite', '{"key":"a","value":1,"ttl":1e999}', 400, /ttl is out of range/],
  ['a ttl of ages', '{"key":"a","value":1,"ttl":1e12}', 400, /ttl is out of range/],
  ['a value that is not finite', '{"key":"a","value":-1e999}', 400, /finite/],
  ['a number as nx', '{"key":"a","value":1,"nx":1}', 400, /"nx" must be true or false/],
  ['nx and xx', '{"key":"a","value":1,"nx":true,"xx":true}', 400, /nx, xx, ifVersion and fill/],
  ['a fraction as ifVersion', '{"key":"a","value":1,"ifVersion":1.5}', 400, /"ifVersion" must be/],
  ['2000 levels of nesting', `{"key":"a","value":${nested(2000)}}`, 400, /deeper than 128/],
  ['a million levels of nesting', `{"key":"a","value":${'['.repeat(1e6)}`, 400, /deeper than 128/],
];

for (const [title, body, status, says] of badBodies) {
  test(`POST /set refuses ${title} with ${status}, says why, and serves on`, async (t) => {
    const problem = await post('/set', body);
    t.is(problem.status, status);
    t.regex(problem.detail, says);
    t.true(await servesOn());
  });
}

test('an unknown field is answered with those there are', async (t) => {
  const { field, allowed } = await post('/set', '{"key":"a","value":1,"tll":5}');
  t.is(field, 'tll');
  t.is(allowed, 'key, value, ttl, nx, xx, ifVersion, stale, jitter, tags, fill');
});

test('128 levels of nesting are taken', async (t) => {
  const body = `{"key":"deep","value":${nested(128)}}`;
  t.is((await fetch(`${node.url}/set`, { method: 'POST', headers: json, body })).status, 200);
  t.true((await (await fetch(`${node.url}/get?key=deep`)).text()).includes(nested(128)));
});

const badUrls: readonly [title: string, path: string, status: number, says: RegExp][] = [
  ['no key', '/get', 400, /"key" is missing/],
  ['an empty key', '/get?key=', 400, /empty/],
  ['a parameter that is none', '/get?kye=a', 400, /no parameter "kye"/],
  ['a parameter given twice', '/get?key=a&key=b', 400, /twice/],
  ['percent-encoding that is cut off', '/get?key=%4', 400, /percent-encoding/],
  ['percent-encoding that is not hexadecimal', '/get?key=%zz', 400, /percent-encoding/],
  ['broken percent-encoding in a path', '/v1/keys/%z', 400, /percent-encoding/],
  ['an empty key in a path', '/v1/keys/', 400, /empty/],
  ['an unknown path', '/no/such/path', 404, /nothing at/],
  ['a URL over the limit', `/get?key=${'k'.repeat(8200)}`, 414, /limit is 8192/],
  ['a cursor that is no number', '/v1/keys?cursor=x', 400, /"cursor" must be/],
  ['a count of 0', '/v1/keys?count=0', 400, /"count" must be/],
];

for (const [title, path, status, says] of badUrls) {
  test(`GET refuses ${title} with ${status}, says why, and serves on`, async (t) => {
    const connection = await RawConnection.open(node.front.port);
    connection.send(getRequest(path));
    const answer = await connection.answer();
    connection.close();
    t.is(answer?.status, status);
    t.is(answer?.headers.get('content-type'), 'application/problem+json');
    t.regex(JSON.parse(answer?.body ?? '{}').detail, says);
    t.true(await servesOn());
  });
}

test('a method the path does not take is answered 405 with those it takes', async (t) => {
  for (const [method, path, allow] of [
    ['PATCH', '/get', 'GET, HEAD, OPTIONS'],
    ['GET', '/set', 'OPTIONS, POST'],
    ['POST', '/v1/keys/a', 'DELETE, GET, HEAD, OPTIONS, PUT'],
    ['DELETE', '/v1/batch', 'OPTIONS, POST'],
  ] as const) {
    const answer = await fetch(node.url + path, { method });
    t.is(answer.status, 405);
    t.is(answer.headers.get('allow'), allow);
    t.regex((await problemOf(answer)).detail, new RegExp(method));
  }
  t.true(await servesOn());
});

test('a method that HTTP does not know costs its own connection only', async (t) => {
  const connection = await RawConnection.open(node.front.port);
  connection.send('BREW /get HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n');
  t.true([null, 405].includes((await connection.answer())?.status ?? null));
  connection.close();
  t.true(await servesOn());
});

test('no request by GET changes anything', async (t) => {
  await fetch(`${node.url}/set`, { method: 'POST', headers: json, body: '{"key":"kept","value":1}' });
  for (const path of ['/set?key=kept&value=2', '/delete?key=kept', '/v1/keys/kept/incr']) {
    t.is((await fetch(node.url + path)).status, 405);
  }
  t.like(await (await fetch(`${node.url}/get?key=kept`)).json(), { value: 1 });
});

test('a body of another type is answered 415', async (t) => {
  for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x']) {
    const problem = await post('/set', '{"key":"a","value":1}', { 'Content-Type': type });
    t.is(problem.status, 415);
    t.is(problem.allowed, 'application/json');
  }
});

test('a Host this node does not answer for is answered 421, a foreign Origin 403 where something would change', async (t) => {
  const connection = await RawConnection.open(node.front.port);
  connection.send(getRequest('/get?key=a').replace('127.0.0.1', 'evil.example'));
  t.is((await connection.answer())?.status, 421);
  connection.send(postRequest('/set', '{"key":"a","value":1}').replace('127.0.0.1', 'evil.example'));
  t.is((await connection.answer())?.status, 421);
  connection.send(
    postRequest('/set', '{"key":"a","value":1}').replace('Content-Type', 'Origin: http://evil.example\r\nContent-Type'),
  );
  t.is((await connection.answer())?.status, 403);
  connection.send(getRequest('/livez').replace('Host', 'Origin: http://evil.example\r\nHost'));
  t.is((await connection.answer())?.status, 200);
  connection.close();
});

const strangeKeys = [
  'a\0b',
  'a\nb',
  '"quoted" \\ \'',
  '🦆 ключ 鍵',
  '__proto__',
  'constructor',
  '%41',
  'a+b &=?#/',
  ' ',
  '\u007f',
];

for (const key of strangeKeys) {
  test(`the key ${JSON.stringify(key)} is a key like any other`, async (t) => {
    const value = JSON.parse('{"__proto__":{"polluted":true},"constructor":{"prototype":1}}') as object;
    const body = JSON.stringify({ key, value });
    t.is((await fetch(`${node.url}/set`, { method: 'POST', headers: json, body })).status, 200);
    const path = encodeURIComponent(key);
    const found = await (await fetch(`${node.url}/get?key=${path}`)).text();
    t.true(found.includes(`"value":${JSON.stringify(value)}`));
    t.is((JSON.parse(found) as { key: string }).key, key);
    t.is(await (await fetch(`${node.url}/v1/keys/${path}`)).text(), JSON.stringify(value));
    t.false('polluted' in {});
    t.is((await fetch(`${node.url}/v1/keys/${path}`, { method: 'DELETE' })).status, 204);
    t.is((await fetch(`${node.url}/get?key=${path}`)).status, 404);
  });
}

test('a key of 65,535 bytes can be set, read in a batch and deleted by body', async (t) => {
  const key = 'k'.repeat(65_535);
  t.is(
    (await fetch(`${node.url}/set`, { method: 'POST', headers: json, body: JSON.stringify({ key, value: 1 }) })).status,
    200,
  );
  const batch = JSON.stringify({ operations: [{ op: 'get', key }] });
  const results = await (await fetch(`${node.url}/v1/batch`, { method: 'POST', headers: json, body: batch })).json();
  t.like(results, { results: [{ status: 200, key, value: 1 }] });
  const deleted = await fetch(`${node.url}/delete`, { method: 'POST', headers: json, body: JSON.stringify({ key }) });
  t.deepEqual(await deleted.json(), { deleted: true });
});

test('a value of 8 MiB goes in and comes out whole, as JSON and as bytes', async (t) => {
  const value = 'v'.repeat(8 * 2 ** 20);
  t.is(
    (await fetch(`${node.url}/set`, { method: 'POST', headers: json, body: JSON.stringify({ key: 'big', value }) }))
      .status,
    200,
  );
  t.is(((await (await fetch(`${node.url}/get?key=big`)).json()) as { value: string }).value, value);
  const bytes = Buffer.alloc(8 * 2 ** 20, 0xfe);
  const stored = await fetch(`${node.url}/v1/keys/big`, {
    method: 'PUT',
    body: bytes,
    headers: { 'Content-Type': 'image/png' },
  });
  t.is(stored.status, 204);
  const found = await fetch(`${node.url}/v1/keys/big`);
  t.is(found.headers.get('content-type'), 'image/png');
  t.true(bytes.equals(Buffer.from(await found.arrayBuffer())));
  await fetch(`${node.url}/v1/keys/big`, { method: 'DELETE' });
});

test('a body longer than announced costs its own connection only', async (t) => {
  const connection = await RawConnection.open(node.front.port);
  connection.send(postRequest('/set', '{"key":"a","value":1}xyz', 21));
  t.is((await connection.answer())?.status, 200);
  connection.send(getRequest('/get?key=a'));
  await connection.answer();
  connection.close();
  t.true(await servesOn());
});

test('a body shorter than announced, or sent too slowly, is answered 408 and closed', async (t) => {
  for (const path of ['/set', '/v1/batch', '/delete']) {
    for (const sent of ['', '{"key":']) {
      const connection = await RawConnection.open(hasty.front.port);
      connection.send(postRequest(path, sent, 500));
      const answer = await connection.answer();
      t.is(answer?.status, 408, path);
      t.is(JSON.parse(answer?.body ?? '{}').error, 'request-timeout');
      await connection.closed();
    }
  }
  t.true(await servesOn(hasty));
});

test('a body that trickles is given up after the time limit', async (t) => {
  const connection = await RawConnection.open(hasty.front.port);
  connection.send(postRequest('/set', '{"key":"a"', 5000));
  const timer = setInterval(() => connection.send(' '), 50);
  t.is((await connection.answer())?.status, 408);
  await connection.closed();
  clearInterval(timer);
  t.true(await servesOn(hasty));
});

test('a client that hangs up in the middle of its request is forgotten', async (t) => {
  for (const part of [
    'POST /set HTTP/1.1\r\nHos',
    postRequest('/set', '{"key":', 500),
    postRequest('/v1/batch', '{', 500),
  ]) {
    const connection = await RawConnection.open(node.front.port);
    connection.send(part);
    await new Promise((resolve) => connection.socket.write('', resolve));
    connection.close();
  }
  t.true(await servesOn());
});

test('a client that hangs up before it has its answer costs nothing, and its write is done', async (t) => {
  for (let round = 0; round < 20; round++) {
    const connection = await RawConnection.open(node.front.port);
    connection.send(postRequest('/set', `{"key":"left","value":${round}}`));
    await new Promise((resolve) => connection.socket.write('', resolve));
    connection.close();
  }
  t.true(await servesOn());
  t.is((await fetch(`${node.url}/get?key=left`)).status, 200);
});

test('pipelined reads are answered in order', async (t) => {
  for (let at = 0; at < 20; at++) {
    await fetch(`${node.url}/set`, {
      method: 'POST',
      headers: json,
      body: JSON.stringify({ key: `p${at}`, value: at }),
    });
  }
  const connection = await RawConnection.open(node.front.port);
  connection.send(Array.from({ length: 20 }, (_, at) => getRequest(`/get?key=p${at}`)).join(''));
  for (let at = 0; at < 20; at++) t.is(JSON.parse((await connection.answer())?.body ?? '{}').value, at);
  connection.close();
});

test('a request behind a write that is not answered yet closes the connection, and nothing else breaks', async (t) => {
  const connection = await RawConnection.open(node.front.port);
  connection.send(postRequest('/set', '{"key":"piped","value":1}') + postRequest('/set', '{"key":"piped","value":2}'));
  await connection.closed();
  t.true(await servesOn());
});

test('a client that never reads its pipelined answers is closed', async (t) => {
  const value = 'x'.repeat(3000);
  await fetch(`${node.url}/set`, { method: 'POST', headers: json, body: JSON.stringify({ key: 'fat', value }) });
  const connection = await RawConnection.open(node.front.port);
  connection.socket.pause();
  const requests = getRequest('/get?key=fat').repeat(500);
  while (!connection.socket.destroyed && !connection.socket.closed) {
    await new Promise<void>((resolve) => connection.socket.write(requests, () => resolve()));
  }
  t.pass();
  t.true(await servesOn());
});

test('Expect: 100-continue is met; a body announced too large is refused before it is sent', async (t) => {
  const connection = await RawConnection.open(node.front.port);
  const head = (path: string, length: number): string =>
    `POST ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nExpect: 100-continue\r\nContent-Length: ${length}\r\n\r\n`;
  connection.send(head('/set', 23));
  t.is((await connection.answer(false))?.status, 100);
  connection.send('{"key":"e","value":"v"}');
  const answer = await connection.answer();
  t.is(answer?.status, 200);
  t.is(answer?.headers.get('content-type'), 'application/json');
  t.regex(answer?.body ?? '', /"ok":true/);
  connection.send(head('/set', 20 * 2 ** 20));
  t.is((await connection.answer(false))?.status, 100);
  t.is((await connection.answer())?.status, 413);
  connection.close();
  t.true(await servesOn());
});
