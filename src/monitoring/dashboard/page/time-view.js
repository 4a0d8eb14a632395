/** The least that a part of a chart can be drawn out to. */
const MS_MIN = 5000;

/** Which part of the past charts show, and whether they stand still. */
export class TimeView {
  /** Minutes that one can choose. */
  static choices = /** @type {const} */ ([1, 5, 15, 30]);

  /** @type {number} */
  #minutes = 5;
  #spanMs = 5 * 60_000;
  /** @type {number | null} */
  #pausedAtMs = null;
  /** @type {Set<() => void>} */
  #listeners = new Set();

  /** What was chosen last. */
  get minutes() {
    return this.#minutes;
  }

  get spanMs() {
    return this.#spanMs;
  }

  /** The latest moment that is shown, by the node's clock; null: now. */
  get pausedAtMs() {
    return this.#pausedAtMs;
  }

  /** @param {() => void} listener */
  onChange(listener) {
    this.#listeners.add(listener);
  }

  /** @param {number} minutes up to now */
  show(minutes) {
    this.#spanMs = minutes * 60_000;
    this.#minutes = minutes;
    this.#pausedAtMs = null;
    this.#tell();
  }

  /**
   * Shows what was between two moments, and stands still there.
   *
   * @param {number} fromMs
   * @param {number} untilMs
   */
  zoom(fromMs, untilMs) {
    this.#spanMs = Math.max(MS_MIN, untilMs - fromMs);
    this.#pausedAtMs = untilMs;
    this.#tell();
  }

  /** @param {number} atMs */
  pause(atMs) {
    this.#pausedAtMs = atMs;
    this.#tell();
  }

  /** Shows as many minutes as were chosen last, up to now. */
  resume() {
    this.#spanMs = this.#minutes * 60_000;
    this.#pausedAtMs = null;
    this.#tell();
  }

  #tell() {
    for (const listener of this.#listeners) listener();
  }
}
