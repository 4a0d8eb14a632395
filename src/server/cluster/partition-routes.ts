import type { ClusterState } from '../../cluster/controller/cluster-state.ts';
import type { NodeId } from '../../cluster/identity.ts';
import type { PartitionMap } from '../../routing/partition-map.ts';

/** Of {@link PartitionRoutes.targetOf}: no node is the partition's primary. */
export const NO_TARGET = -1;

const DRAINING = 1;
const FENCED = 2;

/**
 * Where commands go, by partition: to a shard of this node, or to another one. Targets are numbers: the shards first,
 * then other nodes, each of which keeps its number as long as this process lives.
 *
 * Commands of a partition are under way to one target at a time, or a later one could overtake an earlier one of the same
 * connection (I7). So a partition is
 *
 * - draining when it has got another target while commands are under way to the one before: nothing is sent until they
 *   are answered;
 * - fenced when a target refused a command of it: what was sent after that is going to be refused, too, and nothing is
 *   sent before all of that has come back. The next command says that it is the first (`resumes`).
 */
export class PartitionRoutes {
  readonly map: PartitionMap;
  readonly self: NodeId;
  /** Commands under way, by partition. */
  readonly inFlight: Int32Array;
  /** Commands that wait for a target, by partition. */
  readonly waiting: Int32Array;
  readonly #targets: Int32Array;
  readonly #flags: Uint8Array;
  readonly #nodes: NodeId[] = [];
  readonly #numbers = new Map<NodeId, number>();

  constructor(map: PartitionMap, self: NodeId) {
    this.map = map;
    this.self = self;
    this.inFlight = new Int32Array(map.partitionCount);
    this.waiting = new Int32Array(map.partitionCount);
    this.#targets = new Int32Array(map.partitionCount).fill(NO_TARGET);
    this.#flags = new Uint8Array(map.partitionCount);
  }

  targetOf(partition: number): number {
    return this.#targets[partition] as number;
  }

  isLocal(target: number): boolean {
    return target >= 0 && target < this.map.shardCount;
  }

  /** The node of a target that is no shard. */
  nodeOf(target: number): NodeId {
    return this.#nodes[target - this.map.shardCount] as NodeId;
  }

  /** Takes a new configuration. */
  update(state: ClusterState): void {
    for (let partition = 0; partition < this.map.partitionCount; partition++) {
      const primary = state.partitions[partition]?.primary ?? null;
      const target = this.#targetFor(partition, primary);
      const before = this.#targets[partition];
      if (target === before) continue;
      this.#targets[partition] = target;
      if ((this.inFlight[partition] as number) > 0) this.#flag(partition, DRAINING);
    }
  }

  /** Whether a new command may be sent at once: nothing of the partition waits, or is to come back first. */
  isFree(partition: number): boolean {
    return this.waiting[partition] === 0 && (this.#flags[partition] === 0 || this.inFlight[partition] === 0);
  }

  /** The same for a command that has waited. */
  isSettled(partition: number): boolean {
    return this.#flags[partition] === 0 || this.inFlight[partition] === 0;
  }

  /**
   * Whether a command of all these has to wait though each of them is settled: it would say `resumes`, for the fenced ones,
   * while commands of others are under way, and whoever refuses one of those must not take it for the first again.
   */
  resumesTooSoon(partitions: readonly number[]): boolean {
    let isFenced = false;
    let inFlight = 0;
    for (const partition of partitions) {
      isFenced ||= this.isFenced(partition);
      inFlight += this.inFlight[partition] as number;
    }
    return isFenced && inFlight > 0;
  }

  isFenced(partition: number): boolean {
    return ((this.#flags[partition] as number) & FENCED) !== 0;
  }

  /** A target refused a command of the partition. */
  fence(partition: number): void {
    this.#flag(partition, FENCED);
  }

  /** A command of the partition was sent; if it was fenced, with `resumes`. */
  entered(partition: number): void {
    this.#flags[partition] = 0;
    this.inFlight[partition] = (this.inFlight[partition] as number) + 1;
  }

  /** A command of the partition was answered, or refused. True when others may have waited for just that. */
  left(partition: number): boolean {
    const rest = (this.inFlight[partition] as number) - 1;
    this.inFlight[partition] = rest;
    if (rest > 0) return false;
    const flags = this.#flags[partition] as number;
    // Once nothing is under way any more, there is nothing to drain; the fence is for the next command to lift.
    this.#flags[partition] = flags & FENCED;
    return flags !== 0 || (this.waiting[partition] as number) > 0;
  }

  /** Numbers of the nodes other than this one that are primary of something, each once. */
  nodesWithPrimaries(): number[] {
    const { shardCount } = this.map;
    return [...new Set(this.#targets)].filter((target) => target >= shardCount);
  }

  /** The first partition that has no primary; -1: all have one. */
  firstWithoutTarget(): number {
    return this.#targets.indexOf(NO_TARGET);
  }

  #targetFor(partition: number, primary: NodeId | null): number {
    if (primary === null) return NO_TARGET;
    if (primary === this.self) return this.map.shardOfPartition(partition);
    let number = this.#numbers.get(primary);
    if (number === undefined) {
      number = this.map.shardCount + this.#nodes.length;
      this.#nodes.push(primary);
      this.#numbers.set(primary, number);
    }
    return number;
  }

  #flag(partition: number, flag: number): void {
    this.#flags[partition] = (this.#flags[partition] as number) | flag;
  }
}
