import test from 'ava';
import fc from 'fast-check';
import { MESSAGE_HEAD_BYTES, MessageReader, writeMessage } from '../../../../src/cluster/bus/message-batch.ts';
import { testScale } from '../../../scale.ts';

const numRuns = 500 * testScale;

interface Message {
  channel: number;
  bytes: Uint8Array;
}

function read(batch: Uint8Array, at: number): { messages: Message[]; isAtEnd: boolean } {
  const reader = new MessageReader(batch, at);
  const messages: Message[] = [];
  while (reader.next()) messages.push({ channel: reader.channel, bytes: new Uint8Array(reader.bytes) });
  return { messages, isAtEnd: reader.isAtEnd };
}

const messages = fc.array(
  fc.record({ channel: fc.nat(255), bytes: fc.uint8Array({ maxLength: 300 }) }, { noNullPrototype: true }),
  { maxLength: 10 },
);

test('messages are read as they were written, wherever they begin', (t) => {
  fc.assert(
    fc.property(messages, fc.nat(40), (written, at) => {
      const length = written.reduce((sum, { bytes }) => sum + MESSAGE_HEAD_BYTES + bytes.length, at);
      const batch = new Uint8Array(length);
      let end = at;
      for (const { channel, bytes } of written) end = writeMessage(channel, bytes, batch, end);
      t.is(end, length);
      t.deepEqual(read(batch, at), { messages: written, isAtEnd: true });
    }),
    { numRuns },
  );
});

test('of a batch that is cut off, whole messages are read, and that something is left is seen', (t) => {
  fc.assert(
    fc.property(messages, fc.nat(), (written, cut) => {
      const whole = new Uint8Array(written.reduce((sum, { bytes }) => sum + MESSAGE_HEAD_BYTES + bytes.length, 0));
      const ends = [0];
      for (const { channel, bytes } of written) ends.push(writeMessage(channel, bytes, whole, ends.at(-1) ?? 0));
      const length = cut % (whole.length + 1);
      const found = read(whole.slice(0, length), 0);
      const count = ends.filter((end) => end <= length).length - 1;
      t.deepEqual(found, { messages: written.slice(0, count), isAtEnd: ends.includes(length) });
    }),
    { numRuns },
  );
});

test('random bytes are read to an end, and never beyond it', (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      const found = read(bytes, 0);
      const length = found.messages.reduce((sum, message) => sum + MESSAGE_HEAD_BYTES + message.bytes.length, 0);
      t.true(length <= bytes.length);
      t.is(found.isAtEnd, length === bytes.length);
    }),
    { numRuns },
  );
});
