import test from 'ava';
import { monotonicMs } from '../../../../src/base/monotonic.ts';
import { ClusterControl } from '../../../../src/server/cluster/cluster-control.ts';
import { nodeHexId } from '../../../../src/server/cluster/node-hex-id.ts';
import type { Value } from '../../../command-runner.ts';
import { type FakeClusterView, linkTo } from '../../../fake-cluster-view.ts';
import { after, fence } from '../../cluster/controller/configuration.ts';
import { viewOf } from './cluster-stories.ts';
import { ConnectionRunner } from './connection-runner.ts';

const own = () => ({ host: '', tcpPort: 6379, busPort: 17_379 });
const [a, b, c] = ['a', 'b', 'c'].map(nodeHexId) as [string, string, string];

function connectionOf(view: FakeClusterView, isExecuting = false): ConnectionRunner {
  view.gates.setLease(monotonicMs() + 60_000);
  return new ConnectionRunner({ cluster: new ClusterControl(view, own) }, isExecuting);
}

function mapOf(fields: Readonly<Record<string, Value>>): Value {
  return new Map<Value, Value>(Object.entries(fields));
}

const three = ['a', 'b', 'c'];
/** c is primary of nothing, and holds copies of a. */
const placement = [
  ['a', 'c'],
  ['a', 'c'],
  ['b', 'a'],
  ['a', 'c'],
];

test('CLUSTER NODES tells a line a node, in the format of Redis', async (t) => {
  const view = viewOf('a', three, placement);
  view.tell({ links: [linkTo('b'), linkTo('c', { isConnected: false })] });
  const lines = String(await connectionOf(view).run('cluster nodes')).split('\n');
  t.is(lines.pop(), '');
  t.deepEqual(
    lines.sort(),
    [
      `${a} 10.0.0.1:6379@17379 myself,master - 0 0 1 connected 0-8191 12288-16383`,
      `${b} 10.0.0.2:6379@17379 master - 0 0 1 connected 8192-12287`,
      `${c} 10.0.0.3:6379@17379 slave ${a} 0 0 1 disconnected`,
    ].sort(),
  );
});

test('CLUSTER NODES tells who is taken for dead, and who has told no address', async (t) => {
  const view = viewOf('a', three, placement);
  const state = after(view.state, fence('c'), {
    type: 'register',
    node: 'd',
    boot: 1,
    address: 'd:7000',
    endpoints: { tcp: '', http: '', link: '' },
    weight: 1,
    zone: null,
    partitions: null,
  });
  view.become(state);
  const text = String(await connectionOf(view).run('cluster nodes'));
  t.true(text.includes(`${c} 10.0.0.3:6379@17379 master,fail - 0 0 0 disconnected\n`));
  t.true(text.includes(`${nodeHexId('d')} :0@7000 master,noaddr - 0 0 0 disconnected\n`));
});

test('CLUSTER SLOTS gives runs of slots with their primary and in-sync replicas', async (t) => {
  const view = viewOf('b', three, placement);
  const node = (number: number, id: string) => [`10.0.0.${number}`, 6379, id, []];
  t.deepEqual(await connectionOf(view).run('cluster slots'), [
    [0, 8191, node(1, a), node(3, c)],
    [8192, 12_287, node(2, b), node(1, a)],
    [12_288, 16_383, node(1, a), node(3, c)],
  ]);
});

test('CLUSTER SLOTS leaves out what nobody serves, and replicas that are dead', async (t) => {
  const view = viewOf('a', three, [['b'], ['a', 'c']]);
  view.become(after(view.state, fence('b'), fence('c')));
  t.deepEqual(await connectionOf(view).run('cluster slots'), [[8192, 16_383, ['10.0.0.1', 6379, a, []]]]);
});

test('CLUSTER SHARDS groups the slots that have the same copies', async (t) => {
  const view = viewOf('a', three, placement);
  const node = (number: number, id: string, role: string) =>
    mapOf({
      id,
      port: 6379,
      ip: `10.0.0.${number}`,
      endpoint: `10.0.0.${number}`,
      role,
      'replication-offset': 0,
      health: 'online',
    });
  t.deepEqual(await connectionOf(view).run('cluster shards'), [
    mapOf({ slots: [0, 8191, 12_288, 16_383], nodes: [node(1, a, 'master'), node(3, c, 'replica')] }),
    mapOf({ slots: [8192, 12_287], nodes: [node(2, b, 'master'), node(1, a, 'replica')] }),
  ]);
});

test('CLUSTER REPLICAS tells the holders of copies of one node, and no node that there is not', async (t) => {
  const client = connectionOf(viewOf('a', three, placement));
  const replicas = (await client.run(`cluster replicas ${b}`)) as string[];
  t.is(replicas.length, 1);
  t.regex(String(replicas[0]), new RegExp(`^${a} `));
  t.deepEqual(await client.run(`cluster slaves ${c}`), []);
  t.deepEqual(await client.fault('cluster replicas x'), 'ERR Unknown node x');
});

test('CLUSTER INFO tells whether all slots are served, and whether this node may serve', async (t) => {
  const view = viewOf('a', three, placement);
  view.tell({ links: [linkTo('b', { sentMessages: 5, receivedMessages: 6, droppedMessages: 1 }), linkTo('c')] });
  const client = connectionOf(view);
  t.is(
    await client.run('cluster info'),
    [
      'cluster_state:ok',
      'cluster_slots_assigned:16384',
      'cluster_slots_ok:16384',
      'cluster_slots_pfail:0',
      'cluster_slots_fail:0',
      'cluster_known_nodes:3',
      'cluster_size:2',
      'cluster_current_epoch:1',
      'cluster_my_epoch:1',
      'cluster_stats_messages_sent:5',
      'cluster_stats_messages_received:6',
      'total_cluster_links_buffer_limit_exceeded:1',
      '',
    ].join('\r\n'),
  );
  view.gates.setLease(monotonicMs() - 1);
  t.regex(String(await client.run('cluster info')), /^cluster_state:fail\r\n/);
});

test('CLUSTER INFO counts the slots that nobody serves', async (t) => {
  const view = viewOf('a', three, [['b'], ['a', 'c']]);
  view.become(after(view.state, fence('b')));
  const text = String(await connectionOf(view).run('cluster info'));
  t.regex(text, /^cluster_state:fail\r\ncluster_slots_assigned:16384\r\ncluster_slots_ok:8192\r\n/);
  t.regex(text, /cluster_slots_fail:8192\r\n/);
});

test('CLUSTER MYID, LINKS and COUNT-FAILURE-REPORTS tell as Redis does', async (t) => {
  const view = viewOf('b', three, placement);
  view.tell({ links: [linkTo('a', { connectedAtMs: 77, queuedBytes: 9 }), linkTo('c', { isConnected: false })] });
  const client = connectionOf(view);
  t.is(await client.run('cluster myid'), b);
  const sizes = { 'send-buffer-allocated': 9, 'send-buffer-used': 9 };
  const link = mapOf({ direction: 'to', node: a, 'create-time': 77, events: 'rw', ...sizes });
  t.deepEqual(await client.run('cluster links'), [link]);
  t.is(await client.run(`cluster count-failure-reports ${c}`), 0);
});

test('a node that the cluster has not taken in tells itself, at the address its client has reached', async (t) => {
  const view = viewOf('new', three, placement);
  const text = String(await connectionOf(view).run('cluster nodes'));
  t.true(text.includes(`${nodeHexId('new')} 127.0.0.1:6379@17379 myself,master - 0 0 0 connected\n`), text);
  t.is(text.split('\n').length, 5);
});

test('HELLO and ROLE say what the node is in the cluster', async (t) => {
  t.deepEqual(await connectionOf(viewOf('a', three, placement)).run('role'), [
    'master',
    0,
    [['10.0.0.3', '6379', '0']],
  ]);
  t.deepEqual(await connectionOf(viewOf('c', three, placement)).run('role'), [
    'slave',
    '10.0.0.1',
    6379,
    'connected',
    0,
  ]);
  const hello = (await connectionOf(viewOf('c', three, placement)).run('hello')) as Map<Value, Value>;
  t.deepEqual([hello.get('mode'), hello.get('role')], ['cluster', 'replica']);
});

test('WAIT answers how many copies every write has, at once when they are enough', async (t) => {
  const view = viewOf('a', three, placement);
  const client = connectionOf(view);
  t.is(await client.run('wait 1 0'), 1);
  t.is(await client.run('wait 0 0'), 1);
  t.is(await client.run('wait 2 5'), 1);
  t.is(view.listenerCount, 0);
});

test('WAIT goes on when a copy comes in sync', async (t) => {
  const view = viewOf('a', three, placement);
  const whole = view.state;
  view.become(after(whole, fence('c')));
  const answer = connectionOf(view).run('wait 1 0');
  t.is(view.listenerCount, 1);
  view.become(whole);
  t.is(await answer, 1);
  t.is(view.listenerCount, 0);
});

test('CLUSTER REPORT is the JSON text of the report, with partitions when asked for', async (t) => {
  const client = connectionOf(viewOf('a', three, placement));
  const report = JSON.parse(String(await client.run('cluster report')));
  t.like(report, { self: 'a', partitions: { total: 4, online: 4 } });
  t.false('table' in report);
  t.is(JSON.parse(String(await client.run('cluster report partitions'))).table.length, 4);
  t.is(await client.fault('cluster report all'), 'ERR syntax error');
});

test('CLUSTER CONTROL, FORGET and FAILOVER hand over what they are asked', async (t) => {
  const view = viewOf('c', three, placement);
  const client = connectionOf(view);
  t.like(JSON.parse(String(await client.run('cluster control drain {"node":"b"}'))), {
    ok: true,
    result: 'accepted',
  });
  t.regex(String(await client.fault('cluster control drain {}')), /the field 'node' is missing/);
  t.is(await client.run('cluster failover'), 'OK');
  t.is(await client.run(`cluster forget ${a}`), 'OK');
  t.deepEqual(
    view.submitted.map(({ type }) => type),
    ['drain', 'stop', 'drain'],
  );
  t.is(
    await connectionOf(viewOf('a', three, placement)).fault('cluster failover'),
    'ERR You should send CLUSTER FAILOVER to a replica',
  );
});

test('a connection is redirected once it has shown that it speaks cluster', async (t) => {
  for (const line of ['cluster slots', 'cluster nodes', 'cluster shards', 'asking', 'client capa other redirect']) {
    const client = connectionOf(viewOf('a', three, placement));
    await client.run('client capa other');
    t.false(client.connection.wantsRedirects);
    await client.run(line);
    t.true(client.connection.wantsRedirects, line);
    t.false(client.connection.readsReplicas, line);
  }
});

test('READONLY lets replicas answer, and READWRITE ends that', async (t) => {
  const client = connectionOf(viewOf('a', three, placement));
  t.is(await client.run('readonly'), 'OK');
  t.true(client.connection.readsReplicas);
  t.is(await client.run('readwrite'), 'OK');
  t.false(client.connection.readsReplicas);
  t.true(client.connection.wantsRedirects);
});

test('WAIT does not wait in a transaction, nor for a client that has gone', async (t) => {
  const view = viewOf('a', three, placement);
  t.is(await connectionOf(view, true).run('wait 3 0'), 1);
  t.is(view.listenerCount, 0);
  const client = connectionOf(view);
  const answer = client.run('wait 3 0');
  client.isThere = false;
  t.is(await answer, 1);
  t.is(view.listenerCount, 0);
});
