import { assert } from '../../base/assert.ts';
import { SLOT_COUNT } from '../../base/slot.ts';
import { CopyBurden, PrimaryBurden } from './burdens.ts';
import { PlacementDraft } from './draft.ts';
import { level } from './levelling.ts';
import { PlacementRing } from './ring.ts';
import { copyTargets, primaryTargets, type Targets } from './shares.ts';
import { Zones } from './zones.ts';

export interface PlacementNode {
  /** Unique among the nodes. */
  readonly id: string;
  /** How much the node should hold in proportion to the others; see {@link isPlacementWeight}. */
  readonly weight: number;
  /** What fails together: a rack, a zone. Null: nothing is known to fail together with this node. */
  readonly zone: string | null;
}

export interface PlacementOptions {
  /** Number of partitions, 1 to 16384. */
  readonly partitions: number;
  /** Copies of each, the primary included; with fewer nodes there are as many as nodes. */
  readonly copies: number;
}

/** A partition that is to have other replicas, or another preferred primary, than it has. */
export interface PlacementMove {
  readonly partition: number;
  readonly replicas: string[];
}

const WEIGHT_MIN = 1e-6;
const WEIGHT_MAX = 1e12;

/** Whether placement can work with a weight: 1e-6 to 1e12. Only the proportions between the nodes' weights count. */
export function isPlacementWeight(weight: number): boolean {
  return weight >= WEIGHT_MIN && weight <= WEIGHT_MAX;
}

/**
 * Which nodes should hold each partition, the preferred primary first. By number of the partition.
 *
 * - Copies of a partition lie on different nodes, and in as many zones as there are, as evenly as can be. This comes
 *   before balance: a small zone that is needed for it holds more than its weight.
 * - Copies, and primaries too, are balanced by weight: a node holds its share rounded up or down, or within 5% of it
 *   when it got there by others' leaving. See {@link copyTargets} on what a share is.
 * - `current` (null: nothing is placed yet) is kept as far as that allows. What was on nodes that are gone is placed
 *   anew; a node that joins takes its share of those that have most; between nodes that stay, a copy moves only when
 *   one of them is beyond its limits, or when the copies of a partition can lie in more zones. Placed again with the
 *   same nodes, nothing moves.
 * - The answer hangs on the arguments alone, and not on the order of `nodes`.
 *
 * A partition prefers the nodes in the order in which it meets them on a ring, and passes by those that are full.
 * Source: V. Mirrokni, M. Thorup, M. Zadimoghaddam, "Consistent hashing with bounded loads" (2018). Knowing the
 * current placement, the bound can be the share itself without the moves it would cost there.
 */
export function placePartitions(
  current: readonly (readonly string[])[] | null,
  nodes: readonly PlacementNode[],
  options: PlacementOptions,
): string[][] {
  const sorted = checked(current, nodes, options);
  const ids = sorted.map((node) => node.id);
  const weights = sorted.map((node) => node.weight);
  const { partitions } = options;
  if (ids.length === 0) return Array.from({ length: partitions }, () => []);

  const survivors = survivorsOf(current, ids, partitions);
  const zones = new Zones(
    sorted.map((node) => node.zone),
    options.copies,
  );
  const draft = new PlacementDraft(zones, survivors);
  const held = ids.map((_, node) => draft.countOf(node));
  const targets = copyTargets(weights, zones, partitions, held);
  dropSurplus(draft, targets);
  fill(draft, targets, new PlacementRing(ids, weights));
  spread(draft, targets);
  level(new CopyBurden(draft, targets));

  const before = draft.rows.map((row, partition) => primaryBefore(current?.[partition]?.[0], row, ids));
  const primariesHeld = ids.map(() => 0);
  for (const node of before) if (node >= 0) primariesHeld[node] = (primariesHeld[node] as number) + 1;
  const copies = ids.map((_, node) => draft.countOf(node));
  const primaries = new PrimaryBurden(draft, primaryTargets(weights, copies, partitions, primariesHeld), before);
  level(primaries);
  return draft.rows.map((row, partition) => {
    const primary = primaries.primaries[partition] as number;
    return [primary, ...row.filter((node) => node !== primary)].map((node) => ids[node] as string);
  });
}

/** What has to change for `current` to become `wanted`, by number of the partition. */
export function placementMoves(
  current: readonly (readonly string[])[],
  wanted: readonly (readonly string[])[],
): PlacementMove[] {
  assert(current.length === wanted.length, `${current.length} partitions cannot become ${wanted.length}`);
  const moves: PlacementMove[] = [];
  for (const [partition, replicas] of wanted.entries()) {
    const old = current[partition] as readonly string[];
    const isSame = old.length === replicas.length && replicas.every((node, at) => node === old[at]);
    if (!isSame) moves.push({ partition, replicas: [...replicas] });
  }
  return moves;
}

/** The nodes in order of their ids: whatever is computed from here on is the same for every order they came in. */
function checked(
  current: readonly (readonly string[])[] | null,
  nodes: readonly PlacementNode[],
  { partitions, copies }: PlacementOptions,
): PlacementNode[] {
  assert(
    Number.isInteger(partitions) && partitions >= 1 && partitions <= SLOT_COUNT,
    `partition count ${partitions} is outside 1 to ${SLOT_COUNT}`,
  );
  assert(Number.isInteger(copies) && copies >= 1, `${copies} copies cannot be placed`);
  assert(current === null || current.length === partitions, `${current?.length} partitions are not ${partitions}`);
  for (const { id, weight } of nodes) assert(isPlacementWeight(weight), `node ${id} has the weight ${weight}`);
  assert(new Set(nodes.map((node) => node.id)).size === nodes.length, 'two nodes have the same id');
  return [...nodes].sort((left, right) => (left.id < right.id ? -1 : 1));
}

/** The current rows by numbers of nodes, without those that are gone and without repetitions. */
function survivorsOf(
  current: readonly (readonly string[])[] | null,
  ids: readonly string[],
  partitions: number,
): number[][] {
  const numbers = new Map(ids.map((id, node) => [id, node]));
  return Array.from({ length: partitions }, (_, partition) => {
    const row = new Set<number>();
    for (const id of current?.[partition] ?? []) {
      const node = numbers.get(id);
      if (node !== undefined) row.add(node);
    }
    return [...row];
  });
}

function primaryBefore(id: string | undefined, row: readonly number[], ids: readonly string[]): number {
  return row.find((node) => ids[node] === id) ?? -1;
}

/** Fewer copies are wanted than there are: those go whose zone is the most crowded, then whose node is the fullest. */
function dropSurplus(draft: PlacementDraft, { quotas }: Targets): void {
  const over = (node: number) => draft.countOf(node) - (quotas[node] as number);
  for (const [partition, row] of draft.rows.entries()) {
    const crowd = (node: number) => draft.inZone(partition, draft.zones.zoneOf[node] as number);
    while (row.length > draft.zones.copies) {
      // Never the primary: the partition would have to be handed over.
      const surplus = row
        .slice(1)
        .reduce((worst, node) => ((crowd(node) - crowd(worst) || over(node) - over(worst)) > 0 ? node : worst));
      draft.remove(partition, surplus);
    }
  }
}

/** Gives every partition the copies it lacks: on the first nodes of its order with room, in its emptiest zones. */
function fill(draft: PlacementDraft, { quotas, shares }: Targets, ring: PlacementRing): void {
  const { zoneOf, sizes, copies } = draft.zones;
  const over = (node: number) => draft.countOf(node) - (quotas[node] as number);
  for (const [partition, row] of draft.rows.entries()) {
    while (row.length < copies) {
      const fewest = fewestInZone(draft, partition, sizes);
      const fits = (node: number) => {
        if (row.includes(node)) return false;
        return draft.inZone(partition, zoneOf[node] as number) === fewest;
      };
      let chosen = ring.first(partition, (node) => over(node) < 0 && fits(node));
      if (chosen < 0) {
        // Only full ones are left for this partition: levelling finds it room by moving others.
        const load = (node: number) => over(node) / Math.max(1, shares[node] as number);
        for (const node of zoneOf.keys()) {
          if (fits(node) && (chosen < 0 || load(node) < load(chosen))) chosen = node;
        }
      }
      draft.add(partition, chosen);
    }
  }
}

/** The fewest copies of the partition that a zone has which could take another. */
function fewestInZone(draft: PlacementDraft, partition: number, sizes: readonly number[]): number {
  const used = new Set(draft.row(partition).map((node) => draft.zones.zoneOf[node]));
  if (used.size < sizes.length) return 0;
  let fewest = Number.POSITIVE_INFINITY;
  for (const [zone, size] of sizes.entries()) {
    const count = draft.inZone(partition, zone);
    if (count < size) fewest = Math.min(fewest, count);
  }
  return fewest;
}

/** Moves copies that share a zone though another has room, as after the cluster's first node in a third zone. */
function spread(draft: PlacementDraft, { quotas }: Targets): void {
  const { zoneOf, sizes } = draft.zones;
  const over = (node: number) => draft.countOf(node) - (quotas[node] as number);
  for (const [partition, row] of draft.rows.entries()) {
    while (draft.crowding(partition) > draft.zones.crowdingMin) {
      const counts = sizes.map(() => 0);
      for (const node of row) counts[zoneOf[node] as number] = (counts[zoneOf[node] as number] as number) + 1;
      let best: { from: number; to: number; change: number; gain: number } | null = null;
      // From the last, so that of equals it is not the primary that moves.
      for (const from of [...row].reverse()) {
        const zone = zoneOf[from] as number;
        const others = (counts[zone] as number) - 1;
        for (const [to, target] of zoneOf.entries()) {
          const change = (counts[target] as number) - others;
          if (change >= 0 || target === zone || (best !== null && change > best.change)) continue;
          const gain = over(from) - over(to);
          if (best !== null && change === best.change && gain <= best.gain) continue;
          if (!row.includes(to)) best = { from, to, change, gain };
        }
      }
      assert(best !== null, `partition ${partition} cannot be spread further`);
      draft.move(partition, best.from, best.to);
    }
  }
}
