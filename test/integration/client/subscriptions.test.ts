import test, { type ExecutionContext } from 'ava';
import { AbortError, createClient, type FluxClient, type Message } from '../../../src/index.ts';
import { refuse, startScriptedServer } from '../../scripted-rpc-server.ts';
import { sharedNode } from '../resp/node-fixture.ts';
import { type CuttingProxy, startCuttingProxy } from './cutting-proxy.ts';

const node = sharedNode();

async function connect(t: ExecutionContext): Promise<[FluxClient, CuttingProxy]> {
  const { node: running } = await node();
  const proxy = await startCuttingProxy(running.tcpPort);
  t.teardown(() => proxy.stop());
  const client = createClient({
    port: proxy.port,
    commandTimeoutMs: 60_000,
    reconnect: { delayMsFirst: 1, delayMsMax: 10 },
  });
  t.teardown(() => client.destroy());
  return [client, proxy];
}

test('a subscription is iterated: text as text, bytes as bytes, in the order published', async (t) => {
  const [client] = await connect(t);
  const subscription = await client.subscribe(['iterate:a', 'iterate:b']);
  t.is(await client.publish('iterate:a', 'one'), 1);
  await client.publish('iterate:b', Uint8Array.of(0xff, 0));
  await client.publish('iterate:a', 'end');
  const messages: Message[] = [];
  for await (const message of subscription) {
    messages.push(message);
    if (message.payload === 'end') break;
  }
  t.deepEqual(messages, [
    { channel: 'iterate:a', payload: 'one', pattern: null },
    { channel: 'iterate:b', payload: Uint8Array.of(0xff, 0), pattern: null },
    { channel: 'iterate:a', payload: 'end', pattern: null },
  ]);
  t.true(subscription.isClosed);
});

test('a pattern takes messages of all channels that match, and tells which', async (t) => {
  const [client] = await connect(t);
  const got: Message[] = [];
  let onSecond: () => void = () => undefined;
  const second = new Promise<void>((resolve) => {
    onSecond = resolve;
  });
  await client.subscribe({ pattern: 'pattern:*' }, (message) => {
    if (got.push(message) === 2) onSecond();
  });
  await client.publish('pattern:x', '1');
  await client.publish('other', '2');
  await client.publish('pattern:y', '3');
  await second;
  t.deepEqual(got, [
    { channel: 'pattern:x', payload: '1', pattern: 'pattern:*' },
    { channel: 'pattern:y', payload: '3', pattern: 'pattern:*' },
  ]);
});

test('two subscriptions to a channel both get its messages, and closing one leaves the other', async (t) => {
  const [client] = await connect(t);
  const [first, second] = await Promise.all([client.subscribe('twice'), client.subscribe(['twice', 'thrice'])]);
  await client.publish('twice', 'both');
  t.is((await first.next()).value?.payload, 'both');
  t.is((await second.next()).value?.payload, 'both');
  second.close();
  await client.publish('twice', 'first only');
  t.is((await first.next()).value?.payload, 'first only');
  t.deepEqual(await second.next(), { done: true, value: undefined });
  first.close();
  t.is(await untilPublished(client, 'twice', 0), 0);
});

test('a lost connection is made again with all subscriptions, which count the interruption', async (t) => {
  const [client, proxy] = await connect(t);
  const subscription = await client.subscribe('again');
  await client.publish('again', 'before');
  t.is((await subscription.next()).value?.payload, 'before');
  proxy.cut();
  t.is(await untilPublished(client, 'again', 1), 1);
  t.is((await subscription.next()).value?.payload, 'probe');
  t.is(subscription.interruptions, 1);
});

test('messages nobody takes are dropped from the oldest on, and counted', async (t) => {
  const [client] = await connect(t);
  const few = await client.subscribe('drop', { bufferMax: 3 });
  const small = await client.subscribe('drop', { bufferBytesMax: 8 });
  const last = await client.subscribe('drop');
  for (let index = 0; index < 10; index++) await client.publish('drop', `m${index}`);
  for (let index = 0; index < 10; index++) await last.next();
  t.is(few.dropped, 7);
  t.is((await few.next()).value?.payload, 'm7');
  t.is(small.dropped, 6);
  t.is((await small.next()).value?.payload, 'm6');
});

test('an aborted subscription ends with its reason; one of a closed client just ends', async (t) => {
  const [client] = await connect(t);
  const controller = new AbortController();
  const aborted = await client.subscribe('abort', { signal: controller.signal });
  const waiting = t.throwsAsync(aborted.next(), { instanceOf: AbortError });
  controller.abort('enough');
  t.is((await waiting)?.cause, 'enough');
  await t.throwsAsync(client.subscribe('abort', { signal: AbortSignal.abort() }), { instanceOf: AbortError });
  const closed = await client.subscribe('abort');
  const next = closed.next();
  await client.close();
  t.deepEqual(await next, { done: true, value: undefined });
  await t.throwsAsync(client.subscribe('abort'), { code: 'closed' });
});

test('a refused subscription is rejected with the error of the server', async (t) => {
  const server = await startScriptedServer((request) => refuse(request, 'forbidden'));
  t.teardown(() => server.stop());
  const client = createClient({ port: server.port });
  t.teardown(() => client.destroy());
  await t.throwsAsync(client.subscribe('secret'), { code: 'forbidden' });
});

/** Publishes until as many subscriptions are reached as wanted. */
async function untilPublished(client: FluxClient, channel: string, wanted: number): Promise<number> {
  for (;;) {
    const reached = await client.publish(channel, 'probe', { retryable: true });
    if (reached === wanted) return reached;
  }
}
