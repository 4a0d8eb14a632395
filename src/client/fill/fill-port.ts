import type { CallOptions } from '../call.ts';
import { ConnectionError, QueueFullError, ReplyError, TimeoutError } from '../errors.ts';
import type { ClientEvents } from '../events.ts';
import type { Operation } from '../operation.ts';
import type { Key } from '../values.ts';

/** What `getOrSet` needs of the client it belongs to. */
export interface FillPort {
  run<T>(operation: Operation<T>, options: CallOptions): Promise<T>;
  /** Tells apart the nodes that are asked for keys. */
  placeOf(key: Key): string;
  tell(event: ClientEvents['fillError']): void;
}

/** What a caller is given. */
export interface Outcome {
  readonly value: unknown;
  /**
   * The server says that somebody wrote, deleted or invalidated the key while it was loaded. For whoever asked before the loading began the value
   * is as good as any; for whoever asked later it may be older than what he knows of.
   */
  readonly isOvertaken: boolean;
}

/** Whether an error says that the server cannot do its part now, rather than that it was asked for something wrong. */
export function isAway(error: unknown): boolean {
  if (error instanceof ReplyError) {
    return error.retryable || error.code === 'indeterminate' || error.code === 'internal';
  }
  return error instanceof ConnectionError || error instanceof TimeoutError || error instanceof QueueFullError;
}
