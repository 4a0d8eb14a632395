import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import { AccessUser } from '../../../src/server/access/rights.ts';
import { sharedNode, startNodeFixture } from '../resp/node-fixture.ts';
import type { Plain } from '../resp/push-client.ts';
import { RpcClient } from '../rpc/rpc-client.ts';

const node = sharedNode();
const lost = '-FILLLOST the fill token does not count any more: nothing was written';

async function urlOf(): Promise<string> {
  return `http://127.0.0.1:${(await node()).node.port}`;
}

async function http(method: string, path: string, body?: unknown, headers: Record<string, string> = {}) {
  const isJson = body !== undefined && typeof body !== 'string';
  const answer = await fetch(`${await urlOf()}${path}`, {
    method,
    headers: { ...(isJson ? { 'Content-Type': 'application/json' } : {}), ...headers },
    ...(body === undefined ? {} : { body: isJson ? JSON.stringify(body) : body }),
  });
  return { status: answer.status, headers: answer.headers, text: await answer.text() };
}

const rpcOf = async (t: ExecutionContext) => RpcClient.open(t, (await node()).node.tcpPort);

function tokenIn(reply: unknown): string {
  const token = Array.isArray(reply) ? (reply as unknown[])[2] : null;
  if (typeof token !== 'string') throw new Error(`no token: ${JSON.stringify(reply)}`);
  return token;
}

test('a token taken over one protocol counts over the others, and its value is a hit for all', async (t) => {
  const resp = await (await node()).connect();
  const rpc = await rpcOf(t);
  const token = tokenIn(await resp.call('getfill', 'page:1', 'for', '60000'));
  const seen = (await rpc.result('getfill', 'page:1')) as unknown[];
  t.deepEqual([seen[0], seen[1], seen[2]], ['miss', null, null]);
  const missing = await http('POST', '/v1/keys/page%3A1/fill');
  t.is(missing.status, 404);
  t.is((JSON.parse(missing.text) as { fill: unknown }).fill, null);
  t.true(Number(missing.headers.get('retry-after')) > 0);
  const put = await http('PUT', `/v1/keys/page%3A1?ttl=60&stale=30&tags=pages,one&fill=${token}`, 'loaded');
  t.is(put.status, 201);
  t.is((await http('PUT', `/v1/keys/page%3A1?fill=${token}`, 'again')).status, 409);
  t.deepEqual(((await rpc.result('getfill', 'page:1')) as unknown[]).slice(0, 3), ['hit', 'loaded', null]);
  t.deepEqual(await resp.call('tags', 'page:1'), ['pages', 'one']);
  const hit = await http('POST', '/v1/keys/page%3A1/fill');
  t.deepEqual([hit.status, hit.text, hit.headers.get('fluxcache-fill')], [200, 'loaded', null]);
  t.deepEqual((await node()).faults, []);
});

test('over HTTP a missing key comes with a token, which stores, is given back, or is lost', async (t) => {
  const take = () => http('POST', '/v1/keys/http/fill?for=50000');
  const first = await take();
  const token = first.headers.get('fluxcache-fill') ?? '';
  t.is(first.status, 404);
  t.regex(token, /^[0-9a-f]{12}$/);
  t.is(first.headers.get('fluxcache-fill-ms'), '50000');
  t.is(first.headers.get('cache-status'), 'FluxCache; fwd=uri-miss');
  t.like(JSON.parse(first.text), { error: 'no-such-key', fill: token, ms: 50_000 });
  t.is((await http('DELETE', `/v1/keys/http/fill?token=${token}`)).status, 204);
  t.is((await http('DELETE', `/v1/keys/http/fill?token=${token}`)).status, 409);
  const second = (await take()).headers.get('fluxcache-fill') ?? '';
  const set = { key: 'http', value: { a: 1 }, ttl: 60, stale: 30, jitter: 5, tags: ['x', 'y,z'], fill: second };
  t.is((await http('POST', '/set', set)).status, 200);
  const again = await http('POST', '/set', set);
  t.is(again.status, 409);
  t.is((JSON.parse(again.text) as { error: string }).error, 'fill-lost');
  const [kept] = (
    JSON.parse((await http('POST', '/v1/batch', { operations: [{ op: 'get', key: 'http' }] })).text) as {
      results: { ttl: number }[];
    }
  ).results;
  t.true((kept?.ttl ?? 0) > 54 && (kept?.ttl ?? 0) <= 60);
  t.deepEqual(await (await (await node()).connect()).call('tags', 'http'), ['x', 'y,z']);
});

test('reads over HTTP tell caches how fresh a value is, and serve stale ones to who asks for them', async (t) => {
  await http('PUT', '/v1/keys/fresh', 'v', { 'Cache-Control': 'max-age=60, stale-while-revalidate=30' });
  const fresh = await http('GET', '/v1/keys/fresh');
  t.regex(fresh.headers.get('cache-control') ?? '', /^max-age=(59|60), stale-while-revalidate=30$/);
  t.regex(fresh.headers.get('cache-status') ?? '', /^FluxCache; hit; ttl=(59|60)$/);
  await http('PUT', '/v1/keys/lasting', 'v');
  t.is((await http('GET', '/v1/keys/lasting')).headers.get('cache-status'), 'FluxCache; hit');
  const none = await http('GET', '/v1/keys/none');
  t.deepEqual([none.status, none.headers.get('cache-status')], [404, 'FluxCache; fwd=uri-miss']);
  await http('PUT', '/v1/keys/stale?ttl=100&stale=100&tag=soft,one&tag=t', 'old');
  t.is((await http('POST', '/v1/invalidate', { tags: ['soft,one'], soft: true })).text, '{"tags":1}');
  t.is((await http('GET', '/v1/keys/stale')).status, 404);
  const stale = await http('GET', '/v1/keys/stale', undefined, { 'Cache-Control': 'max-stale' });
  t.deepEqual([stale.status, stale.text], [200, 'old']);
  t.regex(stale.headers.get('cache-status') ?? '', /^FluxCache; hit; ttl=-\d+$/);
  t.regex(stale.headers.get('cache-control') ?? '', /^max-age=0, stale-while-revalidate=(99|100)$/);
  t.is((await http('GET', '/v1/keys/stale', undefined, { 'Cache-Control': 'max-stale=0' })).status, 404);
  const taken = await http('POST', '/v1/keys/stale/fill');
  t.deepEqual([taken.status, taken.text], [200, 'old']);
  t.regex(taken.headers.get('fluxcache-fill') ?? '', /^[0-9a-f]{12}$/);
});

test('over HTTP what is malformed is refused with the field that is at fault', async (t) => {
  const refused: [method: string, path: string, body: unknown, field: string][] = [
    ['POST', '/set', { key: 'k', value: 1, fill: 'x' }, 'fill'],
    ['POST', '/set', { key: 'k', value: 1, fill: '0123456789ab', nx: true }, 'nx'],
    ['POST', '/set', { key: 'k', value: 1, stale: -1 }, 'stale'],
    ['POST', '/set', { key: 'k', value: 1, stale: 'x' }, 'stale'],
    ['POST', '/set', { key: 'k', value: 1, jitter: 1 }, 'jitter'],
    ['POST', '/set', { key: 'k', value: 1, ttl: 1, jitter: 1 }, 'jitter'],
    ['POST', '/set', { key: 'k', value: 1, tags: 'a' }, 'tags'],
    ['POST', '/set', { key: 'k', value: 1, tags: [1] }, 'tags'],
    ['POST', '/set', { key: 'k', value: 1, tags: [''] }, 'tags'],
    ['POST', '/set', { key: 'k', value: 1, tags: ['x'.repeat(256)] }, 'tags'],
    ['POST', '/set', { key: 'k', value: 1, tags: Array.from({ length: 2000 }, (_, index) => `t${index}`) }, 'tags'],
    ['PUT', '/v1/keys/k?stale=x', 'v', 'stale'],
    ['PUT', '/v1/keys/k?tags=a,,b', 'v', 'tags'],
    ['PUT', '/v1/keys/k?fill=12', 'v', 'fill'],
    ['PUT', '/v1/keys/k?jitter=1', 'v', 'jitter'],
    ['POST', '/v1/keys/k/fill?for=0', undefined, 'for'],
    ['POST', '/v1/keys/k/fill?wait=10001', undefined, 'wait'],
    ['DELETE', '/v1/keys/k/fill', undefined, 'token'],
    ['DELETE', '/v1/keys/k/fill?token=x', undefined, 'token'],
    ['POST', '/v1/invalidate', {}, 'tags'],
    ['POST', '/v1/invalidate', { tags: ['a'], match: 'b' }, 'tags'],
    ['POST', '/v1/invalidate', { tags: [] }, 'tags'],
    ['POST', '/v1/invalidate', { tags: [1] }, 'tags'],
    ['POST', '/v1/invalidate', { match: 'a', soft: true }, 'soft'],
    ['POST', '/v1/invalidate', { tags: ['a'], soft: 1 }, 'soft'],
    ['POST', '/v1/invalidate', { match: 1 }, 'match'],
    ['POST', '/v1/invalidate', { other: 1 }, 'other'],
  ];
  for (const [method, path, body, field] of refused) {
    const { status, text } = await http(method, path, body);
    const what = `${method} ${path} ${JSON.stringify(body)?.slice(0, 80)}`;
    t.is(status, 400, what);
    t.is((JSON.parse(text) as { field: string }).field, field, what);
  }
  t.is((await http('POST', '/v1/invalidate', '{"tags":["a"]', { 'Content-Type': 'application/json' })).status, 400);
  t.is((await http('GET', '/v1/keys/k')).status, 404, 'nothing of all that was stored');
  const withTag = await http('PUT', '/v1/keys/k?fill=0123456789ab', 'v', { 'If-Match': '*' });
  t.is(withTag.status, 400);
});

test('over MessagePack options stand for the words, tags as an array', async (t) => {
  const rpc = await rpcOf(t);
  const tags = ['a', Buffer.from([0, 255])];
  t.is(await rpc.result('set', 'rpc', { a: 1 }, { ttlMs: 60_000, stale: 60_000, tags }), 'OK');
  t.deepEqual(await rpc.result('tags', 'rpc'), tags);
  t.is(await rpc.result('set', 'rpc', { a: 1 }, { ttlMs: 1, stale: 60_000, tags }), 'OK');
  let found: unknown[] = [];
  while (found[0] !== 'stale') found = (await rpc.result('getfill', 'rpc', { for: 60_000 })) as unknown[];
  t.deepEqual(found[1], { a: 1 });
  t.is(await rpc.result('set', 'rpc', 2, { fill: found[2], ttlSeconds: 9, jitter: 5 }), 'OK');
  t.is(await rpc.fault('set', 'rpc', 2, { fill: found[2] }), 'fill-lost');
  t.is(await rpc.fault('set', 'rpc', 2, { tags: [] }), 'invalid-argument');
  t.is(await rpc.result('invalidate', 'a', 'b'), 2);
});

test('who waits for a key has its value when it is there; what its connection sent behind waits with it', async (t) => {
  const fixture = await node();
  const [asker, filler] = [await fixture.connect(), await fixture.connect()];
  const token = tokenIn(await filler.call('getfill', 'awaited', 'for', '60000'));
  asker.send(
    ['set', 'before', '1'],
    ['getfill', 'awaited', 'wait', '10000'],
    ['get', 'awaited'],
    ['set', 'behind', '1'],
  );
  t.is(await asker.reply(), 'OK');
  t.is(await filler.call('get', 'behind'), null);
  t.is(await filler.call('set', 'awaited', 'v', 'fill', token), 'OK');
  t.deepEqual(await asker.reply(), ['hit', 'v', null, -1]);
  t.is(await asker.reply(), 'v');
  t.is(await asker.reply(), 'OK');
});

test('who waits in vain is told so in time, and gets the token when it is given back or over', async (t) => {
  const fixture = await node();
  const [asker, filler] = [await fixture.connect(), await fixture.connect()];
  let token = tokenIn(await filler.call('getfill', 'vain', 'for', '60000'));
  const beganMs = performance.now();
  const reply = (await asker.call('getfill', 'vain', 'wait', '60')) as readonly Plain[];
  t.deepEqual(reply.slice(0, 3), ['miss', null, null]);
  t.true(performance.now() - beganMs >= 55);
  asker.send(['getfill', 'vain', 'wait', '10000']);
  t.is(await filler.call('cancelfill', 'vain', token), 1);
  token = tokenIn(await asker.reply());
  t.is(await filler.call('set', 'vain', 'late', 'fill', '00000000000a'), lost);
  t.is(await asker.call('set', 'vain', 'v', 'fill', token), 'OK');
  const short = tokenIn(await filler.call('getfill', 'over', 'for', '40'));
  const next = tokenIn(await asker.call('getfill', 'over', 'wait', '10000'));
  t.not(next, short);
  t.is(await filler.call('set', 'over', 'late', 'fill', short), lost);
});

test('who goes away while he waits takes nothing with him: the next asker has the token', async (t) => {
  const fixture = await node();
  const filler = await fixture.connect();
  const token = tokenIn(await filler.call('getfill', 'left', 'for', '60000'));
  const gone = await fixture.connect();
  gone.send(['getfill', 'left', 'wait', '200'], ['set', 'left:behind', '1']);
  await gone.call('ping').catch(() => null);
  const leaving = await fixture.connect();
  leaving.send(['getfill', 'left', 'wait', '10000'], ['set', 'left:never', '1']);
  leaving.close();
  const aborted = connect((await node()).node.port, '127.0.0.1');
  let answerBytes = 0;
  aborted.on('data', (chunk) => {
    answerBytes += chunk.length;
  });
  await once(aborted, 'connect');
  const head = 'POST /v1/keys/left/fill?wait=10000 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n';
  await new Promise((resolve) => aborted.write(head, resolve));
  // What comes on other connections later is not answered before this has been read.
  for (let time = 0; time < 3; time++) t.is((await http('GET', '/v1/keys/left')).status, 404);
  aborted.destroy();
  t.is(answerBytes, 0);
  t.is(await filler.call('get', 'left:behind'), '1');
  t.is(await filler.call('set', 'left', 'v', 'fill', token), 'OK');
  t.deepEqual(await filler.call('getfill', 'left'), ['hit', 'v', null, -1]);
  t.deepEqual(fixture.faults, []);
});

test('a thousand that wait for one key get one token among them, and then the value', async (t) => {
  const fixture = await node();
  const clients = await Promise.all(Array.from({ length: 20 }, () => fixture.connect()));
  let tokens = 0;
  await Promise.all(
    clients.map(async (client) => {
      for (let time = 0; time < 50; time++) {
        const [state, value, token] = (await client.call('getfill', 'herd', 'wait', '10000')) as readonly Plain[];
        if (typeof token === 'string') {
          tokens++;
          await new Promise((resolve) => setTimeout(resolve, 50));
          t.is(await client.call('set', 'herd', 'v', 'fill', token), 'OK');
        } else if (state !== 'hit' || value !== 'v') t.fail(`${String(state)} ${String(value)}`);
      }
    }),
  );
  t.is(tokens, 1);
});

test('no reader of any protocol sees a value of a tag that was invalidated', async (t) => {
  const fixture = await node();
  const resp = await fixture.connect();
  const rpc = await rpcOf(t);
  const keys = Array.from({ length: 300 }, (_, index) => `tagged:${index}`);
  resp.send(...keys.map((key) => ['set', key, 'old', 'tags', '2', 'all', key]));
  for (const _ of keys) t.is(await resp.reply(), 'OK');
  t.is(await resp.call('invalidate', 'all'), 1);
  for (const key of keys.slice(0, 100)) {
    t.is(await rpc.result('get', key), null);
    t.is((await http('GET', `/get?key=${key}`)).status, 404);
  }
  t.deepEqual(
    await resp.call('mget', ...keys),
    keys.map(() => null),
  );
  t.is(await resp.call('exists', ...keys), 0);
  const many = Array.from({ length: 1000 }, (_, index) => `many:${index}`);
  t.is(await resp.call('set', 'last', 'v', 'tags', '1', 'many:999'), 'OK');
  t.is(await resp.call('invalidate', 'soft', ...many), 1000);
  t.is(await resp.call('get', 'last'), null);
  t.is(await resp.call('set', keys[0] ?? '', 'new', 'tags', '1', 'all'), 'OK');
  t.is(await rpc.result('get', keys[0]), 'new');
});

test('RENAME and COPY carry windows and tags within a shard and between two', async (t) => {
  const client = await (await node()).connect();
  for (let key = 0; key < 20; key++) {
    await client.call('set', `from:${key}`, 'v', 'ex', '600', 'stale', '600', 'tags', '2', 'carried', `own:${key}`);
    await client.call('copy', `from:${key}`, `copied:${key}`);
    await client.call('rename', `from:${key}`, `moved:${key}`);
    for (const name of ['copied', 'moved']) {
      t.deepEqual(await client.call('tags', `${name}:${key}`), ['carried', `own:${key}`]);
    }
  }
  t.is(await client.call('invalidate', 'soft', 'carried'), 1);
  for (let key = 0; key < 20; key++) {
    for (const name of ['copied', 'moved']) {
      t.deepEqual(((await client.call('getfill', `${name}:${key}`)) as readonly Plain[]).slice(0, 2), ['stale', 'v']);
    }
  }
});

test('in a transaction a GETFILL does not wait, INVALIDATE is of all shards, and DELMATCH is refused', async (t) => {
  const fixture = await node();
  const [client, filler] = [await fixture.connect(), await fixture.connect()];
  const token = tokenIn(await filler.call('getfill', 'multi', 'for', '60000'));
  for (let key = 0; key < 20; key++) await client.call('set', `multi:${key}`, 'v', 'tags', '1', 'multi');
  client.send(['multi'], ['getfill', 'multi', 'wait', '10000'], ['set', 'multi:new', 'v', 'tags', '1', 'other']);
  client.send(['invalidate', 'multi'], ['set', 'multi:after', 'v', 'tags', '1', 'multi'], ['exec']);
  t.is(await client.reply(), 'OK');
  for (let queued = 0; queued < 4; queued++) t.is(await client.reply(), 'QUEUED');
  const [found, set, tags, after] = (await client.reply()) as readonly Plain[];
  t.deepEqual((found as readonly Plain[]).slice(0, 3), ['miss', null, null]);
  t.deepEqual([set, tags, after], ['OK', 1, 'OK']);
  for (let key = 0; key < 20; key++) t.is(await client.call('get', `multi:${key}`), null);
  t.deepEqual(await client.call('mget', 'multi:new', 'multi:after'), ['v', 'v']);
  client.send(['multi'], ['set', 'multi', 'v', 'fill', token], ['set', 'multi', 'w', 'fill', token], ['exec']);
  for (let reply = 0; reply < 3; reply++) await client.reply();
  t.deepEqual(await client.reply(), ['OK', lost]);
  client.send(['multi'], ['delmatch', '*'], ['exec']);
  t.is(await client.reply(), 'OK');
  t.is(await client.reply(), '-ERR Command not allowed inside a transaction');
  t.regex(String(await client.reply()), /^-EXECABORT/);
});

test('DELMATCH removes on all shards, and lets others have their turn in between', async (t) => {
  const fixture = await startNodeFixture(t);
  const [client, other] = [await fixture.connect(), await fixture.connect()];
  const count = 20_000;
  for (let at = 0; at < count; at += 1000) {
    const pairs = Array.from({ length: 1000 }, (_, index) => [`gone:${at + index}`, 'v']).flat();
    await client.call('mset', ...pairs);
  }
  await client.call('set', 'stays', 'v');
  let isOver = false;
  let turns = 0;
  client.send(['delmatch', 'gone:*', 'count', '64'], ['get', 'gone:1']);
  const done = client.reply().then((reply) => {
    isOver = true;
    return reply;
  });
  while (!isOver) {
    await other.call('set', 'meanwhile', 'v');
    turns++;
  }
  t.is(await done, count);
  t.true(turns > 20, `${turns} commands of another connection ran in between`);
  t.is(await client.reply(), null, 'what came behind it ran behind it');
  t.is(await client.call('dbsize'), 2);
  t.deepEqual(fixture.faults, []);
});

test('who may use some keys only fills these, deletes by pattern within these, and invalidates nothing', async (t) => {
  const accounts = [
    new AccessUser('shop', ['read', 'write'], ['shop:*']),
    new AccessUser('reader', ['read'], ['*']),
  ].map((user) => ({ user, password: null, tokenDigests: [createHash('sha256').update(user.name).digest('hex')] }));
  const fixture = await startNodeFixture(t, {}, accounts);
  const shop = await fixture.connect(2);
  await shop.call('hello', 3, 'auth', 'shop', 'shop');
  t.is(tokenIn(await shop.call('getfill', 'shop:1')).length, 12);
  t.regex(String(await shop.call('getfill', 'other')), /^-NOPERM/);
  t.regex(String(await shop.call('tags', 'other')), /^-NOPERM/);
  t.regex(String(await shop.call('invalidate', 'shop:1')), /^-NOPERM/);
  await shop.call('set', 'shop:2', 'v');
  t.is(await shop.call('delmatch', 'shop:*'), 1);
  for (const pattern of ['*', 's*', '[s]hop:*']) t.regex(String(await shop.call('delmatch', pattern)), /^-NOPERM/);
  const reader = await fixture.connect(2);
  await reader.call('hello', 3, 'auth', 'reader', 'reader');
  for (const words of [
    ['getfill', 'k'],
    ['cancelfill', 'k', '00000000000a'],
    ['invalidate', 't'],
    ['delmatch', '*'],
  ]) {
    t.regex(String(await reader.call(...words)), /^-NOPERM/, words.join(' '));
  }
});
