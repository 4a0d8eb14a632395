import { unwatchAbort, watchAbort } from './abort-watch.ts';
import { AbortError, type FluxCacheError, ReplyError, TimeoutError } from './errors.ts';
import type { NodeAddress } from './node-address.ts';
import { decodeResult, type Operation } from './operation.ts';
import { replyErrorOf } from './reply-error.ts';
import type { AnswerSource, Request } from './request.ts';

/** What a caller may say of one call. */
export interface CallOptions {
  /** Gives the call up; it may still take effect if it was sent. */
  readonly signal?: AbortSignal | undefined;
  /** In place of the client's `commandTimeoutMs`; 0: any time. */
  readonly timeoutMs?: number | undefined;
  /**
   * Whether it is sent again after its answer was lost: `true` also for what applies twice when sent twice (`incr`), `false`
   * not even for reads. By default reads are, and idempotent writes if the client's options say so.
   */
  readonly retryable?: boolean | undefined;
}

export interface CallObserver {
  /** The call cannot go on by itself: an attempt of it failed. */
  onFailed(call: Call, error: FluxCacheError): void;
  /** Told first of what is told to the caller. */
  onSettled(call: Call): void;
}

/** One call from when it is made until its promise is settled, over however many attempts. */
export class Call implements Request {
  readonly operation: Operation<unknown>;
  readonly options: CallOptions;
  readonly body: Uint8Array;
  /** The time it is given up, by `performance.now()`; Infinity: never. */
  readonly deadlineMs: number;
  wasSent = false;
  /** Whether the answer of an earlier attempt was lost, which may have taken effect. */
  wasLost = false;
  attempts = 0;
  isSettled = false;
  /** How often a node said that another one has its key. */
  redirects = 0;
  /** Where its router sends it in place of where its key seems to be. */
  detour: NodeAddress | 'home' | null = null;
  /** Takes the call out of the place it waits in. */
  leaveQueue: (() => void) | null = null;
  /** What the last attempt failed of, told as the cause when time runs out. */
  lastError: FluxCacheError | undefined;
  readonly #observer: CallObserver;
  readonly #resolve: (value: unknown) => void;
  readonly #reject: (error: unknown) => void;
  #onAbort: (() => void) | null = null;

  constructor(
    operation: Operation<unknown>,
    options: CallOptions,
    body: Uint8Array,
    deadlineMs: number,
    observer: CallObserver,
    resolve: (value: unknown) => void,
    reject: (error: unknown) => void,
  ) {
    this.operation = operation;
    this.options = options;
    this.body = body;
    this.deadlineMs = deadlineMs;
    this.#observer = observer;
    this.#resolve = resolve;
    this.#reject = reject;
    const { signal } = options;
    if (signal !== undefined) {
      this.#onAbort = () => {
        this.reject(new AbortError({ maybeApplied: this.maybeApplied, cause: signal.reason }));
      };
      watchAbort(signal, this.#onAbort);
    }
  }

  get isWrite(): boolean {
    return this.operation.safety !== 'read';
  }

  /** Whether it writes, and was sent, now or in an attempt whose answer was lost. */
  get maybeApplied(): boolean {
    return (this.wasSent || this.wasLost) && this.isWrite;
  }

  /** Makes ready for another attempt, after `error`. */
  renew(error: FluxCacheError): void {
    // An answer that is an error says that nothing was done, unless it says otherwise.
    this.wasLost ||= this.wasSent && (!(error instanceof ReplyError) || error.maybeApplied);
    this.wasSent = false;
  }

  onAnswer(error: unknown, result: unknown, from: AnswerSource): void {
    if (error !== null && error !== undefined) {
      this.#observer.onFailed(this, replyErrorOf(error, this.isWrite));
      return;
    }
    let value: unknown;
    try {
      value = decodeResult(this.operation, result, from);
    } catch (fault) {
      this.reject(fault);
      return;
    }
    this.#settle();
    this.#resolve(value);
  }

  onLost(error: FluxCacheError): void {
    this.#observer.onFailed(this, error);
  }

  /** Gives it up; `whyUnsent` is what kept it from being sent, if it was not. */
  timeOut(whyUnsent: FluxCacheError | undefined): void {
    const cause = this.wasSent ? this.lastError : (whyUnsent ?? this.lastError);
    const unsent =
      cause instanceof ReplyError ? 'The call was refused until its time was up' : 'The call could not be sent in time';
    // What an earlier attempt was told is not true of the last one.
    const before = this.wasSent ? 'The attempt before: ' : '';
    const what = this.wasSent ? 'No answer came in time' : unsent;
    this.reject(
      new TimeoutError(cause === undefined ? `${what}.` : `${what}. ${before}${cause.message}`, {
        retryable: !this.maybeApplied,
        maybeApplied: this.maybeApplied,
        ...(cause !== undefined && { cause }),
      }),
    );
  }

  reject(error: unknown): void {
    if (this.isSettled) return;
    this.#settle();
    this.#reject(error);
  }

  #settle(): void {
    this.isSettled = true;
    this.leaveQueue?.();
    const { signal } = this.options;
    if (signal !== undefined && this.#onAbort !== null) unwatchAbort(signal, this.#onAbort);
    this.#observer.onSettled(this);
  }
}
