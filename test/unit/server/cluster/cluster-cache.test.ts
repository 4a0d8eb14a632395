import test from 'ava';
import { ArgsBuffer } from '../../../../src/command/args-buffer.ts';
import { commandTable } from '../../../../src/command/table.ts';
import { OrderedSession } from '../../../../src/server/dispatch/ordered-session.ts';
import { type ClusterNode, InThreadCluster, type InThreadClusterOptions } from '../../../in-thread-cluster.ts';
import { plainReply } from '../../../in-thread-shards.ts';

function clusterOf(t: { teardown(task: () => void): void }, options: InThreadClusterOptions = {}): InThreadCluster {
  const cluster = new InThreadCluster(options);
  t.teardown(() => cluster.stop());
  return cluster;
}

function keyOf(cluster: InThreadCluster, partition: number, name = ''): string {
  for (let number = 0; ; number++) {
    const key = `${name}${number}`;
    if (cluster.node(0).dispatcher.routing.partitionOfKey(Buffer.from(key), 0, key.length) === partition) return key;
  }
}

function ask(node: ClusterNode, session: OrderedSession | null, ...words: string[]): unknown[] {
  const replies: unknown[] = [];
  const [name = '', ...texts] = words;
  const buffer = new ArgsBuffer().begin();
  for (const text of texts) buffer.text(text);
  node.dispatcher.execute(
    commandTable.named(name),
    buffer.args,
    { onReply: (reply) => void replies.push(plainReply(reply)) },
    session,
  );
  return replies;
}

async function answer(cluster: InThreadCluster, node: ClusterNode, ...command: string[]): Promise<unknown> {
  const replies = ask(node, null, ...command);
  await cluster.settle();
  return replies[0];
}

/** Lets everything move until the reply is there. */
async function replyIn(cluster: InThreadCluster, replies: readonly unknown[]): Promise<unknown> {
  const endMs = performance.now() + 10_000;
  while (replies.length === 0) {
    if (performance.now() > endMs) throw new Error('no reply came');
    cluster.turn();
    cluster.nowMs += 5;
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  return replies[0];
}

function tokenIn(reply: unknown): string {
  const token = Array.isArray(reply) ? (reply as unknown[])[2] : null;
  if (typeof token !== 'string') throw new Error(`no token: ${JSON.stringify(reply)}`);
  return token;
}

test('a token is taken, and the key filled with it, at whichever nodes these are asked', async (t) => {
  const cluster = clusterOf(t);
  for (let partition = 0; partition < 6; partition++) {
    const key = keyOf(cluster, partition);
    const token = tokenIn(await answer(cluster, cluster.node(partition + 1), 'getfill', key));
    const seen = (await answer(cluster, cluster.node(partition + 2), 'getfill', key)) as unknown[];
    t.deepEqual(seen.slice(0, 3), ['miss', null, null]);
    t.is(await answer(cluster, cluster.node(partition + 2), 'set', key, 'v', 'fill', token), 'OK');
    t.deepEqual(((await answer(cluster, cluster.node(0), 'getfill', key)) as unknown[]).slice(0, 2), ['hit', 'v']);
    t.regex(String(await answer(cluster, cluster.node(1), 'set', key, 'w', 'fill', token)), /^error fill-lost/);
  }
  t.deepEqual(cluster.defects, []);
});

test('a fresh value of a partition that is primary here is a hit without its shard; what is not is for the shard', (t) => {
  const cluster = clusterOf(t);
  const node = cluster.node(0);
  const key = keyOf(cluster, 0);
  const stored = ask(node, null, 'set', key, 'v');
  node.serve();
  t.deepEqual(ask(node, null, 'getfill', key), [], 'a write of it is under way');
  cluster.turn();
  t.deepEqual(stored, ['OK']);
  t.deepEqual(ask(node, null, 'getfill', key), [['hit', 'v', null, -1]]);
  t.deepEqual(ask(node, null, 'getfill', keyOf(cluster, 0, 'other')), []);
});

test('who waits at one node has the value that another one stored, and keeps its connection in order', async (t) => {
  const cluster = clusterOf(t);
  const [one, other] = [cluster.node(0), cluster.node(1)];
  const key = keyOf(cluster, 2);
  const token = tokenIn(await answer(cluster, other, 'getfill', key));
  const session = new OrderedSession(1);
  const waiting = ask(one, session, 'getfill', key, 'wait', '9000');
  for (let turns = 0; turns < 20; turns++) {
    cluster.turn();
    await new Promise((resolve) => setImmediate(resolve));
  }
  t.true(session.blocked);
  t.deepEqual(waiting, []);
  const stored = ask(other, null, 'set', key, 'v', 'fill', token);
  t.is(await replyIn(cluster, stored), 'OK');
  t.deepEqual(await replyIn(cluster, waiting), ['hit', 'v', null, -1]);
  t.false(session.blocked);
  t.is(one.dispatcher.inFlight, 0);
});

test('who waits outlives the end of the primary: its successor knows the token, and then gives out the next', async (t) => {
  const cluster = clusterOf(t);
  const key = keyOf(cluster, 0);
  const token = tokenIn(await answer(cluster, cluster.node(0), 'getfill', key));
  const waiting = ask(cluster.node(1), null, 'getfill', key, 'wait', '9000');
  cluster.turn();
  cluster.retire(0);
  cluster.tellAll();
  cluster.turn();
  cluster.promote(0, cluster.node(2));
  cluster.tellAll();
  const cancelled = ask(cluster.node(1), null, 'cancelfill', key, token);
  t.is(await replyIn(cluster, cancelled), 1);
  const next = tokenIn(await replyIn(cluster, waiting));
  t.is(await replyIn(cluster, ask(cluster.node(0), null, 'set', key, 'v', 'fill', next)), 'OK');
});

test('INVALIDATE is of all nodes, also for a client that asks every node by itself', async (t) => {
  for (const wantsRedirects of [false, true]) {
    const cluster = clusterOf(t);
    for (let partition = 0; partition < 8; partition++) {
      await answer(cluster, cluster.node(0), 'set', keyOf(cluster, partition), 'v', 'tags', '1', 't');
    }
    const session = new OrderedSession(1);
    session.wantsRedirects = wantsRedirects;
    const replies = ask(cluster.node(1), session, 'invalidate', 't');
    t.is(await replyIn(cluster, replies), 1);
    const ran = cluster.log.filter((line) => line.startsWith('invalidate'));
    t.is(ran.length, 3, 'every node');
    for (let partition = 0; partition < 8; partition++) {
      t.is(await answer(cluster, cluster.node(2), 'get', keyOf(cluster, partition)), null);
    }
  }
});

test('INVALIDATE waits for a partition without a primary, and when that takes too long says so: it can be repeated', async (t) => {
  const cluster = clusterOf(t);
  cluster.retire(1);
  cluster.tellAll();
  const late = ask(cluster.node(0), null, 'invalidate', 't');
  t.regex(String(await replyIn(cluster, late)), /^error cluster-down/);
  const waiting = ask(cluster.node(0), null, 'invalidate', 't');
  cluster.turn();
  cluster.promote(1, cluster.node(2));
  cluster.tellAll();
  t.is(await replyIn(cluster, waiting), 1);
});

test('DELMATCH removes on all nodes, as many as there were', async (t) => {
  const cluster = clusterOf(t);
  for (let partition = 0; partition < 8; partition++) {
    await answer(cluster, cluster.node(0), 'set', keyOf(cluster, partition, 'gone:'), 'v');
    await answer(cluster, cluster.node(0), 'set', keyOf(cluster, partition, 'stays:'), 'v');
  }
  t.is(await replyIn(cluster, ask(cluster.node(1), null, 'delmatch', 'gone:*')), 8);
  t.is(await answer(cluster, cluster.node(2), 'dbsize'), 8);
  t.deepEqual(cluster.defects, []);
});

test('a node that stops refuses those who wait, and DELMATCH says how far it came', async (t) => {
  const cluster = clusterOf(t);
  const key = keyOf(cluster, 0);
  await answer(cluster, cluster.node(0), 'getfill', key);
  const waiting = ask(cluster.node(0), null, 'getfill', key, 'wait', '9000');
  const deleting = ask(cluster.node(0), null, 'delmatch', '*');
  cluster.turn();
  cluster.node(0).dispatcher.close();
  t.regex(String(await replyIn(cluster, waiting)), /^error shutting-down/);
  t.regex(String(await replyIn(cluster, deleting)), /^error shutting-down .*\(0 keys were removed before\)/);
});
