import type { ErrorCode } from '../base/errors.ts';

/** What goes wrong on this side of the connection. */
type ClientErrorCode =
  | 'timeout'
  | 'aborted'
  | 'connection'
  | 'malformed-response'
  | 'closed'
  | 'queue-full'
  | 'loader-undefined'
  | 'loader-timeout'
  | 'fill-timeout'
  | 'codec-failed'
  | 'unexpected-result';

/** The server's codes, this library's, and those a newer server may add. */
export type FluxCacheErrorCode = ErrorCode | ClientErrorCode | (string & {});

export interface FluxCacheErrorOptions {
  readonly retryable?: boolean;
  readonly maybeApplied?: boolean;
  readonly cause?: unknown;
}

/** What every failed call is rejected with. `code` says what happened; the subclasses say on whose side. */
export class FluxCacheError extends Error {
  override readonly name: string = 'FluxCacheError';
  readonly code: FluxCacheErrorCode;
  /** Whether the same call may succeed later, and making it again cannot apply it twice. */
  readonly retryable: boolean;
  /** Whether the call may have changed something: it was sent, it writes, and its answer is not known. */
  readonly maybeApplied: boolean;

  constructor(code: FluxCacheErrorCode, message: string, options: FluxCacheErrorOptions = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined);
    this.code = code;
    this.maybeApplied = options.maybeApplied ?? false;
    this.retryable = options.retryable ?? false;
  }
}

/** The server's answer was an error; `code` and `retryable` are as the server told them. */
export class ReplyError extends FluxCacheError {
  override readonly name: string = 'ReplyError';
}

/** No answer within the time the call had, waiting and retries included. Code `timeout`. */
export class TimeoutError extends FluxCacheError {
  override readonly name: string = 'TimeoutError';

  constructor(message: string, options?: FluxCacheErrorOptions) {
    super('timeout', message, options);
  }
}

/** The call's AbortSignal was aborted, whose reason is the `cause`. Code `aborted`. */
export class AbortError extends FluxCacheError {
  override readonly name: string = 'AbortError';

  constructor(options: FluxCacheErrorOptions) {
    super('aborted', 'The call was aborted.', options);
  }
}

/** The connection could not be made, or was lost. Code `connection`, or `malformed-response`. */
export class ConnectionError extends FluxCacheError {
  override readonly name: string = 'ConnectionError';
}

/** The client was closed or destroyed. Code `closed`. */
export class ClosedError extends FluxCacheError {
  override readonly name: string = 'ClosedError';

  constructor(options?: FluxCacheErrorOptions) {
    super('closed', 'The client is closed.', options);
  }
}

/** More calls wait than the queue's limits allow; this one was not sent. Code `queue-full`. */
export class QueueFullError extends FluxCacheError {
  override readonly name: string = 'QueueFullError';

  constructor(message: string) {
    super('queue-full', message, { retryable: true });
  }
}

/**
 * A value could not be had, though the server was there. Code `loader-undefined` (the loader resolved to undefined, which
 * cannot be stored), `loader-timeout` (it did not settle in time), `fill-timeout` (somebody else did not fill in time), or
 * `codec-failed` (with the codec's error as the `cause`). What a loader throws is passed on as it is.
 */
export class LoadError extends FluxCacheError {
  override readonly name: string = 'LoadError';
}
