import { Worker } from 'node:worker_threads';
import test from 'ava';
import { createDoorbell, Doorbell } from '../../../src/mailbox/doorbell.ts';
import { createLane, type LaneHandle, LaneReceiver, LaneSender } from '../../../src/mailbox/lane.ts';
import { Refusal } from '../../../src/mailbox/outbox.ts';

const LIMITS = { queuedCountMax: 4, queuedBytesMax: 4096 };

function lane(ringBytes = 1024, messageBytesMax = 65_536): LaneHandle {
  return createLane({ consumerBell: createDoorbell(), producerBell: createDoorbell(), ringBytes, messageBytesMax });
}

function message(length: number, seed: number): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => (index * 7 + seed) & 0xff);
}

function takeAll(receiver: LaneReceiver): { kind: number; bytes: Uint8Array }[] {
  const taken: { kind: number; bytes: Uint8Array }[] = [];
  while (receiver.next()) {
    const { kind, bytes, offset, length } = receiver;
    taken.push({ kind, bytes: bytes.slice(offset, offset + length) });
  }
  receiver.release();
  return taken;
}

test('messages of any size come in their order with their kinds, once they are flushed', (t) => {
  const handle = lane();
  const sender = new LaneSender(handle, { queuedCountMax: 100, queuedBytesMax: 2 ** 20 });
  const receiver = new LaneReceiver(handle);
  const lengths = [0, 1, 100, 247, 248, 249, 5000, 3, 65_536, 8];
  for (const [index, length] of lengths.entries()) t.true(sender.send(message(length, index), index + 1));
  const taken: { kind: number; bytes: Uint8Array }[] = [];
  for (let turn = 0; turn < 1000 && taken.length < lengths.length; turn++) {
    sender.flush();
    taken.push(...takeAll(receiver));
  }
  t.deepEqual(
    taken,
    lengths.map((length, index) => ({ kind: index + 1, bytes: message(length, index) })),
  );
  t.is(sender.queuedBytes, 0);
  t.false(receiver.hasMore());
});

test('nothing is seen before the flush', (t) => {
  const handle = lane();
  const sender = new LaneSender(handle, LIMITS);
  const receiver = new LaneReceiver(handle);
  sender.send(message(10, 0), 1);
  t.false(receiver.hasMore());
  t.false(receiver.next());
  sender.flush();
  t.true(receiver.hasMore());
  t.true(receiver.next());
});

test('beyond the limits a message is thrown away, an urgent one is not', (t) => {
  const sender = new LaneSender(lane(), LIMITS);
  const sent: boolean[] = [];
  for (let number = 0; number < 20; number++) sent.push(sender.send(message(200, number), number));
  const kept = sent.filter(Boolean).length;
  t.true(kept >= 4 && kept <= 8, `${kept} were kept`);
  t.is(sender.queuedCount, 4);
  t.is(sender.reserve(200), Refusal.full);
  t.true(sender.send(message(200, 99), 99, true));
  t.is(sender.queuedCount, 5);
});

test('what waits is bounded by its bytes too', (t) => {
  const sender = new LaneSender(lane(), { queuedCountMax: 1000, queuedBytesMax: 4096 });
  for (let number = 0; number < 100; number++) sender.send(message(1000, number), number);
  t.true(sender.queuedBytes <= 4096, `${sender.queuedBytes} bytes wait`);
  t.true(sender.queuedCount > 0);
});

test('a message larger than the lane takes is refused, however urgent', (t) => {
  const sender = new LaneSender(lane(1024, 2000), LIMITS);
  t.is(sender.reserve(2001), Refusal.tooLarge);
  t.false(sender.send(message(2001, 0), 1, true));
  t.true(sender.send(message(2000, 0), 1));
});

test('the consumer rings the producer when it has made the room that was waited for', (t) => {
  const handle = lane();
  const sender = new LaneSender(handle, { queuedCountMax: 100, queuedBytesMax: 2 ** 20 });
  const receiver = new LaneReceiver(handle);
  const bell = new Doorbell(handle.producerBell);
  for (let number = 0; number < 10; number++) sender.send(message(200, number), number);
  sender.flush();
  t.true(sender.queuedCount > 0);
  bell.announce();
  t.true(takeAll(receiver).length > 0);
  t.true(bell.wait(0));
  sender.flush();
  t.true(takeAll(receiver).length > 0);
});

test('a new sender goes on behind what was published; half a message of the former one is never seen', (t) => {
  const handle = lane();
  const first = new LaneSender(handle, { queuedCountMax: 100, queuedBytesMax: 2 ** 20 });
  const receiver = new LaneReceiver(handle);
  first.send(message(20, 1), 1);
  // In chunks, of which a part fits the ring.
  first.send(message(5000, 2), 2);
  first.flush();
  first.send(message(20, 3), 3);
  const taken = takeAll(receiver);
  const second = new LaneSender(handle, LIMITS);
  second.send(message(20, 4), 4);
  second.flush();
  taken.push(...takeAll(receiver));
  t.deepEqual(
    taken.map(({ kind }) => kind),
    [1, 4],
  );
});

test('a new receiver begins with what the former one had not given back', (t) => {
  const handle = lane();
  const sender = new LaneSender(handle, LIMITS);
  const first = new LaneReceiver(handle);
  for (const kind of [1, 2, 3]) sender.send(message(10, kind), kind);
  sender.flush();
  t.true(first.next());
  first.release();
  t.true(first.next());
  t.deepEqual(
    takeAll(new LaneReceiver(handle)).map(({ kind }) => kind),
    [2, 3],
  );
});

test('two threads lose nothing and wake each other, whoever waits', async (t) => {
  const handle = lane(4096);
  const module = JSON.stringify(new URL('../../../src/mailbox/lane.ts', import.meta.url).href);
  const bell = JSON.stringify(new URL('../../../src/mailbox/doorbell.ts', import.meta.url).href);
  const loader = JSON.stringify(import.meta.resolve('tsx/esm/api'));
  const code = `
    import { parentPort, workerData } from 'node:worker_threads';
    import { tsImport } from ${loader};
    const { LaneReceiver } = await tsImport(${module}, ${module});
    const { Doorbell } = await tsImport(${bell}, ${bell});
    const receiver = new LaneReceiver(workerData);
    const bell = new Doorbell(workerData.consumerBell);
    let expected = 0;
    let sum = 0;
    for (;;) {
      while (receiver.next()) {
        if (receiver.kind !== expected++) throw new Error('out of order');
        for (let at = 0; at < receiver.length; at++) sum += receiver.bytes[receiver.offset + at];
      }
      receiver.release();
      if (expected === 5000) break;
      bell.announce();
      if (receiver.hasMore()) bell.withdraw();
      else if (!bell.wait(20000)) throw new Error('nobody rang');
    }
    parentPort.postMessage(sum);
  `;
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(code)}`), { workerData: handle });
  const received = new Promise<number>((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
  });
  const sender = new LaneSender(handle, { queuedCountMax: 50, queuedBytesMax: 2 ** 20 });
  const own = new Doorbell(handle.producerBell);
  let sum = 0;
  for (let kind = 0; kind < 5000; kind++) {
    const bytes = message((kind * 37) % 3000, kind);
    for (const byte of bytes) sum += byte;
    while (!sender.send(bytes, kind)) {
      own.announce();
      sender.flush();
      t.true(own.wait(20_000), 'the reader rings when it has made room');
    }
  }
  while (sender.queuedCount > 0) {
    own.announce();
    sender.flush();
    if (sender.queuedCount === 0) own.withdraw();
    else own.wait(20_000);
  }
  sender.flush();
  t.is(await received, sum);
});
