/** Lookups of the keys of one prefix, or of several. */
export interface PrefixCount {
  /** Null: all others. */
  readonly prefix: string | null;
  readonly hits: number;
  readonly misses: number;
}

interface Count {
  hits: number;
  misses: number;
}

/** So many prefixes are counted for each that is shown, so that one that gets busy is noticed. */
const SPARE = 4;

/** Hits and misses by prefix, in bounded memory, where the past fades: of the busiest prefixes, and of all others as one. */
export class PrefixCounts {
  readonly #shown: number;
  readonly #counts = new Map<string, Count>();
  readonly #others: Count = { hits: 0, misses: 0 };

  constructor(shown: number) {
    this.#shown = shown;
  }

  /** Null: the key has no prefix. */
  add(prefix: string | null, found: boolean, weight: number): void {
    let count = prefix === null ? this.#others : this.#counts.get(prefix);
    if (prefix !== null && count === undefined) {
      count = { hits: 0, misses: 0 };
      this.#counts.set(prefix, count);
    }
    if (count === undefined) return;
    if (found) count.hits += weight;
    else count.misses += weight;
    if (this.#counts.size > this.#shown * SPARE * 2) this.#trim();
  }

  /** All counts fade to this share of themselves; what has less than `least` left is forgotten. */
  fade(factor: number, least: number): void {
    this.#others.hits *= factor;
    this.#others.misses *= factor;
    for (const [prefix, count] of this.#counts) {
      count.hits *= factor;
      count.misses *= factor;
      if (count.hits + count.misses < least) this.#counts.delete(prefix);
    }
  }

  /** The busiest first; the last, of prefix null, is all others. */
  list(): PrefixCount[] {
    const sorted = this.#sorted();
    const others = { prefix: null, hits: this.#others.hits, misses: this.#others.misses };
    for (const [, { hits, misses }] of sorted.slice(this.#shown)) {
      others.hits += hits;
      others.misses += misses;
    }
    return [...sorted.slice(0, this.#shown).map(([prefix, { hits, misses }]) => ({ prefix, hits, misses })), others];
  }

  #sorted(): [string, Count][] {
    return [...this.#counts].sort(([, a], [, b]) => b.hits + b.misses - a.hits - a.misses);
  }

  #trim(): void {
    for (const [prefix, { hits, misses }] of this.#sorted().slice(this.#shown * SPARE)) {
      this.#counts.delete(prefix);
      this.#others.hits += hits;
      this.#others.misses += misses;
    }
  }
}
