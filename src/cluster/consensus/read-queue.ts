interface Read {
  readonly request: number;
  /** The round that must be confirmed. */
  readonly round: number;
  /** What it waits to be applied; -1 as long as the leader has committed nothing in its term. */
  index: number;
}

/**
 * Reads that wait at a leader (dissertation, section 6.4). One may be answered when a majority has confirmed a round
 * that began after the read came, so that no other leader can have committed anything before it, and when the leader
 * has committed an entry of its term, so that it knows how far its predecessors came.
 */
export class ReadQueue {
  #reads: Read[] = [];

  get size(): number {
    return this.#reads.length;
  }

  /** Whether somebody waits for `round` or one before it. */
  waitsFor(round: number): boolean {
    const first = this.#reads[0];
    return first !== undefined && first.round <= round;
  }

  /** Rounds only grow from one read to the next. */
  add(request: number, round: number, index: number): void {
    this.#reads.push({ request, round, index });
  }

  /** The leader has committed the first entry of its term, at `index`. */
  committedInTerm(index: number): void {
    for (const read of this.#reads) if (read.index < 0) read.index = index;
  }

  /** Takes out what may be answered once `round` is confirmed. */
  takeReady(round: number): readonly Read[] {
    if (!this.waitsFor(round)) return [];
    const ready = this.#reads.filter((read) => read.round <= round && read.index >= 0);
    if (ready.length > 0) this.#reads = this.#reads.filter((read) => read.round > round || read.index < 0);
    return ready;
  }

  takeAll(): readonly Read[] {
    const all = this.#reads;
    this.#reads = [];
    return all;
  }
}
