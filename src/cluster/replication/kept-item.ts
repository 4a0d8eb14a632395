import type { LogRecord } from './replication-message.ts';

/**
 * What a copy writes to its disk, in the order in which it happens: read back from the beginning, or from a `state` on that
 * stands before the store was read for a snapshot, it makes the copy again (`copy-recovery.ts`).
 */
export type KeptItem =
  /** The copy took a record into its log. Up to `committed` records may be put into the store. */
  | { readonly type: 'record'; readonly record: LogRecord; readonly committed: number }
  /** It gave up the records above `after`. */
  | { readonly type: 'cut'; readonly after: number }
  /** Records up to `committed` may be put into the store. */
  | { readonly type: 'commit'; readonly committed: number }
  /** A piece of a snapshot that fills it. */
  | { readonly type: 'load'; readonly entries: readonly Uint8Array[] }
  /** What the store shows is whole from here on, once the records up to `at` are committed: so many of them it may show. */
  | { readonly type: 'whole'; readonly at: number }
  /** Which filling it is, and behind which record its log begins. */
  | ({ readonly type: 'state' } & KeptState);

export interface KeptState {
  /** The store is empty from here on. */
  readonly clears: boolean;
  /** The start of the node that the filling began in. */
  readonly since: number;
  readonly generation: number;
  /** Null: nothing was filled in. */
  readonly filledInEpoch: number | null;
  /** The record behind which the log goes on, and its epoch. */
  readonly at: number;
  readonly atEpoch: number;
  /** A snapshot is coming in: the store follows every record at once. */
  readonly isFilling: boolean;
}
