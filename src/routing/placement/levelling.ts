import type { Targets } from './shares.ts';

/** Something countable that nodes hold and can hand on, a partition's worth at a time. */
export interface Burden {
  readonly targets: Targets;
  countOf(node: number): number;
  /**
   * Finds for every one of the `givers` a partition that it could give to `to`, and offers it; refused (false), it may
   * offer another. `onlyNew`: one that costs nothing to give, because this plan moves it anyway. Who takes an offer
   * deletes the giver from the set, so that it is asked no more.
   */
  eachGiver(
    to: number,
    givers: ReadonlySet<number>,
    onlyNew: boolean,
    offer: (from: number, partition: number) => boolean,
  ): void;
  give(partition: number, from: number, to: number): void;
}

interface Step {
  readonly partition: number;
  readonly from: number;
  readonly to: number;
}

/**
 * Brings what the nodes hold to their targets with the fewest moves: first whatever costs nothing; then nodes that
 * hold too little are filled, and those that hold too much relieved, up to their quotas. Nodes within their limits
 * are left as they are, or are brought no further than to their limits.
 *
 * A move is a path of steps: usually one, and more only where the node that has too much holds nothing that the one
 * with too little may take. Every path brings one node nearer to its quota and none beyond its limits, so there is an
 * end; where no path is left, the nodes stay as they are.
 */
export function level(burden: Burden): void {
  const { quotas, lower, upper, shares } = burden.targets;
  const nodes = quotas.map((_, node) => node);
  const over = (node: number) => burden.countOf(node) - (quotas[node] as number);
  const spare = (node: number) => burden.countOf(node) - (lower[node] as number);
  const excess = (node: number) => burden.countOf(node) - (upper[node] as number);
  const need = (node: number) => -over(node) / Math.max(1, shares[node] as number);
  const neediest = (some: number[]) => some.sort((left, right) => need(right) - need(left) || left - right);
  const underQuota = () => neediest(nodes.filter((node) => over(node) < 0));
  const haveRoom = () => neediest(nodes.filter((node) => excess(node) < 0));
  const follow = (path: readonly Step[] | null) => {
    for (const { partition, from, to } of path ?? []) burden.give(partition, from, to);
    return path !== null;
  };

  while (follow(findPath(burden, underQuota(), over, true)));
  for (const taker of neediest(nodes.filter((node) => spare(node) < 0))) {
    while (over(taker) < 0 && follow(findPath(burden, [taker], spare, true)));
    const barren = new Set<number>();
    while (over(taker) < 0) {
      if (follow(findStep(burden, [taker], over, barren)) || follow(findStep(burden, [taker], spare, barren))) continue;
      if (!follow(findPath(burden, [taker], over, false))) break;
      barren.clear();
    }
  }
  for (const giver of nodes.filter((node) => excess(node) > 0)) {
    const rank = (node: number) => (node === giver ? 1 : 0);
    while (over(giver) > 0 && follow(findPath(burden, haveRoom(), rank, true)));
    const barren = new Set<number>();
    while (over(giver) > 0) {
      if (follow(findStep(burden, underQuota(), rank, barren)) || follow(findStep(burden, haveRoom(), rank, barren))) {
        continue;
      }
      if (!follow(findPath(burden, underQuota(), rank, false))) break;
      barren.clear();
    }
  }
}

/**
 * One step to the first of the takers that anyone can give to, from the node of highest `rank` (above 0) that can.
 * `barren` remembers pairs without anything to give: as long as only one and the same node takes, or gives, by single
 * steps, that stays so, because a partition that has moved is none that it could take, or give, again.
 */
function findStep(
  burden: Burden,
  takers: readonly number[],
  rank: (node: number) => number,
  barren: Set<number>,
): Step[] | null {
  const count = burden.targets.quotas.length;
  for (const to of takers) {
    const givers: number[] = [];
    for (let node = 0; node < count; node++) {
      if (node !== to && rank(node) > 0 && !barren.has(to * count + node)) givers.push(node);
    }
    while (givers.length > 0) {
      let at = 0;
      for (let other = 1; other < givers.length; other++) {
        if (rank(givers[other] as number) > rank(givers[at] as number)) at = other;
      }
      const [best] = givers.splice(at, 1) as [number];
      const found: Step[] = [];
      const alone = new Set([best]);
      burden.eachGiver(to, alone, false, (from, partition) => {
        found.push({ partition, from, to });
        alone.delete(from);
        return true;
      });
      if (found.length > 0) return found;
      barren.add(to * count + best);
    }
  }
  return null;
}

/**
 * A shortest path, searched breadth first from its end, along which each node gives one partition to the next: from
 * the node of highest `rank` (above 0) to one of the takers, the earlier the better. No partition is used twice, so
 * the steps do not get in each other's way.
 */
function findPath(
  burden: Burden,
  takers: readonly number[],
  rank: (node: number) => number,
  onlyNew: boolean,
): Step[] | null {
  /** How the nodes that were reached would give: null for those it ends at. */
  const steps = new Map<number, Step | null>();
  for (const taker of takers) steps.set(taker, null);
  const pathFrom = (node: number) => {
    const path: Step[] = [];
    for (let step = steps.get(node); step; step = steps.get(step.to)) path.push(step);
    return path;
  };
  const givers = new Set<number>();
  for (const node of burden.targets.quotas.keys()) if (!steps.has(node)) givers.add(node);
  let reached = takers;
  while (reached.length > 0 && givers.size > 0) {
    const next: number[] = [];
    let best = -1;
    for (const to of reached) {
      burden.eachGiver(to, givers, onlyNew, (from, partition) => {
        if (pathFrom(to).some((step) => step.partition === partition)) return false;
        steps.set(from, { partition, from, to });
        givers.delete(from);
        next.push(from);
        if (rank(from) > 0 && (best < 0 || rank(from) > rank(best))) best = from;
        return true;
      });
    }
    if (best >= 0) return pathFrom(best);
    reached = next;
  }
  return null;
}
