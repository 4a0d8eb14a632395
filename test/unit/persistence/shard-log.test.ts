import test from 'ava';
import fc from 'fast-check';
import { createDoorbell } from '../../../src/mailbox/doorbell.ts';
import { createLane, LaneReceiver } from '../../../src/mailbox/lane.ts';
import { LogGate, LogState } from '../../../src/persistence/log-gate.ts';
import { RecordAssembly } from '../../../src/persistence/record-assembly.ts';
import { ShardLog, type ShardLogHandle } from '../../../src/persistence/shard-log.ts';

interface Taken {
  readonly partition: number;
  readonly bytes: string;
  readonly isLast: boolean;
}

function openLog(options: Partial<ShardLogHandle> = {}) {
  const lane = createLane({
    consumerBell: createDoorbell(),
    producerBell: createDoorbell(),
    ringBytes: 4096,
    messageBytesMax: 600,
  });
  const handle: ShardLogHandle = {
    lane,
    gate: LogGate.create(),
    failsWithDisk: true,
    queueBytesMax: 10_000,
    ...options,
  };
  const gate = new LogGate(handle.gate);
  gate.setState(LogState.well);
  const taken: Taken[] = [];
  let abandoned = 0;
  const assembly = new RecordAssembly({
    add: (partition, source, start, end, isLast = true) =>
      void taken.push({ partition, bytes: Buffer.from(source.subarray(start, end)).toString('hex'), isLast }),
    abandonCommand: () => {
      abandoned++;
    },
  });
  const receiver = new LaneReceiver(lane);
  const take = (): void => {
    while (receiver.next()) {
      assembly.take(receiver.kind, receiver.bytes, receiver.offset, receiver.offset + receiver.length);
    }
    receiver.release();
  };
  return { handle, log: new ShardLog(handle, 1), gate, taken, take, assembly, abandoned: () => abandoned };
}

function record(length: number, seed: number): Uint8Array {
  const bytes = Uint8Array.from({ length }, (_, index) => (index * 31 + seed) & 0xff);
  bytes[0] = 0;
  return bytes;
}

test('records of any length come whole and in their order, and those of one command together', (t) => {
  fc.assert(
    fc.property(
      fc.array(fc.array(fc.tuple(fc.nat(16_383), fc.integer({ min: 1, max: 3000 })), { minLength: 1, maxLength: 4 }), {
        maxLength: 20,
      }),
      (commands) => {
        const { log, taken, take } = openLog();
        const expected: Taken[] = [];
        let next = 1;
        for (const records of commands) {
          for (const [at, [partition, length]] of records.entries()) {
            const isLast = at === records.length - 1;
            const bytes = record(length, next);
            // A command's only record goes the shorter way.
            const number =
              isLast && at === 0 ? log.appendOne(partition, bytes, 1, length) : log.append(partition, bytes, isLast);
            t.is(number, next++);
            expected.push({ partition, bytes: Buffer.from(bytes).toString('hex'), isLast });
          }
          log.flush();
          take();
        }
        for (let i = 0; i < 1000 && taken.length < expected.length; i++) {
          log.flush();
          take();
        }
        t.deepEqual(taken, expected);
        t.true(log.isSent);
      },
    ),
    { numRuns: 60 },
  );
});

test('what waits for room in the lane is not sent yet, and with too much of it writes are refused', (t) => {
  const { log, take } = openLog();
  t.is(log.refusal(), null);
  for (let i = 0; i < 40; i++) log.append(0, record(500, i), true);
  log.flush();
  t.false(log.isSent);
  t.is(log.refusal(), 'overloaded');
  for (let i = 0; i < 40; i++) {
    take();
    log.flush();
  }
  t.true(log.isSent);
  t.is(log.refusal(), null);
});

test('writes are refused while the log is not well, unless they are to go on without it', (t) => {
  for (const failsWithDisk of [true, false]) {
    const { log, gate } = openLog({ failsWithDisk });
    for (const state of [LogState.failing, LogState.broken, LogState.mending, LogState.closed]) {
      gate.setState(state);
      t.is(log.refusal(), failsWithDisk ? 'disk-failed' : null);
      t.is(log.goesOnWithout, !failsWithDisk);
    }
    gate.setState(LogState.well);
    t.is(log.refusal(), null);
    t.false(log.goesOnWithout);
  }
});

test('of a command that ends with its actor nothing is left, and the next actor begins anew', (t) => {
  const { handle, log, taken, take, assembly, abandoned } = openLog();
  log.append(3, record(10, 1), true);
  // A record in pieces of which the last does not come.
  log.append(4, record(1500, 2), false);
  log.flush();
  take();
  assembly.abandon();
  t.is(abandoned(), 1);
  const successor = new ShardLog(handle, 2);
  successor.append(5, record(20, 3), true);
  successor.flush();
  take();
  t.deepEqual(
    taken.map(({ partition, bytes, isLast }) => [partition, bytes.length / 2, isLast]),
    [
      [3, 10, true],
      [4, 1500, false],
      [5, 20, true],
    ],
  );
});

test('a turn has ended once all that was appended has left for the lane', (t) => {
  const { log, gate, take } = openLog();
  for (let i = 0; i < 20; i++) log.append(0, record(500, i), true);
  const asked = gate.askForTurn();
  log.flush();
  t.false(gate.isTurnDone(asked));
  for (let i = 0; i < 20; i++) {
    take();
    log.flush();
  }
  t.true(gate.isTurnDone(asked));
});
