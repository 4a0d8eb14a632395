import { FrontEnd, Tally } from '../../base/counters.ts';
import { type ErrorCode, errors } from '../../base/errors.ts';
import type { Command } from '../../command/command.ts';
import { type Refusal, refuse } from '../../protocol/http/refusal.ts';
import { type Deadline, Deadlines } from './deadlines.ts';
import type { HttpNode } from './node-port.ts';
import type { HttpFrontOptions } from './options.ts';

/** How many commands of a kind share one reading of the clock: a reading costs more than the rest of the counting. */
const commandsPerClock = 16;

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
  /** The latest request whose body has not begun to arrive: nearly all bodies arrive with their headers. */
  #awaitingBody: Deadline | null = null;
  readonly #uncounted: Uint32Array;
  readonly #sampleMs: Float64Array;

  constructor(options: HttpFrontOptions, node: HttpNode, commandCount: number) {
    this.options = options;
    this.node = node;
    this.#uncounted = new Uint32Array(commandCount);
    this.#sampleMs = new Float64Array(commandCount);
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

  /**
   * The time a command began, for `countSampled`; NaN for most, whose duration is taken to be that of the one in
   * {@link commandsPerClock} that is measured.
   */
  beginSampled(command: Command): number {
    return (this.#uncounted[command.id] as number) % commandsPerClock === 0 ? performance.now() : Number.NaN;
  }

  countSampled(command: Command, beganMs: number): void {
    const id = command.id;
    if (!Number.isNaN(beganMs)) {
      const elapsedMs = performance.now() - beganMs;
      this.#flush(id);
      this.#sampleMs[id] = elapsedMs;
    }
    this.#uncounted[id] = (this.#uncounted[id] as number) + 1;
  }

  count(command: Command, beganMs: number): void {
    this.node.counters.command(command.id, FrontEnd.http, performance.now() - beganMs);
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

  /** Hands all counts to the node's counters: before they are read. */
  flushCounts(): void {
    for (let id = 0; id < this.#uncounted.length; id++) this.#flush(id);
  }

  #setBodyDue(): void {
    this.bodyDueMs = performance.now() + Math.min(this.options.requestTimeoutMs, stallMsMax);
  }

  #flush(id: number): void {
    const count = this.#uncounted[id] as number;
    if (count === 0) return;
    this.#uncounted[id] = 0;
    this.node.counters.commands(id, FrontEnd.http, count, count * (this.#sampleMs[id] as number));
  }
}
