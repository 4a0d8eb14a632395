/**
 * How many of the first commands of a connection are answered, where answers come in any order: what `PushTarget` tells
 * as `taken` and `answered`. To know it to the command would take a record of each; this counts two generations. When the
 * older one is answered as a whole, what was taken since becomes the older one. So `answered` lags behind, but it goes on
 * though there is always something under way.
 */
export class UnorderedAnswers {
  #taken = 0;
  #answered = 0;
  /** Up to this command, all are of the older generation or answered. */
  #olderEnd = 0;
  #older = 0;
  #younger = 0;
  /** The parity that the younger generation goes by. */
  #parity = 0;

  get taken(): number {
    return this.#taken;
  }

  get answered(): number {
    return this.#answered;
  }

  /** A command is taken; to be given to `end`: 0 or 1. */
  begin(): number {
    this.#taken++;
    this.#younger++;
    return this.#parity;
  }

  /** Its answer is written. */
  end(generation: number): void {
    if (generation === this.#parity) this.#younger--;
    else this.#older--;
    if (this.#older > 0) return;
    this.#answered = this.#younger === 0 ? this.#taken : this.#olderEnd;
    this.#olderEnd = this.#taken;
    this.#older = this.#younger;
    this.#younger = 0;
    this.#parity ^= 1;
  }
}
