import { backoffMs } from './backoff.ts';
import { Call, type CallObserver, type CallOptions } from './call.ts';
import { Deadlines } from './deadlines.ts';
import { AbortError, ClosedError, ConnectionError, type FluxCacheError, ReplyError } from './errors.ts';
import type { Operation } from './operation.ts';
import type { ResolvedOptions } from './options.ts';
import type { Pool } from './pool.ts';
import { RequestEncoder } from './request-encoder.ts';
import { mayRetry } from './retry-policy.ts';
import type { Router } from './router.ts';

const encoder = new RequestEncoder();

/** All calls of a client that are not settled: their time-outs, their retries, and the end of them all. */
export class Calls implements CallObserver {
  readonly #options: ResolvedOptions;
  readonly #router: Router;
  readonly #deadlines: Deadlines;
  readonly #unsettled = new Set<Call>();
  /** Calls that wait to be tried again. */
  readonly #resting = new Map<Call, NodeJS.Timeout>();
  #isClosed = false;
  #onIdle: (() => void) | null = null;

  constructor(options: ResolvedOptions, router: Router) {
    this.#options = options;
    this.#router = router;
    this.#deadlines = new Deadlines(options.commandTimeoutMs, (call) => this.#due(call));
  }

  run<T>(operation: Operation<T>, options: CallOptions): Promise<T> {
    if (this.#isClosed) return Promise.reject(new ClosedError());
    if (options.signal?.aborted) return Promise.reject(new AbortError({ cause: options.signal.reason }));
    let body: Uint8Array;
    try {
      body = encoder.encode(operation.method, operation.params);
    } catch (error) {
      return Promise.reject(error);
    }
    return new Promise<T>((resolve, reject) => {
      const deadlineMs = this.#deadlines.deadlineMs(options.timeoutMs);
      // The promise's own type comes back from the operation's `decode`.
      const settle = resolve as (value: unknown) => void;
      const call = new Call(operation, options, body, deadlineMs, this, settle, reject);
      this.#unsettled.add(call);
      this.#deadlines.add(call);
      this.#attempt(call, this.#router.poolFor(operation.key));
    });
  }

  /** Takes no more calls; resolves once those there are are settled. */
  close(): Promise<void> {
    this.#isClosed = true;
    if (this.#unsettled.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#onIdle = resolve;
    });
  }

  /** Rejects every call. */
  destroy(): void {
    this.#isClosed = true;
    for (const call of [...this.#unsettled]) call.reject(new ClosedError({ maybeApplied: call.maybeApplied }));
  }

  onFailed(call: Call, error: FluxCacheError): void {
    if (call.isSettled) return;
    call.lastError = error;
    const elsewhere = error instanceof ReplyError ? this.#router.redirect(error) : null;
    const { attemptsMax, idempotentWrites } = this.#options.retry;
    if (elsewhere !== null && call.attempts < attemptsMax) {
      call.renew(error);
      this.#attempt(call, elsewhere);
      return;
    }
    if (error instanceof ConnectionError && !call.wasSent) {
      // As if it had never been given to that connection: it goes on waiting in its place.
      this.#router.poolFor(call.operation.key).submit(call);
      return;
    }
    const { safety } = call.operation;
    const { retryable } = call.options;
    const { wasSent, attempts } = call;
    if (mayRetry({ error, safety, retryable, idempotentWrites, wasSent, attempts, attemptsMax }))
      this.#rest(call, error);
    else call.reject(this.#errorFor(call, error));
  }

  onSettled(call: Call): void {
    this.#unsettled.delete(call);
    this.#deadlines.delete(call);
    if (this.#resting.size > 0) {
      clearTimeout(this.#resting.get(call));
      this.#resting.delete(call);
    }
    if (this.#isClosed && this.#unsettled.size === 0) {
      this.#deadlines.stop();
      this.#onIdle?.();
    }
  }

  #attempt(call: Call, pool: Pool): void {
    call.attempts++;
    pool.submit(call);
  }

  /** Lets a call wait before it is made again. */
  #rest(call: Call, error: FluxCacheError): void {
    call.renew(error);
    const delayMs = backoffMs(call.attempts, this.#options.retry, Math.random());
    const timer = setTimeout(() => {
      this.#resting.delete(call);
      this.#attempt(call, this.#router.poolFor(call.operation.key));
    }, delayMs);
    this.#resting.set(call, timer);
  }

  #due(call: Call): void {
    const { wasSent } = call;
    call.timeOut(wasSent ? undefined : this.#router.poolFor(call.operation.key).whyNotReady());
    if (wasSent) this.#router.doubt();
  }

  /** An error of its own for each call, with what is known of its effect. */
  #errorFor(call: Call, error: FluxCacheError): FluxCacheError {
    if (error instanceof ReplyError) {
      if (!call.wasLost || !call.isWrite) return error;
      // This attempt was refused, but an earlier one's answer was lost.
      return new ReplyError(error.code, error.message, { maybeApplied: true, cause: error });
    }
    const { maybeApplied } = call;
    if (error instanceof ClosedError) return new ClosedError({ maybeApplied });
    return new ConnectionError(error.code, error.message, { retryable: !maybeApplied, maybeApplied, cause: error });
  }
}
