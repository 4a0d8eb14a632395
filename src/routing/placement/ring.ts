import { assert } from '../../base/assert.ts';

/** Points of a node of average weight. Only the order of preference hangs on it: balance comes from the bound. */
const POINTS_PER_NODE = 64;
const NODES_MAX = 2 ** 20;
const GOLDEN = 0x9e3779b9;

/**
 * Nodes on a circle of 32 bits, each at many points, more of them the heavier it is. From where a partition lies, the
 * nodes met on the way round are its order of preference: another node among them changes nothing about the order of
 * the rest. The hash takes no secret, for whichever process plans must come to the same.
 *
 * Source: D. Karger et al., "Consistent hashing and random trees" (1997).
 */
export class PlacementRing {
  /** Point · 2^20 + node, ascending: 52 bits, which a double holds exactly. Equal points: the lower node first. */
  readonly #points: Float64Array;

  /** `weights[i]` is that of `ids[i]`; what is equal in two orders of the same nodes is the ring, not the numbers. */
  constructor(ids: readonly string[], weights: readonly number[], pointsPerNode = POINTS_PER_NODE) {
    assert(ids.length > 0 && ids.length <= NODES_MAX, `a ring of ${ids.length} nodes`);
    const mean = weights.reduce((sum, weight) => sum + weight, 0) / ids.length;
    const counts = weights.map((weight) => Math.max(1, Math.round((weight / mean) * pointsPerNode)));
    this.#points = new Float64Array(counts.reduce((sum, count) => sum + count, 0));
    let at = 0;
    for (const [node, id] of ids.entries()) {
      const base = hashOfText(id);
      for (let turn = 0; turn < (counts[node] as number); turn++) {
        this.#points[at++] = mix(base ^ mix(turn + GOLDEN)) * NODES_MAX + node;
      }
    }
    this.#points.sort();
  }

  /** The first node that is `accepted` on the way round from where `partition` lies; -1 when none is. */
  first(partition: number, accepted: (node: number) => boolean): number {
    const points = this.#points;
    const start = this.#after(mix(partition ^ GOLDEN));
    for (let step = 0; step < points.length; step++) {
      const at = start + step;
      const node = (points[at < points.length ? at : at - points.length] as number) % NODES_MAX;
      if (accepted(node)) return node;
    }
    return -1;
  }

  /** Where the first point at or after `point` stands. */
  #after(point: number): number {
    let low = 0;
    let high = this.#points.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#points[middle] as number) < point * NODES_MAX) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** Spreads 32 bits over 32 bits, one to one. Source: the finalizer of MurmurHash3, A. Appleby, public domain. */
export function mix(bits: number): number {
  let hash = bits >>> 0;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** FNV-1a of the UTF-16 code units, low byte first. */
export function hashOfText(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    hash = Math.imul(hash ^ (unit & 0xff), 0x01000193);
    hash = Math.imul(hash ^ (unit >>> 8), 0x01000193);
  }
  return hash >>> 0;
}
