import test from 'ava';
import { frameSeed } from '../../../src/persistence/frame.ts';
import type { SyncPolicy } from '../../../src/persistence/log-disk.ts';
import { LogGate, LogState } from '../../../src/persistence/log-gate.ts';
import { LogWriter } from '../../../src/persistence/log-writer.ts';
import { MemoryLogDisk } from '../../memory-log-disk.ts';

const STORE = new Uint8Array(16);
const SEGMENT_BYTES = 200;

function openLog(policy: SyncPolicy) {
  const disk = new MemoryLogDisk(STORE);
  disk.begin(1, false);
  const gate = new LogGate(LogGate.create());
  const clock = { nowMs: 0 };
  const writer = new LogWriter({
    disk,
    gate,
    policy: { now: policy },
    seed: frameSeed(STORE),
    firstSequence: 1,
    segmentBytesMax: SEGMENT_BYTES,
    frameBytesMax: 2 ** 16,
    queuedBytesMax: 2 ** 16,
    nowMs: () => clock.nowMs,
    onTrouble: () => undefined,
  });
  const write = (count: number): void => {
    for (let i = 0; i < count; i++) writer.add(0, new Uint8Array(20), 0, 20);
    writer.commit();
  };
  return { disk, gate, clock, writer, write };
}

test('no segment is begun behind one that is not on the disk', (t) => {
  const { disk, gate, write } = openLog('no');
  disk.failsToSync = true;
  while (disk.length <= SEGMENT_BYTES) write(1);
  t.is(gate.state, LogState.well);
  write(1);
  t.deepEqual([disk.segments.length, gate.state, gate.get('durable')], [1, LogState.broken, 0]);
});

test('a sync that ends after its file has lost its name makes nothing durable', (t) => {
  const { disk, gate, clock, writer, write } = openLog('everysec');
  disk.syncsLater = true;
  write(3);
  clock.nowMs = 1000;
  writer.tick();
  t.true(disk.isSyncing);
  disk.isGone = true;
  clock.nowMs = 2000;
  writer.tick();
  t.is(gate.state, LogState.broken);
  disk.isSyncing = false;
  writer.tick();
  t.deepEqual([gate.state, gate.get('durable')], [LogState.broken, 0]);
});

test('a sync of a segment that was given up, which fails at last, does the next one no harm', (t) => {
  const { disk, gate, clock, writer, write } = openLog('everysec');
  disk.syncsLater = true;
  disk.failsToSync = true;
  write(3);
  clock.nowMs = 1000;
  writer.tick();
  disk.isGone = true;
  clock.nowMs = 2000;
  writer.tick();
  disk.isGone = false;
  disk.failsToSync = false;
  write(1);
  const from = writer.restart();
  t.deepEqual([from, gate.state], [5, LogState.mending]);
  disk.isSyncing = false;
  writer.tick();
  t.is(gate.state, LogState.mending);
  writer.mend(5);
  t.deepEqual([gate.state, gate.get('durable')], [LogState.well, 4]);
});
