import type { FluxCacheError } from '../errors.ts';
import { addressText } from '../node-address.ts';
import { replyErrorOf } from '../reply-error.ts';
import type { AnswerSource, Request } from '../request.ts';
import { RequestEncoder } from '../request-encoder.ts';

const encoder = new RequestEncoder();
const tracking = encoder.encode('client', ['tracking', 'on', 'scoped']);
const ping = encoder.encode('ping', []);

/** A connection, as far as a near cache is concerned. */
export interface TrackedConnection extends AnswerSource {
  /** Whether the server said that it is one node of several. */
  readonly isInCluster: boolean;
  readonly isClosed: boolean;
  send(request: Request): void;
}

/**
 * One connection whose server tells of changes of what was read by it. All that the server sent up to `currentMs` has
 * arrived: a request that was sent then is answered.
 */
export class NearSource {
  /** Where the server is. */
  readonly address: string;
  /** The server has agreed to tell. What it answers before is not kept. */
  isOn = false;
  currentMs = Number.NEGATIVE_INFINITY;
  readonly #connection: TrackedConnection;
  readonly #nowMs: () => number;
  #isAsked = false;

  constructor(connection: TrackedConnection, nowMs: () => number) {
    this.#connection = connection;
    this.#nowMs = nowMs;
    this.address = addressText(connection.endpoint);
  }

  /** Before anything is read by the connection, which must be ready. */
  begin(onRefused: (error: FluxCacheError) => void): void {
    this.#ask(tracking, (error) => {
      if (error === null || error === undefined) this.isOn = true;
      else onRefused(replyErrorOf(error, false));
    });
  }

  /** A request that was sent then, or later, is answered. */
  heard(askedMs: number): void {
    if (askedMs > this.currentMs) this.currentMs = askedMs;
  }

  /** Asks for a sign of life, unless the last one is still awaited. */
  ask(): void {
    if (this.isOn && !this.#isAsked && !this.#connection.isClosed) this.#ask(ping, () => undefined);
  }

  #ask(body: Uint8Array, onAnswer: (error: unknown) => void): void {
    const askedMs = this.#nowMs();
    this.#isAsked = true;
    this.#connection.send({
      body,
      isSettled: false,
      wasSent: false,
      onAnswer: (error) => {
        this.#isAsked = false;
        this.heard(askedMs);
        onAnswer(error);
      },
      // The connection is gone, and this with it.
      onLost: () => undefined,
    });
  }
}
