import type { LinkIdentity } from '../../cluster/actor/shard-link.ts';
import type { ClusterCommand } from '../../cluster/controller/cluster-command.ts';
import type { ClusterState, PartitionEntry } from '../../cluster/controller/cluster-state.ts';
import { FRESH } from '../../cluster/identity.ts';
import type { PartitionGates } from '../../cluster/partition-gates.ts';
import type { CopyStart } from '../../cluster/replication/copy-data.ts';
import type { ShardClusterData } from './shard-cluster-data.ts';

interface Candidate {
  readonly generation: number;
  readonly epoch: number;
  readonly last: number;
  /** Of the entry that was seen first; null: none was seen. */
  version: number | null;
}

/**
 * Primaries that were at work when their actor died, whose stores it has left whole. Where others are in sync, one of them
 * takes over and this copy is lost: it may hold what was never sent. But where it was the only one in sync, it is all
 * there is of the partition, and goes on as the copy that it was.
 *
 * Two things stand against that. The actor may have asked for a larger set just before: such a request must be dead before
 * the copy acts, so it first asks for the set as it is, and waits until the entry's version has moved. And the store may
 * show a command that was never appended, so the copy goes on behind a number that nobody has: whoever follows it is
 * given a snapshot.
 */
export class Survivors {
  /** When to `ask`; Infinity: not at all. */
  askAtMs = Number.POSITIVE_INFINITY;
  readonly #candidates = new Map<number, Candidate>();
  readonly #askEveryMs: number;

  /** To be made before the gates are told that the reigns are over. */
  constructor({ first, count, replication }: ShardClusterData, gates: PartitionGates) {
    this.#askEveryMs = replication.proposeAgainMs;
    for (let partition = first; partition < first + count; partition++) {
      const reign = gates.unfinishedReign(partition);
      if (reign === null) continue;
      this.#candidates.set(partition, { ...reign, generation: gates.nextGeneration(partition) - 1, version: null });
    }
  }

  get isEmpty(): boolean {
    return this.#candidates.size === 0;
  }

  /** Whether it is not decided yet: there must be no other copy of the partition in the meantime. */
  has(partition: number): boolean {
    return this.#candidates.has(partition);
  }

  /** What the state makes of them. Those that are lost have to be emptied. */
  judge(
    state: ClusterState,
    identity: LinkIdentity,
    nowMs: number,
  ): { released: Map<number, CopyStart>; lost: number[] } {
    const released = new Map<number, CopyStart>();
    const lost: number[] = [];
    for (const [partition, candidate] of this.#candidates) {
      const entry = state.partitions[partition];
      if (entry === undefined || !isAlone(entry, identity, candidate)) {
        this.#candidates.delete(partition);
        lost.push(partition);
      } else if (candidate.version === null) {
        candidate.version = entry.version;
        this.askAtMs = nowMs;
      } else if (entry.version > candidate.version) {
        const { generation, epoch, last } = candidate;
        released.set(partition, { generation, kept: { epoch, last: last + 1, resetEpoch: entry.resetEpoch } });
        this.#candidates.delete(partition);
      }
    }
    if (this.isEmpty) this.askAtMs = Number.POSITIVE_INFINITY;
    return { released, lost };
  }

  /** What to ask the controller for now. */
  ask(state: ClusterState, nowMs: number): ClusterCommand[] {
    this.askAtMs = nowMs + this.#askEveryMs;
    const commands: ClusterCommand[] = [];
    for (const partition of this.#candidates.keys()) {
      const entry = state.partitions[partition];
      const by = entry?.inSync[0];
      if (entry === undefined || by === undefined) continue;
      const { epoch, version, inSync } = entry;
      commands.push({ type: 'alter-in-sync', partition, by, epoch, version, members: inSync });
    }
    return commands;
  }
}

/** Whether the set names the copy that was here, and no other: then no other has ever taken a write since. */
function isAlone({ inSync, resetEpoch }: PartitionEntry, { node, boot }: LinkIdentity, candidate: Candidate): boolean {
  const [member] = inSync;
  if (member === undefined || inSync.length > 1 || member.node !== node || member.boot !== boot) return false;
  return member.generation === FRESH ? resetEpoch <= candidate.epoch : member.generation === candidate.generation;
}
