import test from 'ava';
import { diskBetween } from '../../../../src/monitoring/dashboard/disk-between.ts';
import type { PersistenceFacts, ShardLogFacts } from '../../../../src/monitoring/persistence-facts.ts';
import { LogState } from '../../../../src/persistence/log-gate.ts';

function log(parts: Partial<ShardLogFacts>): ShardLogFacts {
  const none = { written: 0, durable: 0, segments: 1, logBytes: 0, writes: 0, syncs: 0, syncMs: 0, syncMsMax: 0 };
  return { ...none, errors: 0, errno: 0, waiting: 0, state: LogState.well, ...parts };
}

function facts(logs: ShardLogFacts[]): PersistenceFacts {
  return { fsync: 'everysec', logs, snapshots: null };
}

test('what logs have written and synced is told a second, over all shards', (t) => {
  const before = facts([log({ logBytes: 1000, syncs: 4, syncMs: 10 }), log({ logBytes: 500 })]);
  const after = facts([
    log({ logBytes: 5000, syncs: 8, syncMs: 30, written: 90, durable: 70, waiting: 2 }),
    log({ logBytes: 2500, waiting: 1 }),
  ]);
  t.deepEqual(diskBetween(before, after, 2000, []), {
    fsync: 'everysec',
    isWell: true,
    troubles: [],
    writtenBytes: 3000,
    syncs: 2,
    syncMs: 5,
    waiting: 3,
    unsynced: 20,
    snapshots: null,
  });
});

test('one log that fails is enough for the disk not to be well, and says why', (t) => {
  const one = facts([log({}), log({ state: LogState.failing })]);
  const disk = diskBetween(one, one, 1000, ['the disk is full']);
  t.false(disk.isWell);
  t.deepEqual(disk.troubles, ['the disk is full']);
  t.is(disk.syncMs, null, 'nothing was synced: there is no time that it took');
});
