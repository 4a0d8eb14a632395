/** The register holds nothing. */
export const ABSENT = 0;
/** The register holds what a write left whose value nobody ever read. */
export const UNSEEN = -1;

/** One way in which things can stand: what the key holds, and which operations have been done. */
export interface Configuration {
  /** {@link ABSENT}, {@link UNSEEN} or a value. */
  readonly value: number;
  /** Bits: which of the operations under way are done. */
  readonly done: number;
  /** How many of the sets, creations and deletes have been used whose effect nobody saw. */
  readonly sets: number;
  readonly creations: number;
  readonly deletes: number;
}

/** Configurations without those that allow nothing another one does not allow too, having used fewer operations. */
export class ConfigurationSet {
  readonly #groups = new Map<string, Configuration[]>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** False when it adds nothing. */
  add(configuration: Configuration): boolean {
    const name = `${configuration.value} ${configuration.done}`;
    const group = this.#groups.get(name);
    if (group === undefined) {
      this.#groups.set(name, [configuration]);
      this.#size++;
      return true;
    }
    if (group.some((other) => isAtMost(other, configuration))) return false;
    const kept = group.filter((other) => !isAtMost(configuration, other));
    kept.push(configuration);
    this.#size += kept.length - group.length;
    this.#groups.set(name, kept);
    return true;
  }

  *[Symbol.iterator](): Iterator<Configuration> {
    for (const group of this.#groups.values()) yield* group;
  }
}

function isAtMost(left: Configuration, right: Configuration): boolean {
  return left.sets <= right.sets && left.creations <= right.creations && left.deletes <= right.deletes;
}
