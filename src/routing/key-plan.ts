import type { Args } from '../command/args.ts';

/** Where keys belong, as numbers below `shardCount`: a `PartitionMap`, or one that knows of other nodes. */
export interface KeyMap {
  readonly shardCount: number;
  shardOfKey(bytes: Uint8Array, start: number, end: number): number;
}

/**
 * How the keys of one command fall onto shards: the parts of the command, one a shard that owns any of its keys, in
 * order of each shard's first key. A record that is refilled for every command.
 *
 * The command's key groups (a key and the arguments that belong to it: `step` arguments) are numbered from 0 in
 * argument order; these numbers are what gathers the replies back in order.
 */
export class KeyPlan {
  /** Number of key groups of the command. */
  groupCount = 0;
  /** Number of shards that own a key of the command; 0 when it has no key. */
  partCount = 0;
  #first = 0;
  #step = 1;
  readonly #map: KeyMap;
  readonly #shardOfPart: Uint16Array;
  /** Part of a shard, only meaningful between marking and the end of `fill`; -1 when the shard has none yet. */
  readonly #partOfShard: Int32Array;
  /** Groups of part p: `#groups[#partStarts[p]..#partStarts[p + 1])`. */
  readonly #partStarts: Int32Array;
  #partOfGroup: Int32Array = new Int32Array(64);
  #groups: Int32Array = new Int32Array(64);

  constructor(map: KeyMap) {
    this.#map = map;
    this.#shardOfPart = new Uint16Array(map.shardCount);
    this.#partOfShard = new Int32Array(map.shardCount).fill(-1);
    this.#partStarts = new Int32Array(map.shardCount + 1);
  }

  /**
   * Plans the command whose keys are the arguments `first`, `first + step`, … up to `last` (inclusive). Arguments
   * before `first` and from the end of the last group on belong to every part.
   */
  fill(args: Args, first: number, last: number, step: number): void {
    const groups = last < first ? 0 : Math.floor((last - first) / step) + 1;
    if (groups > this.#groups.length) this.#grow(groups);
    this.#first = first;
    this.#step = step;
    this.groupCount = groups;
    const starts = this.#partStarts;
    let parts = 0;
    for (let group = 0; group < groups; group++) {
      const key = first + group * step;
      const shard = this.#map.shardOfKey(args.bytes, args.start(key), args.end(key));
      let part = this.#partOfShard[shard] as number;
      if (part < 0) {
        part = parts++;
        this.#partOfShard[shard] = part;
        this.#shardOfPart[part] = shard;
        starts[part + 1] = 0;
      }
      this.#partOfGroup[group] = part;
      // Sizes first, one place up; the loop below turns them into starts.
      starts[part + 1] = (starts[part + 1] as number) + 1;
    }
    this.partCount = parts;
    starts[0] = 0;
    for (let part = 0; part < parts; part++) {
      starts[part + 1] = (starts[part + 1] as number) + (starts[part] as number);
      // From here on the shard's entry counts how many of its groups were placed, and ends at -1 again.
      this.#partOfShard[this.#shardOfPart[part] as number] = 0;
    }
    for (let group = 0; group < groups; group++) {
      const part = this.#partOfGroup[group] as number;
      const shard = this.#shardOfPart[part] as number;
      const placed = this.#partOfShard[shard] as number;
      this.#groups[(starts[part] as number) + placed] = group;
      this.#partOfShard[shard] = placed + 1;
    }
    for (let part = 0; part < parts; part++) this.#partOfShard[this.#shardOfPart[part] as number] = -1;
  }

  shardOf(part: number): number {
    return this.#shardOfPart[part] as number;
  }

  /** Number of key groups of a part. */
  sizeOf(part: number): number {
    return (this.#partStarts[part + 1] as number) - (this.#partStarts[part] as number);
  }

  /** The number, in the whole command, of a part's `index`th key group. */
  groupOf(part: number, index: number): number {
    return this.#groups[(this.#partStarts[part] as number) + index] as number;
  }

  /** The part that holds a key group of the whole command. */
  partOf(group: number): number {
    return this.#partOfGroup[group] as number;
  }

  /** Fills `target` with the arguments of one part: ranges of the same bytes, nothing is copied. */
  argsOf(part: number, args: Args, target: Args): void {
    const first = this.#first;
    const step = this.#step;
    target.clear(args.bytes);
    for (let at = 0; at < first; at++) target.push(args.start(at), args.end(at));
    const size = this.sizeOf(part);
    for (let index = 0; index < size; index++) {
      const at = first + this.groupOf(part, index) * step;
      for (let offset = 0; offset < step; offset++) target.push(args.start(at + offset), args.end(at + offset));
    }
    for (let at = first + this.groupCount * step; at < args.count; at++) target.push(args.start(at), args.end(at));
  }

  #grow(groups: number): void {
    const size = 2 ** Math.ceil(Math.log2(groups));
    this.#partOfGroup = new Int32Array(size);
    this.#groups = new Int32Array(size);
  }
}
