import type { FluxCacheError } from '../errors.ts';
import { addressText } from '../node-address.ts';
import { replyErrorOf } from '../reply-error.ts';
import type { AnswerSource, Request } from '../request.ts';
import { RequestEncoder } from '../request-encoder.ts';
import type { Key } from '../values.ts';

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
  /** Some key that was read by it; null: none is known that is still there. */
  exampleKey: Key | null = null;
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
    this.#ask(tracking, (isFine, error) => {
      if (isFine) this.isOn = true;
      else onRefused(replyErrorOf(error, false));
    });
  }

  /** A request that was sent then, or later, is answered. */
  heard(askedMs: number): void {
    if (askedMs > this.currentMs) this.currentMs = askedMs;
  }

  /** Whether a sign of life is to be asked for: there is none to come. */
  get isDue(): boolean {
    return this.isOn && !this.#isAsked && !this.#connection.isClosed;
  }

  /**
   * Asks for a sign of life. A node of a cluster is asked for a key, which it answers only while it may serve anybody: one
   * that others have replaced without its knowing can still say PONG.
   */
  ask(): void {
    const key = this.exampleKey;
    if (!this.#connection.isInCluster) this.#ask(ping, () => undefined);
    else if (key !== null) {
      this.#ask(encoder.encode('exists', [key]), (isFine) => {
        if (!isFine) this.exampleKey = null;
      });
    }
  }

  #ask(body: Uint8Array, onAnswer: (isFine: boolean, error: unknown) => void): void {
    const askedMs = this.#nowMs();
    this.#isAsked = true;
    this.#connection.send({
      body,
      isSettled: false,
      wasSent: false,
      onAnswer: (error) => {
        const isFine = error === null || error === undefined;
        this.#isAsked = false;
        if (isFine) this.heard(askedMs);
        onAnswer(isFine, error);
      },
      // The connection is gone, and this with it.
      onLost: () => undefined,
    });
  }
}
