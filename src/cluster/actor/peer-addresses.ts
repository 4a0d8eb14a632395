import type { BusHello } from '../bus/bus.ts';
import type { ClusterState } from '../controller/cluster-state.ts';
import type { NodeId } from '../identity.ts';

/**
 * Where the other nodes are: as they say themselves while they are connected, else as they registered, and before there is a
 * cluster as others say. A node that came back elsewhere dials the others, and so tells them where it is.
 */
export class PeerAddresses {
  peers: ReadonlyMap<NodeId, string> = new Map();
  readonly #self: NodeId;
  readonly #heard = new Map<NodeId, string>();
  readonly #said = new Map<NodeId, BusHello>();
  #state: ClusterState | null = null;

  constructor(self: NodeId) {
    this.#self = self;
  }

  /** Nodes that are of no cluster, by what others say. */
  heardOf(nodes: ReadonlyMap<NodeId, string>): void {
    for (const [node, address] of nodes) if (address !== '') this.#heard.set(node, address);
  }

  connected(peer: BusHello): void {
    if (peer.address === '') return;
    this.#said.set(peer.node, peer);
    // Until there is a cluster, it is to be found again.
    if (this.#state?.settings == null) this.#heard.set(peer.node, peer.address);
  }

  disconnected(node: NodeId): void {
    this.#said.delete(node);
  }

  configure(state: ClusterState): void {
    if (state.settings !== null) this.#heard.clear();
    this.#state = state;
  }

  /** Works out `peers`; false: they are as before. */
  hasChanged(): boolean {
    const peers = new Map(this.#heard);
    for (const { id, address, boot } of this.#state?.nodes.values() ?? []) {
      const said = this.#said.get(id);
      peers.set(id, said !== undefined && said.boot >= boot ? said.address : address);
    }
    peers.delete(this.#self);
    const isSame = peers.size === this.peers.size && [...peers].every(([node, at]) => this.peers.get(node) === at);
    if (!isSame) this.peers = peers;
    return !isSame;
  }
}
