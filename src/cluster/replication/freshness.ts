/**
 * How old a replica's state can be, told by its own clock alone.
 *
 * A replica's acknowledgements carry its time (`stamp`). The primary tells the latest one it knows back (`echo`) next
 * to the commit sequence, and only while its lease holds: at that moment nobody else acknowledged writes, and all
 * that were acknowledged stood at or below that sequence. The stamp was taken before. So once the replica has applied
 * that much, it has everything that was acknowledged before the stamp.
 */
export class Freshness {
  #freshAtMs = Number.NEGATIVE_INFINITY;
  readonly #sinceMs: number;
  /**
   * The first echo that waits for its sequence to be applied, and the latest one: a replica that is always a little
   * behind would wait for ever if each new one took the place of the one before.
   */
  #waiting: { committed: number; stampMs: number } | null = null;
  #latest: { committed: number; stampMs: number } | null = null;

  /** A stamp older than `sinceMs` is not this node's: it was meant for what ran before its restart. */
  constructor(sinceMs: number) {
    this.#sinceMs = sinceMs;
  }

  /** Milliseconds on the node's clock; everything acknowledged before it is applied. */
  get freshAtMs(): number {
    return this.#freshAtMs;
  }

  echoed(stampMs: number, committed: number, applied: number, nowMs: number): void {
    if (stampMs < this.#sinceMs || stampMs > nowMs) return;
    const echo = { committed, stampMs };
    if (this.#waiting === null) this.#waiting = echo;
    else if (this.#latest === null || stampMs > this.#latest.stampMs) this.#latest = echo;
    this.applied(applied);
  }

  applied(seq: number): void {
    while (this.#waiting !== null && this.#waiting.committed <= seq) {
      this.#freshAtMs = Math.max(this.#freshAtMs, this.#waiting.stampMs);
      this.#waiting = this.#latest;
      this.#latest = null;
    }
  }

  /** The copy was emptied. */
  reset(): void {
    this.#freshAtMs = Number.NEGATIVE_INFINITY;
    this.#waiting = null;
    this.#latest = null;
  }
}
