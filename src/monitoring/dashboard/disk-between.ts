import { LogState } from '../../persistence/log-gate.ts';
import { type PersistenceFacts, sumOfLogs } from '../persistence-facts.ts';
import type { DiskSample, SnapshotsSample } from './feed.ts';

/** What the logs of a node have done between two looks at them. */
export function diskBetween(
  before: PersistenceFacts,
  after: PersistenceFacts,
  spanMs: number,
  troubles: readonly string[],
): DiskSample {
  const grown = (field: 'logBytes' | 'syncs' | 'syncMs'): number =>
    Math.max(0, sumOfLogs(after, (log) => log[field]) - sumOfLogs(before, (log) => log[field]));
  const syncs = grown('syncs');
  return {
    fsync: after.fsync,
    isWell: after.logs.every(({ state }) => state === LogState.well),
    troubles,
    writtenBytes: Math.round((grown('logBytes') / spanMs) * 1000),
    syncs: rounded((syncs / spanMs) * 1000),
    syncMs: syncs === 0 ? null : rounded(grown('syncMs') / syncs),
    waiting: sumOfLogs(after, ({ waiting }) => waiting),
    unsynced: sumOfLogs(after, ({ written, durable }) => Math.max(0, written - durable)),
    snapshots: snapshotsOf(after),
  };
}

function snapshotsOf({ snapshots }: PersistenceFacts): SnapshotsSample | null {
  if (snapshots === null) return null;
  const { isRunning, runningEntries, lastAtMs, isLastDone, lastTookMs, entries, bytes, logBytes, changes } = snapshots;
  const tookMs = Math.round(lastTookMs);
  return { isRunning, runningEntries, lastAtMs, isLastDone, lastTookMs: tookMs, entries, bytes, logBytes, changes };
}

function rounded(value: number): number {
  return Math.round(value * 1000) / 1000;
}
