import test from 'ava';
import fc from 'fast-check';
import { Unpackr } from 'msgpackr';
import { DecodeError } from '../../../../src/base/msgpack-reader.ts';
import type { ClusterMessage } from '../../../../src/cluster/cluster-message.ts';
import { decodeMessage, encodeMessage } from '../../../../src/cluster/transport/message-codec.ts';
import { message } from '../../../cluster-arbitraries.ts';
import { testScale } from '../../../scale.ts';

const numRuns = 2000 * testScale;

/** The message, or null when it was refused as it should be; whatever else is thrown fails the test. */
function tryDecode(bytes: Uint8Array): ClusterMessage | null {
  try {
    return decodeMessage(bytes);
  } catch (error) {
    if (error instanceof DecodeError && error.field !== '' && error.problem !== '') return null;
    throw error;
  }
}

test('every message comes back as it was sent', (t) => {
  fc.assert(
    fc.property(message, (sent) => {
      t.deepEqual(decodeMessage(encodeMessage(sent)), sent);
    }),
    { numRuns },
  );
});

test('a message is one array of MessagePack for any other reader', (t) => {
  const unpackr = new Unpackr({ useRecords: false, mapsAsObjects: false });
  fc.assert(
    fc.property(message, (sent) => {
      const bytes = encodeMessage(sent);
      t.true(Array.isArray(unpackr.unpack(bytes)));
    }),
    { numRuns: 500 },
  );
});

test('a message read from the middle of a buffer is the same', (t) => {
  fc.assert(
    fc.property(message, fc.nat(20), (sent, before) => {
      const encoded = encodeMessage(sent);
      const buffer = new Uint8Array(before + encoded.length + 3).fill(0xc1);
      buffer.set(encoded, before);
      t.deepEqual(decodeMessage(buffer.subarray(before, before + encoded.length)), sent);
    }),
    { numRuns: 300 },
  );
});

test('a message that is cut off, or followed by anything, is refused', (t) => {
  fc.assert(
    fc.property(message, fc.nat(), (sent, place) => {
      const bytes = encodeMessage(sent);
      t.is(tryDecode(bytes.subarray(0, place % bytes.length)), null);
      t.is(tryDecode(Uint8Array.of(...bytes, place & 0xff)), null);
    }),
    { numRuns },
  );
});

test('a message with changed bytes is refused, or is another message that is well-formed', (t) => {
  const changes = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 });
  let refused = 0;
  fc.assert(
    fc.property(message, changes, (sent, list) => {
      const bytes = encodeMessage(sent);
      for (const [place, byte] of list) bytes[place % bytes.length] = byte;
      const read = tryDecode(bytes);
      if (read === null) refused++;
      else t.deepEqual(decodeMessage(encodeMessage(read)), read);
    }),
    { numRuns },
  );
  t.true(refused > numRuns / 10);
});

test('whatever bytes come, nothing but a refusal is thrown', (t) => {
  const head = fc.constantFrom(0x92, 0x93, 0x94, 0x96, 0x97, 0x98, 0x99, 0xdc, 0xdd);
  const kind = fc.constantFrom(1, 2, 3, 4, 5, 6, 16, 17, 18, 19, 20, 32, 33, 34, 35, 36);
  const piece = fc.oneof(
    fc.uint8Array({ maxLength: 6 }),
    // Lengths that lie: arrays, strs and bins of up to 2^32 - 1.
    fc.tuple(fc.constantFrom(0xdd, 0xdb, 0xc6), fc.nat(2 ** 32 - 1)).map(([marker, length]) => {
      const bytes = new Uint8Array(5);
      new DataView(bytes.buffer).setUint32(1, length);
      bytes[0] = marker;
      return bytes;
    }),
  );
  fc.assert(
    fc.property(head, kind, fc.array(piece, { maxLength: 20 }), (first, second, rest) => {
      tryDecode(Uint8Array.of(first, second, ...rest.flatMap((bytes) => [...bytes])));
    }),
    { numRuns: numRuns * 3 },
  );
  t.pass();
});

test('a length that the bytes do not hold costs no memory', (t) => {
  // An append whose records would be 65 535, with keys that would be 2^32 - 1.
  const bytes = Uint8Array.of(0x98, 16, 0, 1, 0, 0, 0, 0, 0xdc, 0xff, 0xff, 0x93, 1, 0xdd, 0xff, 0xff, 0xff, 0xff);
  const before = process.memoryUsage().heapUsed + process.memoryUsage().arrayBuffers;
  for (let round = 0; round < 1000; round++) t.is(tryDecode(bytes), null);
  const after = process.memoryUsage().heapUsed + process.memoryUsage().arrayBuffers;
  t.true(after - before < 32 * 2 ** 20);
});

test('a deep nest of arrays is refused at its second level', (t) => {
  const error = t.throws(() => decodeMessage(new Uint8Array(1 << 20).fill(0x91)), { instanceOf: DecodeError });
  t.is(error?.field, 'kind');
});

test('the text of a refusal is cut off where it is too long', (t) => {
  const reason = 'é'.repeat(5000);
  const answer = { type: 'refused', isRetryable: true } as const;
  const read = decodeMessage(encodeMessage({ kind: 'answer', request: 1, answer: { ...answer, reason } }));
  t.deepEqual(read, { kind: 'answer', request: 1, answer: { ...answer, reason: 'é'.repeat(1000) } });
});
