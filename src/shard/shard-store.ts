import type { WriteView } from '../base/view.ts';

/** What an actor asks of the store whose only writer it is, beside what commands ask. */
export interface ShardStore extends WriteView {
  /** A group of writes was begun and not ended. */
  readonly inGroup: boolean;
  /** Removes at most `limit` entries that had expired at `nowMs`, and returns how many. */
  expireDue(nowMs: number, limit: number): number;
  /** Milliseconds since the Unix epoch before which `expireDue` has nothing to do; -1 when nothing expires. */
  nextExpiryMs(): number;
  /** One bounded step of what the store has to do behind its commands; false when there was nothing. */
  maintain(): boolean;
}
