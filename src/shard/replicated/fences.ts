import { isPassing, type RefusalReason } from '../guarded-reply.ts';

/**
 * Keeps the order of one mailbox's commands through refusals: after one that will come again, all later ones of the same
 * partitions are refused likewise, until one comes that says that nothing is under way (see `RESUMES`).
 */
export class Fences {
  /** By partition, in the cluster: the reason and one; 0: no fence. */
  readonly #reasons: Uint8Array;
  #count = 0;

  constructor(partitions: number) {
    this.#reasons = new Uint8Array(partitions);
  }

  get isEmpty(): boolean {
    return this.#count === 0;
  }

  /** Why commands of the partition are refused; null: they are not. */
  reasonAt(partition: number): RefusalReason | null {
    const reason = this.#reasons[partition] as number;
    return reason === 0 ? null : ((reason - 1) as RefusalReason);
  }

  raise(partition: number, reason: RefusalReason): void {
    if (!isPassing(reason)) return;
    if (this.#reasons[partition] === 0) this.#count++;
    this.#reasons[partition] = reason + 1;
  }

  lift(partition: number): void {
    if (this.#reasons[partition] === 0) return;
    this.#reasons[partition] = 0;
    this.#count--;
  }
}
