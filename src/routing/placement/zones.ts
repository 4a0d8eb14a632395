/**
 * Which node lies in which zone, and how the copies of one partition are spread over zones most evenly. A node without
 * a zone counts as one of its own: nothing is known to fail together with it.
 */
export class Zones {
  /** Copies of a partition: as many as asked for, or as there are nodes. */
  readonly copies: number;
  /** The number of a node's zone. */
  readonly zoneOf: readonly number[];
  /** Nodes of each zone. */
  readonly sizes: readonly number[];
  /** How many copies of a partition each zone holds at least, and at most, when the spread is the most even one. */
  readonly fewest: readonly number[];
  readonly most: readonly number[];
  /** Pairs of copies of one partition in the same zone, when the spread is the most even one. */
  readonly crowdingMin: number;

  constructor(zones: readonly (string | null)[], copies: number) {
    const numbers = new Map<string, number>();
    const sizes: number[] = [];
    this.zoneOf = zones.map((zone) => {
      const known = zone === null ? undefined : numbers.get(zone);
      const number = known ?? sizes.length;
      if (zone !== null && known === undefined) numbers.set(zone, number);
      sizes[number] = (sizes[number] ?? 0) + 1;
      return number;
    });
    this.sizes = sizes;
    this.copies = Math.min(copies, zones.length);
    const upTo = (level: number) => sizes.map((size) => Math.min(size, level));
    const sum = (counts: readonly number[]) => counts.reduce((total, count) => total + count, 0);
    let level = 0;
    while (sum(upTo(level)) < this.copies) level++;
    this.most = upTo(level);
    this.fewest = upTo(Math.max(0, level - 1));
    // Those zones that hold `level` copies add level − 1 pairs each to what the even part has.
    const pairs = this.fewest.reduce((total, count) => total + (count * (count - 1)) / 2, 0);
    this.crowdingMin = pairs + (this.copies - sum(this.fewest)) * Math.max(0, level - 1);
  }
}
