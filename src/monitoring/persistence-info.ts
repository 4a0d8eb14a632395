import { LogState } from '../persistence/log-gate.ts';
import type { NodeFacts } from './facts.ts';
import { sumOfLogs } from './persistence-facts.ts';

type Fields = Iterable<readonly [name: string, value: string | number]>;

/**
 * The section Persistence, by the names that Redis's clients and exporters read: `rdb_…` of snapshots, `aof_…` of the log.
 * A node that keeps nothing tells of itself as one that never saved and never will.
 */
export function* persistenceInfo(facts: NodeFacts): Fields {
  yield ['loading', Number(facts.state() === 'starting')];
  const loading = facts.loading();
  if (loading !== null) {
    // Clients wait for as long as the last of these says before they ask again.
    yield ['loading_start_time', Math.floor(loading.beganAtMs / 1000)];
    yield ['loading_total_bytes', loading.totalBytes];
    yield ['loading_loaded_bytes', loading.loadedBytes];
    yield ['loading_loaded_perc', (loading.share * 100).toFixed(2)];
    yield ['loading_eta_seconds', loading.etaS];
  }
  yield ['async_loading', 0];
  yield* snapshotFields(facts);
  yield* logFields(facts);
}

function* snapshotFields(facts: NodeFacts): Fields {
  const snapshots = facts.persistence()?.snapshots ?? null;
  const lastAtMs = snapshots === null || snapshots.lastAtMs === 0 ? facts.startedAtMs : snapshots.lastAtMs;
  yield ['rdb_changes_since_last_save', snapshots?.changes ?? 0];
  yield ['rdb_bgsave_in_progress', Number(snapshots?.isRunning ?? false)];
  yield ['rdb_last_save_time', Math.floor(lastAtMs / 1000)];
  yield ['rdb_last_bgsave_status', snapshots?.isLastDone === false ? 'err' : 'ok'];
  if (snapshots === null) return;
  yield ['rdb_last_bgsave_time_sec', snapshots.taken === 0 ? -1 : Math.round(snapshots.lastTookMs / 1000)];
  yield [
    'rdb_current_bgsave_time_sec',
    snapshots.isRunning ? Math.max(0, Math.round((facts.nowMs() - snapshots.runningSinceMs) / 1000)) : -1,
  ];
  yield ['rdb_saves', snapshots.taken];
  yield ['rdb_last_cow_size', 0];
  yield ['snapshot_entries', snapshots.entries];
  yield ['snapshot_bytes', snapshots.bytes];
  yield ['snapshot_failures', snapshots.failed];
}

function* logFields(facts: NodeFacts): Fields {
  const persistence = facts.persistence();
  yield ['aof_enabled', Number(persistence !== null)];
  yield ['aof_rewrite_in_progress', 0];
  if (persistence === null) return;
  const { logs, snapshots, fsync } = persistence;
  const isWell = logs.every(({ state }) => state === LogState.well);
  yield ['aof_last_write_status', isWell ? 'ok' : 'err'];
  yield ['aof_current_size', snapshots?.logBytes ?? 0];
  yield ['aof_base_size', snapshots?.bytes ?? 0];
  yield ['aof_pending_bio_fsync', 0];
  yield ['log_fsync', fsync];
  yield ['log_waiting_records', sumOfLogs(persistence, ({ waiting }) => waiting)];
  yield ['log_unsynced_records', sumOfLogs(persistence, ({ written, durable }) => Math.max(0, written - durable))];
  yield ['log_syncs', sumOfLogs(persistence, ({ syncs }) => syncs)];
  yield ['log_errors', sumOfLogs(persistence, ({ errors }) => errors)];
}
