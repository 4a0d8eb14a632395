import type { BusHello } from '../bus/bus.ts';
import type { ClusterState } from '../controller/cluster-state.ts';
import type { NodeId } from '../identity.ts';

/** What a node knows of the cluster that it is to be of. */
export interface WaitFacts {
  readonly self: NodeId;
  readonly boot: number;
  /** '': the node is of none yet. */
  readonly clusterId: string;
  /** How many nodes found it together; 0: this one only joins one. */
  readonly bootstrapExpect: number;
  readonly state: ClusterState;
  /** Nodes that are connected. */
  readonly connected: Iterable<BusHello>;
  /** Seeds that do not answer, or do not resolve, and why. */
  readonly seedTroubles: ReadonlyMap<string, string>;
}

/** What the node waits for before it is of a cluster, for whoever wonders why it is not ready; null: it is of one. */
export function waitReport(facts: WaitFacts): string | null {
  const { self, boot, clusterId, state } = facts;
  if (clusterId !== '' && state.settings !== null && state.nodes.get(self)?.boot === boot) return null;
  const troubles = [...facts.seedTroubles].map(([seed, reason]) => `; seed ${seed}: ${reason}`);
  return (clusterId === '' ? ofSearch(facts) : ofEntry(facts)) + troubles.join('');
}

function ofSearch({ self, bootstrapExpect, connected }: WaitFacts): string {
  const others = namesOf([...connected].filter(({ clusterId }) => clusterId === ''));
  if (bootstrapExpect === 0) {
    const known = others.length === 0 ? 'it is connected to no node' : `of none are ${others.join(', ')}, either`;
    return `the node looks for a cluster to join: ${known}`;
  }
  const known = [self, ...others];
  return `the node waits for others to found a cluster with: it knows ${known.length} of the ${bootstrapExpect} that bootstrapExpect says: ${known.join(', ')}`;
}

function ofEntry({ clusterId, state, connected }: WaitFacts): string {
  const members = namesOf([...connected].filter((peer) => peer.clusterId === clusterId));
  const known = members.length === 0 ? 'it is connected to no node of it' : `it is connected to ${members.join(', ')}`;
  const what = state.settings === null ? 'has not heard how it is set up' : 'has not been taken in';
  return `the node enters cluster ${clusterId.slice(0, 8)} and ${what}: ${known}`;
}

function namesOf(peers: readonly BusHello[]): NodeId[] {
  return peers.map(({ node }) => node).sort();
}
