import test from 'ava';
import fc from 'fast-check';
import { frameBytes, HEAD_WORD, TAIL_WORD } from '../../../src/mailbox/layout.ts';
import { createRing, RingConsumer, RingProducer } from '../../../src/mailbox/ring.ts';
import { testScale } from '../../scale.ts';

/** What one step of a random run does; sizes are taken modulo what the ring can hold. */
type Step =
  | { kind: 'send'; bytes: number; reservedMore: number }
  | { kind: 'publish' }
  | { kind: 'take' }
  | { kind: 'release' }
  | { kind: 'forget'; bytes: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constant('send' as const), bytes: fc.nat(300), reservedMore: fc.nat(20) }),
  },
  { weight: 3, arbitrary: fc.constant({ kind: 'publish' } as const) },
  { weight: 5, arbitrary: fc.constant({ kind: 'take' } as const) },
  { weight: 3, arbitrary: fc.constant({ kind: 'release' } as const) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('forget' as const), bytes: fc.nat(300) }) },
);

/** Bytes that tell a message from every other and a place in it from every other place. */
function fill(target: Uint8Array, at: number, count: number, seed: number): void {
  for (let i = 0; i < count; i += 1) target[at + i] = (seed * 31 + i * 7 + (i >> 8)) & 255;
}

function holds(source: Uint8Array, at: number, count: number, seed: number): boolean {
  for (let i = 0; i < count; i += 1) if (source[at + i] !== ((seed * 31 + i * 7 + (i >> 8)) & 255)) return false;
  return true;
}

test('a ring hands over the same messages as a plain queue, whatever their sizes and the order of steps', (t) => {
  fc.assert(
    fc.property(
      fc.integer({ min: 6, max: 10 }),
      // Positions near the wrap of 32 bits must behave as any others.
      fc.constantFrom(0, 2 ** 31 - 512, 2 ** 32 - 512),
      fc.array(step, { maxLength: 200 }),
      (capacityLog2, start, steps) => {
        const handle = createRing(2 ** capacityLog2);
        startAt(handle.sab, start | 0);
        const producer = new RingProducer(handle);
        const consumer = new RingConsumer(handle);
        const committed: { bytes: number; seed: number }[] = [];
        const published: { bytes: number; seed: number }[] = [];
        /** Messages taken and not released: their bytes must stay as they are. */
        const held: { offset: number; bytes: number; seed: number }[] = [];
        let seed = 0;
        for (const each of steps) {
          switch (each.kind) {
            case 'send': {
              const bytes = each.bytes % (producer.framePayloadBytesMax + 1);
              const reserved = Math.min(bytes + each.reservedMore, producer.framePayloadBytesMax);
              const at = producer.tryReserve(reserved);
              if (at < 0) {
                // The wrap wastes less than the frame itself takes.
                t.true(producer.freeBytes < 2 * frameBytes(reserved), 'a message is refused only for lack of room');
                break;
              }
              seed += 1;
              fill(producer.bytes, at, bytes, seed);
              producer.commit(bytes, seed);
              committed.push({ bytes, seed });
              break;
            }
            case 'forget': {
              const bytes = each.bytes % (producer.framePayloadBytesMax + 1);
              const at = producer.tryReserve(bytes);
              if (at >= 0) producer.bytes.fill(0xee, at, at + bytes);
              break;
            }
            case 'publish':
              producer.publish();
              published.push(...committed.splice(0));
              break;
            case 'take': {
              const expected = published.shift();
              if (consumer.next() !== (expected !== undefined)) t.fail('next answers whether a message was published');
              if (expected === undefined) break;
              t.is(consumer.length, expected.bytes);
              t.is(consumer.tag, expected.seed);
              held.push({ offset: consumer.offset, ...expected });
              break;
            }
            case 'release':
              consumer.release();
              held.length = 0;
              break;
          }
          for (const message of held) t.true(holds(consumer.bytes, message.offset, message.bytes, message.seed));
        }
      },
    ),
    { numRuns: 1000 * testScale },
  );
});

test('a ring that is filled to its last byte refuses the next message and takes it after a release', (t) => {
  const handle = createRing(256);
  const producer = new RingProducer(handle);
  const consumer = new RingConsumer(handle);
  for (let i = 0; i < 16; i += 1) {
    t.not(producer.tryReserve(8), -1);
    producer.commit(8, i);
  }
  t.is(producer.freeBytes, 0);
  t.is(producer.tryReserve(0), -1);
  producer.publish();
  for (let i = 0; i < 16; i += 1) {
    t.true(consumer.next());
    t.is(consumer.tag, i);
  }
  t.false(consumer.next());
  t.is(producer.tryReserve(0), -1, 'room comes with the release, not with the reading');
  consumer.release();
  t.is(producer.freeBytes, 256);
  t.not(producer.tryReserve(producer.framePayloadBytesMax), -1);
});

/** Puts an empty ring at a position it would reach after long use. */
function startAt(sab: SharedArrayBuffer, position: number): void {
  const words = new Int32Array(sab);
  words[HEAD_WORD] = position;
  words[TAIL_WORD] = position;
}
