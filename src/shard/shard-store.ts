import type { ChangeListener } from '../base/change.ts';
import type { WriteView } from '../base/view.ts';

/** What an actor asks of the store whose only writer it is, beside what commands ask. */
export interface ShardStore extends WriteView {
  /** Who is told of changes; null: nobody. */
  changes: ChangeListener | null;
  /** Groups of writes begun and not ended, one within the other. */
  readonly openGroups: number;
  /** Removes at most `limit` entries that had expired at `nowMs`, and returns how many. */
  expireDue(nowMs: number, limit: number): number;
  /** Milliseconds since the Unix epoch before which `expireDue` has nothing to do; -1 when nothing expires. */
  nextExpiryMs(): number;
  /** One bounded step of what the store has to do behind its commands; false when there was nothing. */
  maintain(): boolean;
}
