import type { ClusterCommand } from './controller/cluster-command.ts';
import type { CoordinatorAnswer } from './coordinator.ts';
import type { NodeId } from './identity.ts';

interface Outstanding {
  readonly command: ClusterCommand;
  readonly endsAtMs: number;
  resendAtMs: number;
}

export interface RequestDeskOptions {
  /** After this long nobody knows what became of a request. */
  readonly requestTimeoutMs: number;
  /** A request is sent again after this long: commands compare and set, or do nothing when done twice. */
  readonly resendMs: number;
  readonly requestsMax: number;
}

/** This node's requests to whoever leads, kept until they are answered or given up. */
export class RequestDesk {
  readonly #outstanding = new Map<number, Outstanding>();
  readonly #options: RequestDeskOptions;
  readonly #send: (request: number, command: ClusterCommand) => void;
  readonly #answered: (request: number, answer: CoordinatorAnswer, nowMs: number) => void;

  /** `send` carries a request to the leader, if one is known. */
  constructor(
    options: RequestDeskOptions,
    send: (request: number, command: ClusterCommand) => void,
    answered: (request: number, answer: CoordinatorAnswer, nowMs: number) => void,
  ) {
    this.#options = options;
    this.#send = send;
    this.#answered = answered;
  }

  get size(): number {
    return this.#outstanding.size;
  }

  get wakeAtMs(): number {
    let wakeAtMs = Number.POSITIVE_INFINITY;
    for (const one of this.#outstanding.values()) wakeAtMs = Math.min(wakeAtMs, one.resendAtMs, one.endsAtMs);
    return wakeAtMs;
  }

  submit(request: number, command: ClusterCommand, nowMs: number): void {
    const { requestsMax, requestTimeoutMs, resendMs } = this.#options;
    if (this.#outstanding.size >= requestsMax) {
      const reason = `more than ${requestsMax} requests wait for answers`;
      this.#answered(request, { type: 'refused', reason, isRetryable: true }, nowMs);
      return;
    }
    this.#outstanding.set(request, { command, endsAtMs: nowMs + requestTimeoutMs, resendAtMs: nowMs + resendMs });
    this.#send(request, command);
  }

  onAnswer(request: number, answer: CoordinatorAnswer, nowMs: number): void {
    if (this.#outstanding.delete(request)) this.#answered(request, answer, nowMs);
  }

  /** There is a leader that was not known: what waits goes to it at once. */
  onLeader(nowMs: number): void {
    for (const [request, one] of this.#outstanding) {
      one.resendAtMs = nowMs + this.#options.resendMs;
      this.#send(request, one.command);
    }
  }

  tick(nowMs: number): void {
    for (const [request, one] of this.#outstanding) {
      if (one.endsAtMs <= nowMs) this.onAnswer(request, { type: 'unknown' }, nowMs);
      else if (one.resendAtMs <= nowMs) {
        one.resendAtMs = nowMs + this.#options.resendMs;
        this.#send(request, one.command);
      }
    }
  }
}

/** Where a request came from, as its answer finds back. */
export interface Asker {
  readonly node: NodeId;
  readonly request: number;
}
