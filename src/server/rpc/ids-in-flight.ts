/** A power of two. */
const SLOTS = 256;

/**
 * The ids of a connection's requests that are not answered yet. Clients count their ids up, so that each has a slot of
 * its own in a small table; those whose slot is taken go to a set.
 */
export class IdsInFlight {
  readonly #ids = new Uint32Array(SLOTS);
  readonly #isUsed = new Uint8Array(SLOTS);
  readonly #others = new Set<number>();

  /** False, with nothing changed, when the id is in flight. */
  add(id: number): boolean {
    const slot = id & (SLOTS - 1);
    if (this.#isUsed[slot] === 0) {
      if (this.#others.size > 0 && this.#others.has(id)) return false;
      this.#isUsed[slot] = 1;
      this.#ids[slot] = id;
      return true;
    }
    if (this.#ids[slot] === id || this.#others.has(id)) return false;
    this.#others.add(id);
    return true;
  }

  has(id: number): boolean {
    const slot = id & (SLOTS - 1);
    return (this.#isUsed[slot] === 1 && this.#ids[slot] === id) || (this.#others.size > 0 && this.#others.has(id));
  }

  delete(id: number): void {
    const slot = id & (SLOTS - 1);
    if (this.#isUsed[slot] === 1 && this.#ids[slot] === id) this.#isUsed[slot] = 0;
    else this.#others.delete(id);
  }
}
