import { createSecretKey } from 'node:crypto';
import test from 'ava';
import fc from 'fast-check';
import { MessageReader } from '../../../../src/cluster/bus/message-batch.ts';
import { OutgoingFrames } from '../../../../src/cluster/bus/outgoing-frames.ts';
import { FrameOpener, FrameSealer, SEAL_BYTES, SEALED_AT } from '../../../../src/cluster/bus/sealed-frames.ts';
import { FrameDecoder } from '../../../../src/cluster/transport/frame.ts';
import { testScale } from '../../../scale.ts';

const numRuns = 200 * testScale;
const FRAME_BYTES = 1000;
const key = createSecretKey(Buffer.from('of one direction'));

type Step = { do: 'append'; channel: number; length: number } | { do: 'send' } | { do: 'sent' } | { do: 'empty' };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('append' as const),
      channel: fc.nat(255),
      length: fc.oneof(fc.nat(100), fc.nat(3000), fc.constant(40_000)),
    }),
  },
  { weight: 2, arbitrary: fc.constant({ do: 'send' as const }) },
  { weight: 2, arbitrary: fc.constant({ do: 'sent' as const }) },
  { weight: 1, arbitrary: fc.constant({ do: 'empty' as const }) },
);

/** Reads a stream that is pushed in pieces. */
class Receiver {
  readonly texts: string[] = [];
  readonly #opener = new FrameOpener(key);
  readonly #decoder = new FrameDecoder(100_000);

  push(bytes: Uint8Array): void {
    this.#decoder.push(bytes, (payload) => {
      if (!this.#opener.opens(payload)) throw new Error('a frame that does not open');
      const reader = new MessageReader(payload, SEAL_BYTES);
      while (reader.next()) this.texts.push(textOf(reader.channel, reader.bytes));
      if (!reader.isAtEnd) throw new Error('a message that is cut off');
    });
  }
}

function textOf(channel: number, bytes: Uint8Array): string {
  return `${channel} ${bytes.length} ${bytes[0] ?? ''} ${new Set(bytes).size}`;
}

test('what is appended arrives in order, however it is sent and cut, with memory that is used again meanwhile', (t) => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), fc.nat(), (steps, piece) => {
      const outgoing = new OutgoingFrames(new FrameSealer(key), FRAME_BYTES);
      const expected: string[] = [];
      const receiver = new Receiver();
      const unsent: Buffer[] = [];
      const deliver = (): void => {
        const frame = unsent.shift();
        if (frame === undefined) return;
        const size = 1 + (piece % 700);
        for (let at = 0; at < frame.length; at += size) receiver.push(new Uint8Array(frame.subarray(at, at + size)));
        outgoing.giveBack(frame);
      };
      const send = (): void => {
        for (let frame = outgoing.take(); frame !== null; frame = outgoing.take()) unsent.push(frame);
        t.is(outgoing.bytes, 0);
      };
      for (const [place, one] of steps.entries()) {
        if (one.do === 'append') {
          const bytes = new Uint8Array(one.length).fill(place);
          outgoing.append(one.channel, bytes);
          expected.push(textOf(one.channel, bytes));
          bytes.fill(255);
        } else if (one.do === 'send') send();
        else if (one.do === 'sent') deliver();
        else if (outgoing.bytes === 0) unsent.push(outgoing.takeEmpty());
      }
      send();
      while (unsent.length > 0) deliver();
      t.deepEqual(receiver.texts, expected);
    }),
    { numRuns },
  );
});

test('a frame is closed in time: only a message that is longer by itself makes a longer one', (t) => {
  fc.assert(
    fc.property(fc.array(fc.nat(2000), { minLength: 1, maxLength: 40 }), (lengths) => {
      const outgoing = new OutgoingFrames(new FrameSealer(key), FRAME_BYTES);
      for (const length of lengths) outgoing.append(0, new Uint8Array(length));
      for (let frame = outgoing.take(); frame !== null; frame = outgoing.take()) {
        const reader = new MessageReader(frame, SEALED_AT);
        let count = 0;
        while (reader.next()) count += 1;
        t.true(count === 1 || (count > 1 && frame.length <= FRAME_BYTES));
      }
    }),
    { numRuns },
  );
});

test('a frame opens once, unchanged and in its turn only', (t) => {
  const frames = fc.array(fc.uint8Array({ maxLength: 100 }), { minLength: 2, maxLength: 6 });
  fc.assert(
    fc.property(frames, fc.nat(), fc.nat(), (contents, first, second) => {
      const sealer = new FrameSealer(key);
      const payloads = contents.map((content) => {
        const frame = Buffer.alloc(SEALED_AT + content.length);
        frame.set(content, SEALED_AT);
        sealer.seal(frame, frame.length);
        return frame.subarray(SEALED_AT - SEAL_BYTES);
      });
      const inTurn = new FrameOpener(key);
      t.true(payloads.every((payload) => inTurn.opens(payload)));
      t.false(inTurn.opens(payloads[first % payloads.length] as Buffer), 'sent again');

      const place = first % payloads.length;
      const other = second % payloads.length;
      const opener = new FrameOpener(key);
      for (const payload of payloads.slice(0, place)) t.true(opener.opens(payload));
      const expected = payloads[place] as Buffer;
      if (place !== other) {
        t.false(opener.opens(payloads[other] as Buffer), 'out of its turn');
        return;
      }
      const changed = Buffer.from(expected);
      const at = second % changed.length;
      changed.writeUInt8(changed.readUInt8(at) ^ (1 << (first % 8)), at);
      t.false(opener.opens(changed), 'changed');
    }),
    { numRuns },
  );
});
