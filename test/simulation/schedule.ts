interface Due {
  readonly atMs: number;
  readonly order: number;
  readonly run: () => void;
}

/** What will happen, in virtual time. Of two events at the same moment the one asked for first comes first. */
export class Schedule {
  nowMs = 0;
  #order = 0;
  /** A binary heap, the earliest first. */
  readonly #heap: Due[] = [];

  get size(): number {
    return this.#heap.length;
  }

  /** A moment that has passed means now. */
  at(atMs: number, run: () => void): void {
    const heap = this.#heap;
    const due: Due = { atMs: atMs > this.nowMs ? atMs : this.nowMs, order: this.#order++, run };
    let index = heap.length;
    heap.push(due);
    while (index > 0) {
      const above = (index - 1) >> 1;
      const parent = heap[above] as Due;
      if (!isBefore(due, parent)) break;
      heap[index] = parent;
      index = above;
    }
    heap[index] = due;
  }

  after(delayMs: number, run: () => void): void {
    this.at(this.nowMs + delayMs, run);
  }

  /** Lets happen what is due up to `untilMs`, as long as `goesOn`; then it is that moment. */
  runUntil(untilMs: number, goesOn: () => boolean = () => true): void {
    for (;;) {
      const first = this.#heap[0];
      if (first === undefined || first.atMs > untilMs) break;
      if (!goesOn()) return;
      this.#removeFirst();
      this.nowMs = first.atMs;
      first.run();
    }
    if (untilMs > this.nowMs) this.nowMs = untilMs;
  }

  #removeFirst(): void {
    const heap = this.#heap;
    const last = heap.pop() as Due;
    const size = heap.length;
    if (size === 0) return;
    let index = 0;
    for (;;) {
      let below = 2 * index + 1;
      if (below >= size) break;
      let child = heap[below] as Due;
      const right = heap[below + 1];
      if (right !== undefined && isBefore(right, child)) {
        child = right;
        below++;
      }
      if (!isBefore(child, last)) break;
      heap[index] = child;
      index = below;
    }
    heap[index] = last;
  }
}

function isBefore(left: Due, right: Due): boolean {
  return left.atMs < right.atMs || (left.atMs === right.atMs && left.order < right.order);
}
