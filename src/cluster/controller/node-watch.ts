import type { NodeId } from '../identity.ts';
import type { ClusterState } from './cluster-state.ts';

/** What the controller knows of one start of a node beyond what is in the state. Times are on its own clock. */
interface Watched {
  boot: number;
  isFenced: boolean;
  /** When it was first seen as it is: registered with this boot, and fenced or not. */
  sinceMs: number;
  heardAtMs: number;
  /** Its heartbeats say that it holds no lease, since then; null while it does. */
  leaselessSinceMs: number | null;
  /** Heard of with a lease, since it was seen fenced. */
  isBack: boolean;
}

/**
 * Who is alive, and until when a node may hold a lease. A node's lease ends `leaseMs` after it *sent* the heartbeat
 * that renewed it; this waits `waitMs`, a little more for clocks that run at different speeds, from when it *came*. So
 * whatever was waited for here is over there, without the two clocks ever being compared.
 */
export class NodeWatch {
  readonly #self: NodeId;
  readonly #waitMs: number;
  /** Longer than this between two calls, and it was this process that slept: nobody's silence means anything. */
  readonly #napMs: number;
  /** A node that is heard for so long without ever holding a lease does not hear the answers. */
  readonly #deafAfterMs: number;
  #ledSinceMs = 0;
  #awakeSinceMs = 0;
  #lastCallMs = 0;
  readonly #nodes = new Map<NodeId, Watched>();
  readonly #left = new Set<NodeId>();

  constructor(self: NodeId, leaseMs: number, drift: number) {
    this.#self = self;
    this.#waitMs = leaseMs * (1 + drift);
    this.#napMs = leaseMs / 2;
    this.#deafAfterMs = 2 * leaseMs;
  }

  /** Until now another one may have handed out leases. */
  lead(nowMs: number): void {
    this.#nodes.clear();
    this.#left.clear();
    this.#ledSinceMs = nowMs;
    this.#awakeSinceMs = nowMs;
    this.#lastCallMs = nowMs;
  }

  observe({ nodes }: ClusterState, nowMs: number): void {
    this.#called(nowMs);
    for (const node of nodes.values()) {
      const watched = this.#nodes.get(node.id);
      this.#left.delete(node.id);
      if (watched?.boot === node.boot && watched.isFenced === node.isFenced) continue;
      this.#nodes.set(node.id, {
        boot: node.boot,
        isFenced: node.isFenced,
        sinceMs: nowMs,
        heardAtMs: watched?.boot === node.boot ? watched.heardAtMs : Number.NEGATIVE_INFINITY,
        leaselessSinceMs: null,
        isBack: false,
      });
    }
    for (const id of this.#nodes.keys()) {
      if (nodes.has(id)) continue;
      this.#nodes.delete(id);
      this.#left.add(id);
    }
  }

  /** A heartbeat came. False: it must not be answered, for it was not counted. */
  heard(node: NodeId, boot: number, nowMs: number, hasLease: boolean): boolean {
    this.#called(nowMs);
    const watched = this.#nodes.get(node);
    if (watched === undefined || watched.boot !== boot) return false;
    // While this leader itself holds none it gives none to anybody.
    const isGiven = node === this.#self || this.#nodes.get(this.#self)?.leaselessSinceMs === null;
    watched.leaselessSinceMs = hasLease || !isGiven ? null : (watched.leaselessSinceMs ?? nowMs);
    const isDeaf =
      node !== this.#self && watched.leaselessSinceMs !== null && nowMs - watched.leaselessSinceMs > this.#deafAfterMs;
    if (isDeaf && !watched.isFenced) return false;
    watched.heardAtMs = nowMs;
    if (watched.isFenced && hasLease) watched.isBack = true;
    return true;
  }

  /** From when on no process of this node can hold a lease, unless it is heard of again. */
  silentAtMs(node: NodeId): number {
    const watched = this.#nodes.get(node);
    if (watched === undefined) return this.#ledSinceMs + this.#waitMs;
    // Whoever is fenced has no use for a lease, unless it was unfenced by a leader of whom not all is applied here.
    const sinceMs = watched.isFenced ? this.#ledSinceMs : watched.sinceMs;
    return Math.max(watched.heardAtMs, sinceMs, this.#awakeSinceMs) + this.#waitMs;
  }

  /** Whether a fenced node is well again. */
  isBack(node: NodeId): boolean {
    return this.#nodes.get(node)?.isBack === true;
  }

  /** Since when it is known to be fenced; null: it is not. */
  fencedSinceMs(node: NodeId): number | null {
    const watched = this.#nodes.get(node);
    return watched?.isFenced === true ? watched.sinceMs : null;
  }

  /** Whether the node was seen in the state, and then no more. */
  hasLeft(node: NodeId): boolean {
    return this.#left.has(node);
  }

  #called(nowMs: number): void {
    if (nowMs - this.#lastCallMs > this.#napMs) this.#awakeSinceMs = nowMs;
    this.#lastCallMs = nowMs;
  }
}
