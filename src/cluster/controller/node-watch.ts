import type { NodeId } from '../identity.ts';
import type { ClusterState } from './cluster-state.ts';

/** What the controller knows of one start of a node beyond what is in the state. Times are on its own clock. */
interface Watched {
  boot: number;
  isFenced: boolean;
  /** It has ended, and said that it holds no lease. */
  hasStopped: boolean;
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
 *
 * How long leases last is known once the cluster's creation is applied here. Until then nobody's silence means anything;
 * it may be that others have seen the creation, and hold leases already.
 */
export class NodeWatch {
  readonly #self: NodeId;
  readonly #drift: number;
  /** This and the next two are infinite until it is known how long leases last. */
  #waitMs = Number.POSITIVE_INFINITY;
  /** Longer than this between two calls, and it was this process that slept: nobody's silence means anything. */
  #napMs = Number.POSITIVE_INFINITY;
  /** A node that is heard for so long without ever holding a lease does not hear the answers. */
  #deafAfterMs = Number.POSITIVE_INFINITY;
  #ledSinceMs = 0;
  #awakeSinceMs = 0;
  #lastCallMs = 0;
  readonly #nodes = new Map<NodeId, Watched>();
  readonly #left = new Set<NodeId>();

  constructor(self: NodeId, drift: number) {
    this.#self = self;
    this.#drift = drift;
  }

  /** Until now another one may have handed out leases. */
  lead(nowMs: number): void {
    this.#nodes.clear();
    this.#left.clear();
    this.#ledSinceMs = nowMs;
    this.#awakeSinceMs = nowMs;
    this.#lastCallMs = nowMs;
  }

  observe({ settings, nodes }: ClusterState, nowMs: number): void {
    this.#called(nowMs);
    if (settings !== null && this.#waitMs === Number.POSITIVE_INFINITY) this.#begin(settings.leaseMs);
    for (const node of nodes.values()) {
      const watched = this.#nodes.get(node.id);
      this.#left.delete(node.id);
      const hasStopped = node.life === 'stopped';
      if (watched?.boot === node.boot && watched.isFenced === node.isFenced) {
        watched.hasStopped = hasStopped;
        continue;
      }
      this.#nodes.set(node.id, {
        boot: node.boot,
        isFenced: node.isFenced,
        hasStopped,
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
    const isGiven =
      this.#deafAfterMs < Number.POSITIVE_INFINITY &&
      (node === this.#self || this.#nodes.get(this.#self)?.leaselessSinceMs === null);
    watched.leaselessSinceMs = hasLease || !isGiven ? null : (watched.leaselessSinceMs ?? nowMs);
    const isDeaf =
      node !== this.#self && watched.leaselessSinceMs !== null && nowMs - watched.leaselessSinceMs > this.#deafAfterMs;
    if (isDeaf && !watched.isFenced) return false;
    watched.heardAtMs = nowMs;
    if (watched.isFenced && hasLease) watched.isBack = true;
    return true;
  }

  /** From when on no process of this node can hold a lease, unless it is heard of again; Infinity: not known yet. */
  silentAtMs(node: NodeId): number {
    const watched = this.#nodes.get(node);
    if (watched === undefined) return this.#ledSinceMs + this.#waitMs;
    // A later start that this leader does not know yet may hold one, of an earlier leader.
    if (watched.hasStopped) return this.#ledSinceMs + this.#waitMs;
    // Whoever is fenced has no use for a lease, unless it was unfenced by a leader of whom not all is applied here.
    const sinceMs = watched.isFenced ? this.#ledSinceMs : watched.sinceMs;
    return Math.max(watched.heardAtMs, sinceMs, this.#awakeSinceMs) + this.#waitMs;
  }

  /** Whether a fenced node is well again. */
  isBack(node: NodeId): boolean {
    const watched = this.#nodes.get(node);
    return watched?.isBack === true && !watched.hasStopped;
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

  /** The cluster exists. */
  #begin(leaseMs: number): void {
    this.#waitMs = leaseMs * (1 + this.#drift);
    this.#napMs = leaseMs / 2;
    this.#deafAfterMs = 2 * leaseMs;
  }

  #called(nowMs: number): void {
    if (nowMs - this.#lastCallMs > this.#napMs) this.#awakeSinceMs = nowMs;
    this.#lastCallMs = nowMs;
  }
}
