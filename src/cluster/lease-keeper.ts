import type { Lease } from './replication/replication-host.ts';

/** Answers that may wait for their index; older ones say nothing that a newer one does not. */
const OFFERS_MAX = 16;

interface Offer {
  readonly sentAtMs: number;
  readonly index: number;
}

/**
 * This node's lease, put together from the controller's answers to heartbeats.
 *
 * A heartbeat sent at `s` promises that nobody takes this node's partitions from it before `s + leaseMs` on this
 * node's clock: the time counts from sending, since the controller counts from receiving, which is later. The promise
 * is about the configuration at the answer's `index`; an older one may show this node as a primary that it no longer
 * is, so an answer counts only once that index is applied.
 *
 * How long a lease lasts is itself part of the configuration, fixed when the cluster is created: the same for whoever
 * has one and whoever waits for its end. Before, there are no partitions, so nobody has a lease, or use for one.
 */
export class LeaseKeeper implements Lease {
  #endsAtMs = Number.NEGATIVE_INFINITY;
  #offers: Offer[] = [];
  #isGivenUp = false;
  readonly #leaseMs: () => number | null;

  /** `leaseMs` answers as of the last index applied; null before the cluster is created. */
  constructor(leaseMs: () => number | null) {
    this.#leaseMs = leaseMs;
  }

  get endsAtMs(): number {
    return this.#endsAtMs;
  }

  /** This node has no lease from now on, whoever offers one. */
  giveUp(): void {
    this.#isGivenUp = true;
    this.#endsAtMs = Number.NEGATIVE_INFINITY;
    this.#offers = [];
  }

  /** A heartbeat sent at `sentAtMs` was answered; `appliedIndex` is where this node's state stands. */
  offer(sentAtMs: number, index: number, appliedIndex: number): void {
    if (this.#isGivenUp) return;
    this.#offers.push({ sentAtMs, index });
    if (this.#offers.length > OFFERS_MAX) this.#offers.shift();
    this.applied(appliedIndex);
  }

  applied(appliedIndex: number): void {
    if (this.#offers.length === 0) return;
    const leaseMs = this.#leaseMs() ?? Number.NEGATIVE_INFINITY;
    for (const offer of this.#offers) {
      if (offer.index <= appliedIndex) this.#endsAtMs = Math.max(this.#endsAtMs, offer.sentAtMs + leaseMs);
    }
    this.#offers = this.#offers.filter((offer) => offer.index > appliedIndex);
  }
}
