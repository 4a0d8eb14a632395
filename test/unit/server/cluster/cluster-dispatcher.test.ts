import test, { type ExecutionContext } from 'ava';
import { GateRole } from '../../../../src/cluster/partition-gates.ts';
import { ArgsBuffer } from '../../../../src/command/args-buffer.ts';
import { ReplyWriter } from '../../../../src/command/reply.ts';
import { commandTable } from '../../../../src/command/table.ts';
import { SurveySight } from '../../../../src/server/cluster/survey-sight.ts';
import { OrderedSession } from '../../../../src/server/dispatch/ordered-session.ts';
import { TransactionQueue } from '../../../../src/server/dispatch/transaction-queue.ts';
import { RefusalReason } from '../../../../src/shard/guarded-reply.ts';
import { type ClusterNode, InThreadCluster, type InThreadClusterOptions } from '../../../in-thread-cluster.ts';
import { plainReply } from '../../../in-thread-shards.ts';

function clusterOf(t: { teardown(task: () => void): void }, options: InThreadClusterOptions = {}): InThreadCluster {
  const cluster = new InThreadCluster(options);
  t.teardown(() => cluster.stop());
  return cluster;
}

/** Keys of one partition: `key(3, 'a')` is of partition 3. */
function keyOf(cluster: InThreadCluster, partition: number, name = ''): string {
  for (let number = 0; ; number++) {
    const key = `${name}${number}`;
    if (cluster.node(0).dispatcher.routing.partitionOfKey(Buffer.from(key), 0, key.length) === partition) return key;
  }
}

/** Asks; the replies come into the array returned, in the order in which they are given. */
function ask(node: ClusterNode, session: OrderedSession | null, ...commands: readonly string[][]): unknown[] {
  const replies: unknown[] = [];
  for (const [name = '', ...texts] of commands) {
    const buffer = new ArgsBuffer().begin();
    for (const text of texts) buffer.text(text);
    const onReply = (reply: Parameters<typeof plainReply>[0]): void => void replies.push(plainReply(reply));
    node.dispatcher.execute(commandTable.named(name), buffer.args, { onReply }, session);
  }
  return replies;
}

async function answer(cluster: InThreadCluster, node: ClusterNode, ...command: string[]): Promise<unknown> {
  const replies = ask(node, null, command);
  await cluster.settle();
  return replies[0];
}

test('a command goes to the node whose its key is, and its reply comes back', async (t) => {
  const cluster = clusterOf(t);
  for (let partition = 0; partition < 6; partition++) {
    t.is(await answer(cluster, cluster.node(0), 'set', keyOf(cluster, partition), `${partition}`), 'OK');
  }
  for (let partition = 0; partition < 6; partition++) {
    t.is(await answer(cluster, cluster.node(1), 'get', keyOf(cluster, partition)), `${partition}`);
  }
});

test('what this node is primary of is read without a shard, while no write of it is under way', (t) => {
  const cluster = clusterOf(t);
  const node = cluster.node(0);
  const key = keyOf(cluster, 0);
  const session = new OrderedSession(1);
  const bytes = Buffer.from(key);
  const replies = ask(node, session, ['set', key, '1']);
  node.serve();
  node.receive();
  t.deepEqual(replies, [], 'it waits for the other copies');
  t.not(node.dispatcher.beginRead(bytes, 0, bytes.length), null);
  t.false(node.dispatcher.endRead(), 'what is read now may yet be lost');
  const other = ask(node, null, ['get', key]);
  t.deepEqual(other, []);
  node.acknowledge();
  node.receive();
  t.deepEqual(replies, ['OK']);
  t.not(node.dispatcher.beginRead(bytes, 0, bytes.length), null);
  t.true(node.dispatcher.endRead());
  t.deepEqual(ask(node, null, ['get', key]), ['1']);
});

test('nothing is read of a partition that is primary elsewhere', (t) => {
  const cluster = clusterOf(t);
  const bytes = Buffer.from(keyOf(cluster, 1));
  t.is(cluster.node(0).dispatcher.beginRead(bytes, 0, bytes.length), null);
});

test('a read that its gates close on is thrown away', (t) => {
  const cluster = clusterOf(t);
  const node = cluster.node(0);
  const bytes = Buffer.from(keyOf(cluster, 0));
  t.not(node.dispatcher.beginRead(bytes, 0, bytes.length), null);
  node.gates.setOpenForReads(0, false);
  t.false(node.dispatcher.endRead());
  t.is(node.dispatcher.beginRead(bytes, 0, bytes.length), null);
});

test('a write whose copy stops being primary before the others have it has an outcome that is not known', (t) => {
  const cluster = clusterOf(t);
  const node = cluster.node(0);
  const replies = ask(node, null, ['set', keyOf(cluster, 0), '1']);
  node.serve();
  node.receive();
  cluster.retire(0);
  node.receive();
  t.regex(String(replies[0]), /^error indeterminate/);
  t.is(node.dispatcher.inFlight, 0);
});

test('commands wait in order while a partition is without a node, and are run by the next', async (t) => {
  const cluster = clusterOf(t);
  const [one, other] = [cluster.node(0), cluster.node(1)];
  const key = keyOf(cluster, 0);
  const session = new OrderedSession(1);
  cluster.retire(0);
  cluster.tellAll();
  const replies = ask(one, session, ['append', key, 'a'], ['append', key, 'b'], ['get', key]);
  for (let turn = 0; turn < 5; turn++) cluster.turn();
  t.deepEqual(replies, []);
  t.is(one.dispatcher.waitingCommands, 3);
  t.is(session.inFlight, 3);
  cluster.promote(0, other);
  cluster.tellAll();
  await cluster.settle();
  t.deepEqual(replies, [1, 2, 'ab']);
  t.is(session.inFlight, 0);
});

test('commands that a shard refuses on the way are not overtaken by later ones it would take', async (t) => {
  const cluster = clusterOf(t);
  const node = cluster.node(0);
  const key = keyOf(cluster, 0);
  const [shard] = node.shards;
  shard?.refusals.set(0, RefusalReason.notReady);
  const replies = ask(node, new OrderedSession(1), ['append', key, 'a'], ['append', key, 'b']);
  node.serve(1);
  shard?.refusals.clear();
  await cluster.settle();
  t.deepEqual(replies, [1, 2]);
  t.deepEqual(cluster.log, [`append ${key} a`, `append ${key} b`]);
});

/** A command of partition 0 that another node asked for is refused: the partition is fenced, and nothing of it waits here. */
function fence(t: ExecutionContext, node: ClusterNode, key: string): void {
  const told: string[] = [];
  node.shards[0]?.refusals.set(0, RefusalReason.handingOver);
  const { args } = new ArgsBuffer().begin().text(key).text('x');
  const sink = { onReply: () => void told.push('reply'), onRefused: () => void told.push('refused') };
  node.dispatcher.runForwarded(commandTable.named('append'), args, 0, sink);
  node.serve();
  node.receive();
  t.deepEqual(told, ['refused']);
  node.shards[0]?.refusals.clear();
}

test('a command of several partitions lifts the fence of one only when nothing of the others is under way', async (t) => {
  const cluster = clusterOf(t);
  const node = cluster.node(0);
  const [fenced, key] = [keyOf(cluster, 0), keyOf(cluster, 3)];
  fence(t, node, fenced);
  node.shards[0]?.refusals.set(3, RefusalReason.handingOver);
  const replies = ask(node, new OrderedSession(1), ['set', key, 'first'], ['mset', fenced, 'x', key, 'second']);
  node.serve(1);
  node.shards[0]?.refusals.clear();
  await cluster.settle();
  t.deepEqual(replies, ['OK', 'OK']);
  t.is(await answer(cluster, node, 'get', key), 'second');
});

test('nor does a transaction', async (t) => {
  const cluster = clusterOf(t);
  const node = cluster.node(0);
  const [fenced, key] = [keyOf(cluster, 0), keyOf(cluster, 3)];
  fence(t, node, fenced);
  node.shards[0]?.refusals.set(3, RefusalReason.handingOver);
  const sessions = [new OrderedSession(1), new OrderedSession(1)] as const;
  const before = ask(node, sessions[0], ['append', key, 'a']);
  const replies = transact(node, sessions[1], [
    ['set', fenced, 'x'],
    ['strlen', key],
  ]);
  const behind = ask(node, sessions[0], ['append', key, 'b']);
  node.serve(1);
  node.shards[0]?.refusals.clear();
  await cluster.settle();
  t.deepEqual([before, replies, behind], [[1], [['OK', 1]], [2]]);
  t.is(await answer(cluster, node, 'get', key), 'ab');
});

for (const [reason, code] of [
  [RefusalReason.lost, 'cluster-down'],
  [RefusalReason.noLease, 'cluster-down'],
  [RefusalReason.tooFewInSync, 'too-few-copies'],
  [RefusalReason.overloaded, 'overloaded'],
] as const) {
  test(`a command refused for reason ${reason} is answered with ${code} at once`, (t) => {
    const cluster = clusterOf(t);
    const node = cluster.node(0);
    node.shards[0]?.refusals.set(0, reason);
    const replies = ask(node, null, ['set', keyOf(cluster, 0), '1']);
    node.serve();
    node.receive();
    t.regex(String(replies[0]), new RegExp(`^error ${code} `));
  });
}

for (const [reason, code] of [
  [RefusalReason.notPrimary, 'cluster-down'],
  [RefusalReason.handingOver, 'try-again'],
] as const) {
  test(`a command refused for reason ${reason} again and again is answered with ${code} when its time is over`, (t) => {
    const cluster = clusterOf(t, { dispatcher: { forwardTimeoutMs: 100 } });
    const node = cluster.node(0);
    node.shards[0]?.refusals.set(0, reason);
    const replies = ask(node, null, ['set', keyOf(cluster, 0), '1']);
    for (let ms = 0; ms < 95; ms += 5) {
      cluster.turn();
      cluster.nowMs += 5;
    }
    t.deepEqual(replies, []);
    cluster.nowMs += 10;
    for (let turn = 0; turn < 3; turn++) cluster.turn();
    t.regex(String(replies[0]), new RegExp(`^error ${code} `));
    t.is(node.dispatcher.inFlight, 0);
  });
}

test('a node whose lease is over waits for another for 100 ms, and then answers cluster-down at once; one that starts does not', (t) => {
  const cluster = clusterOf(t, { leaseEndsMs: Number.NEGATIVE_INFINITY });
  const node = cluster.node(0);
  const early = ask(node, null, ['set', keyOf(cluster, 1), '1']);
  t.deepEqual(early, [], 'it is sent to the other node');
  node.gates.setLease(2000);
  ask(node, null, ['get', keyOf(cluster, 0)]);
  cluster.retire(0);
  cluster.tellAll();
  const waiting = ask(node, null, ['get', keyOf(cluster, 0)]);
  t.deepEqual(waiting, []);
  cluster.nowMs = 2099;
  const moment = ask(node, null, ['get', keyOf(cluster, 3)]);
  node.dispatcher.look();
  t.deepEqual([moment, waiting], [[], []]);
  cluster.nowMs = 2100;
  t.regex(String(ask(node, null, ['get', keyOf(cluster, 1)])[0]), /^error cluster-down/);
  node.dispatcher.look();
  t.regex(String(waiting[0]), /^error cluster-down/);
  t.regex(String(moment[0]), /^error cluster-down/);
});

test('before the cluster is known a command is answered with not-ready', (t) => {
  const cluster = clusterOf(t);
  const node = cluster.node(0);
  node.hear({ ...cluster.state, settings: null, partitions: [] });
  t.regex(String(ask(node, null, ['get', 'a'])[0]), /^error not-ready/);
  t.regex(String(ask(node, null, ['dbsize'])[0]), /^error not-ready/);
});

test('a session that takes redirects is told slot and address of the node; any other is served', async (t) => {
  const cluster = clusterOf(t);
  const key = keyOf(cluster, 1);
  const session = new OrderedSession(1);
  session.wantsRedirects = true;
  const slot = Number(
    await answer(cluster, cluster.node(0), 'cluster|keyslot', 'keyslot', key).catch(() => Number.NaN),
  );
  const [reply] = ask(cluster.node(0), session, ['get', key]);
  t.regex(String(reply), /^error moved \d+ node-1:6379$/);
  if (Number.isInteger(slot)) t.is(reply, `error moved ${slot} node-1:6379`);
  t.deepEqual(ask(cluster.node(0), session, ['get', keyOf(cluster, 0)]), [null]);
  t.is(await answer(cluster, cluster.node(0), 'get', key), null);
});

test('a session that reads from replicas is answered by a copy that is current enough, and by no other', async (t) => {
  const cluster = clusterOf(t);
  const node = cluster.node(0);
  const key = keyOf(cluster, 1);
  await answer(cluster, node, 'set', key, 'v');
  const session = new OrderedSession(1);
  session.readsReplicas = true;
  node.gates.setRole(1, GateRole.replica);
  node.gates.setFresh(1, cluster.nowMs - 500);
  t.deepEqual(ask(node, session, ['get', key]), ['v']);
  const bytes = Buffer.from(key);
  t.not(node.dispatcher.beginRead(bytes, 0, bytes.length, session), null);
  t.true(node.dispatcher.endRead());
  t.is(node.dispatcher.beginRead(bytes, 0, bytes.length, null), null, 'who does not allow it');
  node.gates.setFresh(1, cluster.nowMs - 1500);
  t.not(node.dispatcher.beginRead(bytes, 0, bytes.length, session), null);
  t.false(node.dispatcher.endRead(), 'too old');
  const replies = ask(node, session, ['get', key]);
  t.deepEqual(replies, [], 'the primary is asked');
  await cluster.settle();
  t.deepEqual(replies, ['v']);
});

test('a session that reads from replicas sees what it wrote before, if it did not wait for the answer', async (t) => {
  const cluster = clusterOf(t);
  for (const node of [cluster.node(0), cluster.node(1)]) {
    const key = keyOf(cluster, 1);
    const session = new OrderedSession(1);
    session.readsReplicas = true;
    if (node === cluster.node(0)) {
      node.gates.setRole(1, GateRole.replica);
      node.gates.setFresh(1, cluster.nowMs);
    }
    const replies = ask(node, session, ['set', key, node.id], ['get', key]);
    await cluster.settle();
    t.deepEqual(replies, ['OK', node.id]);
  }
});

test('a link that is lost: a write under way is indeterminate, and later commands find the way again', async (t) => {
  const cluster = clusterOf(t);
  const node = cluster.node(0);
  const key = keyOf(cluster, 1);
  const link = node.links.get('node-1');
  const replies = ask(node, new OrderedSession(1), ['set', key, '1'], ['set', key, '2']);
  link?.lose();
  t.deepEqual(
    replies.map((reply) => String(reply).split(' ')[1]),
    ['indeterminate', 'indeterminate'],
  );
  if (link !== undefined) link.isUp = false;
  const waiting = ask(node, null, ['set', key, '3']);
  cluster.turn();
  t.deepEqual(waiting, []);
  if (link !== undefined) link.isUp = true;
  await cluster.settle();
  t.deepEqual(waiting, ['OK']);
});

test('commands over all keys are of all nodes, each for what it is primary of; for one that redirects, of this node', async (t) => {
  const cluster = clusterOf(t, { shards: 2 });
  for (let partition = 0; partition < 8; partition++) {
    await answer(cluster, cluster.node(0), 'set', keyOf(cluster, partition), '1');
  }
  t.is(await answer(cluster, cluster.node(1), 'dbsize'), 8);
  const keys = (await answer(cluster, cluster.node(1), 'keys', '*')) as string[];
  t.is(keys.length, 8);
  const session = new OrderedSession(2);
  session.wantsRedirects = true;
  const own = ask(cluster.node(1), session, ['dbsize']);
  await cluster.settle();
  t.deepEqual(own, [3]);
  t.true(keys.includes(String(await answer(cluster, cluster.node(1), 'randomkey'))));
});

test('SCAN from any node goes over the keys of all, each once', async (t) => {
  const cluster = clusterOf(t, { shards: 2 });
  const wanted: string[] = [];
  for (let partition = 0; partition < 8; partition++) {
    for (const name of ['a', 'b', 'c']) wanted.push(keyOf(cluster, partition, name));
  }
  for (const key of wanted) await answer(cluster, cluster.node(0), 'set', key, '1');
  const found: string[] = [];
  let cursor = '0';
  let calls = 0;
  do {
    const reply = (await answer(cluster, cluster.node(calls++), 'scan', cursor, 'COUNT', '2')) as [string, string[]];
    cursor = reply[0];
    found.push(...reply[1]);
    t.true(cursor.length <= 15);
  } while (cursor !== '0' && calls < 100);
  t.deepEqual(found.toSorted(), wanted.toSorted());
});

test('a survey waits while a partition is without a node, and says so when its time is over', async (t) => {
  const cluster = clusterOf(t, { dispatcher: { forwardTimeoutMs: 50 } });
  cluster.retire(3);
  cluster.tellAll();
  const first = ask(cluster.node(0), null, ['dbsize']);
  cluster.turn();
  t.deepEqual(first, []);
  cluster.promote(3, cluster.node(2));
  cluster.tellAll();
  await cluster.settle();
  t.deepEqual(first, [0]);
  cluster.retire(3);
  cluster.tellAll();
  const second = ask(cluster.node(0), null, ['dbsize']);
  cluster.nowMs += 51;
  cluster.turn();
  t.regex(String(second[0]), /^error cluster-down/);
});

test('nothing is told of all keys by a node whose lease is over: neither to its clients nor to another node', async (t) => {
  const cluster = clusterOf(t);
  const node = cluster.node(0);
  await answer(cluster, node, 'set', keyOf(cluster, 0), '1');
  const session = new OrderedSession(1);
  session.wantsRedirects = true;
  const surveys = [['dbsize'], ['keys', '*'], ['scan', '0'], ['randomkey']];
  const askAll = (): unknown[][] => [
    ...surveys.map((survey) => {
      const own = new OrderedSession(1);
      own.wantsRedirects = true;
      return ask(node, own, survey);
    }),
    ask(node, null, ['scan', '0']),
    ...surveys.map(([name = '', ...texts]) => {
      const told: unknown[] = [];
      const buffer = new ArgsBuffer().begin();
      for (const text of texts) buffer.text(text);
      node.dispatcher.runForwarded(commandTable.named(name), buffer.args, 0, {
        onReply: (reply) => void told.push(plainReply(reply)),
        onRefused: (reason) => void told.push(`refused ${reason}`),
      });
      return told;
    }),
  ];
  const endsMs = cluster.nowMs + 100;
  node.gates.setLease(endsMs);
  t.true(askAll().every((told) => told.length === 1 && !/^error|^refused/.test(String(told[0]))));
  cluster.nowMs = endsMs;
  const [, , , , , ...forwarded] = askAll();
  t.deepEqual(forwarded, [
    [`refused ${RefusalReason.noLease}`],
    [`refused ${RefusalReason.noLease}`],
    // It names a partition, which is not open here.
    [`refused ${RefusalReason.notPrimary}`],
    [`refused ${RefusalReason.noLease}`],
  ]);
  const waiting = askAll().slice(0, 5);
  t.deepEqual(waiting, [[], [], [], [], []]);
  cluster.nowMs = endsMs + 100;
  node.dispatcher.look();
  t.true(waiting.every((told) => /^error cluster-down/.test(String(told[0]))));
  t.is(node.dispatcher.inFlight, 0);
});

test('a survey that the lease ends under, or a part of which is refused, is begun anew', async (t) => {
  const cluster = clusterOf(t);
  const [node, other] = [cluster.node(0), cluster.node(1)];
  for (let partition = 0; partition < 8; partition++)
    await answer(cluster, node, 'set', keyOf(cluster, partition), '1');
  node.gates.setLease(cluster.nowMs);
  const session = new OrderedSession(1);
  session.wantsRedirects = true;
  const own = ask(node, session, ['dbsize']);
  const all = ask(node, null, ['dbsize']);
  node.dispatcher.look();
  t.deepEqual([own, all], [[], []]);
  node.gates.setLease(cluster.nowMs + 1000);
  other.gates.setLease(cluster.nowMs);
  cluster.turn();
  t.deepEqual([own, all], [[3], []]);
  other.gates.setLease(cluster.leaseEndsMs);
  await cluster.settle();
  t.deepEqual([own, all], [[3], [8]]);
});

test('what is seen of a partition that stops being primary here meanwhile is not told', (t) => {
  const cluster = clusterOf(t);
  const { gates } = cluster.node(0);
  const sight = new SurveySight(gates);
  t.deepEqual([...sight.shown], [1, 0, 0, 1, 0, 0, 1, 0]);
  t.is(sight.fault(cluster.nowMs, -1), null);
  t.is(sight.fault(cluster.nowMs, 3), null);
  t.is(sight.fault(cluster.nowMs, 1), RefusalReason.notPrimary, 'the one asked for was not shown');
  cluster.promote(1, cluster.node(0));
  t.is(sight.fault(cluster.nowMs, -1), null);
  cluster.retire(3);
  cluster.promote(3, cluster.node(0));
  t.is(sight.fault(cluster.nowMs, -1), RefusalReason.notPrimary, 'it was another one in between');
});

test('FLUSHALL reaches every node, behind what its connection sent before', async (t) => {
  const cluster = clusterOf(t, { shards: 2 });
  const session = new OrderedSession(2);
  const node = cluster.node(0);
  const replies = ask(node, session, ['set', keyOf(cluster, 1), '1'], ['flushall']);
  t.true(session.blocked);
  await cluster.settle();
  t.deepEqual(replies, ['OK', 'OK']);
  t.is(cluster.log.filter((line) => line.startsWith('flushall')).length, 6, 'two shards of three nodes');
  t.is(cluster.log[0], `set ${keyOf(cluster, 1)} 1`);
  t.false(session.blocked);
});

/** Queues the commands in a transaction and runs it. */
function transact(node: ClusterNode, session: OrderedSession | null, commands: readonly string[][]): unknown[] {
  const queue = new TransactionQueue(node.dispatcher, session);
  const replies: unknown[] = [];
  const scratch = new ReplyWriter();
  queue.begin(scratch);
  for (const [name = '', ...texts] of commands) {
    const buffer = new ArgsBuffer().begin();
    for (const text of texts) buffer.text(text);
    queue.queue(commandTable.named(name), buffer.args, new ReplyWriter());
  }
  queue.execute({ onReply: (reply) => void replies.push(plainReply(reply)) });
  return replies;
}

test('a transaction runs on the node of its keys, with commands of this node among its own', async (t) => {
  const cluster = clusterOf(t);
  const key = keyOf(cluster, 1);
  const commands = [['set', key, '1'], ['ping'], ['incr', key]].filter(([name]) => name !== 'ping');
  for (const node of [cluster.node(0), cluster.node(1)]) {
    const session = new OrderedSession(1);
    const replies = transact(node, session, commands);
    t.true(session.blocked);
    await cluster.settle();
    t.deepEqual(replies, [['OK', 2]]);
    t.false(session.blocked);
  }
  const far = keyOf(cluster, 2);
  const [refusal] = transact(cluster.node(0), null, [
    ['set', key, '1'],
    ['set', far, '1'],
  ]);
  t.regex(String(refusal), /^error cross-slot/);
  t.regex(String(transact(cluster.node(0), null, [['dbsize']])[0]), /^error transaction-aborted/);
});

test('a transaction that is refused, here or elsewhere, is run once when it can be', async (t) => {
  const cluster = clusterOf(t);
  const key = keyOf(cluster, 1);
  for (const node of [cluster.node(0), cluster.node(1)]) {
    cluster.node(1).shards[0]?.refusals.set(1, RefusalReason.notReady);
    const session = new OrderedSession(1);
    const before = ask(node, session, ['append', key, 'a']);
    const replies = transact(node, session, [
      ['append', key, 'b'],
      ['append', key, 'c'],
    ]);
    for (let turn = 0; turn < 3; turn++) cluster.turn();
    t.deepEqual(replies, []);
    cluster.retire(1);
    cluster.tellAll();
    cluster.turn();
    cluster.promote(1, cluster.node(1));
    cluster.node(1).shards[0]?.refusals.clear();
    cluster.tellAll();
    await cluster.settle();
    t.deepEqual([before, replies], [[1], [[2, 3]]]);
    await answer(cluster, node, 'del', key);
  }
});

test('keys of one command that must be together are refused when they are of two partitions', (t) => {
  const cluster = clusterOf(t);
  const [one, other] = [keyOf(cluster, 0), keyOf(cluster, 3)];
  t.regex(String(ask(cluster.node(0), null, ['msetnx', one, '1', other, '2'])[0]), /^error cross-slot/);
});

test('what another node asks for is run here or refused, and never sent on', (t) => {
  const cluster = clusterOf(t);
  const heard: unknown[] = [];
  const sink = {
    onReply: (reply: Parameters<typeof plainReply>[0]) => void heard.push(plainReply(reply)),
    onRefused: (reason: RefusalReason) => void heard.push(reason),
  };
  const run = (...[name = '', ...texts]: string[]): void => {
    const buffer = new ArgsBuffer().begin();
    for (const text of texts) buffer.text(text);
    cluster.node(0).dispatcher.runForwarded(commandTable.named(name), buffer.args, 0, sink);
  };
  run('get', keyOf(cluster, 0));
  run('get', keyOf(cluster, 1));
  cluster.node(0).gates.setLease(Number.NEGATIVE_INFINITY);
  run('set', keyOf(cluster, 0), '1');
  t.deepEqual(heard, [null, RefusalReason.notPrimary, RefusalReason.noLease]);
  t.is(cluster.node(0).dispatcher.inFlight, 0);
});

test('a node that shuts down refuses what is new and gives up what waits', (t) => {
  const cluster = clusterOf(t);
  const node = cluster.node(0);
  cluster.retire(0);
  cluster.tellAll();
  const waiting = ask(node, null, ['get', keyOf(cluster, 0)], ['dbsize']);
  node.dispatcher.close();
  t.regex(String(ask(node, null, ['get', 'a'])[0]), /^error shutting-down/);
  t.is(node.dispatcher.inFlight, 2);
  node.dispatcher.stop();
  t.is(waiting.length, 2);
  t.is(node.dispatcher.inFlight, 0);
});
