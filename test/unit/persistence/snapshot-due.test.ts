import test from 'ava';
import { LogState } from '../../../src/persistence/log-gate.ts';
import { type SnapshotNeed, type SnapshotRules, snapshotDue } from '../../../src/server/persistence/snapshot-due.ts';

const quiet: SnapshotNeed = {
  logState: LogState.well,
  isRestarted: false,
  logBytes: 0,
  snapshotBytes: 0,
  hasChanged: false,
  ageMs: 0,
  failures: 0,
  sinceFailureMs: 0,
};
const rules: SnapshotRules = { intervalMs: 1000, logBytesMin: 500 };
const due = (need: Partial<SnapshotNeed>, other: Partial<SnapshotRules> = {}) =>
  snapshotDue({ ...quiet, ...need }, { ...rules, ...other });

test('without changes no snapshot is due, however old the last one is', (t) => {
  t.is(due({ ageMs: 1e9, logBytes: 1e9 }), null);
});

test('one is due after the interval if anything has changed, and never by time when that is 0', (t) => {
  t.is(due({ hasChanged: true, ageMs: 999 }), null);
  t.is(due({ hasChanged: true, ageMs: 1000 }), 'interval');
  t.is(due({ hasChanged: true, ageMs: 1e9 }, { intervalMs: 0 }), null);
});

test('one is due when the log is larger than asked for and than the last snapshot', (t) => {
  t.is(due({ hasChanged: true, logBytes: 500 }), null);
  t.is(due({ hasChanged: true, logBytes: 501 }), 'log size');
  t.is(due({ hasChanged: true, logBytes: 900, snapshotBytes: 1000 }), null);
  t.is(due({ hasChanged: true, logBytes: 1001, snapshotBytes: 1000 }), 'log size');
});

test('a log with a gap and a shard with another actor need one, whatever has changed', (t) => {
  t.is(due({ logState: LogState.broken }), 'log broken');
  t.is(due({ logState: LogState.mending }), 'log broken');
  t.is(due({ logState: LogState.failing }), null, 'the log makes up for that by itself');
  t.is(due({ isRestarted: true }), 'shard restarted');
});

test('one that failed is tried again later and later, up to a limit that is short where writes may be refused', (t) => {
  for (const [failures, waitMs] of [
    [1, 1000],
    [2, 2000],
    [5, 16_000],
    [7, 60_000],
    [99, 60_000],
  ] as const) {
    t.is(due({ isRestarted: true, failures, sinceFailureMs: waitMs - 1 }), null, `${failures}`);
    t.is(due({ isRestarted: true, failures, sinceFailureMs: waitMs }), 'shard restarted', `${failures}`);
  }
  t.is(due({ logState: LogState.broken, failures: 99, sinceFailureMs: 4000 }), 'log broken');
});
