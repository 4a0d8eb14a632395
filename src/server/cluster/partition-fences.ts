import { isPassing, type RefusalReason } from '../../shard/guarded-reply.ts';

/**
 * Keeps the commands of one sender in their order (I7) when one of them is refused while later ones of the same partition
 * are on their way already: these are refused, too, until the sender says that it has none under way there.
 */
export class PartitionFences {
  readonly #reasons = new Map<number, RefusalReason>();

  /** A command with keys of these partitions was refused. */
  refused(reason: RefusalReason, partitions: readonly number[]): void {
    if (!isPassing(reason)) return;
    for (const partition of partitions) this.#reasons.set(partition, reason);
  }

  /** Why a command is to be refused before it is run; null: it is not. One that `resumes` lifts the fences it meets. */
  reasonFor(partitions: readonly number[], resumes: boolean): RefusalReason | null {
    if (this.#reasons.size === 0) return null;
    if (resumes) {
      for (const partition of partitions) this.#reasons.delete(partition);
      return null;
    }
    for (const partition of partitions) {
      const reason = this.#reasons.get(partition);
      if (reason !== undefined) return reason;
    }
    return null;
  }
}
