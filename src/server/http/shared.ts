import { FrontEnd, Tally } from '../../base/counters.ts';
import { type ErrorCode, errors } from '../../base/errors.ts';
import type { Command } from '../../command/command.ts';
import { commandTable } from '../../command/table.ts';
import { type Refusal, refuse } from '../../protocol/http/refusal.ts';
import { CommandCounts } from '../dispatch/command-counts.ts';
import { type Deadline, Deadlines } from './deadlines.ts';
import { HttpCaller } from './http-caller.ts';
import { isEngineEnough } from './listener.ts';
import type { HttpNode } from './node-port.ts';
import type { HttpFrontOptions } from './options.ts';
import type { UwsRequest, UwsResponse } from './uws.ts';

/** Who sent a slow command, where it was not asked while the engine told: of an answered request it does not any more. */
const unknownCaller = { address: 'http', name: '', protocol: 'http' } as const;

/** The engine closes a connection without a word when no byte comes for 8 to 12 seconds; we answer before it does. */
export const stallMsMax = 6000;

/** What all connections of one HTTP front share: settings, what is in use of each limit, counting. */
export class HttpShared {
  readonly options: HttpFrontOptions;
  readonly node: HttpNode;
  /** Since a graceful shutdown began: answers close their connections. */
  isDraining = false;
  /** Requests begun and not yet answered, when the handler did not answer at once. */
  inFlight = 0;
  /** Bytes of bodies that are still arriving. */
  bodiesBytes = 0;
  /** Bytes of answers that wait for slow readers. */
  unsentBytes = 0;
  /** Clients that something is streamed to for as long as they stay. */
  streams = 0;
  /** When the body of a request that begins now must have begun to arrive, to within the deadlines' sweep. */
  bodyDueMs = 0;
  /** Requests served since the front began: grows with every request. */
  served = 0;
  readonly deadlines: Deadlines;
  readonly counts: CommandCounts;
  /** Slow commands are logged, with what the engine tells of a request only until it is handled. */
  readonly #asksCallers: boolean;
  readonly #isRelayed: boolean;
  /** The latest request whose body has not begun to arrive: nearly all bodies arrive with their headers. */
  #awaitingBody: Deadline | null = null;

  constructor(options: HttpFrontOptions, node: HttpNode) {
    this.options = options;
    this.node = node;
    this.counts = new CommandCounts(node.counters, FrontEnd.http, commandTable.commands);
    this.#asksCallers = node.slowLog.report !== null;
    this.#isRelayed = node.tls !== null && !isEngineEnough(node.tls);
    this.deadlines = new Deadlines(() => {
      this.#setBodyDue();
      this.awaitBody(null);
    });
    this.#setBodyDue();
  }

  /** Notes that a request waits for its body. A time limit is set only for one that still waits at the next call. */
  awaitBody(request: Deadline | null): void {
    if (this.#awaitingBody !== null) this.deadlines.add(this.#awaitingBody);
    this.#awaitingBody = request;
  }

  bodyBegan(request: Deadline): void {
    if (this.#awaitingBody === request) this.#awaitingBody = null;
    else this.deadlines.delete(request);
  }

  /** Why a request that would wait for a shard is not taken; null when it is. */
  admit(): Refusal | null {
    if (this.inFlight < this.options.requestsInFlightMax) return null;
    return refuse('overloaded', `${this.inFlight} requests are waiting already; try again in a moment.`);
  }

  /** Who sent a request, to be told if it is slow; null where that is not wanted. */
  callerOf(response: UwsResponse, request: UwsRequest): HttpCaller | null {
    return this.#asksCallers ? new HttpCaller(response, request, this.#isRelayed) : null;
  }

  /** Counts a command that has been answered, and keeps it when it was slow. `beganMs`: as `counts.begin` told. */
  count(command: Command, beganMs: number, caller: HttpCaller | null): void {
    const elapsedMs = this.counts.end(command, beganMs);
    const { slowLog } = this.node;
    // Of a command that was not measured it is NaN, which is above nothing.
    if (elapsedMs > slowLog.thresholdMs && !command.flags.includes('skip_slowlog')) {
      slowLog.add(command.name, null, elapsedMs, caller ?? unknownCaller, caller?.trace);
    }
  }

  countReceived(bytes: number): void {
    this.node.counters.add(Tally.bytesReceived, FrontEnd.http, bytes);
  }

  countSent(bytes: number): void {
    this.node.counters.add(Tally.bytesSent, FrontEnd.http, bytes);
  }

  countError(code: ErrorCode): void {
    this.node.counters.error(errors[code].id);
  }

  /** Logs what a request threw, which is a defect of ours; returns what to answer. */
  defect(error: unknown, path: string): Refusal {
    this.node.log.error({ err: error, path }, 'an HTTP request failed in a way it must not');
    return refuse('internal', 'The request met a defect of the server; its log says more.');
  }

  #setBodyDue(): void {
    this.bodyDueMs = performance.now() + Math.min(this.options.requestTimeoutMs, stallMsMax);
  }
}
