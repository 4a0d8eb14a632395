import { assert } from '../../base/assert.ts';
import type { PlacementDraft } from './draft.ts';
import type { Burden } from './levelling.ts';
import { mix } from './ring.ts';
import type { Targets } from './shares.ts';

/** The copies of a draft, as a burden to be levelled. */
export class CopyBurden implements Burden {
  readonly targets: Targets;
  readonly #draft: PlacementDraft;
  /** Partitions of each node whose copies were not there before this plan. */
  readonly #newOf: readonly number[][];
  /** Partitions that each node held before this plan, and that were taken from it before levelling. */
  readonly #takenOf: readonly (readonly number[])[];

  constructor(draft: PlacementDraft, targets: Targets) {
    this.#draft = draft;
    this.targets = targets;
    this.#newOf = draft.held.map((partitions, node) => partitions.filter((partition) => draft.isNew(partition, node)));
    this.#takenOf = draft.takenByNode();
  }

  countOf(node: number): number {
    return this.#draft.countOf(node);
  }

  eachGiver(
    to: number,
    givers: ReadonlySet<number>,
    onlyNew: boolean,
    offer: (from: number, partition: number) => boolean,
  ): void {
    const draft = this.#draft;
    for (const from of givers) {
      const partitions = (onlyNew ? this.#newOf[from] : draft.held[from]) as readonly number[];
      const count = partitions.length;
      // Begun anywhere: else a joining node would get the partitions of lowest number, which are neighbours.
      const start = count === 0 ? 0 : mix(mix(to) ^ from ^ count) % count;
      // Rather copies that are not the primary: a primary has to be handed over besides.
      let isGiven = false;
      for (let step = 0; step < 2 * count && !isGiven; step++) {
        const partition = partitions[(start + step) % count] as number;
        if ((draft.row(partition)[0] === from) !== step >= count) continue;
        isGiven = draft.canMove(partition, from, to) && offer(from, partition);
      }
    }
    if (!onlyNew) return;
    // What goes back to where it was costs nothing either: another of the partition's copies goes in its stead, if
    // possible not the first, which is the primary.
    for (const partition of this.#takenOf[to] as readonly number[]) {
      const from = draft.row(partition).findLast((node) => givers.has(node) && draft.canMove(partition, node, to));
      if (from !== undefined) offer(from, partition);
    }
  }

  give(partition: number, from: number, to: number): void {
    this.#draft.move(partition, from, to);
    const source = this.#newOf[from] as number[];
    const at = source.indexOf(partition);
    if (at < 0) return;
    source.splice(at, 1);
    // Back where it was before the plan, it is one of those that stay.
    if (this.#draft.isNew(partition, to)) this.#newOf[to]?.push(partition);
  }
}

/** Which of its copies is each partition's preferred primary, as a burden to be levelled. */
export class PrimaryBurden implements Burden {
  readonly targets: Targets;
  readonly primaries: readonly number[];
  readonly #primaries: number[];
  readonly #counts: number[];
  readonly #isNew: readonly boolean[];
  readonly #draft: PlacementDraft;

  /** `before[p]`: the primary that partition p keeps if it can be, or -1 for one to be chosen. */
  constructor(draft: PlacementDraft, targets: Targets, before: readonly number[]) {
    this.#draft = draft;
    this.targets = targets;
    this.#counts = targets.quotas.map(() => 0);
    this.#primaries = [...before];
    this.primaries = this.#primaries;
    this.#isNew = before.map((node) => node < 0);
    for (const node of before) if (node >= 0) this.#counts[node] = this.countOf(node) + 1;
    for (const [partition, node] of before.entries()) if (node < 0) this.#choose(partition);
  }

  countOf(node: number): number {
    return this.#counts[node] as number;
  }

  eachGiver(
    to: number,
    givers: ReadonlySet<number>,
    onlyNew: boolean,
    offer: (from: number, partition: number) => boolean,
  ): void {
    // Those first of which `to` has the data already.
    for (const isFilled of [true, false]) {
      for (const partition of this.#draft.held[to] as number[]) {
        const from = this.primaries[partition] as number;
        if (!givers.has(from) || (onlyNew && !this.#isNew[partition])) continue;
        if (this.#draft.isNew(partition, to) !== isFilled) offer(from, partition);
      }
    }
  }

  give(partition: number, from: number, to: number): void {
    assert(this.primaries[partition] === from, `partition ${partition} has another primary`);
    this.#primaries[partition] = to;
    this.#counts[from] = this.countOf(from) - 1;
    this.#counts[to] = this.countOf(to) + 1;
  }

  /** The first copy with room, or with most; if there are some with data, one of those: it can be primary at once. */
  #choose(partition: number): void {
    const row = this.#draft.row(partition);
    const filled = row.filter((node) => !this.#draft.isNew(partition, node));
    const candidates = filled.length > 0 ? filled : row;
    const room = (node: number) => (this.targets.quotas[node] as number) - this.countOf(node);
    const best =
      candidates.find((node) => room(node) > 0) ??
      candidates.reduce((most, node) => (room(node) > room(most) ? node : most));
    this.#primaries[partition] = best;
    this.#counts[best] = this.countOf(best) + 1;
  }
}
