import test from 'ava';
import { type NodeFixture, startNodeFixture } from '../resp/node-fixture.ts';
import { RpcClient } from '../rpc/rpc-client.ts';

type Scope = Parameters<typeof startNodeFixture>[0];

const VALUE_BYTES = 8 * 2 ** 20;
const TIMES = 300;
/** A command that built its reply first took 15 s; an error comes after some 64 MB at the most. */
const TIME_MS_MAX = 5000;
/** Of the process: the reply, what it is gathered from, and what the engine has not collected yet; without a limit it was 4.9 GB. */
const GROWTH_BYTES_MAX = 1024 * 2 ** 20;
const limitText = /the reply would have more than \d+ bytes; ask for less at once/;

/** Starts a node with keys of two shards, and a value that fills a message. */
async function nodeWithLargeValue(t: Scope): Promise<NodeFixture> {
  const fixture = await startNodeFixture(t, { maxMemory: '64mb' });
  const client = await fixture.connect();
  await client.call('set', 'large', 'x'.repeat(VALUE_BYTES));
  for (let number = 0; number < 8; number++) await client.call('set', `small:${number}`, 'small');
  return fixture;
}

const oneKey = Array<string>(TIMES).fill('large');
/** Of two shards: some go to the one that has not the large value. */
const keysOfTwoShards = [...oneKey, ...Array.from({ length: 8 }, (_, number) => `small:${number}`)];

const ways = {
  RESP: async (_t: Scope, { connect }: NodeFixture, keys: readonly string[]) => {
    return String(await (await connect()).call('mget', ...keys));
  },
  RPC: async (t: Scope, { node }: NodeFixture, keys: readonly string[]) => {
    const client = await RpcClient.open(t, node.tcpPort);
    const [error] = await client.call('mget', ...keys);
    return error?.message ?? 'no error';
  },
  HTTP: async (_t: Scope, { node }: NodeFixture, keys: readonly string[]) => {
    const response = await fetch(node.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(['mget', ...keys]),
    });
    return response.text();
  },
};

for (const [protocol, ask] of Object.entries(ways)) {
  test.serial(`a reply over the limit is an error at once over ${protocol}, and takes no memory`, async (t) => {
    const fixture = await nodeWithLargeValue(t);
    for (const keys of [oneKey, keysOfTwoShards]) {
      const rssBefore = process.resourceUsage().maxRSS * 1024;
      const beganMs = performance.now();
      t.regex((await ask(t, fixture, keys)).slice(0, 500), limitText);
      t.true(performance.now() - beganMs < TIME_MS_MAX);
      t.true(process.resourceUsage().maxRSS * 1024 - rssBefore < GROWTH_BYTES_MAX);
    }
    const client = await fixture.connect();
    t.is(await client.call('get', 'small:1'), 'small');
    t.is(await client.call('strlen', 'large'), VALUE_BYTES);
    t.deepEqual(fixture.faults, []);
  });
}

test.serial('what fits the limit is answered whole', async (t) => {
  const fixture = await nodeWithLargeValue(t);
  const client = await fixture.connect();
  const reply = await client.call('mget', 'large', 'small:1', 'small:2', 'large', 'small:3');
  t.deepEqual(
    (reply as string[]).map(({ length }) => length),
    [VALUE_BYTES, 5, 5, VALUE_BYTES, 5],
  );
});

test.serial('EXEC over the limit is an error; what its commands changed stands, every one of them', async (t) => {
  const fixture = await nodeWithLargeValue(t);
  const client = await fixture.connect();
  const beganMs = performance.now();
  for (const others of [[], ['small:0', 'small:1', 'small:2', 'small:3']]) {
    client.send(['multi'], ['set', 'before', '1'], ['incr', 'large:count']);
    for (let count = 0; count < 40; count++) client.send(['mget', 'large', 'large', ...others]);
    client.send(['getset', 'old', 'x'], ['incr', 'large:count'], ['incr', 'count'], ['exec']);
    let reply = await client.reply();
    for (let count = 0; count < 46; count++) reply = await client.reply();
    t.regex(String(reply), limitText);
    t.regex(String(reply), /what the command changed stands/);
  }
  t.true(performance.now() - beganMs < 2 * TIME_MS_MAX);
  t.deepEqual(await client.call('mget', 'before', 'large:count', 'old', 'count'), ['1', '4', 'x', '2']);
  t.deepEqual(fixture.faults, []);
});

test.serial('commands of the node within EXEC share one limit', async (t) => {
  const fixture = await startNodeFixture(t, {
    maxMemory: '64mb',
    maxClientOutput: '64kb',
    maxBody: '64kb',
    maxValue: '64kb',
  });
  const client = await fixture.connect();
  const count = 500;
  client.send(['multi']);
  for (let number = 0; number < count; number++) client.send(['info']);
  client.send(['exec']);
  let reply = await client.reply();
  for (let number = 0; number <= count; number++) reply = await client.reply();
  t.regex(String(reply), limitText);
  t.is(await client.call('ping'), 'PONG');
});
