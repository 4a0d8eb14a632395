import type { Claim } from '../identity.ts';
import type { Outlives } from './cluster-thread-data.ts';

/** What a node remembers, in its own file, of how its starts have kept their copies on the disk. */
export interface Keeping {
  /** The first of its latest starts that have all kept everything there, if not always in time. */
  readonly since: number;
  /** The first of those of which nothing is missing that was ever confirmed. */
  readonly wholeSince: number;
  /** Of the last one. */
  readonly outlives: Outlives;
  /** Which start of the machine that was on; '': it is not known. */
  readonly machine: string;
  /** It has ended, with everything on the disk. */
  readonly hasEnded: boolean;
}

/**
 * What is to be remembered of start number `boot` before it confirms anything; null: it keeps nothing (`outlives` null). One
 * that kept nothing may have confirmed more under the same name: what is on the disk from before counts for nothing then.
 * What one has confirmed that ended with its process, or with its machine, may be missing in part.
 */
export function keepingOf(
  before: Keeping | null,
  outlives: Outlives | null,
  boot: number,
  machine: string,
): Keeping | null {
  if (outlives === null) return null;
  const present = { outlives, machine, hasEnded: false };
  if (before === null) return { since: boot, wholeSince: boot, ...present };
  const isSameMachine = machine !== '' && machine === before.machine;
  const isWhole = before.hasEnded || before.outlives === 'machine' || (before.outlives === 'process' && isSameMachine);
  return { since: before.since, wholeSince: isWhole ? before.wholeSince : boot, ...present };
}

/** Of what is on the disk, what the node may say that it has. */
export function validClaims(claims: readonly Claim[], { since, wholeSince }: Keeping): Claim[] {
  return claims.map((claim) => ({
    ...claim,
    since: Math.max(claim.since, since),
    wholeSince: Math.max(claim.wholeSince, wholeSince),
  }));
}

/** What is wrong with a value that was read from a file; null: nothing. */
export function keepingFault(value: unknown): string | null {
  if (value === null) return null;
  if (typeof value !== 'object') return 'it is no object';
  const { since, wholeSince, outlives, machine, hasEnded } = value as Keeping;
  if (!Number.isSafeInteger(since) || !Number.isSafeInteger(wholeSince)) return 'a start is no number';
  if (!['nothing', 'process', 'machine'].includes(outlives)) return 'outlives is none';
  if (typeof machine !== 'string') return 'machine is no text';
  return typeof hasEnded === 'boolean' ? null : 'hasEnded is no boolean';
}
