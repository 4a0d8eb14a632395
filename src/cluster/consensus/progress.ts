import type { RaftLog } from './raft-log.ts';

/**
 * What a leader knows of one other node's log, and how it goes about feeding it:
 * `probe` one append at a time until one is accepted, `stream` many ahead of the answers, `snapshot` nothing until the
 * snapshot is confirmed.
 */
export class Progress {
  /** The node's log equals the leader's up to here, durably. -1: not known to hold even where logs begin. */
  match = -1;
  /** The next entry to send. */
  next: number;
  state: 'probe' | 'stream' | 'snapshot' = 'probe';
  /** When it answered last in this term. */
  recentlyActiveAtMs: number;
  ackedRound = 0;
  /** The commit index it was told last. */
  commitSent = 0;
  /** A probe is on its way. */
  isProbing = false;
  #snapshotIndex = 0;
  #snapshotSentAtMs = 0;
  /** The last index of each append on its way. */
  #inFlight: number[] = [];

  constructor(next: number, nowMs: number) {
    this.next = next;
    this.recentlyActiveAtMs = nowMs;
  }

  get inFlight(): number {
    return this.#inFlight.length;
  }

  onStreamed(lastIndex: number): void {
    this.next = lastIndex + 1;
    this.#inFlight.push(lastIndex);
  }

  onSnapshotSent(index: number, nowMs: number): void {
    this.state = 'snapshot';
    this.#snapshotIndex = index;
    this.#snapshotSentAtMs = nowMs;
    this.#inFlight = [];
  }

  isSnapshotOverdue(nowMs: number, resendMs: number): boolean {
    return nowMs - this.#snapshotSentAtMs >= resendMs;
  }

  onAccepted(index: number): void {
    this.match = Math.max(this.match, index);
    this.#inFlight = this.#inFlight.filter((lastIndex) => lastIndex > this.match);
    if (this.state === 'snapshot') {
      if (this.match < this.#snapshotIndex) return;
      this.next = this.match + 1;
    }
    this.state = 'stream';
    this.next = Math.max(this.next, this.match + 1);
  }

  /**
   * The node's log is shorter than what was sent, or another one: goes back to where both may be the same, by the
   * terms if possible (dissertation, section 3.5). False if this is known already.
   */
  onRefused(index: number, hintTerm: number, log: RaftLog): boolean {
    const mayMatch = index <= log.snapshotIndex ? index : log.highestOfTerm(index, hintTerm);
    const next = Math.max(mayMatch, this.match, 0) + 1;
    if (next >= this.next) return false;
    this.next = next;
    this.state = 'probe';
    this.isProbing = false;
    this.#inFlight = [];
    return true;
  }
}
