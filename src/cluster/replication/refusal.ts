import type { NodeId } from '../identity.ts';

/** Why a copy does not do what it was asked, and what the asker can make of it. */
export interface Refusal<Reason extends string> {
  readonly reason: Reason;
  /** Who is to be asked instead, as far as this node knows; null: nobody, or not known. */
  readonly primary: NodeId | null;
  /** Whether the same may well succeed soon, at `primary` if there is one. */
  readonly isRetryable: boolean;
}

export type PrimaryRefusal =
  /** Another node is primary, or is about to be. */
  | 'not-primary'
  /** The partition has no primary: its only in-sync copy is on a node that is not heard of. */
  | 'offline'
  /** All in-sync copies were lost; an administrator has to decide. */
  | 'lost'
  /** This node is cut off from the cluster's majority. */
  | 'no-lease'
  /** Another node is just becoming primary. */
  | 'handing-over';

export type WriteRefusal = Refusal<
  | PrimaryRefusal
  /** Fewer than `minInSync` copies are in sync. */
  | 'too-few-in-sync'
  /** Too much waits for acknowledgement. */
  | 'overloaded'
>;

export type ReadRefusal = Refusal<PrimaryRefusal>;

export type ReplicaReadRefusal = Refusal<
  /** This copy is the primary: to be read as one. */
  | 'is-primary'
  /** It is being filled, or there is none here. */
  | 'not-ready'
  /** It may be older than asked for. */
  | 'stale'
  /** It has not got the write of the token. */
  | 'before-token'
>;

/** A write, as a client remembers it in order to read it again: what `PartitionCopy.append` answered, and the epoch. */
export interface WriteToken {
  readonly epoch: number;
  readonly seq: number;
}
