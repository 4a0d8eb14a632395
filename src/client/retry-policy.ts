import { type FluxCacheError, ReplyError } from './errors.ts';
import type { Safety } from './operation.ts';

export interface FailedAttempt {
  readonly error: FluxCacheError;
  readonly safety: Safety;
  /** What the caller said of this call: true and false decide, undefined leaves it to the client's options. */
  readonly retryable: boolean | undefined;
  /** The client's `retry.idempotentWrites`. */
  readonly idempotentWrites: boolean;
  /** Whether its bytes were given to a socket. */
  readonly wasSent: boolean;
  /** Attempts made so far, this one included, and the most there may be. */
  readonly attempts: number;
  readonly attemptsMax: number;
  /** The cluster refused it for now: attempts are made for as long as there is time, and not counted. */
  readonly isPassing: boolean;
}

/**
 * Whether a call is made again: when it cannot have had effect, or when having it twice is as good as once.
 *
 * An answer decides by itself: the server says which of its refusals mean that nothing was done. Without an answer a call
 * that was not sent can be repeated, a read too; a write only when somebody said so.
 */
export function mayRetry(attempt: FailedAttempt): boolean {
  const { error, safety, retryable } = attempt;
  if (retryable === false) return false;
  if (attempt.isPassing) return true;
  if (attempt.attempts >= attempt.attemptsMax) return false;
  if (error instanceof ReplyError) {
    return error.retryable || (error.code === 'indeterminate' && isRepeatable(attempt));
  }
  if (error.code !== 'connection') return false;
  return !attempt.wasSent || safety === 'read' || isRepeatable(attempt);
}

function isRepeatable({ safety, retryable, idempotentWrites }: FailedAttempt): boolean {
  return retryable === true || safety === 'read' || (safety === 'idempotent' && idempotentWrites);
}
