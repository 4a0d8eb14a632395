import type { ClusterCommand } from './controller/cluster-command.ts';
import type { NodeId } from './identity.ts';

/**
 * What stands in a leader's log, committed or not, that may take something from whoever holds a lease: a lease counts only
 * once that is applied. The rest need not be waited for, so that leases are renewed while no disk takes the log. A leader's
 * own term is all there is to know: it renews nothing before it has applied what it found.
 */
export class LeaseMarks {
  #ofAll = 0;
  readonly #ofNode = new Map<NodeId, number>();

  /** A leader's term begins, or ends. */
  clear(): void {
    this.#ofAll = 0;
    this.#ofNode.clear();
  }

  /** The command stands in the log at `index`, behind those noted before. */
  note(command: ClusterCommand, index: number): void {
    const loser = loserOf(command);
    if (loser === 'anybody') this.#ofAll = index;
    else if (loser !== null) this.#ofNode.set(loser.node, index);
  }

  /** How far the node must have applied the log for a lease to count. */
  of(node: NodeId): number {
    return Math.max(this.#ofAll, this.#ofNode.get(node) ?? 0);
  }
}

/** Who may be primary of less once it is applied; null: nobody. */
function loserOf(command: ClusterCommand): { readonly node: NodeId } | 'anybody' | null {
  switch (command.type) {
    // The primary itself asks for it, and must stay in the set: it is refused otherwise.
    case 'alter-in-sync':
      return null;
    case 'fence':
    case 'unfence':
      return { node: command.node };
    default:
      return 'anybody';
  }
}
