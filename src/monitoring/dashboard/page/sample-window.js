/** @import { NodeSample } from '../feed.ts' */
/** @import { SampleHistory } from './sample-history.js' */
/** @import { TimeView } from './time-view.js' */

/**
 * @typedef {object} Rows what charts show: a row a sample, and one without where samples are missing
 * @property {number} fromMs
 * @property {number} untilMs
 * @property {readonly number[]} times in seconds
 * @property {readonly (NodeSample | null)[]} samples
 */

/** Samples further apart than this many times what they cover have some missing between them. */
const GAP_SPANS = 2.5;

/**
 * The rows between two moments, with one sample before them so that lines begin at the edge.
 *
 * @param {readonly NodeSample[]} all the oldest first
 * @param {number} fromMs
 * @param {number} untilMs
 * @returns {Rows}
 */
export function rowsBetween(all, fromMs, untilMs) {
  /** @type {number[]} */
  const times = [];
  /** @type {(NodeSample | null)[]} */
  const samples = [];
  let first = all.findIndex(({ atMs }) => atMs >= fromMs);
  if (first < 0) first = all.length;
  let lastMs = Number.POSITIVE_INFINITY;
  for (let at = Math.max(0, first - 1); at < all.length; at++) {
    const sample = all[at];
    if (sample === undefined || sample.atMs > untilMs) break;
    if (sample.atMs - lastMs > sample.spanMs * GAP_SPANS) {
      times.push((lastMs + 1) / 1000);
      samples.push(null);
    }
    times.push(sample.atMs / 1000);
    samples.push(sample);
    lastMs = sample.atMs;
  }
  return { fromMs, untilMs, times, samples };
}

/** The rows that all charts show now: made once for all of them. */
export class SampleWindow {
  /** @type {SampleHistory} */
  #history;
  /** @type {TimeView} */
  #time;
  /** @type {Rows | null} */
  #rows = null;

  /**
   * @param {SampleHistory} history
   * @param {TimeView} time
   */
  constructor(history, time) {
    this.#history = history;
    this.#time = time;
  }

  /** The same object as long as nothing in it is another. */
  get rows() {
    const untilMs = this.#time.pausedAtMs ?? this.#history.latest?.atMs ?? Date.now();
    const fromMs = untilMs - this.#time.spanMs;
    if (this.#rows?.untilMs !== untilMs || this.#rows.fromMs !== fromMs) {
      this.#rows = rowsBetween(this.#history.all, fromMs, untilMs);
    }
    return this.#rows;
  }
}
