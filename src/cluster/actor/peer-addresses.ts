import type { BusHello } from '../bus/bus.ts';
import type { ClusterState } from '../controller/cluster-state.ts';
import type { Whereabouts } from '../founding/founding-message.ts';
import type { NodeId } from '../identity.ts';
import { NODES_MAX } from '../limits.ts';

/**
 * Where the other nodes are. Of several that tell it the one counts that knows the latest start of the node: of the same
 * start the node itself, then what it registered, then others of the cluster. So a node that comes back elsewhere and
 * reaches one of the others is soon known to all. Before there is a cluster nodes are where anybody says.
 */
export class PeerAddresses {
  peers: ReadonlyMap<NodeId, string> = new Map();
  readonly #self: NodeId;
  readonly #heard = new Map<NodeId, string>();
  readonly #said = new Map<NodeId, Whereabouts>();
  readonly #hinted = new Map<NodeId, Whereabouts>();
  #state: ClusterState | null = null;

  constructor(self: NodeId) {
    this.#self = self;
  }

  /** Nodes that are of no cluster, by what others say. */
  heardOf(nodes: ReadonlyMap<NodeId, string>): void {
    for (const [node, address] of nodes) if (address !== '') this.#heard.set(node, address);
  }

  connected({ node, boot, address }: BusHello): void {
    if (address === '') return;
    this.#said.set(node, { node, boot, address });
    this.#hinted.delete(node);
    // Until there is a cluster, it is to be found again.
    if (this.#state === null || this.#state.settings === null) this.#heard.set(node, address);
  }

  disconnected(node: NodeId): void {
    const said = this.#said.get(node);
    this.#said.delete(node);
    if (said !== undefined) this.#hinted.set(node, said);
  }

  /** By what another node of the cluster says. */
  hinted(nodes: readonly Whereabouts[]): void {
    for (const hint of nodes) {
      const before = this.#hinted.get(hint.node);
      if (hint.address === '' || (before === undefined && this.#hinted.size >= NODES_MAX)) continue;
      if (before === undefined || before.boot <= hint.boot) this.#hinted.set(hint.node, hint);
    }
  }

  configure(state: ClusterState): void {
    if (state.settings !== null) this.#heard.clear();
    const before = this.#state?.nodes;
    for (const id of before?.keys() ?? []) if (!state.nodes.has(id)) this.#hinted.delete(id);
    this.#state = state;
  }

  /** All that this node knows, for another one of its cluster. */
  known(): Whereabouts[] {
    const nodes = new Map(this.#hinted);
    for (const { id, boot, address } of this.#state?.nodes.values() ?? []) {
      const hint = nodes.get(id);
      if (hint === undefined || hint.boot <= boot) nodes.set(id, { node: id, boot, address });
    }
    for (const [node, said] of this.#said) if ((nodes.get(node)?.boot ?? 0) <= said.boot) nodes.set(node, said);
    nodes.delete(this.#self);
    return [...nodes.values()];
  }

  /** Works out `peers`; false: they are as before. */
  hasChanged(): boolean {
    const peers = new Map(this.#heard);
    for (const { node, address } of this.known()) if (this.#isWanted(node)) peers.set(node, address);
    peers.delete(this.#self);
    const isSame = peers.size === this.peers.size && [...peers].every(([node, at]) => this.peers.get(node) === at);
    if (!isSame) this.peers = peers;
    return !isSame;
  }

  /** Of a configuration without nodes, as one has that just starts, nobody is left out. */
  #isWanted(node: NodeId): boolean {
    const { nodes } = this.#state ?? {};
    if (nodes === undefined) return false;
    return nodes.has(node) || !nodes.has(this.#self);
  }
}
