import test from 'ava';
import { createClient } from '../../../src/client/client.ts';
import { startNodeFixture } from '../resp/node-fixture.ts';
import type { PushClient } from '../resp/push-client.ts';
import { RpcClient } from '../rpc/rpc-client.ts';

const COUNT = 5000;
/** Between two looks of which steps of a command run. */
const LOOKS = 30;
const headers = { 'Content-Type': 'application/json' };
const slowly = ['gone:*', 'count', '1'];

async function fill(client: PushClient): Promise<void> {
  for (let at = 0; at < COUNT; at += 1000) {
    await client.call('mset', ...Array.from({ length: 1000 }, (_, index) => [`gone:${at + index}`, 'v']).flat());
  }
}

async function keys(client: PushClient): Promise<number> {
  return Number(await client.call('dbsize'));
}

async function untilBegun(client: PushClient): Promise<void> {
  while ((await keys(client)) === COUNT) await client.call('ping');
}

/** How many keys there are when they have become no fewer for a while. */
async function untilSettled(client: PushClient): Promise<number> {
  let before = await keys(client);
  for (let same = 0; same < LOOKS; same++) {
    const now = await keys(client);
    if (now !== before) same = 0;
    before = now;
  }
  return before;
}

test('a DELMATCH whose client has gone ends, on every protocol, and leaves what it did not come to', async (t) => {
  const fixture = await startNodeFixture(t);
  const watcher = await fixture.connect(2);
  const url = `http://127.0.0.1:${fixture.node.port}`;
  const begin = {
    resp: async () => {
      const client = await fixture.connect(2);
      client.send(['delmatch', ...slowly]);
      return () => client.close();
    },
    rpc: async () => {
      const client = await RpcClient.open(t, fixture.node.tcpPort);
      client.notify('delmatch', ...slowly);
      return () => void client.socket.destroy();
    },
    redisOverHttp: async () => {
      const control = new AbortController();
      const body = JSON.stringify(['delmatch', ...slowly]);
      fetch(url, { method: 'POST', headers, body, signal: control.signal }).catch(() => undefined);
      return () => control.abort();
    },
    pipelineOverHttp: async () => {
      const control = new AbortController();
      const body = JSON.stringify([
        ['set', 'meanwhile', 'v'],
        ['del', 'meanwhile'],
        ['delmatch', ...slowly],
      ]);
      fetch(`${url}/pipeline`, { method: 'POST', headers, body, signal: control.signal }).catch(() => undefined);
      return () => control.abort();
    },
  };
  for (const [name, start] of Object.entries(begin)) {
    await fill(watcher);
    const leave = await start();
    await untilBegun(watcher);
    leave();
    const left = await untilSettled(watcher);
    t.true(left > 0 && left < COUNT, `${name}: ${left} keys are left`);
  }
  t.deepEqual(fixture.faults, []);
});

test('POST /v1/invalidate whose client has gone deletes no further', async (t) => {
  const fixture = await startNodeFixture(t, { maxMemory: '64mb' });
  const watcher = await fixture.connect(2);
  const count = 20 * COUNT;
  for (let at = 0; at < count; at += 1000) {
    await watcher.call('mset', ...Array.from({ length: 1000 }, (_, index) => [`gone:${at + index}`, 'v']).flat());
  }
  const control = new AbortController();
  fetch(`http://127.0.0.1:${fixture.node.port}/v1/invalidate`, {
    method: 'POST',
    headers,
    body: JSON.stringify({ match: 'gone:*' }),
    signal: control.signal,
  }).catch(() => undefined);
  while ((await keys(watcher)) === count) await watcher.call('ping');
  control.abort();
  const left = await untilSettled(watcher);
  t.true(left > 0 && left < count, `${left} keys are left`);
});

test('who says that he sends no more is told how far his DELMATCH came', async (t) => {
  const fixture = await startNodeFixture(t);
  const watcher = await fixture.connect(2);
  const client = await fixture.connect(2);
  await fill(watcher);
  client.send(['delmatch', ...slowly]);
  const reply = client.reply();
  await untilBegun(watcher);
  client.socket.end();
  const [, removed] = /^-ERR the client ended it; (\d+) keys were removed before$/.exec(String(await reply)) ?? [];
  t.is(Number(removed), COUNT - (await keys(watcher)));
  t.deepEqual(fixture.faults, []);
});

test('what is sent behind a DELMATCH waits for it, and is answered', async (t) => {
  const fixture = await startNodeFixture(t);
  const client = await fixture.connect(2);
  await fill(client);
  client.send(['delmatch', ...slowly]);
  const watcher = await fixture.connect(2);
  await untilBegun(watcher);
  for (let at = 0; at < 3; at++) {
    client.send(['dbsize']);
    await watcher.call('ping');
  }
  const replies: unknown[] = [];
  while (replies.length < 4) replies.push(await client.reply());
  t.deepEqual(replies, [COUNT, 0, 0, 0]);
});

test('deleteMatching of the client that is given up is ended, and the next one works', async (t) => {
  const fixture = await startNodeFixture(t, { maxMemory: '64mb' });
  const watcher = await fixture.connect(2);
  const count = 20 * COUNT;
  for (let at = 0; at < count; at += 1000) {
    await watcher.call('mset', ...Array.from({ length: 1000 }, (_, index) => [`gone:${at + index}`, 'v']).flat());
  }
  const client = createClient({ port: fixture.node.tcpPort });
  t.teardown(() => client.destroy());
  const control = new AbortController();
  const deleting = client.deleteMatching('gone:*', { timeoutMs: 0, signal: control.signal });
  while ((await keys(watcher)) === count) await watcher.call('ping');
  control.abort();
  await t.throwsAsync(deleting, { code: 'aborted' });
  const left = await untilSettled(watcher);
  t.true(left > 0 && left < count, `${left} keys are left`);
  t.is(await client.deleteMatching('gone:*'), left);
  await client.close();
});
