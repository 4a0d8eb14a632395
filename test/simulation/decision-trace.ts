import { decodeMembership } from '../../src/cluster/consensus/raft-fields.ts';
import type { LogEntry, RaftRole } from '../../src/cluster/consensus/raft-types.ts';
import { applyCommand } from '../../src/cluster/controller/apply-command.ts';
import { type ClusterState, emptyClusterState } from '../../src/cluster/controller/cluster-state.ts';
import { decodeCommand } from '../../src/cluster/controller/command-codec.ts';
import type { NodeId } from '../../src/cluster/identity.ts';
import { NodeLog } from './check/node-log.ts';
import { boundWitness } from './cluster-statistics.ts';
import { describeChanges, describeCommand } from './describe-command.ts';
import type { Trace } from './trace.ts';
import type { NodeView, Witness } from './witness.ts';

/** What was last told of a process. */
interface Known {
  readonly log: NodeLog;
  role: RaftRole;
  term: number;
  hasLease: boolean;
  readonly copies: Map<number, string>;
}

/**
 * Tells what the cluster decides, along with whoever watches the run: elections, commands with what they change, the
 * roles of copies, leases. It looks on and changes nothing.
 */
export class DecisionTrace {
  readonly #trace: Trace;
  readonly #known = new Map<NodeId, Known>();
  /** What the whole cluster has committed, as far as anybody has applied it. */
  #state: ClusterState = emptyClusterState;
  #index = 0;

  constructor(trace: Trace) {
    this.#trace = trace;
  }

  watching(witness: Witness): Witness {
    return {
      ...boundWitness(witness),
      started: (node, restored, nowMs) => {
        const { term } = restored.hard;
        const log = new NodeLog(restored);
        this.#known.set(node.id, { log, role: 'follower', term, hasLease: false, copies: new Map() });
        witness.started(node, restored, nowMs);
      },
      stopped: (node, nowMs) => {
        this.#known.delete(node.id);
        witness.stopped(node, nowMs);
      },
      persisting: (node, action, nowMs) => {
        this.#known.get(node.id)?.log.persisting(action);
        witness.persisting(node, action, nowMs);
      },
      lostData: (node, partition, nowMs) => {
        this.#trace.say(nowMs, node.id, () => `p${partition} has lost its memory`);
        witness.lostData(node, partition, nowMs);
      },
      sent: (node, to, message, nowMs) => {
        this.#look(node, nowMs);
        if (message.kind === 'answer' && message.answer.type === 'refused') {
          const { request, answer } = message;
          this.#trace.say(nowMs, node.id, () => `refuses request ${request} of ${to}: ${answer.reason}`);
        }
        witness.sent(node, to, message, nowMs);
      },
      configured: (node, state, index, nowMs) => {
        this.#look(node, nowMs);
        witness.configured(node, state, index, nowMs);
      },
      stepped: (node, nowMs) => {
        this.#look(node, nowMs);
        witness.stepped(node, nowMs);
      },
    };
  }

  #look(node: NodeView, nowMs: number): void {
    const known = this.#known.get(node.id);
    if (known === undefined || node.node === null) return;
    this.#tellRole(node, known, nowMs);
    this.#tellCommitted(node, known, nowMs);
    this.#tellCopies(node, known, nowMs);
    this.#tellLease(node, known, nowMs);
  }

  #tellRole(node: NodeView, known: Known, nowMs: number): void {
    const raft = node.node?.coordinator.raft;
    if (raft === undefined || (raft.role === known.role && (raft.term === known.term || raft.role === 'follower'))) {
      return;
    }
    const { role, term, leader } = raft;
    const before = known.role;
    known.role = role;
    known.term = term;
    const follows = leader === null ? '' : `, follows ${leader}`;
    this.#trace.say(nowMs, node.id, () => {
      if (role === 'leader') return `election won: leads term ${term}`;
      if (role === 'candidate') return `stands for election, term ${term}`;
      return before === 'leader' ? `leads no more, term ${term}${follows}` : `election lost, term ${term}${follows}`;
    });
  }

  /** Each entry once: when the first node has applied it. */
  #tellCommitted(node: NodeView, known: Known, nowMs: number): void {
    const coordinator = node.node?.coordinator;
    if (coordinator === undefined) return;
    while (this.#index < coordinator.appliedIndex) {
      const entry = known.log.entry(this.#index + 1);
      if (entry === undefined) {
        this.#index = coordinator.appliedIndex;
        this.#state = coordinator.state;
        this.#trace.say(nowMs, node.id, () => `#${this.#index} from a snapshot`);
      } else {
        this.#index++;
        const text = this.#taken(entry);
        this.#trace.say(nowMs, node.id, () => `#${entry.index} ${text}`);
      }
    }
  }

  #taken({ kind, term, payload }: LogEntry): string {
    if (kind === 'blank') return `term ${term} begins`;
    if (kind === 'membership') {
      const { voters, learners } = decodeMembership(payload);
      return `group: voters ${voters.join(', ')}; learners ${learners.join(', ') || 'none'}`;
    }
    const command = decodeCommand(payload);
    const before = this.#state;
    const { state, refusal } = applyCommand(before, command);
    this.#state = state;
    const came = refusal === null ? describeChanges(before, state).join('; ') : `refused: ${refusal}`;
    if (came === '' && before === state) return `${describeCommand(command)}: changes nothing`;
    return came === '' ? describeCommand(command) : `${describeCommand(command)}: ${came}`;
  }

  #tellCopies(node: NodeView, known: Known, nowMs: number): void {
    for (const copy of node.node?.copies() ?? []) {
      const { partition, role, epoch, last, committed } = copy;
      const now = `${role}, epoch ${epoch}`;
      const before = known.copies.get(partition) ?? 'none, epoch 0';
      if (now === before) continue;
      known.copies.set(partition, now);
      this.#trace.say(nowMs, node.id, () => `p${partition} ${before} → ${now}, last ${last}, committed ${committed}`);
    }
  }

  #tellLease(node: NodeView, known: Known, nowMs: number): void {
    const endsAtMs = node.node?.coordinator.lease.endsAtMs ?? Number.NEGATIVE_INFINITY;
    const overMs = node.localNowMs - endsAtMs;
    if (overMs < 0 === known.hasLease) return;
    known.hasLease = overMs < 0;
    this.#trace.say(nowMs, node.id, () =>
      overMs < 0 ? `has a lease for ${(-overMs).toFixed(0)} ms` : `its lease is over, for ${overMs.toFixed(0)} ms`,
    );
  }
}
