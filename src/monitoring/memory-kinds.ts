/** The budget, over all shards, by what it is used for: they add up to `budget`. */
export interface MemoryKinds {
  readonly entries: number;
  readonly dead: number;
  readonly index: number;
  readonly expiry: number;
  readonly retired: number;
  readonly control: number;
  readonly free: number;
  readonly budget: number;
}
