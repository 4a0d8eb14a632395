const FIRST_MS = 500;
const CAP_MS = 30_000;
/** A copy that went well for so long begins with the first delay again. */
const STEADY_MS = 60_000;

interface Delay {
  ms: number;
  endsAtMs: number;
}

/**
 * How long copies that had no room for what they were given wait before they are filled again: longer each time, since
 * what is sent to fill them is the whole partition, and most likely there is no more room than there was.
 */
export class RefillDelays {
  readonly #delays = new Map<number, Delay>();

  /** The partition's copy was thrown away. */
  begin(partition: number, nowMs: number): void {
    const known = this.#delays.get(partition);
    const isOver = known === undefined || nowMs - known.endsAtMs >= STEADY_MS;
    const ms = isOver ? FIRST_MS : Math.min(known.ms * 2, CAP_MS);
    this.#delays.set(partition, { ms, endsAtMs: nowMs + ms });
  }

  /** Whether the partition's copy is to take nothing yet. */
  lasts(partition: number, nowMs: number): boolean {
    const known = this.#delays.get(partition);
    return known !== undefined && nowMs < known.endsAtMs;
  }
}
