import type { ClusterState } from '../controller/cluster-state.ts';
import type { NodeId } from '../identity.ts';
import type { PartitionGates } from '../partition-gates.ts';

/** Times are compared by 32 bits of milliseconds: a lease that is long over must not look like one to come. */
const OVER_MS = 60_000;

/**
 * Publishes this node's lease to its threads. A lease counts for those who have seen the state it depends on: after a
 * change that took a primary away from this node none is published until the shards have taken the change in. Else a
 * thread could read a former primary's memory under a lease that was given to a node that is none any more.
 */
export class LeaseGate {
  #publishedMs = Number.NEGATIVE_INFINITY;
  #isWaiting = false;
  readonly #self: NodeId;
  readonly #gates: Pick<PartitionGates, 'setLease'>;
  readonly #areConfigured: () => boolean;

  constructor(self: NodeId, gates: Pick<PartitionGates, 'setLease'>, areConfigured: () => boolean) {
    this.#self = self;
    this.#gates = gates;
    this.#areConfigured = areConfigured;
    gates.setLease(Number.NEGATIVE_INFINITY);
  }

  /** The shards were sent this change. */
  changed(before: ClusterState, after: ClusterState): void {
    for (const [number, entry] of before.partitions.entries()) {
      const next = after.partitions[number];
      if (next === entry || entry.primary !== this.#self) continue;
      if (next?.primary !== this.#self || next.epoch !== entry.epoch) this.#isWaiting = true;
    }
  }

  /** To be called whenever the lease, or what the shards have taken in, may have changed. */
  update(endsAtMs: number, nowMs: number): void {
    if (this.#isWaiting && this.#areConfigured()) this.#isWaiting = false;
    const isOver = endsAtMs < nowMs - OVER_MS;
    if (isOver) this.#publish(Number.NEGATIVE_INFINITY);
    else if (endsAtMs > this.#publishedMs && !this.#isWaiting) this.#publish(endsAtMs);
  }

  /** Nothing is answered from here on. */
  close(): void {
    this.#publish(Number.NEGATIVE_INFINITY);
  }

  #publish(endsAtMs: number): void {
    if (endsAtMs === this.#publishedMs) return;
    this.#publishedMs = endsAtMs;
    this.#gates.setLease(endsAtMs);
  }
}
