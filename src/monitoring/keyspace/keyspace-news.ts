import type { NamedKey } from '../../base/named-key.ts';

/** What keys there are: looked at by a job now and then. */
export interface KeyspaceSource {
  /** Of the last analysis, the same object until the next; null: there was none yet. */
  news(): KeyspaceNews | null;
  /** Of the prefixes that are metrics, of the last analysis; none while there was none. */
  metricsPrefixes(): readonly { readonly prefix: string; readonly keys: number; readonly bytes: number }[];
  /** Analyses are made often from now on, until the function that is returned is called: somebody looks. */
  watch(): () => void;
  /** Resolves when nothing of it runs any more. */
  stop(): Promise<void>;
}

/** What keys there are, from a sample of them. */
export interface KeyspaceNews {
  readonly atMs: number;
  readonly tookMs: number;
  /** Keys looked at, and keys there were. */
  readonly sampledKeys: number;
  readonly keys: number;
  /** By prefix, the largest first, scaled up to all keys; the last, of prefix null, is all others. */
  readonly prefixes: readonly PrefixSize[];
  /** Of the keys looked at since the first analysis that are still there, the largest first. */
  readonly largest: readonly LargeKey[];
  /** Share of keys by type of value: 0 to 1. */
  readonly types: Readonly<Record<string, number>>;
}

export interface PrefixSize {
  readonly prefix: string | null;
  readonly keys: number;
  readonly bytes: number;
  /** Share of its keys that expire: 0 to 1. */
  readonly expiring: number;
}

export interface LargeKey extends NamedKey {
  readonly type: string;
  readonly bytes: number;
  /** Null: it does not expire. */
  readonly expiresAtMs: number | null;
}
