import type { PartitionEntry } from '../controller/cluster-state.ts';
import { FRESH, memberOf, type NodeId } from '../identity.ts';
import type { CopyData, CopyStart } from './copy-data.ts';

/** What an entry says of the copy on this node, given which copy that is. */
export class OwnMembership {
  /** Which reset this copy began from, and as which generation. */
  #begun: { readonly resetEpoch: number; readonly generation: number } | null = null;
  readonly #self: { readonly node: NodeId; readonly boot: number };
  readonly #data: CopyData;

  constructor(self: { readonly node: NodeId; readonly boot: number }, data: CopyData, { kept, generation }: CopyStart) {
    this.#self = self;
    this.#data = data;
    // One that was recovered is named by its generation.
    if (kept !== null) this.#begun = { resetEpoch: kept.resetEpoch, generation };
  }

  /** Whether the set names this very copy, with the memory it has now. */
  isMember(entry: PartitionEntry): boolean {
    const own = this.#named(entry);
    if (own === undefined) return false;
    if (own.generation !== FRESH) return own.generation === this.#data.generation;
    return this.#begun?.resetEpoch === entry.resetEpoch && this.#begun.generation === this.#data.generation;
  }

  /** The set names a filling of this copy that is gone. */
  isNamedInVain(entry: PartitionEntry): boolean {
    return this.#named(entry) !== undefined && !this.isMember(entry);
  }

  /** Whether a copy should be here, or is counted on. An earlier start's is neither: registering takes it out. */
  isPlaced(entry: PartitionEntry): boolean {
    return entry.replicas.includes(this.#self.node) || this.#named(entry) !== undefined;
  }

  /** The entry says that this copy begins empty, with the partition itself, and it has not done so yet. */
  isBeginning(entry: PartitionEntry): boolean {
    return this.#named(entry)?.generation === FRESH && this.#begun?.resetEpoch !== entry.resetEpoch;
  }

  /** The copy, which is empty, begins with the partition: once for each such beginning. */
  begin({ resetEpoch }: PartitionEntry): void {
    this.#data.beginEmpty(resetEpoch);
    this.#begun = { resetEpoch, generation: this.#data.generation };
  }

  #named(entry: PartitionEntry) {
    const own = memberOf(entry.inSync, this.#self.node);
    return own?.boot === this.#self.boot ? own : undefined;
  }
}
