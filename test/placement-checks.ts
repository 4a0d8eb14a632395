import type { PlacementNode } from '../src/routing/placement/placement.ts';

/** What tests say of a placement, reckoned from nodes and rows alone and not by the code under test. */

export type Rows = readonly (readonly string[])[];

export function copiesOf(rows: Rows, id: string): number {
  return rows.filter((row) => row.includes(id)).length;
}

export function primariesOf(rows: Rows, id: string): number {
  return rows.filter((row) => row[0] === id).length;
}

/**
 * `total` by weight, but no more than `limit` on a node: the factor is found by halving, for what all get grows with
 * it.
 */
export function sharesOf(nodes: readonly PlacementNode[], total: number, limit: number): Map<string, number> {
  const at = (factor: number) => nodes.map((node) => Math.min(limit, factor * node.weight));
  const sum = (values: readonly number[]) => values.reduce((all, value) => all + value, 0);
  let low = 0;
  let high = total;
  while (sum(at(high)) < total - 1e-6) high *= 2;
  for (let turn = 0; turn < 200; turn++) {
    const middle = (low + high) / 2;
    if (sum(at(middle)) < total) low = middle;
    else high = middle;
  }
  return new Map(nodes.map((node, index) => [node.id, at(high)[index] as number]));
}

/** What is wrong with rows that should each have so many copies on different nodes, as evenly over zones as can be. */
export function faultOf(
  rows: Rows,
  nodes: readonly PlacementNode[],
  partitions: number,
  copies: number,
): string | null {
  if (rows.length !== partitions) return `${rows.length} rows`;
  const zones = new Map(nodes.map((node) => [node.id, node.zone ?? `alone ${node.id}`]));
  const sizes = countsOf([...zones.values()]);
  for (const [partition, row] of rows.entries()) {
    if (row.length !== Math.min(copies, nodes.length)) return `partition ${partition} has ${row.length} copies`;
    if (new Set(row).size !== row.length) return `partition ${partition} is twice on one node`;
    if (!row.every((id) => zones.has(id))) return `partition ${partition} is on a node that is gone`;
    const counts = countsOf(row.map((id) => zones.get(id) as string));
    for (const crowded of counts.values()) {
      for (const [zone, size] of sizes) {
        const there = counts.get(zone) ?? 0;
        if (there < size && there + 1 < crowded) return `partition ${partition} could use zone ${zone} more`;
      }
    }
  }
  return null;
}

/** Copies in `after` on nodes that did not have them in `before`: what has to be copied, by the node it goes to. */
export function arrivals(before: Rows, after: Rows): Map<string, number> {
  const counts = new Map<string, number>();
  for (const [partition, row] of after.entries()) {
    for (const id of row) {
      if (!before[partition]?.includes(id)) counts.set(id, (counts.get(id) ?? 0) + 1);
    }
  }
  return counts;
}

export function sumOf(counts: ReadonlyMap<string, number>): number {
  return [...counts.values()].reduce((sum, count) => sum + count, 0);
}

function countsOf(items: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const item of items) counts.set(item, (counts.get(item) ?? 0) + 1);
  return counts;
}
