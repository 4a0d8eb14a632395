import { startsWith } from './key-prefix.ts';

/** Sums by the names of what is summed up. */
export type Totals<Field extends string> = Record<Field, number>;

export interface PrefixTotalsOptions<Field extends string> {
  readonly fields: readonly Field[];
  /** What prefixes are ordered by. */
  readonly weightOf: (totals: Totals<Field>) => number;
  /** At least so many prefixes are kept apart. */
  readonly keptMax: number;
}

/**
 * Sums by prefix, of which it keeps a bounded number apart: when there are twice as many as it may keep, the smaller half
 * goes to the others. What is left is exact as long as there are no more than that; after that a prefix may be told smaller
 * than it is by what it had when it was sorted out.
 */
export class PrefixTotals<Field extends string> {
  readonly #options: PrefixTotalsOptions<Field>;
  readonly #others: Totals<Field>;
  readonly #rows = new Map<string, Totals<Field>>();

  constructor(options: PrefixTotalsOptions<Field>) {
    this.#options = options;
    this.#others = zeros(options.fields);
  }

  /** Where to add for keys of this prefix, until the next call; null: they have none. */
  of(prefix: string | null): Totals<Field> {
    if (prefix === null) return this.#others;
    const known = this.#rows.get(prefix);
    if (known !== undefined) return known;
    if (this.#rows.size >= this.#options.keptMax * 2) this.#sortOut();
    const totals = zeros(this.#options.fields);
    this.#rows.set(prefix, totals);
    return totals;
  }

  /** Adds all that `other` has, so many times. */
  add(other: PrefixTotals<Field>, factor: number): void {
    this.#addTo(this.#others, other.#others, factor);
    for (const [prefix, totals] of other.#rows) this.#addTo(this.of(prefix), totals, factor);
  }

  /** All sums fade to this share of themselves; a prefix of less than `least` is forgotten. */
  fade(factor: number, least: number): void {
    this.#scale(this.#others, factor);
    for (const [prefix, totals] of this.#rows) {
      this.#scale(totals, factor);
      if (this.#options.weightOf(totals) < least) this.#rows.delete(prefix);
    }
  }

  /** The `count` largest prefixes, the largest first; beside them, all others. */
  largest(count: number): {
    readonly rows: readonly (readonly [string, Readonly<Totals<Field>>])[];
    readonly others: Readonly<Totals<Field>>;
  } {
    const sorted = this.#sorted();
    const others = { ...this.#others };
    for (const [, totals] of sorted.slice(count)) this.#addTo(others, totals, 1);
    return { rows: sorted.slice(0, count), others };
  }

  #sortOut(): void {
    for (const [prefix, totals] of this.#sorted().slice(this.#options.keptMax)) {
      this.#addTo(this.#others, totals, 1);
      this.#rows.delete(prefix);
    }
  }

  #sorted(): (readonly [string, Totals<Field>])[] {
    const { weightOf } = this.#options;
    return [...this.#rows].sort(([, a], [, b]) => weightOf(b) - weightOf(a));
  }

  #addTo(totals: Totals<Field>, more: Totals<Field>, factor: number): void {
    for (const field of this.#options.fields) totals[field] += more[field] * factor;
  }

  #scale(totals: Totals<Field>, factor: number): void {
    for (const field of this.#options.fields) totals[field] *= factor;
  }
}

/** Sums for each of some prefixes, of all keys that begin with it. */
export class GivenPrefixes<Field extends string> {
  /** In the order in which they were given. */
  readonly rows: readonly { readonly prefix: string; readonly totals: Totals<Field> }[];
  readonly #bytes: readonly Uint8Array[];
  readonly #fields: readonly Field[];

  constructor(prefixes: readonly string[], fields: readonly Field[]) {
    this.#fields = fields;
    this.rows = prefixes.map((prefix) => ({ prefix, totals: zeros(fields) }));
    this.#bytes = prefixes.map((prefix) => Buffer.from(prefix));
  }

  /** Hands over where to add for this key. */
  forEachOf(bytes: Uint8Array, start: number, end: number, add: (totals: Totals<Field>) => void): void {
    for (const [i, prefix] of this.#bytes.entries()) {
      const row = this.rows[i];
      if (row !== undefined && startsWith(bytes, start, end, prefix)) add(row.totals);
    }
  }

  /** Adds what `other`, of the same prefixes, has, so many times, and leaves it with nothing. */
  take(other: GivenPrefixes<Field>, factor: number): void {
    for (const [i, { totals }] of this.rows.entries()) {
      const more = other.rows[i]?.totals;
      if (more === undefined) continue;
      for (const field of this.#fields) {
        totals[field] += more[field] * factor;
        more[field] = 0;
      }
    }
  }
}

function zeros<Field extends string>(fields: readonly Field[]): Totals<Field> {
  return Object.fromEntries(fields.map((field) => [field, 0])) as Totals<Field>;
}
