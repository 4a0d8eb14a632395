import test, { type ExecutionContext } from 'ava';
import { type ClientOptions, createClient, type FluxClient, LoadError, ReplyError } from '../../../src/index.ts';
import { answer, type RpcRequest, startScriptedServer } from '../../scripted-rpc-server.ts';
import { sharedNode } from '../resp/node-fixture.ts';
import { startCuttingProxy } from './cutting-proxy.ts';

const node = sharedNode();
/** Quick to come back; patient with a machine that is busy with other tests. */
const QUICK: ClientOptions = {
  commandTimeoutMs: 60_000,
  connectTimeoutMs: 60_000,
  reconnect: { delayMsFirst: 1, delayMsMax: 20 },
  retry: { delayMsFirst: 1, delayMsMax: 5 },
};

function clientOf(t: ExecutionContext, port: number, options: ClientOptions = {}): FluxClient {
  const client = createClient({ port, ...QUICK, ...options });
  t.teardown(() => client.destroy());
  return client;
}

async function opened(t: ExecutionContext, options: ClientOptions = {}): Promise<FluxClient> {
  return clientOf(t, (await node()).node.tcpPort, options);
}

function unused(): never {
  throw new Error('the loader was not to be asked');
}

async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise((resolve) => setImmediate(resolve));
}

test('what is loaded is stored with its time to live, its window and its tags', async (t) => {
  const client = await opened(t);
  const options = { ttl: 50_000, stale: 70_000, jitter: 10_000, tags: (value: { of: string }) => [value.of, 'load:a'] };
  t.deepEqual(await client.getOrSet('load:1', () => ({ of: 'load:b' }), options), { of: 'load:b' });
  t.deepEqual(await client.getOrSet<{ of: string }>('load:1', unused, options), { of: 'load:b' });
  const ttlMs = await client.ttl('load:1');
  t.true(ttlMs !== null && ttlMs > 30_000 && ttlMs <= 50_000);
  t.deepEqual(await client.call('tags', 'load:1'), ['load:b', 'load:a']);
});

test('values come back as what they were: null, numbers, text and bytes', async (t) => {
  const client = await opened(t);
  for (const [name, value] of Object.entries({ nil: null, n: 2 ** 40, text: 'käse', bytes: Uint8Array.of(0, 255) })) {
    await client.getOrSet(`kinds:${name}`, () => value);
    t.deepEqual(await client.getOrSet<unknown>(`kinds:${name}`, unused), value);
  }
});

test('an invalidation ends what was loaded before it, also what is stored after it', async (t) => {
  const client = await opened(t);
  const other = await opened(t);
  const tag = Uint8Array.of(0, 255, 10, 32);
  await client.set('inv:1', 'old', { ttl: 60_000, tags: [tag] });
  t.is(await other.invalidateTags(tag), 1);
  t.is(await client.get('inv:1'), null);
  const late = await client.getOrSet(
    'inv:2',
    async () => {
      await other.invalidateTags([tag, 'another']);
      return 'read before the invalidation';
    },
    { tags: [tag] },
  );
  t.is(late, 'read before the invalidation');
  t.is(await client.get('inv:2'), null);
  t.is(await client.getOrSet('inv:2', () => 'read after it', { tags: [tag] }), 'read after it');
  t.is(await client.get('inv:2'), 'read after it');
});

test('whoever asks after an invalidation or a deletion was answered is not given what was loaded before without a token', async (t) => {
  const [holder, client] = [await opened(t), await opened(t)];
  for (const end of [() => client.invalidateTags(['own:t']), () => client.deleteMatching('own:*')]) {
    const free: (() => void)[] = [];
    const held = holder.getOrSet('own:1', () => new Promise<string>((resolve) => free.push(() => resolve('held'))));
    await until(() => free.length === 1);
    let database = 'old';
    const load = () => {
      const value = database;
      return new Promise<string>((resolve) => free.push(() => resolve(value)));
    };
    const before = client.getOrSet('own:1', load, { waitMs: 0, tags: ['own:t'] });
    await until(() => free.length === 2);
    database = 'new';
    await end();
    const after = client.getOrSet('own:1', load, { waitMs: 0, tags: ['own:t'] });
    await until(() => free.length === 3);
    for (const one of free) one();
    t.deepEqual(await Promise.all([before, after, held]), ['old', 'new', 'held']);
    await client.delete('own:1');
  }
});

test('a soft invalidation leaves values as stale ones, and nobody waits for them', async (t) => {
  const client = await opened(t);
  await client.set('soft:1', 'old', { ttl: 60_000, stale: 600_000, tags: ['soft'] });
  await client.invalidateTags('soft', { soft: true });
  t.is(await client.get('soft:1'), null);
  let load: (value: string) => void = unused;
  const loading = () =>
    new Promise<string>((resolve) => {
      load = resolve;
    });
  const options = { ttl: 60_000, stale: 600_000, tags: ['soft'] };
  t.is(await client.getOrSet('soft:1', loading, options), 'old');
  t.is(await client.getOrSet<string>('soft:1', unused, options), 'old');
  load('new');
  await until(async () => (await client.get('soft:1')) === 'new');
  t.is(await client.getOrSet<string>('soft:1', unused, options), 'new');
});

test('tags by the thousand are invalidated in one call; those that cannot be are refused', async (t) => {
  const client = await opened(t);
  const tags = Array.from({ length: 2500 }, (_, index) => `many:${index}:${'x'.repeat(index % 200)}`);
  await client.set('many', 'v', { tags: tags.slice(2000, 2064) });
  t.is(await client.invalidateTags(tags), 2500);
  t.is(await client.get('many'), null);
  t.is(await client.invalidateTags([]), 0);
  for (const wrong of [[''], ['x'.repeat(256)]]) {
    t.like(await t.throwsAsync(client.invalidateTags(wrong), { instanceOf: ReplyError }), { code: 'invalid-argument' });
    const stored = client.getOrSet('many', () => 'v', { tags: wrong });
    t.like(await t.throwsAsync(stored, { instanceOf: ReplyError }), { code: 'invalid-argument' });
  }
  const tooMany = client.set('many', 'v', { tags: tags.slice(0, 65) });
  t.like(await t.throwsAsync(tooMany, { instanceOf: ReplyError }), { code: 'invalid-argument' });
  // What was refused has left no token behind that others would wait for.
  t.is(await client.getOrSet('many', () => 'w', { tags: ['SOFT', 'hard'] }), 'w');
  t.is(await client.invalidateTags('SOFT'), 1);
  t.is(await client.get('many'), null);
});

test('keys are deleted by a pattern, and others are not', async (t) => {
  const client = await opened(t);
  await client.mset(Array.from({ length: 3000 }, (_, index) => [`del:${index % 2}:${index}`, index] as const));
  t.is(await client.deleteMatching('del:1:*'), 1500);
  t.is(await client.exists('del:1:1', 'del:0:0'), 1);
});

test('other calls do not wait for what deletes many keys', async (t) => {
  const client = await opened(t);
  await client.mset(Array.from({ length: 20_000 }, (_, index) => [`long:${index}`, index] as const));
  let isDone = false;
  const deleted = client.deleteMatching('long:*').finally(() => {
    isDone = true;
  });
  let calls = 0;
  while (!isDone) {
    await client.ping();
    calls++;
  }
  t.is(await deleted, 20_000);
  t.true(calls > 2);
});

test('a wrapped function is asked once for each of its arguments', async (t) => {
  const client = await opened(t);
  const asked: number[] = [];
  const double = client.wrap(
    async (n: number) => {
      asked.push(n);
      return 2 * n;
    },
    { key: (n) => `double:${n}`, ttl: 60_000, tags: (_, n) => [`of:${n}`] },
  );
  t.deepEqual([await double(1), await double(2), await double(1)], [2, 4, 2]);
  t.deepEqual(asked, [1, 2]);
  await client.invalidateTags('of:1');
  t.deepEqual([await double(1), await double(2)], [2, 4]);
  t.true(await double.forget(2));
  t.is(await double(2), 4);
  t.deepEqual(asked, [1, 2, 1, 2]);
  const large = client.wrap((n: bigint) => String(n), { key: 'large' });
  await t.throwsAsync(large(1n), { code: 'invalid-argument', message: /a bigint, of which no key is made/ });
});

test('a connection that is lost while a value is loaded costs neither the value nor the token', async (t) => {
  const { tcpPort } = (await node()).node;
  const proxy = await startCuttingProxy(tcpPort);
  t.teardown(() => proxy.stop());
  const client = clientOf(t, proxy.port);
  let loads = 0;
  const value = await client.getOrSet('cut:1', async () => {
    loads++;
    proxy.cut();
    return 'loaded';
  });
  t.is(value, 'loaded');
  const other = await opened(t);
  t.is(await other.getOrSet<string>('cut:1', unused), 'loaded');
  t.is(loads, 1);
});

test('a server that says nothing costs one time-out, and values are loaded without it', async (t) => {
  const server = await startScriptedServer(() => undefined);
  t.teardown(() => server.stop());
  const client = clientOf(t, server.port, { cluster: false });
  await client.connect();
  const during: string[] = [];
  client.on('fillError', (event) => during.push(event.during));
  t.is(await client.getOrSet('k', () => 1, { timeoutMs: 20 }), 1);
  t.deepEqual(during, ['lookup']);
  // Not asked, or tried in vain once more.
  t.is(await client.getOrSet('j', () => 2, { timeoutMs: 20 }), 2);
  const wanted = client.getOrSet('k', () => 3, { timeoutMs: 20, whenDown: 'error' });
  t.like(await t.throwsAsync(wanted), { code: 'timeout' });
});

test('a server that goes away amidst all and comes back with nothing: nobody hangs, no value is wrong', async (t) => {
  const stored = new Map<unknown, unknown>();
  const onRequest = (request: RpcRequest): void => {
    const { method, params } = request;
    if (method === 'getfill') {
      const value = stored.get(params[0]);
      answer(request, value === undefined ? ['miss', null, '00000000000a', 10_000] : ['hit', value, null, -1]);
    } else {
      stored.set(params[0], params[1]);
      answer(request, 'OK');
    }
  };
  const server = await startScriptedServer(onRequest);
  t.teardown(() => server.stop());
  const client = clientOf(t, server.port);
  let comesBack: Promise<unknown> = Promise.resolve();
  const value = await client.getOrSet('k', async () => {
    await server.stop();
    comesBack = startScriptedServer(onRequest, undefined, server.port).then((again) => t.teardown(() => again.stop()));
    return 'loaded';
  });
  await comesBack;
  t.is(value, 'loaded');
  t.is(await client.getOrSet<string>('k', unused), 'loaded');
});

test('an answer that is none of GETFILL is an error of its own', async (t) => {
  const server = await startScriptedServer((request) => answer(request, ['maybe', null, null, 0]));
  t.teardown(() => server.stop());
  const client = clientOf(t, server.port);
  t.like(await t.throwsAsync(client.getOrSet('k', unused)), { code: 'unexpected-result' });
});

test('closing waits for what is loaded, and takes no more', async (t) => {
  const client = await opened(t);
  let load: (value: string) => void = unused;
  const value = client.getOrSet(
    'closing',
    () =>
      new Promise<string>((resolve) => {
        load = resolve;
      }),
  );
  await until(() => load !== unused);
  const closed = client.close();
  t.like(await t.throwsAsync(client.getOrSet('more', () => 1)), { code: 'closed' });
  load('in time');
  t.is(await value, 'in time');
  await closed;
  t.is(await (await opened(t)).get('closing'), 'in time');
});

test('a loader that fails leaves no token that others wait for', async (t) => {
  const client = await opened(t);
  const other = await opened(t);
  const error = await t.throwsAsync(
    client.getOrSet('fails', () => undefined),
    { instanceOf: LoadError },
  );
  t.is(error.code, 'loader-undefined');
  const beganMs = performance.now();
  t.is(await other.getOrSet('fails', () => 'value'), 'value');
  t.true(performance.now() - beganMs < 9000);
});
