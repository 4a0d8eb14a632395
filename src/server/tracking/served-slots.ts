import type { ClusterView } from '../../cluster/actor/cluster-view.ts';
import type { PartitionMap } from '../../routing/partition-map.ts';
import type { SlotRange } from './invalidation.ts';

/** Whom to tell: the node's `Tracker`. */
export interface SlotListener {
  readonly clientCount: number;
  slotsMoved(ranges: readonly SlotRange[]): void;
  everythingMayHaveChanged(): void;
}

/** How often the lease is looked at while somebody tracks keys. */
const LOOK_MS = 50;

/**
 * Tells, on a node in a cluster, of slots that it has begun or ceased to serve: what clients read of them before may have
 * been changed by another node, which does not know of these readers. And that anything may have changed, when the node's
 * lease is over, since others may be primary in its place.
 */
export class ServedSlots {
  readonly #view: Pick<ClusterView, 'self' | 'state' | 'gates' | 'onChange'>;
  readonly #map: PartitionMap;
  readonly #listener: SlotListener;
  readonly #nowMs: () => number;
  /** By partition: the epoch in which this node serves it; 0: it does not. */
  #epochs: readonly number[];
  readonly #stopListening: () => void;
  readonly #timer: NodeJS.Timeout;
  #hasLease = false;

  /** `nowMs` is the clock of leases. */
  constructor(
    view: Pick<ClusterView, 'self' | 'state' | 'gates' | 'onChange'>,
    map: PartitionMap,
    listener: SlotListener,
    nowMs: () => number,
  ) {
    this.#view = view;
    this.#map = map;
    this.#listener = listener;
    this.#nowMs = nowMs;
    this.#epochs = this.#served();
    this.#stopListening = view.onChange(() => this.#changed());
    this.#timer = setInterval(() => this.look(), LOOK_MS).unref();
  }

  /** Looks whether the lease is over. */
  look(): void {
    const hasLease = this.#view.gates.leaseLeftMs(this.#nowMs()) > 0;
    const isOver = this.#hasLease && !hasLease;
    this.#hasLease = hasLease;
    if (isOver && this.#listener.clientCount > 0) this.#listener.everythingMayHaveChanged();
  }

  stop(): void {
    this.#stopListening();
    clearInterval(this.#timer);
  }

  #changed(): void {
    const before = this.#epochs;
    this.#epochs = this.#served();
    if (this.#listener.clientCount === 0) return;
    const ranges: [number, number][] = [];
    for (const [partition, epoch] of this.#epochs.entries()) {
      if (epoch === (before[partition] ?? 0)) continue;
      const first = this.#map.firstSlotOf(partition);
      const last = this.#map.firstSlotOf(partition + 1) - 1;
      const behind = ranges.at(-1);
      if (behind !== undefined && behind[1] === first - 1) behind[1] = last;
      else ranges.push([first, last]);
    }
    if (ranges.length > 0) this.#listener.slotsMoved(ranges);
  }

  #served(): number[] {
    const { self, state } = this.#view;
    return state.partitions.map(({ primary, epoch }) => (primary === self ? epoch : 0));
  }
}
