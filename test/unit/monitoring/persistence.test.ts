import test from 'ava';
import { infoSections } from '../../../src/monitoring/info.ts';
import { Metrics } from '../../../src/monitoring/metrics.ts';
import type { PersistenceFacts, ShardLogFacts } from '../../../src/monitoring/persistence-facts.ts';
import { LogState } from '../../../src/persistence/log-gate.ts';
import { factsOf } from './facts-of.ts';

const wellLog: ShardLogFacts = {
  state: LogState.well,
  written: 500,
  durable: 480,
  segments: 1,
  logBytes: 40_000,
  writes: 90,
  syncs: 30,
  syncMs: 1500,
  syncMsMax: 120,
  errors: 0,
  errno: 0,
  waiting: 4,
};

const kept: PersistenceFacts = {
  fsync: 'everysec',
  logs: [wellLog, { ...wellLog, state: LogState.failing, errors: 3 }],
  snapshots: {
    isRunning: true,
    runningSinceMs: 5000,
    runningEntries: 10,
    lastAtMs: 7_000_000,
    isLastDone: false,
    lastTookMs: 2400,
    entries: 1000,
    bytes: 120_000,
    taken: 6,
    failed: 1,
    logBytes: 33_000,
    changes: 77,
  },
};

function infoOf(persistence: PersistenceFacts | null): Map<string, string | number> {
  const facts = factsOf({ persistence: () => persistence, nowMs: () => 9000 });
  const section = infoSections(facts).find(({ name }) => name === 'Persistence');
  return new Map(section?.fields());
}

test('INFO tells of log and snapshots by the names that exporters of Redis read', (t) => {
  const info = infoOf(kept);
  t.is(info.get('aof_enabled'), 1);
  t.is(info.get('aof_last_write_status'), 'err', 'one log is not well');
  t.is(info.get('aof_current_size'), 33_000);
  t.is(info.get('rdb_bgsave_in_progress'), 1);
  t.is(info.get('rdb_current_bgsave_time_sec'), 4);
  t.is(info.get('rdb_last_save_time'), 7000);
  t.is(info.get('rdb_last_bgsave_status'), 'err');
  t.is(info.get('rdb_changes_since_last_save'), 77);
  t.is(info.get('log_waiting_records'), 8);
  t.is(info.get('log_unsynced_records'), 40);
});

test('a node that keeps nothing tells of no log, and of no snapshot that failed', (t) => {
  const info = infoOf(null);
  t.is(info.get('aof_enabled'), 0);
  t.is(info.get('rdb_last_bgsave_status'), 'ok');
  t.false(info.has('aof_last_write_status'));
});

test('metrics tell of each log and of the snapshots, on nodes that keep their keys alone', async (t) => {
  const page = await new Metrics(factsOf({ persistence: () => kept })).text();
  for (const line of [
    'fluxcache_log_up{shard="0"} 1',
    'fluxcache_log_up{shard="1"} 0',
    'fluxcache_log_errors_total{shard="1"} 3',
    'fluxcache_log_unsynced_records{shard="0"} 20',
    'fluxcache_log_sync_seconds_total{shard="0"} 1.5',
    'fluxcache_aof_last_write_status 0',
    'fluxcache_rdb_last_save_timestamp_seconds 7000',
    'fluxcache_snapshots_total{outcome="failed"} 1',
  ]) {
    t.true(page.split('\n').includes(line), line);
  }
  const none = await new Metrics(factsOf({})).text();
  t.notRegex(none, /fluxcache_(log|snapshot|aof|rdb)_/);
});
