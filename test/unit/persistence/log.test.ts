import test from 'ava';
import fc from 'fast-check';
import { DataError } from '../../../src/persistence/data-error.ts';
import { frameSeed } from '../../../src/persistence/frame.ts';
import type { SyncPolicy } from '../../../src/persistence/log-disk.ts';
import { LogGate, LogState } from '../../../src/persistence/log-gate.ts';
import { replayLog } from '../../../src/persistence/log-replay.ts';
import { LogWriter, type LogWriterOptions } from '../../../src/persistence/log-writer.ts';
import { planRecovery } from '../../../src/persistence/recovery-plan.ts';
import { filesOf, MemoryLogDisk } from '../../memory-log-disk.ts';

const STORE = Uint8Array.from({ length: 16 }, (_, index) => index * 7);
const SEED = frameSeed(STORE);

function openLog(policy: SyncPolicy, options: Partial<LogWriterOptions> = {}) {
  const disk = new MemoryLogDisk(STORE);
  disk.begin(1, false);
  const rule = { now: policy };
  const gate = new LogGate(LogGate.create());
  const clock = { nowMs: 0 };
  const troubles: string[] = [];
  const writer = new LogWriter({
    disk,
    gate,
    policy: rule,
    seed: SEED,
    firstSequence: 1,
    segmentBytesMax: 2 ** 20,
    frameBytesMax: 2 ** 16,
    queuedBytesMax: 2 ** 16,
    nowMs: () => clock.nowMs,
    onTrouble: (what) => troubles.push(what),
    ...options,
  });
  return { disk, gate, clock, writer, troubles, rule };
}

function recordOf(number: number): Uint8Array {
  return Uint8Array.from({ length: 1 + ((number * 13) % 40) }, (_, index) => (number * 31 + index) & 0xff);
}

function add(writer: LogWriter, count: number): void {
  for (let i = 0; i < count; i++) {
    const record = recordOf(writer.next);
    writer.add(writer.next % 64, record, 0, record.length);
  }
}

/** Numbers of the records that are read back, or the refusal. Records that are not what was written fail the test. */
function recover(segments: readonly Uint8Array[]): { count: number } | { refusal: DataError } {
  let count = 0;
  try {
    const { files, open } = filesOf(segments);
    const plan = planRecovery('folder', files);
    const end = replayLog(plan.segments, open, SEED, 1, {
      apply: (partition, bytes, start, stop) => {
        count++;
        const expected = recordOf(count);
        if (partition !== count % 64 || Buffer.compare(bytes.subarray(start, stop), expected) !== 0) {
          throw new Error(`record ${count} is not what was written`);
        }
        return true;
      },
      onProgress: () => undefined,
    });
    if (end.next !== count + 1) throw new Error(`the log goes on with ${end.next} behind ${count} records`);
    return { count };
  } catch (error) {
    if (error instanceof DataError) return { refusal: error };
    throw error;
  }
}

test('what was committed under always is on the disk, and is read back', (t) => {
  const { disk, gate, writer } = openLog('always');
  for (let i = 0; i < 20; i++) {
    add(writer, 3);
    t.false(gate.get('durable') >= writer.next - 1);
    writer.commit();
    t.true(gate.get('durable') >= writer.next - 1);
    t.is(disk.segments[0]?.synced, disk.segments[0]?.bytes.length);
  }
  t.deepEqual(recover(disk.segments.map(({ bytes }) => bytes)), { count: 60 });
});

test('cut anywhere, a log is read back up to the last frame that is whole', (t) => {
  const { disk, writer } = openLog('always');
  const ends: { length: number; count: number }[] = [{ length: disk.length, count: 0 }];
  for (let i = 0; i < 12; i++) {
    add(writer, 1 + (i % 4));
    writer.commit();
    ends.push({ length: disk.length, count: writer.next - 1 });
  }
  const bytes = disk.segments[0]?.bytes ?? new Uint8Array(0);
  for (let length = ends[0]?.length ?? 0; length <= bytes.length; length++) {
    const whole = ends.findLast((end) => end.length <= length);
    t.deepEqual(recover([bytes.slice(0, length)]), { count: whole?.count ?? -1 }, `cut at ${length}`);
  }
});

test('with any bit flipped, a log that was marked refuses, naming the place, or gives all', (t) => {
  const { disk, writer } = openLog('always');
  const ends: number[] = [disk.length];
  for (let i = 0; i < 8; i++) {
    add(writer, 1 + (i % 3));
    writer.commit();
    ends.push(disk.length);
  }
  const dataEnds = disk.length;
  writer.mark();
  const bytes = disk.segments[0]?.bytes ?? new Uint8Array(0);
  for (let bit = 64 * 8; bit < bytes.length * 8; bit++) {
    const flipped = bytes.slice();
    flipped[bit >> 3] = (flipped[bit >> 3] as number) ^ (1 << (bit & 7));
    const result = recover([flipped]);
    if (bit >> 3 >= dataEnds) t.deepEqual(result, { count: writer.next - 1 });
    else if (!('refusal' in result)) t.fail(`bit ${bit} is not noticed`);
    else t.is(result.refusal.offset, ends.findLast((end) => end <= bit >> 3) ?? -1);
  }
});

test('a tear in what was never synced is cut, also when later frames are whole', (t) => {
  const { disk, writer } = openLog('no');
  add(writer, 2);
  writer.commit();
  const at = disk.length;
  for (let i = 0; i < 3; i++) {
    add(writer, 2);
    writer.commit();
  }
  const bytes = (disk.segments[0]?.bytes ?? new Uint8Array(0)).slice();
  bytes[at + 40] = 255 - (bytes[at + 40] as number);
  t.deepEqual(recover([bytes]), { count: 2 });
});

test('records of one command are read back together, or none of them', (t) => {
  const { disk, writer } = openLog('always', { frameBytesMax: 60 });
  add(writer, 2);
  for (let part = 0; part < 5; part++) {
    const record = recordOf(writer.next);
    writer.add(writer.next % 64, record, 0, record.length, part === 4);
    writer.commit();
  }
  const bytes = disk.segments[0]?.bytes ?? new Uint8Array(0);
  for (let length = 64; length <= bytes.length; length++) {
    const result = recover([bytes.slice(0, length)]);
    t.true('count' in result && (result.count <= 2 || result.count === 7), `cut at ${length}`);
  }
  t.deepEqual(recover([bytes]), { count: 7 });
});

test('every missing segment is noticed', (t) => {
  const { disk, writer } = openLog('everysec', { segmentBytesMax: 300 });
  for (let i = 0; i < 40; i++) {
    add(writer, 3);
    writer.commit();
  }
  writer.close();
  const segments = disk.segments.map(({ bytes }) => bytes);
  t.true(segments.length > 4);
  t.deepEqual(recover(segments), { count: 120 });
  for (const index of segments.keys()) {
    const result = recover(segments.filter((_, at) => at !== index));
    t.true('refusal' in result, `segment ${index}`);
  }
});

test('everysec syncs once a second, and not without a reason', (t) => {
  const { disk, gate, clock, writer } = openLog('everysec');
  t.is(writer.dueMs, Number.POSITIVE_INFINITY);
  add(writer, 1);
  writer.commit();
  t.is(disk.syncs, 0);
  clock.nowMs = writer.dueMs;
  t.is(clock.nowMs, 1000);
  writer.tick();
  t.is(disk.syncs, 1);
  t.true(gate.get('durable') >= 1);
  t.is(writer.dueMs, Number.POSITIVE_INFINITY);
});

test('a policy that is changed counts for what comes, and what was acknowledged stays so', (t) => {
  const { disk, gate, writer, rule, clock } = openLog('no');
  const write = () => {
    add(writer, 1);
    writer.commit();
  };
  write();
  t.is(gate.acknowledged, 1);
  t.is(disk.syncs, 0);
  rule.now = 'always';
  disk.failsToSync = true;
  write();
  t.is(gate.acknowledged, 1, 'not on the disk');
  disk.failsToSync = false;
  writer.restart();
  writer.mend(writer.next);
  t.is(gate.acknowledged, 2);
  write();
  t.is(gate.get('durable'), 3);
  rule.now = 'everysec';
  write();
  t.is(gate.acknowledged, 4);
  t.is(gate.get('durable'), 3);
  rule.now = 'always';
  writer.commit();
  t.is(gate.get('durable'), 4, 'what was written before is made sure of, too');
  rule.now = 'everysec';
  write();
  rule.now = 'no';
  clock.nowMs = writer.dueMs;
  writer.tick();
  write();
  t.is(writer.dueMs, Number.POSITIVE_INFINITY);
});

test('what was told under a looser policy is not taken back while the disk fails', (t) => {
  const { disk, gate, writer, rule } = openLog('no');
  add(writer, 3);
  writer.commit();
  rule.now = 'always';
  disk.roomBytes = 0;
  add(writer, 1);
  writer.commit();
  t.is(gate.state, LogState.failing);
  t.is(gate.acknowledged, 3);
});

test('a full disk has what comes wait, and nothing is missing when there is room again', (t) => {
  const { disk, gate, clock, writer, troubles } = openLog('always');
  add(writer, 5);
  writer.commit();
  disk.roomBytes = 10;
  add(writer, 5);
  writer.commit();
  t.is(gate.state, LogState.failing);
  t.is(gate.get('errno'), 28);
  t.false(gate.get('durable') >= 6);
  add(writer, 5);
  writer.commit();
  clock.nowMs = writer.dueMs;
  writer.tick();
  t.is(gate.state, LogState.failing);
  disk.roomBytes = 10_000;
  clock.nowMs = writer.dueMs;
  writer.tick();
  t.is(gate.state, LogState.well);
  t.true(gate.get('durable') >= 15);
  t.deepEqual(recover(disk.segments.map(({ bytes }) => bytes)), { count: 15 });
  t.true(troubles.length >= 2);
});

test('a log whose sync failed is written again behind a snapshot, and is not read beyond the failure without one', (t) => {
  const { disk, gate, writer } = openLog('always');
  add(writer, 5);
  writer.commit();
  disk.failsToSync = true;
  add(writer, 5);
  writer.commit();
  t.is(gate.state, LogState.broken);
  t.false(gate.get('durable') >= 6);
  add(writer, 5);
  writer.commit();
  disk.failsToSync = false;
  t.is(writer.restart(), 16);
  t.is(gate.state, LogState.mending);
  add(writer, 5);
  writer.commit();
  t.false(gate.get('durable') >= 16, 'the snapshot is not there yet');
  const [old = new Uint8Array(0), anew = new Uint8Array(0)] = disk.segments.map(({ bytes }) => bytes);
  for (let length = 64; length <= old.length; length++) {
    const result = recover([old.slice(0, length), anew]);
    t.true('count' in result && result.count <= 10, `cut at ${length}`);
  }
  writer.mend(16);
  t.is(gate.state, LogState.well);
  t.true(gate.get('durable') >= 20);
});

test('whatever is written, synced and lost, what was durable is read back, and nothing that was never written', (t) => {
  const step = fc.oneof(
    fc.record({ do: fc.constant('add' as const), count: fc.integer({ min: 1, max: 5 }) }),
    fc.record({
      do: fc.constantFrom('commit' as const, 'tick' as const, 'mark' as const, 'synced' as const),
      count: fc.constant(0),
    }),
    fc.record({ do: fc.constant('room' as const), count: fc.integer({ min: 0, max: 400 }) }),
  );
  fc.assert(
    fc.property(
      fc.constantFrom<SyncPolicy>('always', 'everysec', 'no'),
      fc.array(step, { maxLength: 40 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.boolean(),
      (policy, steps, share, syncsLater) => {
        const { disk, gate, clock, writer } = openLog(policy, { segmentBytesMax: 200, frameBytesMax: 100 });
        disk.syncsLater = syncsLater;
        for (const one of steps) {
          if (one.do === 'add') add(writer, one.count);
          else if (one.do === 'room') disk.roomBytes = one.count < 100 ? one.count : Number.POSITIVE_INFINITY;
          else if (one.do === 'synced') disk.isSyncing = false;
          else if (one.do === 'tick') {
            clock.nowMs += 600;
            writer.tick();
          } else writer[one.do]();
        }
        // The machine stops: of what was not synced, a part is there.
        const durable = gate.get('durable');
        const kept = disk.segments.map(({ bytes, synced }) =>
          bytes.slice(0, synced + Math.floor((bytes.length - synced) * share)),
        );
        const result = recover(kept);
        if ('refusal' in result) throw result.refusal;
        return result.count >= durable && result.count < writer.next;
      },
    ),
    { numRuns: 500 },
  );
  t.pass();
});

test('replies may be told once a record is in the hands of the system, but under always, where it has to be on the disk', (t) => {
  for (const policy of ['always', 'everysec', 'no'] as const) {
    const { disk, gate, writer, clock } = openLog(policy);
    disk.failsToSync = true;
    add(writer, 2);
    writer.commit();
    t.is(gate.acknowledged, policy === 'always' ? 0 : 2, policy);
    // A log that has a gap acknowledges nothing more before that is mended.
    clock.nowMs += 1000;
    if (policy === 'everysec') writer.tick();
    if (policy === 'no') writer.sync();
    const before = gate.acknowledged;
    disk.failsToSync = false;
    const from = writer.restart();
    add(writer, 1);
    writer.commit();
    t.is(gate.acknowledged, before, policy);
    writer.mend(from ?? 0);
    writer.sync();
    t.is(gate.acknowledged, 3, policy);
  }
});

test('a log whose file has lost its name notices within a second, and acknowledges nothing more', (t) => {
  for (const policy of ['always', 'everysec', 'no'] as const) {
    const { disk, gate, writer, clock, troubles } = openLog(policy);
    add(writer, 2);
    writer.commit();
    disk.isGone = true;
    clock.nowMs += 999;
    writer.tick();
    t.is(gate.state, LogState.well);
    clock.nowMs += 1;
    writer.tick();
    t.is(gate.state, LogState.broken, policy);
    t.deepEqual(troubles, ['find']);
    t.is(writer.trouble, 'no such file');
    const before = gate.acknowledged;
    add(writer, 1);
    writer.commit();
    t.is(gate.acknowledged, before);
    disk.isGone = false;
    const from = writer.restart();
    t.is(from, 4);
    writer.mend(from ?? 0);
    clock.nowMs += 1000;
    writer.tick();
    t.is(gate.state, LogState.well);
    t.is(writer.trouble, null);
    t.is(gate.acknowledged, 3);
  }
});

test('of a command whose actor ended amidst its records nothing is written, and its numbers are used again', (t) => {
  const { disk, writer } = openLog('always');
  add(writer, 2);
  const record = recordOf(3);
  writer.add(3, record, 0, record.length, false);
  writer.add(4, record, 0, record.length, false);
  writer.commit();
  writer.abandonCommand();
  t.is(writer.next, 3);
  add(writer, 1);
  writer.commit();
  t.deepEqual(recover(disk.segments.map(({ bytes }) => bytes)), { count: 3 });
});

test('records of one command are in one frame, whatever their size', (t) => {
  const { disk, writer } = openLog('always', { frameBytesMax: 64, segmentBytesMax: 200 });
  for (let command = 0; command < 5; command++) {
    for (let part = 0; part < 20; part++) {
      const record = recordOf(writer.next);
      writer.add(writer.next % 64, record, 0, record.length, part === 19);
      writer.commit();
    }
  }
  for (const { bytes } of disk.segments) {
    for (let end = bytes.length; end > 64; end -= 13) {
      const cut = recover([bytes.subarray(0, end)]);
      if ('count' in cut) t.is(cut.count % 20, 0);
    }
    break;
  }
});

test('while a sync is made on another thread, writing goes on, and what came meanwhile is not on the disk yet', (t) => {
  const { disk, gate, writer, clock } = openLog('everysec');
  disk.syncsLater = true;
  add(writer, 3);
  writer.commit();
  clock.nowMs += 1000;
  writer.tick();
  t.true(disk.isSyncing);
  add(writer, 4);
  writer.commit();
  t.is(gate.acknowledged, 7);
  t.false(gate.get('durable') >= 1);
  clock.nowMs += 5000;
  writer.tick();
  t.false(gate.get('durable') >= 1, 'one at a time');
  disk.isSyncing = false;
  writer.tick();
  t.true(gate.get('durable') >= 3);
  t.false(gate.get('durable') >= 4);
  clock.nowMs = writer.dueMs;
  writer.tick();
  disk.isSyncing = false;
  writer.tick();
  t.true(gate.get('durable') >= 7);
  t.is(writer.dueMs, Number.POSITIVE_INFINITY);
});

test('whoever needs all on the disk waits for the sync that is under way, and makes another for the rest', (t) => {
  const { disk, gate, writer, clock } = openLog('everysec');
  disk.syncsLater = true;
  add(writer, 3);
  writer.commit();
  clock.nowMs += 1000;
  writer.tick();
  add(writer, 1);
  writer.sync();
  t.is(disk.syncs, 2);
  t.true(gate.get('durable') >= 4);
});

test('a sync on another thread that fails leaves a gap, as any other does', (t) => {
  const { disk, gate, writer, clock } = openLog('everysec');
  disk.syncsLater = true;
  disk.failsToSync = true;
  add(writer, 3);
  writer.commit();
  clock.nowMs += 1000;
  writer.tick();
  disk.isSyncing = false;
  writer.tick();
  t.is(gate.state, LogState.broken);
  t.false(gate.get('durable') >= 1);
  disk.failsToSync = false;
  const from = writer.restart() ?? 0;
  add(writer, 2);
  writer.commit();
  writer.mend(from);
  writer.sync();
  t.true(gate.get('durable') >= 5);
});
