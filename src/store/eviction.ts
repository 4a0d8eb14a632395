import { ACCESS_MAX, type Log, SegmentState } from './layout.ts';

/** Words of the arena that the policy's own state takes. */
export function policyWordsFor(_eviction: string, _budgetBytes: number): number {
  return 0;
}

/** The verdict that an entry leaves; any other verdict is the access count it stays with, in the main log. */
export const EVICT = -1;

/** The small log's share of all log segments. */
const SMALL_SHARE = 0.1;

/**
 * Decides what stays when memory is full: S3-FIFO. New keys enter the small log; a walk over its oldest segment moves
 * what was read since to the main log; a walk over the main log's oldest gives what was read another round.
 * Source: Yang et al., "FIFO queues are all you need for cache eviction" (SOSP 2023).
 */
export class FluxPolicy {
  /** The log that a new key enters. */
  admit(_hash: number): Log {
    return SegmentState.small;
  }

  /** The log whose oldest segment is to be walked for room. */
  logToWalk(smallSegments: number, mainSegments: number): Log {
    const walksSmall = smallSegments > SMALL_SHARE * (smallSegments + mainSegments);
    return walksSmall ? SegmentState.small : SegmentState.main;
  }

  /** What becomes of a live entry that a walk over `log` meets. */
  judge(log: Log, _hash: number, accesses: number): number {
    if (log === SegmentState.small) return accesses > 0 ? 0 : EVICT;
    return accesses > 0 ? Math.min(accesses, ACCESS_MAX) - 1 : EVICT;
  }
}
