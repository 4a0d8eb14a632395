import { type ClusterState, emptyClusterState } from '../../../src/cluster/controller/cluster-state.ts';
import { FRESH, type Member, type NodeId } from '../../../src/cluster/identity.ts';
import type { PartitionCopy } from '../../../src/cluster/replication/partition-copy.ts';
import type { NodeView } from '../witness.ts';

/** Memory of a copy that is gone although its process goes on. */
interface Loss {
  readonly partition: number;
  readonly node: NodeId;
  readonly boot: number;
  /** Of the copy that was lost. */
  readonly generation: number;
  readonly atMs: number;
  /** The core threw it away, when it was not in sync. The world's doing if not. */
  readonly isDiscarded: boolean;
}

/** What is true, whatever any node knows: who runs, which memory was lost, and what the group has agreed on last. */
export class Ground {
  readonly nodes = new Map<NodeId, NodeView>();
  /** The last committed configuration, and its index in the consensus log. */
  state: ClusterState = emptyClusterState;
  index = 0;
  /** Nodes keep their keys on their disks. */
  readonly keeps: boolean;
  readonly #losses: Loss[] = [];
  /** Of each copy as it was after its node's last event. */
  readonly #generations = new WeakMap<PartitionCopy, number>();

  constructor(keeps: boolean) {
    this.keeps = keeps;
  }

  /** Remembers the copies' generations: a loss is told when the copy may have begun its next one. */
  stepped(node: NodeView): void {
    if (node.node === null) return;
    for (const copy of node.node.copies()) this.#generations.set(copy, copy.generation);
  }

  lost(node: NodeView, partition: number, nowMs: number, isDiscarded: boolean): void {
    const copy = node.node?.copy(partition);
    const generation = copy === undefined ? 0 : (this.#generations.get(copy) ?? 0);
    this.#losses.push({ partition, node: node.id, boot: node.boot, generation, atMs: nowMs, isDiscarded });
  }

  isRunning(node: NodeId, boot: number): boolean {
    const view = this.nodes.get(node);
    return view?.isRunning === true && view.boot === boot;
  }

  /**
   * Whether the memory of a copy is gone for good: by a crash, by the loss of a shard, or because it was not in sync
   * when the core threw it away (a late word of it may still bring it into a set, where it waits to be taken out).
   * `sinceMs` is when it became a member, which matters for one that was fresh then and may have been lost before.
   */
  isGone(partition: number, member: Member, sinceMs: number): boolean {
    if (!this.isRunning(member.node, member.boot)) {
      const resetEpoch = this.state.partitions[partition]?.resetEpoch ?? 0;
      return this.nodes.get(member.node)?.keeps(partition, member, resetEpoch) !== true;
    }
    return this.#losses.some(
      (loss) =>
        loss.partition === partition &&
        loss.node === member.node &&
        loss.boot === member.boot &&
        (member.generation === FRESH
          ? loss.atMs >= sinceMs && !loss.isDiscarded
          : loss.generation >= member.generation),
    );
  }

  /** The living copy that a member of an in-sync set names. */
  copyOf(partition: number, member: Member, sinceMs: number): PartitionCopy | undefined {
    if (this.isGone(partition, member, sinceMs)) return undefined;
    return this.nodes.get(member.node)?.node?.copy(partition);
  }
}
