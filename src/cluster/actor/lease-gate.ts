import type { ClusterState } from '../controller/cluster-state.ts';
import type { NodeId } from '../identity.ts';
import type { PartitionGates } from '../partition-gates.ts';
import type { ShardLinks } from './shard-links.ts';

/** Times are compared by 32 bits of milliseconds: a lease that is long over must not look like one to come. */
const OVER_MS = 60_000;

/**
 * Publishes this node's lease to its threads. A lease counts for those who have seen the state it depends on: after a
 * change that took a primary away from this node none is published until the shards have taken the change in. Else a
 * thread could read a former primary's memory under a lease that was given to a node that is none any more.
 */
export class LeaseGate {
  #publishedMs = Number.NEGATIVE_INFINITY;
  /** The last change that took a primary from here, until the shards have taken it in. */
  #awaited: readonly number[] | null = null;
  readonly #self: NodeId;
  readonly #gates: Pick<PartitionGates, 'setLease'>;
  readonly #shards: Pick<ShardLinks, 'nextChange' | 'haveTaken'>;

  constructor(
    self: NodeId,
    gates: Pick<PartitionGates, 'setLease'>,
    shards: Pick<ShardLinks, 'nextChange' | 'haveTaken'>,
  ) {
    this.#self = self;
    this.#gates = gates;
    this.#shards = shards;
    gates.setLease(Number.NEGATIVE_INFINITY);
  }

  /**
   * The shards are sent this change next. Those that follow are not waited for, unless they take something, too: in a cluster
   * that is changed on and on, shards of a busy machine are always a few changes behind.
   */
  changed(before: ClusterState, after: ClusterState): void {
    for (const [number, entry] of before.partitions.entries()) {
      const next = after.partitions[number];
      if (next === entry || entry.primary !== this.#self) continue;
      if (next?.primary === this.#self && next.epoch === entry.epoch) continue;
      this.#awaited = this.#shards.nextChange;
      return;
    }
  }

  /** To be called whenever the lease, or what the shards have taken in, may have changed. */
  update(endsAtMs: number, nowMs: number): void {
    if (this.#awaited !== null && this.#shards.haveTaken(this.#awaited)) this.#awaited = null;
    const isOver = endsAtMs < nowMs - OVER_MS;
    if (isOver) this.#publish(Number.NEGATIVE_INFINITY);
    else if (endsAtMs > this.#publishedMs && this.#awaited === null) this.#publish(endsAtMs);
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
