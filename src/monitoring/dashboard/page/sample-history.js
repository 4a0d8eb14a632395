/** @import { NodeSample } from '../feed.ts' */

/** What charts can look back on. */
export const HISTORY_MS = 30 * 60_000;

/** A stream that begins anew may be this far behind what the page has. */
const CLOCK_SLACK_MS = 5000;

/** The node's samples as far as the page has them: what the node kept before it was opened, and what came since. */
export class SampleHistory {
  /** @type {NodeSample[]} */
  #samples = [];
  /** @type {Set<() => void>} */
  #listeners = new Set();

  /** The oldest first. */
  get all() {
    return /** @type {readonly NodeSample[]} */ (this.#samples);
  }

  /** @returns {NodeSample | undefined} */
  get latest() {
    return this.#samples.at(-1);
  }

  /** @param {() => void} listener called after each change */
  onChange(listener) {
    this.#listeners.add(listener);
  }

  /**
   * Takes in samples behind those it has; older ones are known already.
   *
   * @param {readonly NodeSample[]} samples the oldest first
   */
  add(samples) {
    const newestMs = samples.at(-1)?.atMs ?? 0;
    // The node's clock was set back: what was before has no place beside what comes.
    if (newestMs < (this.latest?.atMs ?? 0) - CLOCK_SLACK_MS) this.#samples = [];
    let lastMs = this.latest?.atMs ?? 0;
    let isNew = false;
    for (const sample of samples) {
      if (sample.atMs <= lastMs) continue;
      this.#samples.push(sample);
      lastMs = sample.atMs;
      isNew = true;
    }
    if (!isNew) return;
    const first = this.#samples.findIndex(({ atMs }) => atMs > lastMs - HISTORY_MS);
    if (first > 0) this.#samples.splice(0, first);
    for (const listener of this.#listeners) listener();
  }
}
