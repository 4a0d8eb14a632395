import { AssertionError } from '../../../../src/base/assert.ts';
import type { LogEntry, RaftMessage, RaftSnapshot, RaftState } from '../../../../src/cluster/consensus/raft-types.ts';
import type { NodeId } from '../../../../src/cluster/identity.ts';

interface Committed {
  readonly entry: LogEntry;
  /** The term of whoever applied it first: the leader that committed it. */
  readonly byTerm: number;
}

const decoder = new TextDecoder();

export function textOf(payload: Uint8Array): string {
  return decoder.decode(payload);
}

/**
 * Sees everything that all nodes of a group do, and throws where one of Raft's properties (dissertation, figure 3.2)
 * does not hold.
 */
export class RaftOracle {
  readonly #leaders = new Map<number, NodeId>();
  readonly #votes = new Map<string, NodeId>();
  /** Of entries that ever stood in a log: what they say and the term of the one before. */
  readonly #entries = new Map<string, string>();
  readonly #committed: Committed[] = [];

  get committedIndex(): number {
    return this.#committed.length;
  }

  /** Commands committed up to `index`. */
  commandsUpTo(index: number): string[] {
    const entries = this.#committed.slice(0, index).map(({ entry }) => entry);
    return entries.filter(({ kind }) => kind === 'command').map(({ payload }) => textOf(payload));
  }

  /** Election safety, leader completeness. `log` is the node's, durable or not. */
  onLeader(node: NodeId, term: number, log: RaftState): void {
    const other = this.#leaders.get(term);
    if (other !== undefined) fail(`${node} and ${other} both became leader of term ${term}`);
    this.#leaders.set(term, node);
    const start = log.snapshot?.index ?? 0;
    for (const { entry, byTerm } of this.#committed.slice(start)) {
      if (byTerm >= term) break;
      const found = log.entries[entry.index - start - 1];
      if (found === undefined || found.term !== entry.term) {
        fail(`leader ${node} of term ${term} lacks entry ${entry.index}, committed in term ${byTerm}`);
      }
    }
  }

  /** Log matching, by induction: an index and a term stand for one entry and one predecessor. */
  onLog(node: NodeId, entries: readonly LogEntry[], previousTerm: number): void {
    let previous = previousTerm;
    for (const { index, term, kind, payload } of entries) {
      const key = `${index}/${term}`;
      const says = `${kind} ${textOf(payload)} after term ${previous}`;
      const known = this.#entries.get(key);
      if (known !== undefined && known !== says) fail(`entry ${key} of ${node} is ${says}, elsewhere ${known}`);
      this.#entries.set(key, says);
      previous = term;
    }
  }

  /** State-machine safety. */
  onApply(node: NodeId, term: number, entry: LogEntry): void {
    const known = this.#committed[entry.index - 1];
    if (known === undefined) {
      if (entry.index !== this.#committed.length + 1) fail(`${node} applied ${entry.index} out of order`);
      this.#committed.push({ entry, byTerm: term });
    } else if (known.entry.term !== entry.term || textOf(known.entry.payload) !== textOf(entry.payload)) {
      fail(`${node} applied another entry ${entry.index} (term ${entry.term}) than was committed`);
    }
  }

  onSnapshot(node: NodeId, snapshot: RaftSnapshot, commands: readonly string[]): void {
    if (snapshot.index > this.#committed.length) fail(`${node} has a snapshot of what is not committed`);
    if (commands.join() !== this.commandsUpTo(snapshot.index).join()) {
      fail(`${node} has a snapshot ${snapshot.index} that is not what was committed`);
    }
  }

  /** Nothing is said that the disk could forget; one vote a term. */
  onSend(node: NodeId, to: NodeId, message: RaftMessage, disk: RaftState): void {
    const asksFirst = (message.type === 'vote' || message.type === 'voted') && message.isPreVote;
    if (!asksFirst && message.term > disk.hard.term) {
      fail(`${node} spoke in term ${message.term} and could forget it`);
    }
    if (message.type === 'appended' && message.isAccepted && message.term === disk.hard.term) {
      const durable = (disk.snapshot?.index ?? 0) + disk.entries.length;
      if (message.index > durable) fail(`${node} accepted ${message.index} and could forget it`);
    }
    if (message.type === 'voted' && !message.isPreVote && message.isGranted) {
      const key = `${node}/${message.term}`;
      const other = this.#votes.get(key);
      if (other !== undefined && other !== to) fail(`${node} voted for ${to} and ${other} in term ${message.term}`);
      this.#votes.set(key, to);
    }
  }

  /** A read must see what was committed when it was asked for. */
  onRead(node: NodeId, index: number, committedThen: number): void {
    if (index < committedThen) fail(`${node} answered a read at ${index}, but ${committedThen} was committed before`);
  }
}

function fail(message: string): never {
  throw new AssertionError(message);
}
