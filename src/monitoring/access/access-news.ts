import type { NamedKey } from '../../base/named-key.ts';

/** What keys are looked up: known from a sample that is always taken. */
export interface AccessSource {
  /** Put together anew at each call. */
  news(): AccessNews;
  /** Null: too little was looked up. */
  curve(): MissRatioCurve | null;
  /** Lookups of the keys that begin with each of the prefixes that are metrics, since the node started; estimated. */
  metricsPrefixes(): readonly { readonly prefix: string; readonly hits: number; readonly misses: number }[];
  stop(): void;
}

/** What keys are looked up, from a sample of the lookups. */
export interface AccessNews {
  readonly atMs: number;
  /** The hottest keys, the hottest first. */
  readonly hot: readonly HotKey[];
  /** By prefix, the busiest first; the last, of prefix null, is all others. */
  readonly prefixes: readonly PrefixAccess[];
  /** Null: too little was looked up to say. */
  readonly curve: MissRatioCurve | null;
}

export interface HotKey extends NamedKey {
  /** Lookups a second, estimated. */
  readonly reads: number;
  /** Of all lookups: 0 to 1. */
  readonly share: number;
}

export interface PrefixAccess {
  /** Null: no prefix of its own. */
  readonly prefix: string | null;
  /** Lookups a second, estimated. */
  readonly reads: number;
  /** 0 to 1; null: no lookups. */
  readonly hitRatio: number | null;
}

/** What share of lookups would find their key if there were more or less memory. */
export interface MissRatioCurve {
  /** By how much memory, as a multiple of what there is (0.5, 1, 2, 4 are among them), ascending. */
  readonly points: readonly { readonly memory: number; readonly hitRatio: number }[];
  /** Lookups that the estimate is from, and the share of keys that was followed. */
  readonly sampledLookups: number;
  readonly samplingRate: number;
}
