import test from 'ava';
import { type WaitFacts, waitReport } from '../../../../src/cluster/actor/wait-report.ts';
import type { BusHello } from '../../../../src/cluster/bus/bus.ts';
import { emptyClusterState, noEndpoints } from '../../../../src/cluster/controller/cluster-state.ts';

const CLUSTER = 'ab'.repeat(20);

function hello(node: string, clusterId = ''): BusHello {
  return { node, boot: 1, address: `${node}:1`, clusterId };
}

function report(facts: Partial<WaitFacts>): string | null {
  return waitReport({
    self: 'b',
    boot: 2,
    clusterId: '',
    bootstrapExpect: 3,
    state: emptyClusterState,
    connected: [],
    seedTroubles: new Map(),
    ...facts,
  });
}

test('a node that waits for others to found a cluster names those that it knows, and the seeds that it cannot reach', (t) => {
  t.is(
    report({ connected: [hello('c')], seedTroubles: new Map([['10.0.0.1:17379', 'connect ECONNREFUSED']]) }),
    'the node waits for others to found a cluster with: it knows 2 of the 3 that bootstrapExpect says: b, c; seed 10.0.0.1:17379: connect ECONNREFUSED',
  );
});

test('a node that only joins says whether the nodes it knows are of a cluster', (t) => {
  t.is(report({ bootstrapExpect: 0 }), 'the node looks for a cluster to join: it is connected to no node');
  t.is(
    report({ bootstrapExpect: 0, connected: [hello('c'), hello('a')] }),
    'the node looks for a cluster to join: of none are a, c, either',
  );
});

test('a node of a cluster waits until this start of it is taken in', (t) => {
  const connected = [hello('c', CLUSTER), hello('d')];
  const settings = { partitions: 4, leaseMs: 700, copies: 3, minInSync: 1, onLoss: 'offline' as const };
  t.is(
    report({ clusterId: CLUSTER, connected }),
    'the node enters cluster abababab and has not heard how it is set up: it is connected to c',
  );
  const entry = {
    id: 'b',
    address: 'b:1',
    endpoints: noEndpoints,
    boot: 1,
    isFenced: false,
    isDraining: false,
    isLeaving: false,
    life: 'running' as const,
    weight: 1,
    zone: null,
  };
  const before = { ...emptyClusterState, settings, nodes: new Map([['b', entry]]) };
  t.is(
    report({ clusterId: CLUSTER, state: before }),
    'the node enters cluster abababab and has not been taken in: it is connected to no node of it',
  );
  const now = { ...before, nodes: new Map([['b', { ...entry, boot: 2 }]]) };
  t.is(report({ clusterId: CLUSTER, connected, state: now, seedTroubles: new Map([['x', 'gone']]) }), null);
});
