import { GateRole, type PartitionGates } from '../../cluster/partition-gates.ts';
import { RefusalReason } from '../../shard/guarded-reply.ts';

/** What a survey looks at, and whether what it saw may be told: it is over several partitions, maybe in several turns. */
export class SurveySight {
  /** By partition: 1 where this node was primary when the survey began. */
  readonly shown: Uint8Array;
  readonly #gates: PartitionGates;
  /** By partition: the reign in which it is shown. */
  readonly #reigns: Int32Array;

  constructor(gates: PartitionGates) {
    const { partitions } = gates;
    this.#gates = gates;
    this.shown = new Uint8Array(partitions);
    this.#reigns = new Int32Array(partitions);
    for (let partition = 0; partition < partitions; partition++) {
      const reign = gates.reign(partition);
      if (!isPrimary(gates, partition)) continue;
      this.shown[partition] = 1;
      this.#reigns[partition] = reign;
    }
  }

  /**
   * To be asked after the last look: why what was seen may not be told; null: it may. Another node may be primary, and
   * have other values, from when the lease is over. `needed` is a partition that has to be among those shown; -1: none.
   */
  fault(nowMs: number, needed: number): RefusalReason | null {
    const gates = this.#gates;
    if (gates.leaseLeftMs(nowMs) <= 0) return RefusalReason.noLease;
    for (let partition = 0; partition < this.shown.length; partition++) {
      const isShown = this.shown[partition] === 1;
      if (isShown ? gates.reign(partition) !== this.#reigns[partition] : partition === needed) {
        return RefusalReason.notPrimary;
      }
    }
    return null;
  }
}

/** Also while it hands over: it takes no writes then, and nobody else does. */
export function isPrimary(gates: PartitionGates, partition: number): boolean {
  const role = gates.role(partition);
  return role === GateRole.primary || role === GateRole.handingOver;
}
