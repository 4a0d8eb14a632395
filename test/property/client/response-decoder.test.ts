import test from 'ava';
import fc from 'fast-check';
import { ConnectionError } from '../../../src/client/errors.ts';
import { ResponseDecoder, type ServerMessage } from '../../../src/client/response-decoder.ts';
import { testScale } from '../../scale.ts';
import { packed } from '../../scripted-rpc-server.ts';

const LIMIT = 100_000;
const name = fc.oneof(fc.string(), fc.constant('__proto__'));
const { value } = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom(null, true, false),
    fc.integer(),
    fc.double({ noNaN: true }),
    fc.string({ maxLength: 300 }),
    fc.uint8Array({ maxLength: 300 }),
    fc.array(tie('value'), { maxLength: 20 }),
    fc.array(fc.tuple(name, tie('value')), { maxLength: 20 }).map((pairs) => new Map(pairs)),
  ),
}));
const message = fc.oneof(
  fc.record({ id: fc.nat(), result: value }).map(({ id, result }) => [1, id, null, result]),
  fc
    .record({ method: fc.string(), params: fc.array(value, { maxLength: 3 }) })
    .map(({ method, params }) => [2, method, params]),
);
const stream = fc.array(message, { maxLength: 8 }).map((messages) => Buffer.concat(messages.map(packed)));

/** All messages of chunks; stops at the first that cannot be read. */
function decodeAll(chunks: readonly Uint8Array[]): { messages: ServerMessage[]; isMalformed: boolean } {
  const decoder = new ResponseDecoder(LIMIT);
  const messages: ServerMessage[] = [];
  try {
    for (const chunk of chunks) {
      decoder.push(chunk);
      for (let next = decoder.next(); next !== null; next = decoder.next()) messages.push(next);
    }
  } catch (error) {
    if (!(error instanceof ConnectionError) || error.code !== 'malformed-response') throw error;
    return { messages, isMalformed: true };
  }
  return { messages, isMalformed: false };
}

function split(bytes: Uint8Array, cuts: readonly number[]): Uint8Array[] {
  const places = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  return places.slice(1).map((place, index) => new Uint8Array(bytes.subarray(places[index], place)));
}

test('however a stream is split, the messages are the same', (t) => {
  fc.assert(
    fc.property(stream, fc.array(fc.nat(), { maxLength: 30 }), (bytes, cuts) => {
      const whole = decodeAll([new Uint8Array(bytes)]);
      t.false(whole.isMalformed);
      t.deepEqual(decodeAll(split(bytes, cuts)), whole);
      t.deepEqual(decodeAll([...bytes].map((byte) => Uint8Array.of(byte))), whole);
    }),
    { numRuns: 150 * testScale },
  );
  t.pass();
});

test('damaged streams are read up to the damage or refused, the same way however they are split', (t) => {
  const damage = fc.array(fc.record({ at: fc.nat(), byte: fc.nat({ max: 255 }) }), { minLength: 1, maxLength: 5 });
  fc.assert(
    fc.property(stream, damage, fc.array(fc.nat(), { maxLength: 10 }), (bytes, changes, cuts) => {
      const damaged = new Uint8Array(bytes);
      if (damaged.length === 0) return;
      for (const { at, byte } of changes) damaged[at % damaged.length] = byte;
      t.deepEqual(decodeAll(split(damaged, cuts)), decodeAll([damaged]));
    }),
    { numRuns: 300 * testScale },
  );
  t.pass();
});
