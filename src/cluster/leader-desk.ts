import type { ClusterCommand } from './controller/cluster-command.ts';
import type { ClusterState } from './controller/cluster-state.ts';
import type { Controller } from './controller/controller.ts';
import type { CoordinatorAnswer } from './coordinator.ts';
import type { Asker } from './request-desk.ts';

/** What a node asked for while it may not be done yet. */
interface Waiting {
  readonly asker: Asker;
  readonly command: ClusterCommand;
  readonly untilMs: number;
}

interface Proposal {
  /** Null: the leader itself. */
  readonly asker: Asker | null;
  readonly command: ClusterCommand;
  /** Where it stands in the log, once it does. */
  index: number;
  term: number;
}

export interface LeaderDeskOptions {
  /** How many requests may be on their way through the log, or wait for a lease to end. */
  readonly requestsMax: number;
}

/**
 * The leader's side of requests: what may be proposed now, what waits, and who is told what came of it.
 *
 * A request that comes again (its answer was lost, or is not there yet) is not proposed again while the first one is
 * on its way.
 */
export class LeaderDesk {
  readonly #options: LeaderDeskOptions;
  readonly #controller: Pick<Controller, 'admit'>;
  readonly #settled: (command: ClusterCommand, isApplied: boolean) => void;
  readonly #propose: (number: number, command: ClusterCommand) => void;
  readonly #answer: (asker: Asker, answer: CoordinatorAnswer) => void;
  /** By number of the proposal. */
  readonly #proposed = new Map<number, Proposal>();
  readonly #numberOfIndex = new Map<number, number>();
  readonly #underWay = new Set<string>();
  #waiting: Waiting[] = [];
  #lastNumber = 0;

  /** `settled` is told what became of the leader's own proposals, except when it resigns. */
  constructor(
    options: LeaderDeskOptions,
    controller: Pick<Controller, 'admit'>,
    propose: (number: number, command: ClusterCommand) => void,
    answer: (asker: Asker, answer: CoordinatorAnswer) => void,
    settled: (command: ClusterCommand, isApplied: boolean) => void,
  ) {
    this.#options = options;
    this.#controller = controller;
    this.#propose = propose;
    this.#answer = answer;
    this.#settled = settled;
  }

  get wakeAtMs(): number {
    let wakeAtMs = Number.POSITIVE_INFINITY;
    for (const { untilMs } of this.#waiting) wakeAtMs = Math.min(wakeAtMs, untilMs);
    return wakeAtMs;
  }

  /** Requests on their way, and requests that wait. */
  get size(): number {
    return this.#proposed.size + this.#waiting.length;
  }

  onRequest(asker: Asker, command: ClusterCommand, state: ClusterState, nowMs: number): void {
    if (this.#underWay.has(nameOf(asker))) return;
    const admission = this.#controller.admit(state, command, nowMs);
    if (admission.type === 'refuse') this.#answer(asker, { ...admission, type: 'refused' });
    else if (this.size >= this.#options.requestsMax) {
      this.#answer(asker, {
        type: 'refused',
        reason: 'the controller has too many requests waiting',
        isRetryable: true,
      });
    } else if (admission.type === 'wait') {
      this.#underWay.add(nameOf(asker));
      this.#waiting.push({ asker, command, untilMs: admission.untilMs });
    } else this.propose(asker, command);
  }

  /** Puts a command into the log; `asker` is told what comes of it. */
  propose(asker: Asker | null, command: ClusterCommand): void {
    const number = ++this.#lastNumber;
    this.#proposed.set(number, { asker, command, index: 0, term: 0 });
    if (asker !== null) this.#underWay.add(nameOf(asker));
    this.#propose(number, command);
  }

  /** Returns what stands at `index` now; null: it was no proposal of this desk. */
  onProposed(number: number, index: number, term: number): ClusterCommand | null {
    const proposal = this.#proposed.get(number);
    if (proposal === undefined) return null;
    proposal.index = index;
    proposal.term = term;
    this.#numberOfIndex.set(index, number);
    return proposal.command;
  }

  onRefused(number: number): void {
    const reason = 'the controller is changing or overloaded; ask again';
    this.#settle(number, { type: 'refused', reason, isRetryable: true });
  }

  /** The command at `index` of the log was applied, or what it asks for was refused. */
  onApplied(index: number, term: number, refusal: string | null): void {
    const number = this.#numberOfIndex.get(index);
    if (number === undefined) return;
    this.#numberOfIndex.delete(index);
    if (this.#proposed.get(number)?.term !== term) this.#settle(number, { type: 'unknown' });
    else if (refusal === null) this.#settle(number, { type: 'applied', index });
    else this.#settle(number, { type: 'refused', reason: refusal, isRetryable: false });
  }

  tick(state: ClusterState, nowMs: number): void {
    if (this.wakeAtMs > nowMs) return;
    const due = this.#waiting.filter(({ untilMs }) => untilMs <= nowMs);
    this.#waiting = this.#waiting.filter(({ untilMs }) => untilMs > nowMs);
    for (const { asker, command } of due) {
      this.#underWay.delete(nameOf(asker));
      this.onRequest(asker, command, state, nowMs);
    }
  }

  /** This node leads no more: nobody knows what becomes of what is on its way, and askers will find the next leader. */
  resign(): void {
    for (const number of [...this.#proposed.keys()]) this.#settle(number, null);
    this.#waiting = [];
    this.#underWay.clear();
    this.#numberOfIndex.clear();
  }

  #settle(number: number, answer: CoordinatorAnswer | null): void {
    const proposal = this.#proposed.get(number);
    if (proposal === undefined) return;
    this.#proposed.delete(number);
    const { asker, command } = proposal;
    if (asker !== null) this.#underWay.delete(nameOf(asker));
    if (answer === null) return;
    if (asker === null) this.#settled(command, answer.type === 'applied');
    else this.#answer(asker, answer);
  }
}

function nameOf({ node, request }: Asker): string {
  return `${node} ${request}`;
}
