/** How long a node that was away is not asked again, and how often it is tried after that. */
const TRY_MS = 1000;

/**
 * Which nodes were away when they were last asked, so that those who can do without an answer need not wait for one, each
 * until its time is up. One call a second goes to such a node all the same, and finds out when it is back.
 */
export class Outage {
  /** When a node may be asked again, by what a router calls its place. */
  readonly #nextTryMs = new Map<string, number>();

  /** Whether to ask a node; answering true for one that was away counts as a try. */
  mayAsk(place: string, nowMs: number): boolean {
    const nextTryMs = this.#nextTryMs.get(place);
    if (nextTryMs === undefined) return true;
    if (nowMs < nextTryMs) return false;
    this.#nextTryMs.set(place, nowMs + TRY_MS);
    return true;
  }

  answered(place: string): void {
    if (this.#nextTryMs.size > 0) this.#nextTryMs.delete(place);
  }

  /** True when it was not known to be away. */
  failed(place: string, nowMs: number): boolean {
    const isNew = !this.#nextTryMs.has(place);
    this.#nextTryMs.set(place, nowMs + TRY_MS);
    return isNew;
  }

  /** A connection was made: whoever it is to, all are worth a try. */
  clear(): void {
    this.#nextTryMs.clear();
  }
}
