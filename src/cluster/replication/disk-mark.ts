/**
 * How far what a copy holds is on its disk. Each thing that is handed to the disk has a place there, and stands for the record
 * that must not be confirmed before; the disk says up to which place it has everything.
 */
export class DiskMark {
  /** Both ascend. */
  #places: number[] = [];
  #seqs: number[] = [];

  get isPending(): boolean {
    return this.#places.length > 0;
  }

  /** Records up to here are on the disk, of a log that ends at `last`; -1: not even that there is none. */
  seq(last: number): number {
    const [first] = this.#seqs;
    return first === undefined ? last : first - 1;
  }

  /** What the record `seq` needs is to come to this place; 0: it needs no waiting for. */
  handed(place: number, seq: number): void {
    if (place === 0) return;
    // Until this is there the others make no difference.
    while ((this.#seqs.at(-1) ?? -1) >= seq) this.#pop();
    this.#places.push(place);
    this.#seqs.push(seq);
  }

  /** The log was cut off behind `seq`. */
  cut(seq: number): void {
    while ((this.#seqs.at(-1) ?? -1) > seq) this.#pop();
  }

  /** The disk has everything up to this place. Answers whether that tells anything new. */
  reached(place: number): boolean {
    let done = 0;
    while (done < this.#places.length && (this.#places[done] as number) <= place) done++;
    if (done === 0) return false;
    this.#places.splice(0, done);
    this.#seqs.splice(0, done);
    return true;
  }

  reset(): void {
    this.#places = [];
    this.#seqs = [];
  }

  #pop(): void {
    this.#seqs.pop();
    this.#places.pop();
  }
}
