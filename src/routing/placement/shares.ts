import { assert } from '../../base/assert.ts';
import type { Zones } from './zones.ts';

/**
 * How far from its fair share a node may be before copies move between nodes that both stay. In whole copies: with
 * fewer than 20 of them, only from the share rounded down to the share rounded up.
 */
const TOLERANCE = 0.05;
/** Shares this near to a whole number, in proportion, are that number: they come of sums of doubles. */
const ROUNDING = 1e-9;

/** How much of something each node should hold, by number of the node. */
export interface Targets {
  /** Proportional to weight as far as can be. */
  readonly shares: readonly number[];
  /** The shares in whole numbers, each rounded up or down so that they add up. */
  readonly quotas: readonly number[];
  /** What a node may hold before something is moved for balance's sake alone: `lower` ≤ quota ≤ `upper`. */
  readonly lower: readonly number[];
  readonly upper: readonly number[];
}

/**
 * Copies by weight. What no weight can change comes first: a node holds at most one copy of a partition, and a zone
 * as many of each as the most even spread gives it. `held` decides who gets the odd copy: who has it already.
 */
export function copyTargets(
  weights: readonly number[],
  zones: Zones,
  partitions: number,
  held: readonly number[],
): Targets {
  const zoneWeights = zones.sizes.map(() => 0);
  const zoneHeld = zones.sizes.map(() => 0);
  for (const [node, zone] of zones.zoneOf.entries()) {
    zoneWeights[zone] = (zoneWeights[zone] as number) + (weights[node] as number);
    zoneHeld[zone] = (zoneHeld[zone] as number) + (held[node] as number);
  }
  const total = partitions * zones.copies;
  const lower = zones.fewest.map((count) => count * partitions);
  const upper = zones.most.map((count) => count * partitions);
  const zoneShares = shareOut(total, zoneWeights, lower, upper);
  const zoneQuotas = wholeShares(total, zoneShares, zoneHeld);
  const shares = weights.map(() => 0);
  const quotas = weights.map(() => 0);
  const members = zones.sizes.map((): number[] => []);
  for (const [node, zone] of zones.zoneOf.entries()) members[zone]?.push(node);
  for (const [zone, nodes] of members.entries()) {
    const of = (values: readonly number[]) => nodes.map((node) => values[node] as number);
    const none = nodes.map(() => 0);
    const all = nodes.map(() => partitions);
    const zoneShare = shareOut(zoneShares[zone] as number, of(weights), none, all);
    const zoneQuota = wholeShares(zoneQuotas[zone] as number, zoneShare, of(held));
    for (const [at, node] of nodes.entries()) {
      shares[node] = zoneShare[at] as number;
      quotas[node] = zoneQuota[at] as number;
    }
  }
  return tolerant(shares, quotas);
}

/** Primaries by weight, but no more on a node than it has copies. */
export function primaryTargets(
  weights: readonly number[],
  copyQuotas: readonly number[],
  partitions: number,
  held: readonly number[],
): Targets {
  const none = weights.map(() => 0);
  const shares = shareOut(partitions, weights, none, copyQuotas);
  return tolerant(shares, wholeShares(partitions, shares, held));
}

function tolerant(shares: readonly number[], quotas: readonly number[]): Targets {
  const lower = shares.map((share) => Math.floor(share) - Math.floor(share * TOLERANCE));
  const upper = shares.map((share) => Math.ceil(share) + Math.floor(share * TOLERANCE));
  return { shares, quotas, lower, upper };
}

/**
 * `total` in proportion to the weights, but each share within its limits: whoever would be outside is given the limit,
 * and the others divide the rest. The limits must allow it.
 */
function shareOut(
  total: number,
  weights: readonly number[],
  lower: readonly number[],
  upper: readonly number[],
): number[] {
  const shares = weights.map(() => 0);
  let open = weights.map((_, at) => at);
  let rest = total;
  // Each turn closes at least one share, so there are no more turns than shares. Source: CSS Flexible Box Layout
  // Level 1, "Resolving flexible lengths", which clamps on one side at a time for the same reason.
  while (open.length > 0) {
    const factor = Math.max(0, rest) / open.reduce((sum, at) => sum + (weights[at] as number), 0);
    let added = 0;
    for (const at of open) {
      const share = factor * (weights[at] as number);
      shares[at] = Math.min(Math.max(share, lower[at] as number), upper[at] as number);
      added += (shares[at] as number) - share;
    }
    const closed = open.filter((at) => {
      const share = factor * (weights[at] as number);
      return (added >= 0 && share < (lower[at] as number)) || (added <= 0 && share > (upper[at] as number));
    });
    if (closed.length === 0) break;
    for (const at of closed) rest -= shares[at] as number;
    const isClosed = new Set(closed);
    open = open.filter((at) => !isClosed.has(at));
  }
  return shares.map(withoutNoise);
}

/** The shares in whole numbers that add up to `total`: the largest remainders are rounded up, `held` ones first. */
function wholeShares(total: number, shares: readonly number[], held: readonly number[]): number[] {
  const whole = shares.map(Math.floor);
  const missing = total - whole.reduce((sum, share) => sum + share, 0);
  const remainder = (at: number) => (shares[at] as number) - (whole[at] as number);
  const hasMore = (at: number) => ((held[at] as number) > (whole[at] as number) ? 1 : 0);
  const order = shares
    .map((_, at) => at)
    .filter((at) => remainder(at) > 0)
    .sort((left, right) => hasMore(right) - hasMore(left) || remainder(right) - remainder(left) || left - right);
  assert(missing >= 0 && missing <= order.length, `${missing} left over among ${order.length} remainders`);
  for (const at of order.slice(0, missing)) whole[at] = (whole[at] as number) + 1;
  return whole;
}

function withoutNoise(share: number): number {
  const nearest = Math.round(share);
  return Math.abs(share - nearest) <= ROUNDING * Math.max(1, nearest) ? nearest : share;
}
