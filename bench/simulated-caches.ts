/** Hit ratio of least recently used over dense keys, for a cache of `capacity` entries. */
export function lruHitRatio(keys: Uint32Array, capacity: number): number {
  const entries = new Map<number, true>();
  let hits = 0;
  for (const key of keys) {
    if (entries.delete(key)) hits++;
    else if (entries.size >= capacity) entries.delete(entries.keys().next().value as number);
    entries.set(key, true);
  }
  return hits / keys.length;
}

/**
 * Hit ratio of a cache of `capacity` entries that knows the future and lets go whatever is asked for last. Every miss
 * is stored, as in a cache-aside. Source: L. A. Belady, "A study of replacement algorithms" (1966).
 */
export function optimalHitRatio(keys: Uint32Array, distinct: number, capacity: number): number {
  const nextUses = nextUsesOf(keys, distinct);
  // Present keys by their next use, which tells each apart: a heap, the furthest on top. Stale nodes are skipped.
  const heap = new FurthestFirst(keys.length);
  const useOf = new Int32Array(distinct).fill(-1);
  const neverAgain: number[] = [];
  let size = 0;
  let hits = 0;
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i] as number;
    if ((useOf[key] as number) >= 0) {
      hits++;
    } else {
      if (size === capacity) {
        let victim = neverAgain.pop();
        while (victim === undefined) {
          const use = heap.pop();
          const candidate = keys[use] as number;
          if (useOf[candidate] === use) victim = candidate;
        }
        useOf[victim] = -1;
        size--;
      }
      size++;
    }
    const next = nextUses[i] as number;
    useOf[key] = next;
    if (next === keys.length) neverAgain.push(key);
    else heap.push(next);
  }
  return hits / keys.length;
}

function nextUsesOf(keys: Uint32Array, distinct: number): Int32Array {
  const nextUses = new Int32Array(keys.length);
  const seen = new Int32Array(distinct).fill(keys.length);
  for (let i = keys.length - 1; i >= 0; i--) {
    const key = keys[i] as number;
    nextUses[i] = seen[key] as number;
    seen[key] = i;
  }
  return nextUses;
}

/** A binary heap of integers, the largest on top. */
class FurthestFirst {
  readonly #nodes: Int32Array;
  #size = 0;

  constructor(capacity: number) {
    this.#nodes = new Int32Array(capacity + 2);
  }

  push(use: number): void {
    const nodes = this.#nodes;
    let at = ++this.#size;
    for (; at > 1 && (nodes[at >> 1] as number) < use; at >>= 1) nodes[at] = nodes[at >> 1] as number;
    nodes[at] = use;
  }

  pop(): number {
    const nodes = this.#nodes;
    const top = nodes[1] as number;
    const last = nodes[this.#size--] as number;
    let at = 1;
    for (;;) {
      let child = at * 2;
      if (child > this.#size) break;
      if (child < this.#size && (nodes[child + 1] as number) > (nodes[child] as number)) child++;
      if ((nodes[child] as number) <= last) break;
      nodes[at] = nodes[child] as number;
      at = child;
    }
    nodes[at] = last;
    return top;
  }
}
