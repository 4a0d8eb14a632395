import test from 'ava';
import fc from 'fast-check';
import type { NodeSample } from '../../../../../src/monitoring/dashboard/feed.ts';
import { clusterGlance } from '../../../../../src/monitoring/dashboard/page/cluster-glance.js';
import { EventSourceParser } from '../../../../../src/monitoring/dashboard/page/event-source-parser.js';
import { SampleHistory } from '../../../../../src/monitoring/dashboard/page/sample-history.js';
import { idleSample } from './idle-sample.ts';

test('events come out of the stream however it is cut', (t) => {
  const stream =
    'retry: 1000\n\n: idle\n\nevent: hello\ndata: {"a":1}\n\nevent:sample\r\ndata:{"b":\ndata: 2}\r\n\r\ndata\n\nevent: cut\ndata: 1';
  const expected = [
    ['hello', '{"a":1}'],
    ['sample', '{"b":\n2}'],
  ];
  fc.assert(
    fc.property(fc.array(fc.nat(stream.length)), (cuts) => {
      const events: string[][] = [];
      const parser = new EventSourceParser((name: string, data: string) => events.push([name, data]));
      const places = [0, ...cuts.sort((a, b) => a - b), stream.length];
      for (const [index, place] of places.entries()) parser.push(stream.slice(place, places[index + 1] ?? place));
      t.deepEqual(events, expected);
    }),
  );
});

test('the page keeps half an hour of samples, each once, whatever the node tells again', (t) => {
  const history = new SampleHistory();
  let changes = 0;
  history.onChange(() => changes++);
  history.add([at(1000), at(2000)]);
  history.add([at(1000), at(2000), at(3000)]);
  history.add([at(3000)]);
  t.deepEqual(
    history.all.map(({ atMs }) => atMs),
    [1000, 2000, 3000],
  );
  t.is(changes, 2);
  history.add([at(1000 + 30 * 60_000 + 500)]);
  t.deepEqual(
    history.all.map(({ atMs }) => atMs),
    [2000, 3000, 1_801_500],
  );
  // The node's clock was set back.
  history.add([at(5000)]);
  t.deepEqual(
    history.all.map(({ atMs }) => atMs),
    [5000],
  );
});

test('the cluster in few words is as bad as the worst of it', (t) => {
  t.deepEqual(glance({}), { tone: 'ok', text: '3 nodes' });
  t.deepEqual(glance({ isBalanced: false }), { tone: 'ok', text: '3 nodes, rebalancing' });
  t.deepEqual(glance({ health: 'stopped' }), { tone: 'warn', text: '2 of 3 nodes' });
  t.is(glance({ health: 'down', underReplicated: 4 }).text, '2 of 3 nodes, 4 of 64 partitions lack copies');
  t.deepEqual(glance({ health: 'fenced', offline: 1, underReplicated: 4 }), {
    tone: 'bad',
    text: '2 of 3 nodes, 1 of 64 partitions offline',
  });
  t.is(clusterGlance({ ...report({}), settings: null }).tone, 'warn');
});

function glance(differences: Parameters<typeof report>[0]): ReturnType<typeof clusterGlance> {
  return clusterGlance(report(differences));
}

function report({ health = 'up', offline = 0, underReplicated = 0, isBalanced = true }) {
  const node = {
    ...{
      id: 'n',
      redisId: '',
      isSelf: false,
      tcp: '',
      http: '',
      bus: '',
      zone: null,
      weight: 1,
      boot: 1,
      health: 'up',
    },
    ...{ isDraining: false, isLeaving: false, isVoter: true, isLeader: false, primaries: 0, replicas: 0, filling: 0 },
    ...{ placed: 0, lagRecords: null, lagMs: null },
  };
  const totals = {
    total: 64,
    online: 64 - offline,
    offline,
    underReplicated,
    soleCopy: 0,
    misplaced: 0,
    epochMax: 1,
    losses: 0,
  };
  return {
    ...{ clusterId: 'c', self: 'n', leader: 'n', term: 1, leaseLeftMs: 1, lacks: [], partitions: totals },
    settings: { partitions: 64, copies: 2, minInSync: 1, onLoss: 'wait', leaseMs: 1000 },
    nodes: [node, node, { ...node, health }],
    rebalance: { moves: 0, isBalanced },
  };
}

function at(atMs: number): NodeSample {
  return idleSample({ atMs });
}
