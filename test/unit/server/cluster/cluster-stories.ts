import type { ClusterState } from '../../../../src/cluster/controller/cluster-state.ts';
import type { NodeId } from '../../../../src/cluster/identity.ts';
import { FakeClusterView } from '../../../fake-cluster-view.ts';
import { after, alter, created, member, place, settings } from '../../cluster/controller/configuration.ts';

/** What each partition is placed on, the first being primary, and all in sync. */
export type Placement = readonly (readonly NodeId[])[];

/** A running cluster of these nodes, whose clients reach them at 10.0.0.N:6379. */
export function runningCluster(nodes: readonly NodeId[], placement: Placement, minInSync = 1): ClusterState {
  const copies = Math.max(...placement.map((replicas) => replicas.length));
  let state = created(settings(placement.length, copies, minInSync), ...nodes);
  for (const [number, node] of nodes.entries()) {
    const host = `10.0.0.${number + 1}`;
    const endpoints = { tcp: `${host}:6379`, http: `${host}:8080`, link: `${host}:6379` };
    const address = `${host}:17379`;
    state = after(state, {
      type: 'register',
      node,
      boot: 1,
      address,
      endpoints,
      weight: 1,
      zone: null,
      partitions: null,
    });
  }
  for (const [partition, replicas] of placement.entries()) {
    state = after(
      state,
      (now) => place(now, partition, ...replicas),
      (now) => alter(now, partition, ...replicas.map((node) => member(node))),
    );
  }
  return state;
}

/** The same as one of its nodes sees it, which holds a lease. */
export function viewOf(self: NodeId, nodes: readonly NodeId[], placement: Placement): FakeClusterView {
  const view = new FakeClusterView(self, placement.length);
  view.become(runningCluster(nodes, placement));
  return view;
}
