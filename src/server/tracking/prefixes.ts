/**
 * Prefixes of keys, and who wants to be told of every change of a key that begins with one. Prefixes are strings of one
 * character a byte; the empty one is of all keys.
 */
export class Prefixes<Owner> {
  readonly #owners = new Map<string, Set<Owner>>();
  /** How many prefixes there are of each length. */
  readonly #lengths = new Map<number, number>();

  get size(): number {
    return this.#owners.size;
  }

  add(prefix: string, owner: Owner): void {
    let owners = this.#owners.get(prefix);
    if (owners === undefined) {
      owners = new Set();
      this.#owners.set(prefix, owners);
      this.#lengths.set(prefix.length, (this.#lengths.get(prefix.length) ?? 0) + 1);
    }
    owners.add(owner);
  }

  delete(prefix: string, owner: Owner): void {
    const owners = this.#owners.get(prefix);
    if (owners === undefined || !owners.delete(owner) || owners.size > 0) return;
    this.#owners.delete(prefix);
    const left = (this.#lengths.get(prefix.length) ?? 0) - 1;
    if (left > 0) this.#lengths.set(prefix.length, left);
    else this.#lengths.delete(prefix.length);
  }

  /** Calls `visit` with each owner of each prefix of the key: one look-up a length that prefixes have. */
  match(key: string, visit: (owner: Owner) => void): void {
    for (const length of this.#lengths.keys()) {
      if (length > key.length) continue;
      const owners = this.#owners.get(key.slice(0, length));
      if (owners === undefined) continue;
      for (const owner of owners) visit(owner);
    }
  }
}
