import test, { type ExecutionContext } from 'ava';
import {
  AbortError,
  type ClientOptions,
  ClosedError,
  ConnectionError,
  createClient,
  type FluxCacheError,
  type FluxClient,
  QueueFullError,
  ReplyError,
  TimeoutError,
} from '../../../src/index.ts';
import {
  answer,
  type RpcRequest,
  refuse,
  type ScriptedServer,
  startScriptedServer,
} from '../../scripted-rpc-server.ts';
import { sharedNode } from '../resp/node-fixture.ts';
import { type CuttingProxy, startCuttingProxy } from './cutting-proxy.ts';

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

async function proxied(t: ExecutionContext, options: ClientOptions = {}): Promise<[FluxClient, CuttingProxy]> {
  const { node: running } = await node();
  const proxy = await startCuttingProxy(running.tcpPort);
  t.teardown(() => proxy.stop());
  return [clientOf(t, proxy.port, options), proxy];
}

async function scripted(
  t: ExecutionContext,
  onRequest: (request: RpcRequest) => void,
  options: ClientOptions = {},
): Promise<[FluxClient, ScriptedServer]> {
  const server = await startScriptedServer(onRequest);
  t.teardown(() => server.stop());
  return [clientOf(t, server.port, options), server];
}

/** Resolves once `isSo`, looked at after every turn of the event loop. */
async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setImmediate(resolve));
}

/** Resolves once the client knows that a connection is lost: what is called from then on is not sent on it. */
function lossOf(client: FluxClient): Promise<FluxCacheError> {
  return new Promise((resolve) => client.on('error', resolve));
}

test('calls made in one turn leave in one write', async (t) => {
  const [client, server] = await scripted(t, (request) => answer(request, request.params[0]));
  await client.connect();
  const before = server.chunks;
  const calls = Array.from({ length: 200 }, (_, index) => client.call('echo', index));
  // Calls made by what a promise of the same turn leads to leave with it.
  const later = Promise.resolve().then(() => client.call('echo', 'later'));
  t.deepEqual(await Promise.all(calls), [...calls.keys()]);
  t.is(await later, 'later');
  t.is(server.chunks, before + 1);
});

test('a read whose answer was lost is made again, a write is not, and says that it may have been applied', async (t) => {
  let isCut = false;
  const [client] = await scripted(t, (request) => {
    if (!isCut && request.method === 'incrby') {
      isCut = true;
      request.socket.destroy();
    } else if (isCut) answer(request, 'again');
  });
  await client.connect();
  const read = client.get('k');
  const set = t.throwsAsync(client.set('k', 1), { instanceOf: ConnectionError, code: 'connection' });
  const told = client.set('k', 1, { retryable: true });
  const incr = t.throwsAsync(client.incr('k'), { instanceOf: ConnectionError });
  t.is(await read, 'again');
  t.true(await told);
  t.like(await set, { maybeApplied: true, retryable: false });
  t.like(await incr, { maybeApplied: true, retryable: false });
});

test('idempotent writes are made again when the options say so, and counting still is not', async (t) => {
  let cuts = 0;
  const options = { retry: { idempotentWrites: true, delayMsFirst: 1, delayMsMax: 2 } };
  const [client, server] = await scripted(
    t,
    (request) => {
      if (cuts++ < 2) request.socket.destroy();
      else answer(request, 'OK');
    },
    options,
  );
  t.true(await client.set('k', 1));
  t.deepEqual(server.methods, ['set', 'set', 'set']);
  cuts = 0;
  await t.throwsAsync(client.incr('k'), { instanceOf: ConnectionError });
  cuts = 0;
  await t.throwsAsync(client.set('k', 1, { nx: true }), { instanceOf: ConnectionError });
  t.is(server.methods.length, 5);
});

test('attempts end at their maximum, with the error of the last', async (t) => {
  const [client, server] = await scripted(t, (request) => refuse(request, 'overloaded', true));
  const error = await t.throwsAsync(client.incr('k'), { instanceOf: ReplyError, code: 'overloaded' });
  t.like(error, { retryable: true, maybeApplied: false });
  t.is(server.methods.length, 4);
  await t.throwsAsync(client.get('k', { retryable: false }), { code: 'overloaded' });
  t.is(server.methods.length, 5);
});

test('answers come to the calls they belong to, in whatever order, also when connections are lost between', async (t) => {
  const [client, proxy] = await proxied(t, { poolSize: 3 });
  const expected = new Map(Array.from({ length: 500 }, (_, index) => [`pair:${index}`, `value ${index}`]));
  await client.mset(expected);
  for (let round = 0; round < 8; round++) {
    proxy.cutAfterAnswerBytes(100 + round * 997);
    const keys = [...expected.keys()];
    const got = await Promise.all(keys.map((key) => client.get(key)));
    t.deepEqual(got, [...expected.values()]);
  }
  t.true(proxy.accepted >= 8);
});

test('a count is never applied twice, however often connections are lost', async (t) => {
  const [client, proxy] = await proxied(t);
  let sure = 0;
  let maybe = 0;
  for (let round = 0; round < 10; round++) {
    const calls = Array.from({ length: 50 }, () => client.incr('once'));
    // After some answers of this round, in the middle of one.
    proxy.cutAfterAnswerBytes(round === 0 ? 300 : 5 + round * 23);
    for (const result of await Promise.allSettled(calls)) {
      if (result.status === 'fulfilled') sure++;
      else if ((result.reason as FluxCacheError).maybeApplied) maybe++;
    }
  }
  const count = (await client.get<number>('once')) ?? 0;
  t.true(maybe > 0);
  t.true(count >= sure && count <= sure + maybe, `${sure} <= ${count} <= ${sure + maybe}`);
});

test('calls wait through a server that is away, and reconnecting is told', async (t) => {
  const [client, proxy] = await proxied(t);
  await client.set('away', 1);
  const attempts: number[] = [];
  let connects = 0;
  client.on('reconnecting', ({ attempt }) => attempts.push(attempt));
  client.on('connect', () => connects++);
  const lost = lossOf(client);
  proxy.refuse(true);
  proxy.cut();
  await lost;
  const waiting = [client.get('away'), client.incr('away'), client.get('away')];
  await until(() => attempts.length >= 3);
  t.deepEqual(attempts.slice(0, 3), [1, 2, 3]);
  proxy.refuse(false);
  t.deepEqual(await Promise.all(waiting), [1, 2, 2]);
  t.is(connects, 1);
});

test('a call runs out of time whether it was sent or not, and says which', async (t) => {
  const [client, server] = await scripted(t, () => undefined);
  await client.connect();
  const sent = await t.throwsAsync(client.incr('k', 1, { timeoutMs: 20 }), {
    instanceOf: TimeoutError,
    code: 'timeout',
  });
  t.like(sent, { maybeApplied: true, retryable: false });
  t.like(await t.throwsAsync(client.get('k', { timeoutMs: 20 })), { maybeApplied: false, retryable: true });
  const down = clientOf(t, server.port, { commandTimeoutMs: 50 });
  await server.stop();
  const unsent = await t.throwsAsync(down.incr('k'), { instanceOf: TimeoutError });
  t.like(unsent, { maybeApplied: false, retryable: true });
  t.true(unsent?.cause instanceof Error || unsent?.cause === undefined);
});

test('an answer that comes after its call ran out of time is dropped, and the connection stays', async (t) => {
  const late: RpcRequest[] = [];
  const [client, server] = await scripted(t, (request) => {
    if (request.method === 'get') late.push(request);
    else answer(request, 'PONG');
  });
  await client.connect();
  await t.throwsAsync(client.get('k', { timeoutMs: 50 }), { instanceOf: TimeoutError });
  await until(() => late.length === 1);
  for (const request of late) answer(request, 'late');
  t.is(await client.ping(), 'PONG');
  t.is(server.accepted, 1);
});

test('a connection that says nothing for as long as a call may take is given up for another', async (t) => {
  const [client, proxy] = await proxied(t, { commandTimeoutMs: 150 });
  const patient = { timeoutMs: 60_000 };
  await client.set('silent', 1, patient);
  proxy.hold(true);
  await t.throwsAsync(client.get('silent'), { instanceOf: TimeoutError });
  proxy.hold(false);
  await until(() => proxy.accepted === 2);
  t.is(await client.get('silent', patient), 1);
});

test('an aborted call is rejected at once: before it is made, while it waits, and when it was sent', async (t) => {
  const [client, server] = await scripted(t, () => undefined);
  const before = await t.throwsAsync(client.get('k', { signal: AbortSignal.abort('why') }), { instanceOf: AbortError });
  t.like(before, { name: 'AbortError', code: 'aborted', cause: 'why', maybeApplied: false });
  const early = new AbortController();
  const waiting = t.throwsAsync(client.incr('k', 1, { signal: early.signal }), { instanceOf: AbortError });
  early.abort();
  t.like(await waiting, { maybeApplied: false });
  const controller = new AbortController();
  const sent = t.throwsAsync(client.incr('k', 1, { signal: controller.signal }), { instanceOf: AbortError });
  await until(() => server.methods.length === 1);
  controller.abort();
  t.like(await sent, { maybeApplied: true });
  t.deepEqual(server.methods, ['incrby']);
});

test('many calls may share a signal, which ends them all and is left alone by those that were answered', async (t) => {
  const warnings: Error[] = [];
  const onWarning = (warning: Error) => warnings.push(warning);
  process.on('warning', onWarning);
  t.teardown(() => process.off('warning', onWarning));
  const [client, server] = await scripted(t, (request) => {
    if (request.method === 'ping') answer(request, 'PONG');
  });
  const controller = new AbortController();
  const { signal } = controller;
  await Promise.all(Array.from({ length: 50 }, () => client.ping({ signal })));
  const calls = Array.from({ length: 50 }, () =>
    t.throwsAsync(client.get('k', { signal }), { instanceOf: AbortError }),
  );
  await until(() => server.methods.length === 100);
  controller.abort();
  t.is((await Promise.all(calls)).length, 50);
  t.deepEqual(warnings, []);
});

test('beyond the limits of the queue calls are refused, and taken again when there is room', async (t) => {
  const held: RpcRequest[] = [];
  const [client] = await scripted(t, (request) => held.push(request), {
    inFlightMax: 2,
    queue: { callsMax: 3, bytesMax: 200 },
  });
  await client.connect();
  const calls = Array.from({ length: 5 }, (_, index) => client.call('echo', index));
  const full = await t.throwsAsync(client.call('echo', 'more'), { instanceOf: QueueFullError, code: 'queue-full' });
  t.like(full, { retryable: true, maybeApplied: false });
  for (let answered = 0; answered < 5; answered++) {
    await until(() => held.length > answered);
    answer(held[answered] as RpcRequest, answered);
  }
  t.deepEqual(await Promise.all(calls), [0, 1, 2, 3, 4]);
  const later = [client.call('echo', 5), client.call('echo', 6)];
  await t.throwsAsync(client.call('echo', 'x'.repeat(300)), { instanceOf: QueueFullError, message: /200 bytes/ });
  await until(() => held.length === 7);
  for (const request of held.slice(5)) answer(request, 'done');
  t.deepEqual(await Promise.all(later), ['done', 'done']);
});

test('a server that does not read stops the client from writing, which then queues up to its limit', async (t) => {
  const [client, server] = await scripted(t, (request) => answer(request, 'OK'), { queue: { bytesMax: 2_000_000 } });
  await client.connect();
  for (const socket of server.sockets) socket.pause();
  const value = Buffer.alloc(500_000);
  const calls: Promise<boolean>[] = [];
  let isFull = false;
  while (!isFull && calls.length < 200) {
    const call = client.set('k', value);
    calls.push(call);
    call.catch((error: unknown) => {
      isFull ||= error instanceof QueueFullError;
    });
    await new Promise((resolve) => setImmediate(resolve));
  }
  t.true(isFull);
  for (const socket of server.sockets) socket.resume();
  const outcomes = await Promise.allSettled(calls);
  t.is(outcomes.filter(({ status }) => status === 'rejected').length, 1);
});

test('a malformed answer closes the connection with a clear error, and the next call has a new one', async (t) => {
  const [client, server] = await scripted(t, (request) => {
    if (server.accepted === 1) request.socket.write(Uint8Array.of(0xc1));
    else answer(request, 'fine');
  });
  const faults: FluxCacheError[] = [];
  client.on('error', (error) => faults.push(error));
  const error = await t.throwsAsync(client.get('k'), { instanceOf: ConnectionError, code: 'malformed-response' });
  t.regex(error?.message ?? '', /0xc1/);
  t.is(await client.get('k'), 'fine');
  t.is(faults.length, 1);
});

test('an answer over the limit, and one to a request nobody made, are malformed', async (t) => {
  const [client] = await scripted(t, (request) => answer(request, 'x'.repeat(2000)), { responseBytesMax: 1024 });
  await t.throwsAsync(client.get('k'), { code: 'malformed-response', message: /limit of 1024 bytes/ });
  const [other] = await scripted(t, (request) => answer({ ...request, id: 12_345 }, 1));
  await t.throwsAsync(other.get('k'), { code: 'malformed-response', message: /nobody made/ });
});

test('refused credentials reject the calls that wait, with the error of the server', async (t) => {
  const server = await startScriptedServer(
    () => undefined,
    (request) => refuse(request, 'wrong-password'),
  );
  t.teardown(() => server.stop());
  const client = clientOf(t, server.port, { user: 'app', password: 'no' });
  await t.throwsAsync(client.connect(), { code: 'wrong-password' });
  await t.throwsAsync(client.get('k'), { instanceOf: ReplyError, code: 'wrong-password' });
});

test('name, user and password are told when a connection is made, and told again after it was lost', async (t) => {
  const hellos: unknown[] = [];
  const server = await startScriptedServer(
    (request) => answer(request, 'PONG'),
    (request) => {
      hellos.push(request.params[0]);
      answer(request, {});
    },
  );
  t.teardown(() => server.stop());
  const client = createClient({ url: `fluxcache://:secret@127.0.0.1:${server.port}`, clientName: 'worker', ...QUICK });
  t.teardown(() => client.destroy());
  await client.ping();
  for (const socket of server.sockets) socket.destroy();
  await client.ping();
  t.deepEqual(hellos, new Array(2).fill({ user: 'default', password: 'secret', name: 'worker' }));
});

test('a server that accepts and says nothing fails the connection in time', async (t) => {
  const server = await startScriptedServer(
    () => undefined,
    () => undefined,
  );
  t.teardown(() => server.stop());
  const client = clientOf(t, server.port, { connectTimeoutMs: 500 });
  await t.throwsAsync(client.connect(), { instanceOf: ConnectionError, message: /nothing answers .* for 500 ms/ });
});

test('destroy rejects what is in flight and what waits', async (t) => {
  const [client, server] = await scripted(t, () => undefined, { inFlightMax: 1 });
  await client.connect();
  const sent = t.throwsAsync(client.incr('k'), { instanceOf: ClosedError });
  const waits = t.throwsAsync(client.incr('k'), { instanceOf: ClosedError });
  await until(() => server.methods.length === 1);
  client.destroy();
  t.like(await sent, { maybeApplied: true });
  t.like(await waits, { maybeApplied: false });
  await until(() => server.sockets.size === 0);
  client.destroy();
  t.pass();
});

test('closing waits for calls, and not for answers to calls that were given up', async (t) => {
  const held: RpcRequest[] = [];
  const [client, server] = await scripted(t, (request) => held.push(request));
  const controller = new AbortController();
  const givenUp = t.throwsAsync(client.get('k', { signal: controller.signal }), { instanceOf: AbortError });
  await until(() => held.length === 1);
  controller.abort();
  await givenUp;
  const call = client.get('k');
  const closed = client.close();
  await until(() => held.length === 2);
  answer(held[1] as RpcRequest, 'answered');
  t.is(await call, 'answered');
  await closed;
  await until(() => server.sockets.size === 0);
});

test('a pool opens connections as they are needed, and gives calls to the one with the fewest', async (t) => {
  const calls = new Map<unknown, number>();
  const count = ({ socket }: RpcRequest) => calls.set(socket, (calls.get(socket) ?? 0) + 1);
  const [client, server] = await scripted(t, count, { poolSize: 3, commandTimeoutMs: 0 });
  const call = () => void client.call('echo').catch(() => undefined);
  await client.connect();
  t.is(server.accepted, 1);
  let connects = 1;
  client.on('connect', () => connects++);
  while (connects < 3) {
    const before = connects;
    call();
    call();
    await until(() => connects > before);
  }
  while (server.methods.length < 30) {
    const before = server.methods.length;
    call();
    await until(() => server.methods.length > before);
  }
  t.deepEqual([...calls.values()], [10, 10, 10]);
  t.is(server.sockets.size, 3);
});

test('a node that was stopped and started again on its port goes on serving the client', async (t) => {
  const first = await startScriptedServer((request) => answer(request, 'first'));
  const client = clientOf(t, first.port);
  t.is(await client.call('who'), 'first');
  const lost = lossOf(client);
  await first.stop();
  await lost;
  const waiting = client.call('who');
  const second = await startScriptedServer((request) => answer(request, 'second'), undefined, first.port);
  t.teardown(() => second.stop());
  t.is(await waiting, 'second');
});
