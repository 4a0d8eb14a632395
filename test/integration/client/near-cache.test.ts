import test, { type ExecutionContext } from 'ava';
import {
  type ClientOptions,
  createClient,
  type FluxCacheError,
  type FluxClient,
  ReplyError,
} from '../../../src/index.ts';
import { testScale } from '../../scale.ts';
import { answer, packed, type RpcRequest, refuse, startScriptedServer } from '../../scripted-rpc-server.ts';
import { sharedNode } from '../resp/node-fixture.ts';
import { type CuttingProxy, startCuttingProxy } from './cutting-proxy.ts';

const node = sharedNode();
/** Quick to come back; patient with a machine that is busy with other tests. */
const QUICK: ClientOptions = {
  commandTimeoutMs: 60_000,
  connectTimeoutMs: 60_000,
  reconnect: { delayMsFirst: 1, delayMsMax: 20 },
  retry: { delayMsFirst: 1, delayMsMax: 5 },
  // So that a machine that is busy does not look like a server that is gone.
  nearCache: { silenceMax: 60_000 },
};

function clientOf(t: ExecutionContext, port: number, options: ClientOptions = {}): FluxClient {
  const client = createClient({ port, ...QUICK, ...options });
  t.teardown(() => client.destroy());
  return client;
}

async function pair(t: ExecutionContext, options: ClientOptions = {}): Promise<[near: FluxClient, writer: FluxClient]> {
  const { node: running } = await node();
  return [clientOf(t, running.tcpPort, options), clientOf(t, running.tcpPort, { nearCache: false })];
}

async function proxied(t: ExecutionContext, options: ClientOptions = {}): Promise<[FluxClient, CuttingProxy]> {
  const { node: running } = await node();
  const proxy = await startCuttingProxy(running.tcpPort);
  t.teardown(() => proxy.stop());
  return [clientOf(t, proxy.port, options), proxy];
}

/** A server that agrees to track and answers every `entry` with its key's value. */
async function scripted(t: ExecutionContext, values: ReadonlyMap<string, unknown>, options: ClientOptions = {}) {
  const held: RpcRequest[] = [];
  const state = { isHolding: false, held };
  const server = await startScriptedServer((request) => {
    if (request.method === 'client') answer(request, 'OK');
    else if (request.method === 'entry') {
      if (state.isHolding) held.push(request);
      else answer(request, entryOf(values.get(String(request.params[0]))));
    } else answer(request, 'OK');
  });
  t.teardown(() => server.stop());
  return { client: clientOf(t, server.port, options), server, state };
}

function entryOf(value: unknown, version = 1): unknown {
  return value === undefined ? null : { value, version, ttlMs: null, contentType: null };
}

/** Resolves once `isSo`, looked at after every turn of the event loop. */
async function until(isSo: () => boolean | Promise<boolean>, limitMs = 20_000): Promise<void> {
  const deadlineMs = performance.now() + limitMs;
  while (!(await isSo())) {
    if (performance.now() > deadlineMs) throw new Error(`it was not so within ${limitMs} ms: ${String(isSo)}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

const countOf = (methods: readonly string[], method: string): number =>
  methods.filter((each) => each === method).length;

test('what was read once is read again without the server: values, entries, several keys, absent ones', async (t) => {
  const { client, server } = await scripted(
    t,
    new Map<string, unknown>([
      ['k', 'value'],
      ['n', 12],
    ]),
  );
  t.is(await client.get('k'), 'value');
  t.is(await client.get('none'), null);
  t.is(server.methods.filter((method) => method === 'entry').length, 2);
  t.is(await client.get('k'), 'value');
  t.is(await client.get(new TextEncoder().encode('k')), 'value', 'the same key as bytes');
  t.is((await client.entry('k'))?.version, 1);
  t.is(await client.get('none'), null);
  t.is(await client.entry('none'), null);
  t.deepEqual(await client.mget(['k', 'none', 'k']), ['value', null, 'value']);
  t.deepEqual(server.methods, ['client', 'entry', 'entry']);
  t.like(client.nearCache, { hits: 8, misses: 2, entries: 2 });
});

test('several keys of which some are known ask for the others in one request', async (t) => {
  const [near, writer] = await pair(t);
  await writer.mset({ 'm:a': 'one', 'm:b': { two: 2 }, 'm:c': 3 });
  t.is(await near.get('m:a'), 'one');
  t.deepEqual(await near.mget(['m:a', 'm:b', 'm:none', 'm:c', 'm:b']), ['one', { two: 2 }, null, 3, { two: 2 }]);
  t.deepEqual(await near.mget(['m:a', 'm:b', 'm:none', 'm:c']), ['one', { two: 2 }, null, 3]);
  t.deepEqual(await near.mget([]), []);
  t.like(near.nearCache, { entries: 4, misses: 5 });
});

test('what is no key is refused as it is without a near cache', async (t) => {
  const [near, writer] = await pair(t);
  // As JavaScript callers write it.
  const wrong: string = JSON.parse('null');
  for (const client of [near, writer]) {
    for (const read of [() => client.get(wrong), () => client.entry(wrong), () => client.mget([wrong])]) {
      const error = await t.throwsAsync<FluxCacheError>(read());
      t.is(error?.code, 'invalid-argument');
    }
  }
});

test('without the option there is none', async (t) => {
  const [, writer] = await pair(t);
  t.is(writer.nearCache, null);
});

test('values are read as the type that is asked for, and whoever changes one changes his own', async (t) => {
  const [near, writer] = await pair(t);
  await writer.mset({ 'type:doc': { list: [1, { a: 'b' }] }, 'type:bytes': Uint8Array.of(1, 2), 'type:number': 7 });
  for (let round = 0; round < 3; round++) {
    const doc = await near.get<{ list: unknown[]; added?: number }>('type:doc');
    t.deepEqual(doc, { list: [1, { a: 'b' }] });
    if (doc !== null) {
      doc.list.push('mine');
      doc.added = 1;
    }
    const bytes = await near.get('type:bytes', { type: 'bytes' });
    t.deepEqual(bytes, Uint8Array.of(1, 2));
    bytes?.fill(9);
    t.is(await near.get('type:number', { type: 'string' }), '7');
    const error = await t.throwsAsync<FluxCacheError>(near.get('type:doc', { type: 'number' }));
    t.is(error?.code, 'wrong-type');
  }
  t.like(near.nearCache, { misses: 3 });
});

test('what another client writes, deletes, lets expire or clears is read anew', async (t) => {
  const [near, writer] = await pair(t);
  const changes: (() => Promise<unknown>)[] = [
    () => writer.set('w', 'two'),
    () => writer.call('append', 'w', '!'),
    () => writer.delete('w'),
    () => writer.set('w', 'three', { ttl: 100_000 }),
    () => writer.persist('w'),
    () => writer.call('rename', 'w', 'w2'),
    () => writer.mset({ w: 'four' }),
  ];
  for (const change of changes) {
    await near.get('w');
    const before = near.nearCache?.invalidated ?? 0;
    await change();
    // What was told before the acknowledgement has arrived when anything that was sent after it has.
    await near.ping();
    t.is(near.nearCache?.invalidated, before + 1, String(change));
    t.is(await near.get('w'), await writer.get('w'));
  }
});

test('nothing is answered after its time to live, counted from when it was asked for', async (t) => {
  const server = await startScriptedServer((request) => {
    if (request.method === 'client') answer(request, 'OK');
    else answer(request, { value: 'v', version: 1, ttlMs: 50, contentType: null });
  });
  t.teardown(() => server.stop());
  const client = clientOf(t, server.port);
  await client.connect();
  let askedMs = 0;
  while (countOf(server.methods, 'entry') < 5) {
    const { hits = 0 } = client.nearCache ?? {};
    const beganMs = performance.now();
    const reading = client.entry('k');
    const begunMs = performance.now();
    const entry = await reading;
    if (client.nearCache?.hits === hits) askedMs = begunMs;
    else t.true(beganMs - askedMs < 50 && (entry?.ttlMs ?? 0) <= 50);
    await new Promise((resolve) => setImmediate(resolve));
  }
});

test('nothing is kept longer than ttlMax', async (t) => {
  const { client, server } = await scripted(t, new Map([['k', 'v']]), {
    nearCache: { ttlMax: 30, silenceMax: 60_000 },
  });
  await client.get('k');
  await until(async () => {
    await client.get('k');
    return countOf(server.methods, 'entry') >= 3;
  });
  t.true((client.nearCache?.hits ?? 0) > 0);
});

test('own writes are read at once, waited for or not, in batches and calls by name, too', async (t) => {
  const [near] = await pair(t);
  const read = async (): Promise<unknown> => near.get('own');
  await near.set('own', 1);
  t.is(await read(), 1);
  const written = near.set('own', 2);
  t.is(await read(), 2, 'behind the write');
  await written;
  t.is(await read(), 2);
  await near.incr('own', 5);
  t.is(await read(), 7);
  await near.batch((batch) => [batch.incr('own'), batch.get('other')]);
  t.is(await read(), 8);
  await near.call('incrby', 'own', 2);
  t.is(await read(), 10);
  await near.call('rename', 'own', 'own2');
  t.is(await read(), null);
  await near.call('rename', 'own2', 'own');
  t.is(await read(), 10);
  await near.delete('own');
  t.is(await read(), null);
  await near.json.set('own', '$', { a: 1 });
  t.deepEqual(await read(), { a: 1 });
});

test('a value that was under way when its key was invalidated is given to those who asked before, and not kept', async (t) => {
  const { client, server, state } = await scripted(t, new Map([['k', 'new']]));
  await client.connect();
  state.isHolding = true;
  const early = client.get('k');
  await until(() => state.held.length === 1);
  for (const socket of server.sockets) socket.write(packed([2, 'invalidate', [['k']]]));
  const [request] = state.held;
  if (request !== undefined) answer(request, entryOf('old'));
  t.is(await early, 'old');
  t.is(client.nearCache?.entries, 0);
  state.isHolding = false;
  t.is(await client.get('k'), 'new');
  t.is(await client.get('k'), 'new');
  t.is(countOf(server.methods, 'entry'), 2);
});

test('an older value that comes late by another connection does not take the place of a newer one', async (t) => {
  const { client, state } = await scripted(t, new Map(), { poolSize: 2 });
  state.isHolding = true;
  const reads = [client.get('k'), client.get('k'), client.get('k')];
  await until(() => state.held.length === 3);
  for (const [index, request] of state.held.entries()) answer(request, entryOf(`v${3 - index}`, 3 - index));
  await Promise.all(reads);
  t.is(await client.get('k'), 'v3');
});

test('a server that refuses to track is asked every time, which an event tells', async (t) => {
  const server = await startScriptedServer((request) => {
    if (request.method === 'client') refuse(request, 'forbidden');
    else answer(request, entryOf('v'));
  });
  t.teardown(() => server.stop());
  const client = clientOf(t, server.port);
  const told = new Promise<FluxCacheError>((resolve) => client.on('error', resolve));
  t.is(await client.get('k'), 'v');
  t.is(await client.get('k'), 'v');
  const error = await told;
  t.true(error instanceof ReplyError && error.code === 'forbidden');
  t.is(countOf(server.methods, 'entry'), 2);
});

test('tags and slots that are told drop what they name; what cannot be read drops everything', async (t) => {
  const { client, server } = await scripted(t, new Map());
  await client.connect();
  const push = async (
    ...message: readonly [method: string, params: readonly unknown[]]
  ): Promise<number | undefined> => {
    await client.get('k');
    for (const socket of server.sockets) socket.write(packed([2, ...message]));
    await client.ping();
    return client.nearCache?.entries;
  };
  t.is(await push('invalidate', [['other']]), 1);
  t.is(await push('invalidate-tags', [['x']]), 1);
  t.is(await push('something', ['new']), 1);
  t.is(await push('invalidate', [null]), 0);
  t.is(await push('invalidate-slots', [[[0, 16_383]]]), 0);
  t.is(await push('invalidate-slots', ['?']), 0);
  t.is(await push('invalidate-slots', [[['a']]]), 0);
});

test('what was read by a connection that is lost is dropped, and read anew', async (t) => {
  const [near, proxy] = await proxied(t);
  const [, writer] = await pair(t);
  await writer.set('lost', 'before');
  t.is(await near.get('lost'), 'before');
  const reconnecting = new Promise((resolve) => near.on('reconnecting', resolve));
  proxy.cut();
  await writer.set('lost', 'after');
  await reconnecting;
  t.is(near.nearCache?.entries, 0);
  t.is(await near.get('lost'), 'after');
  await near.get('lost');
  t.true((near.nearCache?.hits ?? 0) > 0, 'the new connection tracks, too');
});

test('a server that says nothing is not believed for longer than silenceMax, and believed again when it speaks', async (t) => {
  const [near, proxy] = await proxied(t, { nearCache: { silenceMax: 150 } });
  const [, writer] = await pair(t);
  await writer.set('silent', 'before');
  t.is(await near.get('silent'), 'before');
  proxy.hold(true);
  await writer.set('silent', 'after');
  const changedMs = performance.now();
  let lastOldMs = changedMs;
  let answered: unknown = 'before';
  const reading = (async () => {
    while (answered === 'before') {
      const askedMs = performance.now();
      answered = await near.get('silent');
      if (answered === 'before') lastOldMs = askedMs;
      await new Promise((resolve) => setImmediate(resolve));
    }
  })();
  await until(() => (near.nearCache?.misses ?? 0) >= 2);
  proxy.hold(false);
  await reading;
  t.is(answered, 'after');
  t.true(lastOldMs - changedMs <= 150, `${lastOldMs - changedMs} ms`);
  const { hits = 0 } = near.nearCache ?? {};
  await until(async () => {
    await near.get('silent');
    return (near.nearCache?.hits ?? 0) > hits;
  });
});

test('nothing is kept, or answered from memory, once the client is closed', async (t) => {
  const [near] = await pair(t);
  await near.set('closed', 1);
  await near.get('closed');
  await near.close();
  t.is(near.nearCache?.entries, 0);
  const error = await t.throwsAsync<FluxCacheError>(near.get('closed'));
  t.is(error?.code, 'closed');
});

test('clients that write, clear and are cut off, and read again and again, never read less than they were told', async (t) => {
  const keys = Array.from({ length: 8 }, (_, index) => `race:${index}`);
  const acknowledged = new Map<string, number>();
  const [, writer] = await pair(t);
  const rounds = Math.ceil(150 * testScale);
  let isWriting = true;
  const write = async (own: readonly string[]): Promise<void> => {
    for (let value = 1; isWriting; value++) {
      const key = own[value % own.length] as string;
      if (value % 7 === 0) await writer.mset(own.map((each) => [each, value] as const));
      else await writer.set(key, value, value % 5 === 0 ? { ttl: 100_000 } : {});
      for (const each of value % 7 === 0 ? own : [key]) acknowledged.set(each, value);
    }
  };
  const faults: string[] = [];
  const read = async (near: FluxClient, proxy: CuttingProxy, seed: number): Promise<void> => {
    const seen = new Map<string, number>();
    for (let round = 0; round < rounds; round++) {
      const key = keys[(round * seed) % keys.length] as string;
      if (round % 40 === seed % 40) proxy.cut();
      // What is acknowledged now was told before what is answered from here on.
      const least = new Map(acknowledged);
      await near.ping();
      const values = round % 3 === 0 ? await near.mget<number>(keys) : [await near.get<number>(key)];
      for (const [index, value] of values.entries()) {
        const name = round % 3 === 0 ? (keys[index] as string) : key;
        const number = value ?? 0;
        if (number < (least.get(name) ?? 0)) faults.push(`${name}: ${number}, after ${least.get(name)} was told`);
        if (number < (seen.get(name) ?? 0)) faults.push(`${name}: ${number} behind ${seen.get(name)}`);
        seen.set(name, number);
      }
    }
  };
  const readers = await Promise.all([
    proxied(t),
    proxied(t, { nearCache: { entriesMax: 3 } }),
    proxied(t, { poolSize: 2 }),
  ]);
  const writing = [write(keys.slice(0, 4)), write(keys.slice(4))];
  await Promise.all(readers.map(([near, proxy], index) => read(near, proxy, 3 + 2 * index)));
  isWriting = false;
  await Promise.all(writing);
  t.deepEqual(faults.slice(0, 5), []);
  for (const [near] of readers) {
    await near.ping();
    for (let again = 0; again < 2; again++) {
      t.deepEqual(
        await near.mget(keys),
        keys.map((key) => acknowledged.get(key) ?? null),
      );
    }
    t.true((near.nearCache?.hits ?? 0) > 0);
  }
});

test('entries that bear an invalidated tag are read anew, others stay', async (t) => {
  const [near, writer] = await pair(t);
  const binary = Uint8Array.of(0, 255, 10);
  await writer.set('tag:a', 1, { tags: ['one', 'shared'] });
  await writer.set('tag:b', 2, { tags: ['two', 'shared', binary] });
  await writer.set('tag:c', 3);
  const keys = ['tag:a', 'tag:b', 'tag:c'];
  t.deepEqual(await near.mget(keys), [1, 2, 3]);
  const after = async (tags: string | Uint8Array | readonly string[], soft: boolean): Promise<unknown> => {
    await writer.invalidateTags(tags, { soft });
    await near.ping();
    return near.nearCache?.entries;
  };
  t.is(await after('nobody', false), 3);
  t.is(await after('one', false), 2);
  t.deepEqual(await near.mget(keys), [null, 2, 3]);
  t.is(await after(binary, true), 2, 'the absent one is known to be absent');
  t.deepEqual(await near.mget(keys), [null, null, 3]);
  await writer.set('tag:a', 4, { tags: ['shared'] });
  await near.ping();
  t.deepEqual(await near.mget(keys), [4, null, 3]);
  t.is(await near.invalidateTags(['one', 'shared']), 2);
  t.deepEqual(await near.mget(keys), [null, null, 3], 'its own invalidation, at once');
});

test('getOrSet answers from memory what it, or anybody, has stored', async (t) => {
  const [near, writer] = await pair(t);
  let loads = 0;
  const load = () => near.getOrSet('fill', () => ({ load: ++loads }), { ttl: 60_000, tags: ['fill'] });
  for (let round = 0; round < 5; round++) t.deepEqual(await load(), { load: 1 });
  t.true((near.nearCache?.hits ?? 0) >= 3);
  await writer.invalidateTags('fill');
  await near.ping();
  t.deepEqual(await load(), { load: 2 });
  await writer.set('fill', { load: 0 });
  await near.ping();
  t.deepEqual(await load(), { load: 0 });
  t.is(loads, 2);
});
