import type { ClusterView } from '../../cluster/actor/cluster-view.ts';
import { RefusalReason } from '../../shard/guarded-reply.ts';
import { errorOfRefusal, type RefusalError } from './refusal-errors.ts';

/** For how long commands wait for the next lease at most; a quarter of a lease, if that is less. */
const GRACE_MS_MAX = 100;

const waits: RefusalError = { code: 'not-ready', message: 'the node waits for its cluster' };

/** Tells whether this node serves anybody, by its lease. */
export class ServingWatch {
  readonly #view: Pick<ClusterView, 'state' | 'gates'>;
  readonly #nowMs: () => number;
  /** Before it had one it is starting, and not cut off. */
  #hadLease = false;

  constructor(view: Pick<ClusterView, 'state' | 'gates'>, nowMs: () => number) {
    this.#view = view;
    this.#nowMs = nowMs;
  }

  /**
   * Null when this node serves, or will in a moment; else what a client is told. One whose lease has just ended may have
   * been busy, or its controller: for a moment commands wait for the next.
   */
  fault(): RefusalError | null {
    const { state, gates } = this.#view;
    if (state.settings === null) return waits;
    const leftMs = gates.leaseLeftMs(this.#nowMs());
    if (leftMs > 0) {
      this.#hadLease = true;
      return null;
    }
    const graceMs = Math.min(GRACE_MS_MAX, state.settings.leaseMs / 4);
    return this.#hadLease && leftMs <= -graceMs ? errorOfRefusal(RefusalReason.noLease) : null;
  }
}
