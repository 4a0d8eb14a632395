import test from 'ava';
import { AssertionError } from '../../../src/base/assert.ts';
import { FrameKind, HEAD_WORD, RING_CONTROL_BYTES, TAIL_WORD } from '../../../src/mailbox/layout.ts';
import { createRing, RingConsumer, RingProducer } from '../../../src/mailbox/ring.ts';

const broken = { instanceOf: AssertionError };

/** Publishes one hand-made frame. */
function forge(kind: number, payloadBytes: number, payload: number[] = []): SharedArrayBuffer {
  const { sab } = createRing(1024, 5000);
  const words = new Int32Array(sab);
  words.set([(kind << 28) | payloadBytes, 0, ...payload], RING_CONTROL_BYTES / 4);
  words[HEAD_WORD] = 512;
  return sab;
}

test('a ring has a capacity of 64 bytes to 256 MiB, a power of two', (t) => {
  for (const bytes of [0, 32, 100, 65, 2 ** 29, Number.NaN]) t.throws(() => createRing(bytes), broken);
  t.notThrows(() => createRing(64));
});

test('a buffer that is no ring is not attached to', (t) => {
  const sab = new SharedArrayBuffer(4096);
  t.throws(() => new RingProducer({ sab }), broken);
  t.throws(() => new RingConsumer({ sab }), broken);
});

test('a head or tail out of bounds stops either end (I3)', (t) => {
  const { sab } = createRing(1024);
  const words = new Int32Array(sab);
  const producer = new RingProducer({ sab });
  const consumer = new RingConsumer({ sab });
  words[HEAD_WORD] = 1032;
  t.throws(() => consumer.next(), { ...broken, message: /I3/ });
  words[HEAD_WORD] = 0;
  words[TAIL_WORD] = 8;
  t.throws(() => producer.freeBytes, { ...broken, message: /I3/ });
});

test('a frame of no kind stops the consumer', (t) => {
  t.throws(() => new RingConsumer({ sab: forge(0, 8) }).next(), broken);
  t.throws(() => new RingConsumer({ sab: forge(6, 8) }).next(), broken);
});

test('a frame that ends beyond what was published stops the consumer', (t) => {
  t.throws(() => new RingConsumer({ sab: forge(FrameKind.whole, 600) }).next(), broken);
});

test('a declared length over the limit stops the consumer before it allocates', (t) => {
  t.throws(() => new RingConsumer({ sab: forge(FrameKind.first, 16, [5001]) }).next(), broken);
  t.throws(() => new RingConsumer({ sab: forge(FrameKind.first, 16, [-1]) }).next(), broken);
});

test('a producer that writes more than it reserved, or without having reserved, is stopped', (t) => {
  const producer = new RingProducer(createRing(1024));
  t.throws(() => producer.commit(1, 0), broken);
  producer.tryReserve(8);
  t.throws(() => producer.commit(9, 0), broken);
  producer.tryReserve(8);
  producer.commit(8, 0);
  t.throws(() => producer.commit(8, 0), broken);
});

test('a producer attached anew goes on after what was published and forgets the rest', (t) => {
  const handle = createRing(1024);
  const former = new RingProducer(handle);
  former.tryReserve(1);
  former.commit(1, 1);
  former.publish();
  former.tryReserve(1);
  former.commit(1, 2);
  const at = former.tryReserve(100);
  former.bytes.fill(255, at, at + 100);
  const producer = new RingProducer(handle);
  producer.tryReserve(1);
  producer.commit(1, 3);
  producer.publish();
  const consumer = new RingConsumer(handle);
  const tags: number[] = [];
  while (consumer.next()) tags.push(consumer.tag);
  t.deepEqual(tags, [1, 3]);
});
