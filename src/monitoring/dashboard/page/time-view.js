/** Which part of the past charts show, and whether they stand still. */
export class TimeView {
  /** Minutes that one can choose. */
  static minutes = /** @type {const} */ ([1, 5, 15, 30]);

  /** @type {number} */
  #spanMs = 5 * 60_000;
  /** @type {number | null} */
  #pausedAtMs = null;
  /** @type {Set<() => void>} */
  #listeners = new Set();

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

  /** @param {number} minutes */
  show(minutes) {
    this.#spanMs = minutes * 60_000;
    this.#tell();
  }

  /** @param {number} atMs */
  pause(atMs) {
    this.#pausedAtMs = atMs;
    this.#tell();
  }

  resume() {
    this.#pausedAtMs = null;
    this.#tell();
  }

  #tell() {
    for (const listener of this.#listeners) listener();
  }
}
