import { LogState } from '../../persistence/log-gate.ts';
import type { SavePoint } from '../control/disk-settings.ts';

/** Why a snapshot of a shard is made. */
export type SnapshotReason =
  | 'asked'
  /** What was kept is of another number of shards. */
  | 'other shards'
  /** Not all that was kept is in memory. */
  | 'left out'
  /** Something is missing in the log. */
  | 'log broken'
  /** An actor died: what it did last is in memory, and perhaps not in the log. */
  | 'shard restarted'
  | 'log size'
  | 'interval';

/** How a shard's log is, and what was since its last snapshot. */
export interface SnapshotNeed {
  readonly logState: LogState;
  /** The shard has another actor than when that was begun. */
  readonly isRestarted: boolean;
  /** Of the log since then. */
  readonly logBytes: number;
  /** Of that snapshot; 0: there is none. */
  readonly snapshotBytes: number;
  /** Records since then. */
  readonly changes: number;
  readonly ageMs: number;
  /** Of snapshots in a row, up to now, and the time since the last of these. */
  readonly failures: number;
  readonly sinceFailureMs: number;
}

/** Of a node; a shard has its share of bytes and changes. */
export interface SnapshotRules {
  /** None: never for its age alone. */
  readonly savePoints: readonly SavePoint[];
  /** Of the log since the last one. */
  readonly logBytesMin: number;
}

const RETRY_FIRST_MS = 1000;
const RETRY_CAP_MS = 60_000;
/** Writes may be refused until a snapshot has mended the log. */
const MEND_RETRY_CAP_MS = 4000;

/** Why a snapshot of the shard is to be made now; null: there is no need. */
export function snapshotDue(need: SnapshotNeed, rules: SnapshotRules, shards: number): SnapshotReason | null {
  const reason = reasonOf(need, rules, shards);
  if (reason === null || need.failures === 0) return reason;
  const cap = reason === 'log broken' ? MEND_RETRY_CAP_MS : RETRY_CAP_MS;
  const waitMs = Math.min(RETRY_FIRST_MS * 2 ** (need.failures - 1), cap);
  return need.sinceFailureMs >= waitMs ? reason : null;
}

function reasonOf(
  need: SnapshotNeed,
  { savePoints, logBytesMin }: SnapshotRules,
  shards: number,
): SnapshotReason | null {
  if (need.logState === LogState.broken || need.logState === LogState.mending) return 'log broken';
  if (need.isRestarted) return 'shard restarted';
  if (need.changes === 0) return null;
  if (need.logBytes > Math.max(logBytesMin / shards, need.snapshotBytes)) return 'log size';
  const isOld = savePoints.some(({ ageMs, changes }) => need.ageMs >= ageMs && need.changes >= changes / shards);
  return isOld ? 'interval' : null;
}
