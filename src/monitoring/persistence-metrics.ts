import { LogState } from '../persistence/log-gate.ts';
import type { MetricRow } from './metric-row.ts';
import type { PersistenceFacts, ShardLogFacts } from './persistence-facts.ts';

function gauge(name: string, help: string, read: (facts: PersistenceFacts) => number | null): MetricRow {
  return {
    name,
    type: 'gauge',
    help,
    labels: [],
    isOfPersistence: true,
    read: (facts, add) => {
      const persistence = facts.persistence();
      const value = persistence === null ? null : read(persistence);
      if (value !== null) add({}, value);
    },
  };
}

function perLog(name: string, type: MetricRow['type'], help: string, read: (log: ShardLogFacts) => number): MetricRow {
  return {
    name,
    type,
    help,
    labels: ['shard'],
    isOfPersistence: true,
    read: (facts, add) => {
      for (const [shard, log] of (facts.persistence()?.logs ?? []).entries()) add({ shard: String(shard) }, read(log));
    },
  };
}

/** What a node tells that keeps its keys on the disk. Names that redis_exporter has are those of its metrics. */
export const persistenceMetrics: readonly MetricRow[] = [
  gauge('aof_enabled', 'Always 1: there is a log.', () => 1),
  {
    name: 'fsync_info',
    type: 'gauge',
    help: 'Always 1; the label says when changes are made sure to be on the disk: always, everysec, or no.',
    labels: ['policy'],
    isOfPersistence: true,
    read: (facts, add) => {
      const fsync = facts.persistence()?.fsync;
      if (fsync !== undefined) add({ policy: fsync }, 1);
    },
  },
  gauge(
    'aof_last_write_status',
    'Whether all logs are well: 0 while the disk does not take what they are to write.',
    (facts) => Number(facts.logs.every(({ state }) => state === LogState.well)),
  ),
  gauge(
    'aof_current_size_bytes',
    'Bytes of the logs since the newest snapshots.',
    ({ snapshots }) => snapshots?.logBytes ?? null,
  ),
  gauge('rdb_bgsave_in_progress', 'Whether a snapshot is being made.', ({ snapshots }) =>
    Number(snapshots?.isRunning ?? false),
  ),
  gauge(
    'rdb_last_save_timestamp_seconds',
    'When the oldest of the newest snapshots of all shards was made, in seconds since the Unix epoch; left out while a shard has none.',
    ({ snapshots }) => (snapshots === null || snapshots.lastAtMs === 0 ? null : snapshots.lastAtMs / 1000),
  ),
  gauge('rdb_last_bgsave_status', 'Whether the last snapshot that was begun was finished.', ({ snapshots }) =>
    snapshots === null ? null : Number(snapshots.isLastDone),
  ),
  gauge(
    'rdb_last_bgsave_duration_sec',
    'How long the last snapshots of all shards took, together, in seconds.',
    ({ snapshots }) => (snapshots === null ? null : snapshots.lastTookMs / 1000),
  ),
  gauge(
    'rdb_changes_since_last_save',
    'Changes since the newest snapshots.',
    ({ snapshots }) => snapshots?.changes ?? null,
  ),
  gauge('snapshot_entries', 'Entries in the newest snapshots.', ({ snapshots }) => snapshots?.entries ?? null),
  gauge('snapshot_bytes', 'Bytes of the newest snapshots.', ({ snapshots }) => snapshots?.bytes ?? null),
  {
    name: 'snapshots_total',
    type: 'counter',
    help: 'Snapshots of single shards that were begun, by what became of them.',
    labels: ['outcome'],
    isOfPersistence: true,
    read: (facts, add) => {
      const { taken = 0, failed = 0 } = facts.persistence()?.snapshots ?? {};
      add({ outcome: 'done' }, taken);
      add({ outcome: 'failed' }, failed);
    },
  },
  perLog(
    'log_up',
    'gauge',
    'Whether the log of a shard is well: 0 while the disk takes nothing, or a snapshot has to make up for what it lost.',
    ({ state }) => Number(state === LogState.well),
  ),
  perLog(
    'log_waiting_records',
    'gauge',
    'Changes that the log does not have yet; their replies wait for it, unless writes go on without (onDiskError).',
    ({ waiting }) => waiting,
  ),
  perLog(
    'log_unsynced_records',
    'gauge',
    'Changes that are written and not yet made sure to be on the disk.',
    ({ written, durable }) => Math.max(0, written - durable),
  ),
  perLog('log_written_bytes_total', 'counter', 'Bytes written to the log.', ({ logBytes }) => logBytes),
  perLog(
    'log_writes_total',
    'counter',
    'Writes of the log, each of all changes that had come together.',
    ({ writes }) => writes,
  ),
  perLog(
    'log_syncs_total',
    'counter',
    'Times that what was written was made sure to be on the disk.',
    ({ syncs }) => syncs,
  ),
  perLog('log_sync_seconds_total', 'counter', 'Time that took.', ({ syncMs }) => syncMs / 1000),
  perLog(
    'log_sync_seconds_max',
    'gauge',
    'The longest of these since the node was started.',
    ({ syncMsMax }) => syncMsMax / 1000,
  ),
  perLog('log_errors_total', 'counter', 'Writes and syncs that failed.', ({ errors }) => errors),
];
