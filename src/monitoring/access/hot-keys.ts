/**
 * The most frequent of many texts, in bounded memory, where the past fades. A count is at most `missed` too low and never
 * too high. Source: J. Misra, D. Gries, "Finding repeated elements" (1982); P. Agarwal et al., "Mergeable summaries" (PODS
 * 2012).
 */
export class HotKeys {
  /** Weight that any text may have had beyond its count. */
  missed = 0;
  readonly #kept: number;
  readonly #counts = new Map<string, number>();

  /** At most twice as many as `kept` are counted at any time. */
  constructor(kept: number) {
    this.#kept = kept;
  }

  add(text: string, weight: number): void {
    this.#counts.set(text, (this.#counts.get(text) ?? 0) + weight);
    if (this.#counts.size > 2 * this.#kept) this.#trim();
  }

  /** All counts fade to this share of themselves; who has less than `least` left is forgotten. */
  fade(factor: number, least: number): void {
    this.missed *= factor;
    for (const [text, count] of this.#counts) {
      if (count * factor < least) this.#counts.delete(text);
      else this.#counts.set(text, count * factor);
    }
  }

  /** The most frequent, first those, that are frequent beyond doubt: those counted more than `missed`. */
  top(count: number): { readonly text: string; readonly weight: number }[] {
    return [...this.#counts]
      .filter(([, weight]) => weight > this.missed)
      .sort((a, b) => b[1] - a[1])
      .slice(0, count)
      .map(([text, weight]) => ({ text, weight }));
  }

  #trim(): void {
    const sorted = Float64Array.from(this.#counts.values()).sort();
    // What the first of those has who are not kept is taken from all.
    const taken = sorted[sorted.length - 1 - this.#kept] as number;
    this.missed += taken;
    for (const [text, count] of this.#counts) {
      if (count <= taken) this.#counts.delete(text);
      else this.#counts.set(text, count - taken);
    }
  }
}
