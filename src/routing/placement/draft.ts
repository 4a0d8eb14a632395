import { assert } from '../../base/assert.ts';
import type { Zones } from './zones.ts';

/** A placement in the making: which nodes, by number, hold copies of which partition. */
export class PlacementDraft {
  readonly zones: Zones;
  /** Nodes of each partition, those that stayed first, in their order. */
  readonly rows: readonly number[][];
  /** Partitions of each node, in no order that means anything. */
  readonly held: readonly number[][];
  /** The rows as they came: what has to be filled with data is what was not there. */
  readonly #before: readonly (readonly number[])[];

  constructor(zones: Zones, survivors: readonly (readonly number[])[]) {
    this.zones = zones;
    this.rows = survivors.map((row) => [...row]);
    this.held = zones.zoneOf.map(() => []);
    this.#before = survivors;
    for (const [partition, row] of survivors.entries()) {
      for (const node of row) this.held[node]?.push(partition);
    }
  }

  row(partition: number): readonly number[] {
    return this.rows[partition] as number[];
  }

  countOf(node: number): number {
    return (this.held[node] as number[]).length;
  }

  isNew(partition: number, node: number): boolean {
    return !(this.#before[partition] as readonly number[]).includes(node);
  }

  /** The partitions of each node that it had before and has no more. */
  takenByNode(): number[][] {
    const taken = this.held.map((): number[] => []);
    for (const [partition, row] of this.#before.entries()) {
      for (const node of row) if (!this.row(partition).includes(node)) taken[node]?.push(partition);
    }
    return taken;
  }

  add(partition: number, node: number): void {
    assert(!this.row(partition).includes(node), `partition ${partition} twice on one node`);
    (this.rows[partition] as number[]).push(node);
    (this.held[node] as number[]).push(partition);
  }

  remove(partition: number, node: number): void {
    take(this.rows[partition] as number[], node);
    take(this.held[node] as number[], partition);
  }

  move(partition: number, from: number, to: number): void {
    this.remove(partition, from);
    this.add(partition, to);
  }

  /** How many copies of the partition lie in a zone, without the one on `except`. */
  inZone(partition: number, zone: number, except = -1): number {
    let count = 0;
    for (const node of this.row(partition)) if (node !== except && this.zones.zoneOf[node] === zone) count++;
    return count;
  }

  /** Pairs of copies in the same zone. */
  crowding(partition: number): number {
    let twice = 0;
    for (const node of this.row(partition)) twice += this.inZone(partition, this.zones.zoneOf[node] as number, node);
    return twice / 2;
  }

  /** By how many pairs the crowding grows when a copy moves. */
  crowdingChange(partition: number, from: number, to: number): number {
    const { zoneOf } = this.zones;
    const [source, target] = [zoneOf[from] as number, zoneOf[to] as number];
    if (source === target) return 0;
    return this.inZone(partition, target, from) - this.inZone(partition, source, from);
  }

  /** Whether a node may take over this copy: it has none of the partition, and the zones get no more crowded. */
  canMove(partition: number, from: number, to: number): boolean {
    return !this.row(partition).includes(to) && this.crowdingChange(partition, from, to) <= 0;
  }
}

function take(list: number[], item: number): void {
  const at = list.indexOf(item);
  assert(at >= 0, 'what is taken is there');
  list.splice(at, 1);
}
