import type { NodeId } from '../identity.ts';

/**
 * What goes into and comes out of {@link Raft}: it is told events and the time, and answers with actions. Terms and
 * names are those of Ongaro's dissertation, "Consensus: Bridging Theory and Practice" (2014).
 */

/** What the group agrees on, one after the other. Indexes are counted from 1. */
export interface LogEntry {
  readonly index: number;
  readonly term: number;
  /** `blank`: the first entry of a leader. `membership`: the payload is a {@link Membership}. */
  readonly kind: 'command' | 'membership' | 'blank';
  readonly payload: Uint8Array;
}

/** Who votes and who only listens. Takes effect as soon as it stands in a log, committed or not. */
export interface Membership {
  readonly voters: readonly NodeId[];
  readonly learners: readonly NodeId[];
}

export interface HardState {
  readonly term: number;
  readonly vote: NodeId | null;
}

/** The state machine after `index`, which replaces all entries up to there. */
export interface RaftSnapshot {
  readonly index: number;
  readonly term: number;
  /** The membership in force at `index`. */
  readonly membership: Membership;
  readonly data: Uint8Array;
}

/** What a node finds on its disk when it starts. */
export interface RaftState {
  readonly hard: HardState;
  /** A new group starts from a snapshot at index 0 that every founder makes alike. Null: not in a group yet. */
  readonly snapshot: RaftSnapshot | null;
  /** From `snapshot.index + 1` on, without a gap. */
  readonly entries: readonly LogEntry[];
}

export type RaftMessage =
  | {
      readonly type: 'vote';
      /** In a pre-vote: the term the sender would begin. */
      readonly term: number;
      readonly isPreVote: boolean;
      /** The old leader asked for this election: do not refuse it because a leader is alive. */
      readonly isTransfer: boolean;
      readonly lastIndex: number;
      readonly lastTerm: number;
    }
  | { readonly type: 'voted'; readonly term: number; readonly isPreVote: boolean; readonly isGranted: boolean }
  | {
      readonly type: 'append';
      readonly term: number;
      readonly previousIndex: number;
      readonly previousTerm: number;
      readonly entries: readonly LogEntry[];
      readonly commit: number;
      /** Counts the leader's rounds of asking whether it still leads; told back in `appended` (read index). */
      readonly round: number;
    }
  | {
      readonly type: 'appended';
      readonly term: number;
      readonly isAccepted: boolean;
      /** Accepted: the sender's log equals the leader's up to here. Else: the highest index where it may. */
      readonly index: number;
      /** Refused: the term of the sender's entry at `index`, for the leader to skip terms; else 0. */
      readonly hintTerm: number;
      readonly round: number;
    }
  | { readonly type: 'snapshot'; readonly term: number; readonly snapshot: RaftSnapshot; readonly round: number }
  /** The leader hands over: start an election at once. */
  | { readonly type: 'timeout-now'; readonly term: number };

export type MembershipChange = {
  readonly type: 'add-learner' | 'promote' | 'demote' | 'remove';
  readonly node: NodeId;
};

export type RaftEvent =
  /** Time has passed; see {@link Raft.wakeAtMs}. */
  | { readonly type: 'tick' }
  | { readonly type: 'message'; readonly from: NodeId; readonly message: RaftMessage }
  /** The `persist` action of this number, and all before it, will survive a crash. */
  | { readonly type: 'persisted'; readonly number: number }
  | { readonly type: 'propose'; readonly request: number; readonly payload: Uint8Array }
  /** Asks for an index that holds everything committed up to now, once it is sure that this node still leads. */
  | { readonly type: 'read'; readonly request: number }
  | { readonly type: 'change-membership'; readonly request: number; readonly change: MembershipChange }
  | { readonly type: 'transfer'; readonly request: number; readonly to: NodeId }
  /** The state machine was saved after `index`, which was applied: entries up to there can go. */
  | { readonly type: 'compact'; readonly index: number; readonly data: Uint8Array };

export type RaftAction =
  /**
   * To be made durable, in order of `number`; then a `persisted` event is due. What must not be sent before is held
   * back by the core itself. First `snapshot` replaces the log up to its index (and all of it unless it holds that
   * very entry), then entries from `entries[0].index` on replace what stands there.
   */
  | {
      readonly type: 'persist';
      readonly number: number;
      readonly hard: HardState | null;
      readonly snapshot: RaftSnapshot | null;
      readonly entries: readonly LogEntry[];
    }
  | { readonly type: 'send'; readonly to: NodeId; readonly message: RaftMessage }
  /** Committed: to be applied in this order, once. */
  | { readonly type: 'apply'; readonly entries: readonly LogEntry[] }
  /** The state machine is to be replaced by this. */
  | { readonly type: 'restore'; readonly snapshot: RaftSnapshot }
  /** The proposal (or change of membership) stands in the log at `index`; it holds once it is applied with this term. */
  | { readonly type: 'proposed'; readonly request: number; readonly index: number; readonly term: number }
  | { readonly type: 'refused'; readonly request: number; readonly reason: RaftRefusal; readonly leader: NodeId | null }
  | { readonly type: 'read-ready'; readonly request: number; readonly index: number }
  | { readonly type: 'role'; readonly role: RaftRole; readonly term: number; readonly leader: NodeId | null };

export type RaftRole = 'follower' | 'candidate' | 'leader';

export type RaftRefusal =
  | 'not-leader'
  /** Another change of membership is under way, or the leader has committed nothing in its term yet. */
  | 'membership-busy'
  /** It is so already, or there is no such node, or no voter would be left. */
  | 'membership-invalid'
  /** A learner that has not caught up is not promoted; no leadership goes to a node that is behind or no voter. */
  | 'not-caught-up'
  /** More is waiting than the core holds. */
  | 'overloaded';
