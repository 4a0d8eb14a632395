import type { PartitionCopies } from '../../cluster/partition-copies.ts';
import { keptItemsOf, type RecoveredCopy } from '../../cluster/replication/copy-recovery.ts';
import type { KeptItem } from '../../cluster/replication/kept-item.ts';
import { encodeKeptItem } from '../../cluster/replication/kept-item-codec.ts';
import type { PartitionCopy } from '../../cluster/replication/partition-copy.ts';
import { LogState } from '../../persistence/log-gate.ts';
import type { LogRefusal, ShardLog } from '../../persistence/shard-log.ts';

/**
 * The log of a shard's copies: takes what they hand to the disk, and tells how far the disk has come. Who makes a snapshot
 * asks for two turns: before it reads the store what the store does not show has to be in the log, and when it has read it
 * nothing may be shown that is not committed.
 */
export class CopyLog {
  readonly #log: ShardLog;
  #told = 0;
  /** The turn that was asked for last, and what its end waits for: records of copies, by what they were. */
  #turn = 0;
  #isTurnUnderWay = false;
  #uncommitted: { readonly copy: PartitionCopy; readonly generation: number; readonly last: number }[] = [];

  constructor(log: ShardLog) {
    this.#log = log;
    this.#turn = log.gate.turnAsked;
    this.#told = this.#reached;
  }

  get refusal(): LogRefusal | null {
    return this.#log.refusal();
  }

  /** Answers the item's place. It leaves with `flush`. */
  append(partition: number, item: KeptItem): number {
    return this.#log.append(partition, encodeKeptItem(item), true);
  }

  /** Whether the disk has more than was told of. */
  get hasNews(): boolean {
    return this.#reached > this.#told;
  }

  /** Up to which place the disk has everything, when that is more than was told of; else 0. */
  takeNews(): number {
    const reached = this.#reached;
    if (reached <= this.#told) return 0;
    this.#told = reached;
    return reached;
  }

  /** `recovered`: what was read back, of which copies are made once the cluster knows this start of the node. */
  flush(copies: PartitionCopies | null, recovered: ReadonlyMap<number, RecoveredCopy> | null): void {
    this.#log.flush(this.#mayEndTurn(copies, recovered));
  }

  #mayEndTurn(copies: PartitionCopies | null, recovered: ReadonlyMap<number, RecoveredCopy> | null): boolean {
    const asked = this.#log.gate.turnAsked;
    if (asked !== this.#turn) {
      this.#turn = asked;
      this.#isTurnUnderWay = true;
      this.#uncommitted = [];
      for (const [partition, copy] of recovered ?? []) {
        if (copies?.copy(partition) !== undefined) continue;
        for (const item of keptItemsOf(copy)) this.append(partition, item);
      }
      for (const copy of copies?.all() ?? []) {
        copy.keepAll();
        const { generation, last, committed } = copy;
        if (last > committed) this.#uncommitted.push({ copy, generation, last });
      }
    }
    if (!this.#isTurnUnderWay) return true;
    this.#uncommitted = this.#uncommitted.filter(
      ({ copy, generation, last }) => copy.generation === generation && copy.committed < last,
    );
    // What waits for the disk itself would wait for ever when only a snapshot makes that well again.
    if (this.#uncommitted.length > 0 && this.#log.gate.state === LogState.well) return false;
    for (const { copy } of this.#uncommitted) copy.keepDirt();
    for (const copy of copies?.all() ?? []) copy.keepCommitted();
    this.#uncommitted = [];
    this.#isTurnUnderWay = false;
    return true;
  }

  get #reached(): number {
    const { gate, next, goesOnWithout } = this.#log;
    const last = next - 1;
    return goesOnWithout ? last : last - ((last - gate.acknowledged) | 0);
  }
}
