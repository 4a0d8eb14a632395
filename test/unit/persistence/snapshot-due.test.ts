import test from 'ava';
import { LogState } from '../../../src/persistence/log-gate.ts';
import { type SnapshotNeed, type SnapshotRules, snapshotDue } from '../../../src/server/persistence/snapshot-due.ts';

const quiet: SnapshotNeed = {
  logState: LogState.well,
  isRestarted: false,
  logBytes: 0,
  snapshotBytes: 0,
  changes: 0,
  ageMs: 0,
  failures: 0,
  sinceFailureMs: 0,
};
const rules: SnapshotRules = { savePoints: [{ ageMs: 1000, changes: 1 }], logBytesMin: 500 };
const due = (need: Partial<SnapshotNeed>, other: Partial<SnapshotRules> = {}, shards = 1) =>
  snapshotDue({ ...quiet, ...need }, { ...rules, ...other }, shards);

test('without changes no snapshot is due, however old the last one is', (t) => {
  t.is(due({ ageMs: 1e9, logBytes: 1e9 }), null);
});

test('one is due after the interval if anything has changed, and never by time when that is 0', (t) => {
  t.is(due({ changes: 1, ageMs: 999 }), null);
  t.is(due({ changes: 1, ageMs: 1000 }), 'interval');
  t.is(due({ changes: 1, ageMs: 1e9 }, { savePoints: [] }), null);
});

test('of several points any will do, each with so many changes', (t) => {
  const savePoints = [
    { ageMs: 3000, changes: 1 },
    { ageMs: 1000, changes: 100 },
  ];
  t.is(due({ changes: 99, ageMs: 2999 }, { savePoints }), null);
  t.is(due({ changes: 100, ageMs: 1000 }, { savePoints }), 'interval');
  t.is(due({ changes: 100, ageMs: 999 }, { savePoints }), null);
  t.is(due({ changes: 1, ageMs: 3000 }, { savePoints }), 'interval');
});

test('a shard has its share of the changes and of the log that a node is to have', (t) => {
  const savePoints = [{ ageMs: 1000, changes: 100 }];
  t.is(due({ changes: 24, ageMs: 1000 }, { savePoints }, 4), null);
  t.is(due({ changes: 25, ageMs: 1000 }, { savePoints }, 4), 'interval');
  t.is(due({ changes: 1, logBytes: 125 }, {}, 4), null);
  t.is(due({ changes: 1, logBytes: 126 }, {}, 4), 'log size');
});

test('one is due when the log is larger than asked for and than the last snapshot', (t) => {
  t.is(due({ changes: 1, logBytes: 500 }), null);
  t.is(due({ changes: 1, logBytes: 501 }), 'log size');
  t.is(due({ changes: 1, logBytes: 900, snapshotBytes: 1000 }), null);
  t.is(due({ changes: 1, logBytes: 1001, snapshotBytes: 1000 }), 'log size');
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
