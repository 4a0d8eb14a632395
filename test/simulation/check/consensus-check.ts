import type { LogEntry, RaftAction, RaftMessage, RaftState } from '../../../src/cluster/consensus/raft-types.ts';
import type { NodeId } from '../../../src/cluster/identity.ts';
import type { NodeView } from '../witness.ts';
import { NodeLog } from './node-log.ts';
import { violate } from './violation.ts';

/**
 * What Raft promises (dissertation, figure 3.2), seen from outside: at most one leader a term, one vote a term, a
 * leader has every committed entry, committed entries are the same everywhere for ever and lie on the disks of a
 * majority, and nobody promises what its disk does not hold.
 */
export class ConsensusCheck {
  /** From index 1 on. */
  readonly committed: LogEntry[] = [];
  /** The term of the leader that committed each of them. */
  readonly #committedIn: number[] = [];
  readonly #leaders = new Map<number, NodeId>();
  readonly #votes = new Map<string, NodeId>();
  readonly #logs = new Map<NodeId, NodeLog>();
  readonly #applied = new Map<NodeId, number>();
  /** Who voted as each node saw it after its last event: what it commits in its next one may count these. */
  readonly #voters = new Map<NodeId, readonly NodeId[]>();
  /** Changes of membership that a leader has begun in the step under way. */
  #changes: LogEntry[] = [];
  readonly #onCommitted: (entry: LogEntry) => void;

  /** `onCommitted` is told each entry once, when the first node applies it. */
  constructor(onCommitted: (entry: LogEntry) => void) {
    this.#onCommitted = onCommitted;
  }

  started(node: NodeView, restored: RaftState): void {
    this.#logs.set(node.id, new NodeLog(restored));
    this.#applied.set(node.id, restored.snapshot?.index ?? 0);
  }

  /** Its disk outlives it, without what was not durable. */
  stopped(node: NodeView): void {
    this.#logs.get(node.id)?.crash();
    this.#changes = [];
  }

  persisting(node: NodeView, action: Extract<RaftAction, { type: 'persist' }>): void {
    this.#logOf(node).persisting(action);
    for (const entry of action.entries) if (entry.kind === 'membership') this.#changes.push(entry);
  }

  persisted(node: NodeView, number: number): void {
    this.#logOf(node).persisted(number);
  }

  sent(node: NodeView, to: NodeId, message: RaftMessage): void {
    const log = this.#logOf(node);
    if (message.type === 'voted' && message.isGranted && !message.isPreVote) {
      const name = `${node.id} ${message.term}`;
      const earlier = this.#votes.get(name) ?? to;
      if (earlier !== to) violate(`${node.id} votes for ${to} and for ${earlier} in term ${message.term}`);
      this.#votes.set(name, to);
      const { term, vote } = log.durableHard;
      if (term < message.term || (term === message.term && vote !== to)) {
        violate(`${node.id} votes for ${to} in term ${message.term}, but its disk has ${vote} in term ${term}`);
      }
    }
    if (message.type === 'appended' && message.isAccepted && !log.isDurable(message.index)) {
      violate(`${node.id} confirms entry ${message.index}, which its disk does not hold yet`);
    }
  }

  stepped(node: NodeView): void {
    if (node.node === null) return;
    const { raft } = node.node.coordinator;
    const log = this.#logOf(node);
    if (raft.role === 'leader' && this.#leaders.get(raft.term) !== node.id) this.#lead(node, log, raft.term);
    this.applied(node);
    for (const entry of this.#changes) if (raft.role === 'leader') this.#checkChange(node, log, entry, raft.term);
    this.#changes = [];
    this.#voters.set(node.id, raft.membership.voters);
  }

  /** Looks at what a node has applied by now. */
  applied(node: NodeView): void {
    if (node.node === null) return;
    const { appliedIndex, raft } = node.node.coordinator;
    const log = this.#logOf(node);
    const before = this.#applied.get(node.id) ?? 0;
    const known = this.committed.length;
    if (appliedIndex < before) violate(`${node.id} goes back from entry ${before} to ${appliedIndex}`);
    for (let index = before + 1; index <= appliedIndex; index++) {
      const entry = log.entry(index);
      if (entry === undefined) {
        if (index <= log.snapshotIndex && index <= this.committed.length) continue;
        violate(`${node.id} applies entry ${index}, which is not in its log`);
      }
      const other = this.committed[index - 1];
      if (other === undefined)
        this.#commit(node, entry, raft.term, [raft.membership.voters, this.#voters.get(node.id) ?? []]);
      else if (!isSameEntry(other, entry)) {
        violate(`${node.id} applies an entry ${index} of term ${entry.term}; elsewhere it is of term ${other.term}`);
      }
    }
    this.#applied.set(node.id, appliedIndex);
    const last = this.committed.at(-1);
    // An entry of an older term may yet be overwritten, as long as none of the own term follows it (figure 8).
    if (this.committed.length > known && raft.role === 'leader' && last?.term !== raft.term) {
      violate(
        `${node.id} commits entry ${last?.index} of term ${last?.term} by itself as the leader of term ${raft.term}`,
      );
    }
  }

  /** One change at a time, and none before the leader has committed something in its term (Ongaro, 2015). */
  #checkChange(node: NodeView, log: NodeLog, change: LogEntry, term: number): void {
    const name = `${node.id} changes the membership by entry ${change.index}`;
    if (change.term !== term) return;
    // Not the last one: who leads an old term after a pause may be overtaken.
    if (!this.committed.some((entry) => entry.term === term)) {
      violate(`${name} before anything is committed in term ${term}`);
    }
    for (let index = this.committed.length + 1; index < change.index; index++) {
      if (log.entry(index)?.kind === 'membership') violate(`${name} while entry ${index} does, too`);
    }
  }

  #lead(node: NodeView, log: NodeLog, term: number): void {
    const earlier = this.#leaders.get(term);
    if (earlier !== undefined) violate(`term ${term} has two leaders, ${earlier} and ${node.id}`);
    this.#leaders.set(term, node.id);
    // One that slept may find that it was elected, and be the leader of a term that others have left behind.
    for (const [at, entry] of this.committed.entries()) {
      if ((this.#committedIn[at] ?? 0) >= term || log.holds(entry)) continue;
      violate(`${node.id} leads term ${term} without the committed entry ${entry.index}`);
    }
  }

  /** The first node to apply an entry is the leader that counted who holds it, by the one or the other voters. */
  #commit(node: NodeView, entry: LogEntry, term: number, countings: readonly (readonly NodeId[])[]): void {
    if (entry.index !== this.committed.length + 1) {
      violate(`${node.id} applies entry ${entry.index} when only ${this.committed.length} are committed`);
    }
    const isHeld = (voter: NodeId) => this.#logs.get(voter)?.holdsDurably(entry) === true;
    if (!countings.some((voters) => voters.filter(isHeld).length * 2 > voters.length)) {
      const voters = countings[0] ?? [];
      const holders = voters.filter(isHeld).join(' ');
      violate(`${node.id} applies entry ${entry.index}, which of the voters ${voters.join(' ')} only ${holders} hold`);
    }
    this.committed.push(entry);
    this.#committedIn.push(term);
    this.#onCommitted(entry);
  }

  #logOf(node: NodeView): NodeLog {
    return this.#logs.get(node.id) ?? violate(`${node.id} acts without having started`);
  }
}

export function isSameEntry(left: LogEntry, right: LogEntry): boolean {
  if (left === right) return true;
  if (left.index !== right.index || left.term !== right.term || left.kind !== right.kind) return false;
  return left.payload.length === right.payload.length && left.payload.every((byte, at) => byte === right.payload[at]);
}
