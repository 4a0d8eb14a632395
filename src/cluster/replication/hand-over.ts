import type { NodeId } from '../identity.ts';
import type { ReplicationOptions } from './replication-options.ts';

export type HandOverPhase =
  | { readonly phase: 'idle'; readonly notBeforeMs: number }
  /** Writes are refused until all that were taken are acknowledged. */
  | { readonly phase: 'stopping'; readonly to: NodeId; readonly untilMs: number }
  /** The coordinator was asked: any moment another node may be primary, so this one answers nothing. */
  | { readonly phase: 'proposed'; readonly to: NodeId; readonly sinceMs: number };

/**
 * How a primary makes another in-sync copy primary without failing a request that is tried twice.
 *
 *     idle -> stopping       a better place is in sync and keeps up
 *     stopping -> proposed   everything is acknowledged
 *     stopping -> idle       that took too long, or the successor fell behind
 *     proposed -> idle       the entry's version moved and this copy is still primary: the request is dead
 *
 * There is no way back from `proposed` but that one: no answer, and no answer `refused` either (another copy of the
 * request may be under way), proves that it will not be applied.
 */
export class HandOver {
  #state: HandOverPhase;
  #askedMs = Number.NEGATIVE_INFINITY;
  readonly #options: ReplicationOptions;

  constructor(options: ReplicationOptions, nowMs: number) {
    this.#options = options;
    this.#state = { phase: 'idle', notBeforeMs: nowMs };
  }

  get state(): HandOverPhase {
    return this.#state;
  }

  get isIdle(): boolean {
    return this.#state.phase === 'idle';
  }

  stop(to: NodeId, nowMs: number): void {
    this.#state = { phase: 'stopping', to, untilMs: nowMs + this.#options.handOverMs };
  }

  giveUp(nowMs: number): void {
    this.#state = { phase: 'idle', notBeforeMs: nowMs + this.#options.handOverBackOffMs };
  }

  propose(to: NodeId, nowMs: number): void {
    this.#state = { phase: 'proposed', to, sinceMs: nowMs };
    this.#askedMs = nowMs;
  }

  /** Whether the request is to be repeated now; notes it as done. */
  isRepeatDue(nowMs: number): boolean {
    if (this.#state.phase !== 'proposed' || nowMs - this.#askedMs < this.#options.proposeAgainMs) return false;
    this.#askedMs = nowMs;
    return true;
  }

  /** Whether to call it off as well, because nothing came of it. */
  isCancelDue(nowMs: number): boolean {
    return this.#state.phase === 'proposed' && nowMs - this.#state.sinceMs >= this.#options.handOverCancelMs;
  }

  get wakeAtMs(): number {
    if (this.#state.phase === 'stopping') return this.#state.untilMs;
    if (this.#state.phase === 'proposed') return this.#askedMs + this.#options.proposeAgainMs;
    return Number.POSITIVE_INFINITY;
  }
}
