import type { EntryInfo } from '../../base/view.ts';

/** Of the keys of one prefix. */
export interface Totals {
  keys: number;
  bytes: number;
  /** Keys that expire. */
  expiring: number;
}

/**
 * Adds keys up by their prefixes, of which it keeps a bounded number apart: when there are twice as many as it may keep, the
 * smaller half goes to the others. What is left is exact as long as there are no more than that; after that a prefix may
 * be told smaller than it is by what it had when it was sorted out.
 */
export class PrefixTally {
  /** Without a prefix, or sorted out. */
  readonly others: Totals = { keys: 0, bytes: 0, expiring: 0 };
  readonly #rows = new Map<string, Totals>();
  readonly #keptMax: number;

  constructor(keptMax: number) {
    this.#keptMax = keptMax;
  }

  /** Counts one key; null: it has no prefix. */
  count(prefix: string | null, entry: Pick<EntryInfo, 'memoryBytes' | 'expiresAtMs'>): void {
    const totals = this.#of(prefix);
    totals.keys++;
    totals.bytes += entry.memoryBytes;
    if (entry.expiresAtMs !== 0) totals.expiring++;
  }

  /** Counts all that `other` has, each key as `factor` keys. */
  add(other: PrefixTally, factor: number): void {
    addTo(this.others, other.others, factor);
    for (const [prefix, totals] of other.#rows) addTo(this.#of(prefix), totals, factor);
  }

  /** The `count` largest prefixes by bytes, the largest first; beside them, all others. */
  largest(count: number): { readonly rows: readonly (readonly [string, Totals])[]; readonly others: Totals } {
    const sorted = this.#sorted();
    const others = { ...this.others };
    for (const [, totals] of sorted.slice(count)) addTo(others, totals, 1);
    return { rows: sorted.slice(0, count), others };
  }

  #of(prefix: string | null): Totals {
    if (prefix === null) return this.others;
    const known = this.#rows.get(prefix);
    if (known !== undefined) return known;
    if (this.#rows.size >= this.#keptMax * 2) this.#sortOut();
    const totals = { keys: 0, bytes: 0, expiring: 0 };
    this.#rows.set(prefix, totals);
    return totals;
  }

  #sortOut(): void {
    for (const [prefix, totals] of this.#sorted().slice(this.#keptMax)) {
      addTo(this.others, totals, 1);
      this.#rows.delete(prefix);
    }
  }

  #sorted(): (readonly [string, Totals])[] {
    return [...this.#rows].sort(([, a], [, b]) => b.bytes - a.bytes);
  }
}

function addTo(totals: Totals, more: Totals, factor: number): void {
  totals.keys += more.keys * factor;
  totals.bytes += more.bytes * factor;
  totals.expiring += more.expiring * factor;
}
