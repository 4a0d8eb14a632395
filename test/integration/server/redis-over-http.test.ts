import { Redis } from '@upstash/redis';
import test from 'ava';
import { type Fixture, startFixture } from './http-fixture.ts';

/** `@upstash/redis` as it comes from npm, against real shards behind a real port. */
let fixture: Fixture;

test.before(async () => {
  fixture = await startFixture({ shardCount: 2, options: { batchOperationsMax: 10_000 } });
});

test.after.always(() => fixture.stop());

test.afterEach((t) => t.deepEqual(fixture.faults, []));

function client(settings: { readonly responseEncoding?: false; readonly enableAutoPipelining?: boolean } = {}): Redis {
  return new Redis({
    url: fixture.url,
    token: 'none',
    retry: false,
    enableTelemetry: false,
    enableAutoPipelining: false,
    ...settings,
  });
}

test('values of every kind come back as they were set', async (t) => {
  const redis = client();
  t.is(await redis.set('u:text', 'häße ☕'), 'OK');
  t.is(await redis.get('u:text'), 'häße ☕');
  t.is(await redis.set('u:ok', 'OK'), 'OK');
  t.is(await redis.get('u:ok'), 'OK');
  const object = { name: 'Ann', tags: ['a', 'b'], nested: { deep: [1, 2.5, null, true] } };
  await redis.set('u:object', object);
  t.deepEqual(await redis.get('u:object'), object);
  await redis.set('u:number', 42);
  t.is(await redis.get<number>('u:number'), 42);
  await redis.set('u:false', false);
  t.is(await redis.get<boolean>('u:false'), false);
  t.is(await redis.get('u:absent'), null);
  t.is(await redis.type('u:text'), 'string');
  t.is(await redis.ping(), 'PONG');
  t.is(await redis.echo('base64=='), 'base64==');
});

test('strings are the same with and without base64', async (t) => {
  const plain = client({ responseEncoding: false });
  const encoded = client();
  await plain.mset({ 'u:m1': 'one', 'u:m2': 'zwei ü', 'u:m3': 'OK' });
  const expected = ['one', 'zwei ü', 'OK', null];
  t.deepEqual(await plain.mget('u:m1', 'u:m2', 'u:m3', 'u:none'), expected);
  t.deepEqual(await encoded.mget('u:m1', 'u:m2', 'u:m3', 'u:none'), expected);
});

test('numbers, expiry and conditions answer as Redis answers them', async (t) => {
  const redis = client();
  t.is(await redis.incr('u:n'), 1);
  t.is(await redis.incrby('u:n', 41), 42);
  t.is(await redis.decr('u:n'), 41);
  t.is(await redis.incrbyfloat('u:n', 0.5), 41.5);
  t.is(await redis.set('u:nx', 'a', { nx: true }), 'OK');
  t.is(await redis.set('u:nx', 'b', { nx: true }), null);
  t.is(await redis.set('u:nx', 'c', { get: true, ex: 100 }), 'a');
  const ttl = await redis.ttl('u:nx');
  t.true(ttl > 90 && ttl <= 100);
  t.is(await redis.exists('u:nx', 'u:n', 'u:none'), 2);
  t.is(await redis.del('u:nx', 'u:n'), 2);
  t.is(await redis.append('u:app', 'abc'), 3);
  t.is(await redis.strlen('u:app'), 3);
  t.is(await redis.getrange('u:app', 1, 2), 'bc');
});

test('scan walks all keys', async (t) => {
  const redis = client();
  const keys = Array.from({ length: 300 }, (_, index) => `u:scan:${index}`);
  await redis.mset(Object.fromEntries(keys.map((key) => [key, 1])));
  const found = new Set<string>();
  let cursor = '0';
  do {
    const [next, page] = await redis.scan(cursor, { match: 'u:scan:*', count: 50 });
    for (const key of page) found.add(key);
    cursor = next;
  } while (cursor !== '0');
  t.deepEqual([...found].sort(), keys.sort());
});

test('a pipeline has one result a command, in order, errors among them', async (t) => {
  const redis = client();
  const results = await redis
    .pipeline()
    .set('u:p', 5)
    .incr('u:p')
    .get('u:p')
    .dbsize()
    .set('u:q', 'x')
    .incr('u:q')
    .get('u:q')
    .exec({ keepErrors: true });
  t.deepEqual(
    results.map(({ result, error }, index) => (index === 3 ? typeof result : (error ?? result))),
    ['OK', 6, 6, 'number', 'OK', 'ERR value is not an integer or out of range', 'x'],
  );
  await t.throwsAsync(redis.pipeline().set('u:q', 'x').incr('u:q').exec(), {
    message: /Command 2 \[ incr \] failed: ERR value/,
  });
});

test('commands of one turn go as one pipeline when the client does that', async (t) => {
  const redis = client({ enableAutoPipelining: true });
  t.deepEqual(await Promise.all([redis.set('u:auto', 1), redis.incr('u:auto'), redis.incr('u:auto')]), ['OK', 2, 3]);
  t.deepEqual(await Promise.all([redis.get('u:auto'), redis.exists('u:auto')]), [3, 1]);
  await t.throwsAsync(redis.exec(['INCR', 'u:auto', 'x']), { message: /^ERR wrong number of arguments/ });
});

test('an error of a command says what Redis says', async (t) => {
  const redis = client();
  await redis.set('u:e', 'text');
  await t.throwsAsync(redis.incr('u:e'), {
    name: 'UpstashError',
    message: /^ERR value is not an integer or out of range/,
  });
  await t.throwsAsync(redis.exec(['NOPE', 1]), {
    message: /^ERR unknown command 'NOPE', with args beginning with: '1'/,
  });
  await t.throwsAsync(redis.exec(['GET']), { message: /^ERR wrong number of arguments for 'get' command/ });
  await t.throwsAsync(redis.hget('u:e', 'f'), { message: /^ERR unknown command 'hget'/ });
});

test('JSON documents are set, read and changed by path', async (t) => {
  const redis = client();
  t.is(await redis.json.set('u:doc', '$', { a: { b: [1, 2] }, n: 1, s: 'x' }), 'OK');
  t.deepEqual(await redis.json.get('u:doc', '$.a.b'), [[1, 2]]);
  t.deepEqual(await redis.json.get('u:doc'), { a: { b: [1, 2] }, n: 1, s: 'x' });
  t.deepEqual(await redis.json.arrappend('u:doc', '$.a.b', 3, '"four"'), [4]);
  t.deepEqual(await redis.json.arrlen('u:doc', '$.a.b'), [4]);
  t.deepEqual(await redis.json.numincrby('u:doc', '$.n', 4), [5]);
  t.deepEqual(await redis.json.type('u:doc', '$.s'), ['string']);
  t.deepEqual(await redis.json.objkeys('u:doc', '$'), [['a', 'n', 's']]);
  t.deepEqual(await redis.json.strappend('u:doc', '$.s', '"yz"'), [3]);
  t.is(await redis.json.set('u:doc2', '$', { n: 2 }), 'OK');
  t.deepEqual(await redis.json.mget(['u:doc', 'u:doc2', 'u:none'], '$.n'), [[5], [2], null]);
  t.is(await redis.json.del('u:doc', '$.a'), 1);
  t.deepEqual(await redis.json.get('u:doc'), { n: 5, s: 'xyz' });
});

test('a transaction runs as one, with a result for each command', async (t) => {
  const redis = client();
  const results = await redis.multi().set('{u}:t', 5).incr('{u}:t').get('{u}:t').exec();
  t.deepEqual(results, ['OK', 6, 6]);
  await redis.set('{u}:text', 'x');
  const kept = await redis.multi().set('{u}:t', 7).incr('{u}:text').get('{u}:t').exec({ keepErrors: true });
  t.deepEqual(
    kept.map(({ result, error }) => error ?? result),
    ['OK', 'ERR value is not an integer or out of range', 7],
  );
});

test('transactions over keys of one slot are seen whole', async (t) => {
  const redis = client();
  const keys = Array.from({ length: 8 }, (_, index) => `{u}:x:${index}`);
  await redis.mset(Object.fromEntries(keys.map((key) => [key, 0])));
  let isOver = false;
  const torn: unknown[] = [];
  const watcher = (async () => {
    while (!isOver) {
      const values = await redis.mget(...keys);
      if (new Set(values).size > 1) torn.push(values);
    }
  })();
  for (let round = 1; round <= 50; round++) {
    const transaction = redis.multi();
    for (const key of keys) transaction.set(key, round);
    await transaction.exec();
  }
  isOver = true;
  await watcher;
  t.deepEqual(torn, []);
});

test('a transaction with a command that cannot be run changes nothing', async (t) => {
  const redis = client();
  await redis.set('u:untouched', 1);
  const run = (commands: unknown[]): Promise<Response> => post('/multi-exec', JSON.stringify(commands));
  for (const wrong of [['NOPE'], ['INCR'], ['SUBSCRIBE', 'a'], ['MULTI'], ['WATCH', 'a'], ['EXEC']]) {
    const answer = await run([['SET', 'u:untouched', 2], wrong]);
    t.is(answer.status, 400, wrong.join());
    const { error } = (await answer.json()) as { error: string };
    t.regex(error, /^EXECABORT Transaction discarded because of its command 1: ERR /);
  }
  t.is(await redis.get('u:untouched'), 1);
});

function post(path: string, body: string | Uint8Array, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(fixture.url + path, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', ...headers },
    body,
  });
}

async function errorOf(path: string, body: string | Uint8Array): Promise<string> {
  const answer = await post(path, body);
  const { error, ...more } = (await answer.json()) as { error: string };
  return Object.keys(more).length === 0 ? `${answer.status} ${error}` : 'more than an error';
}

test('what is no command is refused with an error in the same shape', async (t) => {
  const deep = `${'['.repeat(300)}${']'.repeat(300)}`;
  const cases: readonly (readonly [string, string | Uint8Array, RegExp])[] = [
    ['/', '', /^400 ERR the body must be a JSON array/],
    ['/', '{"a":1}', /^400 ERR the body must be a JSON array/],
    ['/', '["SET","a"', /^400 ERR The body is no JSON: it ends inside/],
    ['/', '["SET","a",]', /^400 ERR The body is no JSON/],
    ['/', '["GET","a"] x', /^400 ERR The body is no JSON.*end of the body/],
    ['/', '[]', /^400 ERR the command is empty/],
    ['/', '[[]]', /^400 ERR the command's name must be a string/],
    ['/', '[["GET","a"]]', /^400 ERR the command's name must be a string/],
    ['/', '[1]', /^400 ERR the command's name must be a string/],
    ['/', '["SET","a",null]', /^400 ERR argument 2 is null/],
    ['/', '["SET","a","\\ud800"]', /^400 ERR .*surrogate/],
    ['/', Uint8Array.from([0x5b, 0x22, 0xff, 0x22, 0x5d]), /^400 ERR .*not UTF-8/],
    ['/', `["SET","a",${deep}]`, /^400 ERR .*nests deeper/],
    ['/', '["SUBSCRIBE","a"]', /^400 ERR .*needs a connection/],
    ['/', '["MULTI"]', /^400 ERR .*needs a connection/],
    ['/', '["flux.entry","a"]', /^400 ERR unknown command/],
    ['/', '["EXPIRE","a",1e999]', /^400 ERR value is not an integer or out of range/],
    ['/', '["INCRBY","a",99999999999999999999999999]', /^400 ERR value is not an integer or out of range/],
    ['/pipeline', '[]', /^400 ERR there is no command/],
    ['/pipeline', '["GET","a"]', /^400 ERR command 0: .*an array for each command/],
    ['/pipeline', '[["GET","a"],[]]', /^400 ERR command 1: the command is empty/],
    ['/pipeline', '[["GET","a"],7]', /^400 ERR command 1: /],
    ['/multi-exec', '[["GET","a"]', /^400 ERR The body is no JSON/],
    [
      '/pipeline',
      JSON.stringify(Array.from({ length: 10_001 }, () => ['PING'])),
      /^413 ERR .*more than 10000 commands/,
    ],
  ];
  for (const [path, body, expected] of cases) t.regex(await errorOf(path, body), expected, String(body).slice(0, 60));
  const text = await post('/', '["PING"]', { 'Content-Type': 'text/plain' });
  t.is(text.status, 415);
  t.regex(((await text.json()) as { error: string }).error, /^ERR The body must be JSON/);
});

test('arguments of any kind of JSON are taken as they are written', async (t) => {
  await post('/', '["SET","u:big",12345678901234567890123]');
  t.is(await (await post('/', '["GET","u:big"]')).text(), '{"result":"12345678901234567890123"}');
  await post('/', '["SET","u:object",{"a" : [1, null]}]');
  t.is(await (await post('/', '["GET","u:object"]')).text(), String.raw`{"result":"{\"a\" : [1, null]}"}`);
  await post('/', '["SET","u:true",true]');
  t.is(await (await post('/', '["GET","u:true"]')).text(), '{"result":"true"}');
  await post('/', '["SET","u:max",9223372036854775806]');
  t.is(await (await post('/', '["INCR","u:max"]')).text(), '{"result":9223372036854775807}');
  t.is(await (await post('/', '["INCR","u:max"]')).status, 400);
  const encoded = await post('/', '["MGET","u:true","u:none"]', { 'Upstash-Encoding': 'base64' });
  t.is(await encoded.text(), '{"result":["dHJ1ZQ==",null]}');
});

test('bytes that are no text come whole in base64, and with marks in their place without', async (t) => {
  await fetch(`${fixture.url}/v1/keys/u:bytes`, { method: 'PUT', body: Uint8Array.from([0x61, 0xff, 0x00, 0x22]) });
  const encoded = await post('/', '["GET","u:bytes"]', { 'Upstash-Encoding': 'base64' });
  t.is(await encoded.text(), '{"result":"Yf8AIg=="}');
  const plain = await post('/', '["GET","u:bytes"]');
  t.is(((await plain.json()) as { result: string }).result, 'a\ufffd\0"');
});

test('commands behind one that takes several turns see what it did', async (t) => {
  const many: unknown[][] = Array.from({ length: 2000 }, (_, index) => ['SET', `u:turn:${index}`, index]);
  const answer = await post(
    '/pipeline',
    JSON.stringify([...many, ['KEYS', 'u:turn:*'], ['SET', 'u:turn:x', 1], ['GET', 'u:turn:x']]),
  );
  const results = (await answer.json()) as { result: unknown }[];
  t.like(results[2000], { result: { length: 2000 } });
  t.is(results[2002]?.result, '1');
});

test('results beyond the limit are errors, and the others come', async (t) => {
  const value = 'x'.repeat(1_000_000);
  await post('/', JSON.stringify(['SET', 'u:large', value]));
  const answer = await post('/pipeline', JSON.stringify(Array.from({ length: 40 }, () => ['GET', 'u:large'])));
  const results = (await answer.json()) as { result?: string; error?: string }[];
  t.is(results[0]?.result?.length, 1_000_000);
  t.regex(results[39]?.error ?? '', /^ERR the results have more than/);
});

/** Waits until `read` gives what is wanted. */
async function eventually(read: () => Promise<unknown>, wanted: unknown): Promise<void> {
  while ((await read()) !== wanted) await new Promise((resolve) => setTimeout(resolve, 5));
}

test('the client subscribes to channels and patterns, and unsubscribes', async (t) => {
  const redis = client();
  const got: unknown[] = [];
  const subscribed = redis.subscribe<unknown>(['u:news', 'u:other']);
  const byPattern = redis.psubscribe<unknown>(['u:n*']);
  subscribed.on('message', ({ channel, message }) => got.push([channel, message]));
  byPattern.on('pmessage', ({ pattern, channel, message }) => got.push([pattern, channel, message]));
  const publish = (channel: string, message: unknown): Promise<number> => redis.publish(channel, message);
  await eventually(() => redis.exec(['PUBSUB', 'NUMPAT']), 1);
  await eventually(async () => (await redis.exec<unknown[]>(['PUBSUB', 'CHANNELS', 'u:*'])).length, 2);
  t.is(await publish('u:news', { a: [1, 'two, three'] }), 2);
  t.is(await publish('u:other', 'text ☕'), 1);
  t.is(await publish('u:none', 5), 1);
  await eventually(async () => got.length, 4);
  const wanted = [
    ['u:news', { a: [1, 'two, three'] }],
    ['u:n*', 'u:news', { a: [1, 'two, three'] }],
    ['u:other', 'text ☕'],
  ];
  for (const message of wanted) t.true(got.some((other) => JSON.stringify(other) === JSON.stringify(message)));
  await subscribed.unsubscribe();
  await byPattern.unsubscribe();
  await eventually(() => publish('u:news', 1), 0);
});

test('a stream of messages has a line of data for each line of a message', async (t) => {
  const answer = await fetch(`${fixture.url}/subscribe/u%3Alines`);
  t.is(answer.headers.get('content-type'), 'text/event-stream');
  const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader();
  await post('/', JSON.stringify(['PUBLISH', 'u:lines', 'one\ntwo\r\nthree']));
  let text = '';
  while (!text.includes('three\n\n')) text += (await reader?.read())?.value ?? '';
  t.is(text, 'data: subscribe,u:lines,1\n\ndata: message,u:lines,one\ndata: two\ndata: three\n\n');
  await reader?.cancel();
  await eventually(() => client().exec(['PUBLISH', 'u:lines', 'x']), 0);
});
