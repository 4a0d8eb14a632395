import { backoffMs } from './backoff.ts';
import { Call, type CallObserver, type CallOptions } from './call.ts';
import { Deadlines } from './deadlines.ts';
import { AbortError, ClosedError, ConnectionError, type FluxCacheError, ReplyError } from './errors.ts';
import type { Operation, RunPart } from './operation.ts';
import type { ResolvedOptions } from './options.ts';
import { RequestEncoder } from './request-encoder.ts';
import { mayRetry } from './retry-policy.ts';
import type { Router } from './router.ts';
import { groupsOf } from './spread.ts';

const encoder = new RequestEncoder();
/** A cluster that heals does so within a second or two: longer pauses would be lost time. */
const PASSING_DELAY_MS_MAX = 200;

/** Told of what may change something: when it is asked for, and again before its caller is told what became of it. */
export type WriteObserver = (operation: Operation<unknown>) => void;

/** All calls of a client that are not settled: their time-outs, their retries, and the end of them all. */
export class Calls implements CallObserver {
  readonly #options: ResolvedOptions;
  readonly #router: Router;
  readonly #deadlines: Deadlines;
  readonly #unsettled = new Set<Call>();
  /** Calls that wait to be tried again; `isPassing`: for the cluster to heal. */
  readonly #resting = new Map<Call, { readonly timer: NodeJS.Timeout; readonly isPassing: boolean }>();
  readonly #writeObservers: WriteObserver[] = [];
  #isClosed = false;
  #onIdle: (() => void) | null = null;

  constructor(options: ResolvedOptions, router: Router) {
    this.#options = options;
    this.#router = router;
    this.#deadlines = new Deadlines(options.commandTimeoutMs, (call) => this.#due(call));
    router.onChange = () => this.#wake();
  }

  /** Has all writes to come observed. */
  observeWrites(observer: WriteObserver): void {
    this.#writeObservers.push(observer);
  }

  /** Tells the observers of a write, be it made here or elsewhere. */
  noteWrite(operation: Operation<unknown>): void {
    for (const observer of this.#writeObservers) observer(operation);
  }

  run<T>(operation: Operation<T>, options: CallOptions): Promise<T> {
    if (operation.safety !== 'read') this.noteWrite(operation);
    const { spread } = operation;
    if (spread !== undefined && !this.#isClosed && this.#router.isSpread) {
      const groups = groupsOf(spread.keys, (key) => this.#router.placeOf(key));
      if (groups.length > 1 || spread.isAlways) return spread.run(groups, this.#partRunner(options));
    }
    return this.#runWhole(operation, options);
  }

  /** Runs the parts of one call, which together have its time. */
  #partRunner(options: CallOptions): RunPart {
    const beganMs = performance.now();
    const timeoutMs = options.timeoutMs ?? this.#options.commandTimeoutMs;
    return (part) => {
      const spentMs = performance.now() - beganMs;
      if (timeoutMs === 0 || spentMs < 1) return this.run(part, options);
      return this.run(part, { ...options, timeoutMs: Math.max(1, timeoutMs - spentMs) });
    };
  }

  #runWhole<T>(operation: Operation<T>, options: CallOptions): Promise<T> {
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
      this.#attempt(call);
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
    const advice = error instanceof ReplyError ? this.#router.advise(call, error) : 'final';
    if (advice === 'again') {
      call.renew(error);
      this.#attempt(call);
      return;
    }
    if (error instanceof ConnectionError && !call.wasSent) {
      // As if it had never been given to that connection: it goes on waiting in its place.
      this.#router.submit(call);
      return;
    }
    const { attemptsMax, idempotentWrites } = this.#options.retry;
    const { safety } = call.operation;
    const { retryable } = call.options;
    const { wasSent, attempts } = call;
    const isPassing = advice === 'passing';
    if (mayRetry({ error, safety, retryable, idempotentWrites, wasSent, attempts, attemptsMax, isPassing })) {
      this.#rest(call, error, isPassing);
    } else call.reject(this.#errorFor(call, error));
  }

  onSettled(call: Call): void {
    this.#unsettled.delete(call);
    if (call.isWrite) this.noteWrite(call.operation);
    this.#deadlines.delete(call);
    if (this.#resting.size > 0) {
      clearTimeout(this.#resting.get(call)?.timer);
      this.#resting.delete(call);
    }
    if (this.#isClosed && this.#unsettled.size === 0) {
      this.#deadlines.stop();
      this.#onIdle?.();
    }
  }

  #attempt(call: Call): void {
    call.attempts++;
    this.#router.submit(call);
  }

  /** Lets a call wait before it is made again. */
  #rest(call: Call, error: FluxCacheError, isPassing: boolean): void {
    call.renew(error);
    const { delayMsFirst, delayMsMax } = this.#options.retry;
    const backoff = { delayMsFirst, delayMsMax: isPassing ? Math.min(delayMsMax, PASSING_DELAY_MS_MAX) : delayMsMax };
    const timer = setTimeout(
      () => {
        this.#resting.delete(call);
        this.#attempt(call);
      },
      backoffMs(call.attempts, backoff, Math.random()),
    );
    this.#resting.set(call, { timer, isPassing });
  }

  /** Makes calls again that wait for what has now come about. */
  #wake(): void {
    for (const [call, { timer, isPassing }] of [...this.#resting]) {
      if (!isPassing) continue;
      clearTimeout(timer);
      this.#resting.delete(call);
      call.detour = null;
      this.#attempt(call);
    }
  }

  #due(call: Call): void {
    const { wasSent } = call;
    call.timeOut(wasSent ? undefined : this.#router.whyNotReady(call));
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
