import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { RecoveryState, RecoveryWords } from '../../../../src/persistence/recovery-words.ts';
import { recoverShard } from '../../../../src/shard/logged/recover-shard.ts';
import type { ShardLogData } from '../../../../src/shard/logged/shard-log-data.ts';
import { TurnClock } from '../../../../src/shard/turn-clock.ts';
import { createStoreMemory } from '../../../../src/store/arena.ts';
import { PartitionedWriter } from '../../../../src/store/partitioned-writer.ts';
import { openLog } from '../../../kept-data.ts';
import { type Deed, PARTITIONS, partitionOf, recordOf } from '../../../kept-shard.ts';

const STORE = Uint8Array.from({ length: 16 }, (_, index) => index + 1);

/** Recovers what these deeds wrote into a store that has `before` already; returns which keys have which values then. */
function recovered(deeds: readonly Deed[], before: readonly Deed[], state: RecoveryState): Record<string, string> {
  const folder = mkdtempSync(join(tmpdir(), 'flux-recover-'));
  try {
    const log = openLog(folder, STORE);
    for (const [index, deed] of deeds.entries()) {
      const record = recordOf(deed, index + 1);
      log.add(partitionOf(deed.key), record, 0, record.length);
    }
    log.close();
    const clock = new TurnClock({ nowMs: () => 1000 });
    const memory = createStoreMemory({
      budgetBytes: 2 ** 20,
      readersMax: 1,
      eviction: 'noeviction',
      hashKey: [1, 2],
      partitions: { first: 0, count: PARTITIONS, total: PARTITIONS },
    });
    const store = new PartitionedWriter(memory, clock);
    for (const [index, deed] of before.entries()) {
      const record = recordOf(deed, index + 1);
      store.recover(partitionOf(deed.key), record, 0, record.length);
    }
    const recovery = RecoveryWords.create();
    new RecoveryWords(recovery).setState(state);
    const data: Partial<ShardLogData> = { storeId: STORE, folder, folders: [folder], recovery, evicts: false };
    recoverShard({ data: data as ShardLogData, store, clock, onStep: () => undefined });
    return contentsOf(store, [...deeds, ...before]);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function contentsOf(store: PartitionedWriter, deeds: readonly Deed[]): Record<string, string> {
  const contents: Record<string, string> = {};
  for (const { key } of deeds) {
    const bytes = Buffer.from(key);
    if (!store.peek(bytes, 0, bytes.length)) continue;
    const value = Buffer.alloc(store.entry.valueBytes);
    store.copyValue(value, 0);
    contents[key] = value.toString();
  }
  return contents;
}

test('what an actor read that died before it was done counts for nothing', (t) => {
  const deeds: Deed[] = [
    { do: 'put', key: 'kept', value: '1' },
    { do: 'put', key: 'gone', value: '1' },
    { do: 'remove', key: 'gone' },
  ];
  // As far as a store comes by records that are not in the log any more.
  const before: Deed[] = [{ do: 'put', key: 'half', value: 'read' }];
  t.deepEqual(recovered(deeds, before, RecoveryState.reading), { kept: '1' });
});

test('what is written after a partition was emptied stays, and what was there before goes', (t) => {
  const deeds: Deed[] = [
    { do: 'put', key: 'a', value: 'before' },
    { do: 'put', key: 'b', value: 'before' },
    { do: 'clear', key: 'a' },
    { do: 'clear', key: 'b' },
    { do: 'put', key: 'a', value: 'after' },
  ];
  t.deepEqual(recovered(deeds, [], RecoveryState.none), { a: 'after' });
});

test('a partition that was emptied last of all is empty', (t) => {
  const deeds: Deed[] = [
    { do: 'put', key: 'a', value: 'before' },
    { do: 'clear', key: 'a' },
  ];
  t.deepEqual(recovered(deeds, [], RecoveryState.none), {});
});
