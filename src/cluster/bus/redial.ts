import type { Random } from '../../base/ports.ts';

/** A connection that lived for so long was one: the count of failures begins anew. */
const STEADY_MS = 1000;

/**
 * When to try an address again: after a random part of a time that doubles with each failure ("full jitter"), so that
 * nodes that lost each other do not all come back at once.
 */
export class Redial {
  readonly #msFirst: number;
  readonly #msMax: number;
  readonly #random: Random;
  #failures = 0;

  constructor(msFirst: number, msMax: number, random: Random) {
    this.#msFirst = msFirst;
    this.#msMax = msMax;
    this.#random = random;
  }

  /** The delay after a connection that did not come about, or that ended `livedMs` after it was open. */
  delayMs(livedMs = 0): number {
    if (livedMs >= STEADY_MS) this.#failures = 0;
    const full = Math.min(this.#msFirst * 2 ** Math.min(this.#failures, 30), this.#msMax);
    this.#failures += 1;
    return Math.ceil((full * (this.#random.nextUint32() + 1)) / 2 ** 32);
  }

  /** Waits the longest from now on: what was tried will not be otherwise soon. */
  despair(): void {
    this.#failures = 30;
  }

  reset(): void {
    this.#failures = 0;
  }
}
