import test, { type ExecutionContext } from 'ava';
import {
  type ClientOptions,
  ConnectionError,
  createClient,
  type FluxClient,
  ReplyError,
  TimeoutError,
} from '../../../src/index.ts';
import { ScriptedCluster, type ScriptedRange } from '../../scripted-cluster.ts';
import { answer, packed, refuse } from '../../scripted-rpc-server.ts';

/** Slots of a: 15495, b: 3300, c: 7365, of which each node has one. */
const THIRDS: readonly ScriptedRange[] = [
  [0, 5460, 0, 1],
  [5461, 10_922, 1, 2],
  [10_923, 16_383, 2, 0],
];
const HOME = { a: 2, b: 0, c: 1 } as const;
/** Quick to come back; patient with a machine that is busy with other tests. */
const QUICK: ClientOptions = {
  commandTimeoutMs: 60_000,
  connectTimeoutMs: 60_000,
  reconnect: { delayMsFirst: 1, delayMsMax: 20 },
  retry: { delayMsFirst: 1, delayMsMax: 20 },
};

async function clusterOf(t: ExecutionContext, ranges = THIRDS): Promise<ScriptedCluster> {
  const cluster = await new ScriptedCluster(ranges).start(3);
  t.teardown(() => cluster.stop());
  return cluster;
}

function clientOf(t: ExecutionContext, cluster: ScriptedCluster, options: ClientOptions = {}): FluxClient {
  const seeds = { endpoints: cluster.servers.map(({ port }) => `127.0.0.1:${port}`) };
  const client = createClient({ ...seeds, ...QUICK, ...options });
  t.teardown(() => client.destroy());
  return client;
}

/** Resolves once `isSo`, looked at after every turn of the event loop. */
async function until(isSo: () => boolean, limitMs = 20_000): Promise<void> {
  const deadlineMs = performance.now() + limitMs;
  while (!isSo()) {
    if (performance.now() > deadlineMs) throw new Error(`it was not so within ${limitMs} ms: ${String(isSo)}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

function topologyOf(client: FluxClient): Promise<unknown> {
  return new Promise((resolve) => client.on('topology', resolve));
}

test('one endpoint is enough to find the others, and each key is asked of its own node', async (t) => {
  const cluster = await clusterOf(t);
  const client = createClient({ ...QUICK, port: cluster.port(1) });
  t.teardown(() => client.destroy());
  await Promise.all([client.set('a', 1), client.set('b', 2), client.set('c', 3)]);
  t.deepEqual(await Promise.all([client.get('a'), client.get('b'), client.get('c')]), [1, 2, 3]);
  for (const { node, params, outcome } of cluster.served) {
    t.is(node, HOME[params[0] as keyof typeof HOME]);
    t.is(outcome, 'ran');
  }
  t.is(cluster.served.length, 6);
  t.deepEqual(cluster.maps, [1]);
});

test('a server that says nothing of a cluster is asked for no map', async (t) => {
  const cluster = await new ScriptedCluster([[0, 16_383, 0]]).start(1, []);
  t.teardown(() => cluster.stop());
  const client = createClient({ ...QUICK, port: cluster.port(0) });
  t.teardown(() => client.destroy());
  t.true(await client.set('a', 1));
  t.deepEqual(await client.mget(['a', 'b']), [1, null]);
  t.deepEqual(cluster.servers[0]?.methods, ['set', 'mget']);
});

test('a client that is told of no cluster leaves it to the node it knows to pass calls on', async (t) => {
  const cluster = await clusterOf(t);
  const client = createClient({ ...QUICK, port: cluster.port(1), cluster: false });
  t.teardown(() => client.destroy());
  await Promise.all([client.set('a', 1), client.set('b', 2)]);
  t.deepEqual(cluster.nodesOf('set'), [1, 1]);
  t.deepEqual(cluster.maps, []);
});

test('endpoints that are gone or answer garbage are passed over, and so is a map that cannot be right', async (t) => {
  const cluster = await clusterOf(t);
  await cluster.servers[0]?.stop();
  const wrong = [
    'nonsense',
    [],
    [[0, 20_000, ['127.0.0.1', 1]]],
    [[5, 4, ['127.0.0.1', 1]]],
    [[0, 5, ['127.0.0.1', 'x']]],
    [[0, 5]],
    [
      [0, 5, ['127.0.0.1', 1]],
      [5, 9, ['127.0.0.1', 2]],
    ],
  ];
  for (const map of wrong) {
    cluster.mapOf = (node) => (node === 1 ? map : cluster.slots([[0, 16_383, 2]]));
    cluster.ranges = [[0, 16_383, 2]];
    const client = clientOf(t, cluster);
    t.true(await client.set('a', 1));
    client.destroy();
  }
  cluster.intercept = (node, { method, socket }) => {
    if (node !== 1 || method !== 'cluster slots') return false;
    socket.write(Buffer.from([0xc1, 0xff, 0, 1]));
    return true;
  };
  t.true(await clientOf(t, cluster).set('a', 1));
  t.is(cluster.redirected, 0);
});

test('a node that says nothing at all does not keep the client from asking another', async (t) => {
  const cluster = await clusterOf(t);
  cluster.intercept = (node, { method }) => node !== 2 && method === 'cluster slots';
  t.true(await clientOf(t, cluster).set('a', 1));
  t.deepEqual(cluster.maps, [2]);
});

test('a call that meets the wrong node goes to the right one at once, and the map is asked for again', async (t) => {
  const cluster = await clusterOf(t);
  const client = clientOf(t, cluster, { retry: { attemptsMax: 1 } });
  t.true(await client.set('b', 1));
  // The whole first third has moved.
  cluster.ranges = [[0, 10_922, 1], THIRDS[2] as ScriptedRange];
  const learnt = topologyOf(client);
  t.is(await client.get('b'), 1);
  t.deepEqual(
    cluster.served.slice(1).map(({ node, outcome }) => [node, outcome]),
    [
      [0, 'moved'],
      [1, 'ran'],
    ],
  );
  await learnt;
  t.is(await client.get('b'), 1);
  t.is(await client.get('{b}other'), null);
  t.is(cluster.redirected, 1);
});

test('a call goes where a redirect told, whatever an old map says', async (t) => {
  const cluster = await clusterOf(t);
  const old = cluster.slots();
  cluster.mapOf = () => old;
  const client = clientOf(t, cluster);
  await client.connect();
  cluster.ranges = [[0, 16_383, 2]];
  t.true(await client.set('b', 1));
  t.true(await client.set('c', 1));
  t.deepEqual(cluster.nodesOf('set'), [2, 2]);
});

test('nodes that send a call to each other in circles are gone around by one that passes it on', async (t) => {
  const cluster = await clusterOf(t);
  const client = clientOf(t, cluster);
  await client.connect();
  let isSettled = false;
  cluster.intercept = (node, request) => {
    // Connections that want redirects get them, from either of two nodes to the other.
    if (request.method !== 'get' || isSettled || cluster.redirected > 1) return false;
    cluster.served.push({ node, method: 'get', params: request.params, outcome: 'moved' });
    refuse(request, 'moved', true);
    return true;
  };
  t.is(await client.get('b'), null);
  isSettled = true;
  t.is(cluster.redirected, 2);
});

test('a command whose key is not where the client looks for it, and one of several nodes, succeed all the same', async (t) => {
  const cluster = await clusterOf(t);
  const client = clientOf(t, cluster);
  await client.mset({ a: 1, b: 2, c: 3 });
  t.deepEqual(await client.call('mget', 'a', 'b', 'c'), [1, 2, 3]);
  t.is(await client.call('object', 'freq', 'b'), 'PONG');
  t.deepEqual(cluster.nodesOf('object'), [0]);
});

test('calls of several keys are made of calls to the nodes that have them, and put together in their order', async (t) => {
  const cluster = await clusterOf(t);
  const client = clientOf(t, cluster);
  await client.connect();
  await client.mset({ a: 1, b: 2, c: 3, '{a}x': 4 });
  t.deepEqual(await client.mget(['{a}x', 'b', 'none', 'c', 'a', 'b']), [4, 2, null, 3, 1, 2]);
  t.is(await client.exists('a', 'b', 'none', 'b'), 3);
  t.is(await client.delete('a', 'b', 'none'), 2);
  t.deepEqual(await client.mget(['a', 'b', 'c']), [null, null, 3]);
  t.is(cluster.redirected, 0);
  t.deepEqual(cluster.nodesOf('mset').sort(), [0, 1, 2]);
  const { served } = cluster;
  t.deepEqual(served.find(({ method, node }) => method === 'mset' && node === 2)?.params, ['a', 1, '{a}x', 4]);
});

test('when a part of such a write fails, the error says that something may have been applied', async (t) => {
  const cluster = await clusterOf(t);
  const client = clientOf(t, cluster);
  await client.connect();
  cluster.intercept = (node, request) => {
    if (node !== 1 || !/^mset|^mget/.test(request.method)) return false;
    refuse(request, 'wrong-type');
    return true;
  };
  const error = await t.throwsAsync(client.mset({ a: 1, b: 2, c: 3 }), { instanceOf: ReplyError, code: 'wrong-type' });
  t.like(error, { maybeApplied: true, retryable: false });
  t.deepEqual([...cluster.values.keys()].sort(), ['a', 'b']);
  const read = await t.throwsAsync(client.mget(['a', 'c']), { code: 'wrong-type' });
  t.like(read, { maybeApplied: false });
});

test('a batch is one request for each node, and what has moved in between is run where it is', async (t) => {
  const cluster = await clusterOf(t);
  const client = clientOf(t, cluster);
  await client.connect();
  const results = await client.batch((batch) => [
    batch.set('a', 1),
    batch.set('b', 2),
    batch.ping(),
    batch.get('a'),
    batch.mget(['a', 'b', 'c']),
  ]);
  const values = results.map((result) => (result.ok ? result.value : result.error.code));
  t.deepEqual(values, [true, true, 'PONG', 1, [1, 2, null]]);
  cluster.ranges = [[0, 16_383, 1]];
  const moved = await client.batch((batch) => [batch.get('a'), batch.incr('b'), batch.get('b')]);
  t.deepEqual(
    moved.map((result) => (result.ok ? result.value : result.error.code)),
    [1, 3, 3],
  );
  t.deepEqual(await client.batch(() => []), []);
});

test('when one node of a batch is lost, its operations have errors of their own', async (t) => {
  const cluster = await clusterOf(t);
  const client = clientOf(t, cluster);
  await client.connect();
  cluster.intercept = (node, { method, socket }) => {
    if (node !== 0 || method !== 'batch') return false;
    socket.destroy();
    return true;
  };
  const [one, two] = await client.batch((batch) => [batch.incr('a'), batch.incr('b')]);
  t.deepEqual(one, { ok: true, value: 1 });
  t.true(!two.ok && two.error instanceof ConnectionError && two.error.maybeApplied);
  await t.throwsAsync(
    client.batch((batch) => [batch.incr('b')]),
    { instanceOf: ConnectionError },
  );
});

test('calls wait through a failover: what was not sent goes to the new primary, and reads are made again there', async (t) => {
  const cluster = await clusterOf(t);
  const client = clientOf(t, cluster);
  t.true(await client.set('b', 'before'));
  cluster.intercept = (node) => node === 0;
  const sent = client.get('b');
  const unknown = t.throwsAsync(client.incr('b'), { instanceOf: ConnectionError });
  await until(() => cluster.servers[0]?.methods.includes('incrby') === true);
  await cluster.servers[0]?.stop();
  t.like(await unknown, { maybeApplied: true, retryable: false });
  const waiting = [client.set('b', 'after'), client.set('{b}x', 1)];
  const refused = cluster.maps.length;
  await until(() => cluster.maps.length > refused + 1);
  cluster.ranges = [
    [0, 10_922, 1],
    [10_923, 16_383, 2],
  ];
  t.deepEqual(await Promise.all(waiting), [true, true]);
  t.true(['before', 'after'].includes(String(await sent)));
  t.is(await client.get('b'), 'after');
});

test('a cluster that is down is waited for beyond the number of attempts, for as long as a call has time', async (t) => {
  const cluster = await clusterOf(t);
  const client = clientOf(t, cluster, { retry: { attemptsMax: 2, delayMsFirst: 1, delayMsMax: 5 } });
  await client.connect();
  let refusals = 0;
  const codes = ['cluster-down', 'try-again', 'overloaded', 'not-ready', 'shutting-down', 'too-few-copies'];
  cluster.intercept = (_node, request) => {
    if (request.method !== 'incrby' || refusals === 12) return false;
    refuse(request, codes[refusals++ % codes.length] as string, true);
    return true;
  };
  t.is(await client.incr('a'), 1);
  t.is(refusals, 12);
  // One that is told not to try again does not, and one whose time is up says what it was refused for.
  refusals = 0;
  await t.throwsAsync(client.incr('a', 1, { retryable: false }), { code: 'cluster-down' });
  // It tries again so seldom that its time is up between two attempts, and not within one.
  const seldom = clientOf(t, cluster, { retry: { attemptsMax: 2, delayMsFirst: 60_000, delayMsMax: 60_000 } });
  await seldom.connect();
  cluster.ranges = [];
  cluster.intercept = () => false;
  const error = await t.throwsAsync(seldom.incr('a', 1, { timeoutMs: 1000 }), { instanceOf: TimeoutError });
  t.regex(error?.message ?? '', /(in time|until its time was up)\. it is cluster-down/);
  t.like(error, { maybeApplied: false, retryable: true });
});

test('when all nodes are gone calls wait, and are made when the nodes are back', async (t) => {
  const cluster = await clusterOf(t);
  const client = clientOf(t, cluster);
  await client.mset({ a: 1, b: 2, c: 3 });
  const lost = new Set<string>();
  // One node may be told of in several ways.
  client.on('error', ({ message }) => {
    const address = /127\.0\.0\.1:\d+/.exec(message);
    if (address !== null) lost.add(address[0]);
  });
  await Promise.all(cluster.servers.map((server) => server.stop()));
  await until(() => lost.size === 3);
  const reads = Promise.all([client.get('a'), client.get('b'), client.get('c'), client.ping()]);
  const writes = Promise.all([client.set('a', 4), client.set('b', 5)]);
  await t.throwsAsync(client.get('a', { timeoutMs: 30 }), { instanceOf: TimeoutError, message: /ECONNREFUSED/ });
  await Promise.all([0, 1, 2].map((node) => cluster.restart(node)));
  const [a, b, c, pong] = await reads;
  t.deepEqual([a, b, c, pong], [1, 2, 3, 'PONG']);
  t.deepEqual(await writes, [true, true]);
});

test('calls wait for the first map as well, when no endpoint is there yet', async (t) => {
  const cluster = await clusterOf(t);
  await Promise.all(cluster.servers.map((server) => server.stop()));
  const client = clientOf(t, cluster);
  await t.throwsAsync(client.connect(), { instanceOf: ConnectionError });
  const call = client.set('a', 1);
  await cluster.restart(2);
  cluster.ranges = [[0, 16_383, 2]];
  t.true(await call);
});

test('a map that changes all the time loses no call, and a counter counts each once', async (t) => {
  const cluster = await clusterOf(t);
  const client = clientOf(t, cluster);
  await client.connect();
  const keys = Array.from({ length: 40 }, (_, index) => `k${index}`);
  let isOver = false;
  let moves = 0;
  const moving = (async () => {
    while (!isOver) {
      const cut = Math.floor(Math.random() * 16_384);
      const [one, two] = [moves % 3, (moves + 1) % 3];
      cluster.ranges =
        cut === 0
          ? [[0, 16_383, one]]
          : [
              [0, cut - 1, one],
              [cut, 16_383, two],
            ];
      moves++;
      await new Promise((resolve) => setTimeout(resolve, 3));
    }
  })();
  for (let round = 0; round < 12; round++) {
    await Promise.all(keys.map((key) => client.incr(key)));
    t.deepEqual(
      await client.mget(keys),
      keys.map(() => round + 1),
    );
  }
  isOver = true;
  await moving;
  t.true(moves > 5);
  t.true(cluster.redirected > 0);
});

test('reads may go to replicas, writes never do, and a replica that refuses sends a read to the primary', async (t) => {
  const cluster = await clusterOf(t);
  const client = clientOf(t, cluster, { readFrom: 'replica' });
  t.true(await client.set('b', 1));
  t.is(await client.get('b'), 1);
  t.deepEqual([cluster.nodesOf('set'), cluster.nodesOf('get')], [[0], [1]]);
  cluster.ranges = THIRDS.map(([first, last, primary]) => [first, last, primary]);
  t.is(await client.get('b'), 1);
  t.deepEqual(cluster.nodesOf('get'), [1, 0]);
});

test('reads from any node are spread over all that have the key, and a lost one is left out', async (t) => {
  const cluster = await clusterOf(t, [[0, 16_383, 0, 1, 2]]);
  const client = clientOf(t, cluster, { readFrom: 'any' });
  await client.connect();
  for (let read = 0; read < 30; read++) await client.get('a');
  t.deepEqual([...new Set(cluster.nodesOf('get'))].sort(), [0, 1, 2]);
  await cluster.servers[1]?.stop();
  for (let read = 0; read < 30; read++) t.is(await client.get('a'), null);
});

test('a subscription is made again on another node when its own is lost', async (t) => {
  const cluster = await clusterOf(t);
  const client = clientOf(t, cluster);
  const news = await client.subscribe('news');
  const [first] = cluster.subscribers;
  await cluster.servers[first?.node ?? 0]?.stop();
  await until(() => cluster.subscribers.length === 2);
  const second = cluster.subscribers[1];
  t.not(second?.node, first?.node);
  second?.socket.write(packed([2, 'message', ['news', 'hello']]));
  t.deepEqual(await news.next(), { done: false, value: { channel: 'news', payload: 'hello', pattern: null } });
  t.is(news.interruptions, 1);
});

test('a subscription leaves a node that has no keys any longer, as one does that stopped without a word', async (t) => {
  const cluster = await clusterOf(t);
  const client = clientOf(t, cluster);
  await client.connect();
  await client.subscribe('news');
  const lapsed = cluster.subscribers[0]?.node ?? 0;
  const [one, two] = [0, 1, 2].filter((node) => node !== lapsed) as [number, number];
  cluster.ranges = [
    [0, 8191, one],
    [8192, 16_383, two],
  ];
  // Whichever of these meets the wrong node makes the client ask for the map.
  await Promise.all([client.get('a'), client.get('b'), client.get('c')]);
  await until(() => cluster.subscribers.length === 2);
  t.not(cluster.subscribers[1]?.node, lapsed);
});

test('a node that falls silent is given up once others have taken its place: reads go on there', async (t) => {
  const cluster = await clusterOf(t);
  const client = clientOf(t, cluster);
  await client.set('b', 1);
  cluster.intercept = (node) => node === 0;
  const read = client.get('b');
  const write = t.throwsAsync(client.incr('b'), { instanceOf: ConnectionError, message: /taken (its|the) place/ });
  cluster.ranges = [
    [0, 10_922, 1],
    [10_923, 16_383, 2],
  ];
  t.is(await read, 1);
  t.like(await write, { maybeApplied: true });
});

test('a user who may not see the map is served by the node that is asked', async (t) => {
  const cluster = await clusterOf(t);
  cluster.intercept = (_node, request) => {
    if (request.method !== 'cluster slots') return false;
    refuse(request, 'forbidden');
    return true;
  };
  const client = clientOf(t, cluster);
  t.true(await client.set('a', 1));
  t.true(await client.set('b', 1));
  t.is(cluster.redirected, 0);
});

test('closing waits for calls, and destroying does not, in the middle of a request for the map', async (t) => {
  const cluster = await clusterOf(t);
  const asked: (() => void)[] = [];
  cluster.intercept = (_node, request) => {
    if (request.method !== 'cluster slots') return false;
    asked.push(() => answer(request, cluster.slots()));
    return true;
  };
  const patient = clientOf(t, cluster);
  const call = patient.set('a', 1);
  const closed = patient.close();
  await until(() => asked.length > 0);
  asked[0]?.();
  t.true(await call);
  await closed;
  const hasty = clientOf(t, cluster);
  const lost = t.throwsAsync(hasty.set('a', 1), { code: 'closed' });
  const before = asked.length;
  await until(() => asked.length > before);
  hasty.destroy();
  await lost;
  await until(() => cluster.servers.every(({ sockets }) => sockets.size === 0));
  t.pass();
});
