/**
 * How long to wait before an actor that died is started again: not at all after the first death, then `firstMs`,
 * doubling up to `capMs`. An actor that lived for `steadyMs` starts the count anew.
 */
export class RestartBackoff {
  readonly #firstMs: number;
  readonly #capMs: number;
  readonly #steadyMs: number;
  #deaths = 0;

  constructor(firstMs: number, capMs: number, steadyMs: number) {
    this.#firstMs = firstMs;
    this.#capMs = capMs;
    this.#steadyMs = steadyMs;
  }

  /** The delay before the next start of an actor that died `livedMs` after it began to serve. */
  delayMs(livedMs: number): number {
    if (livedMs >= this.#steadyMs) this.#deaths = 0;
    const deaths = this.#deaths++;
    // 2^30 is past every cap there can be; beyond it the power would only lose precision.
    return deaths === 0 ? 0 : Math.min(this.#firstMs * 2 ** Math.min(deaths - 1, 30), this.#capMs);
  }
}
