import test from 'ava';
import fc from 'fast-check';
import { DecodeError } from '../../../../src/base/msgpack-reader.ts';
import {
  decodeHandshake,
  decodeIntroduction,
  encodeGreeting,
  encodeHello,
  encodeIntroduction,
  encodeRefusal,
  GREETING_BYTES,
  greetingNonce,
  greetingVersion,
  HANDSHAKE_FRAME_BYTES_MAX,
  type Introduction,
  isGreetingSoFar,
  NONCE_BYTES,
  PROOF_BYTES,
  RefusalCode,
} from '../../../../src/cluster/bus/handshake-codec.ts';
import { encodeFrame } from '../../../../src/cluster/transport/frame.ts';
import { count, nodeId } from '../../../cluster-arbitraries.ts';
import { testScale } from '../../../scale.ts';

const numRuns = 500 * testScale;
const address = fc.string({ unit: 'grapheme-ascii', maxLength: 260 });
const clusterId = fc.oneof(fc.constant(''), fc.stringMatching(/^[0-9a-f]{40}$/));
const hello = fc.record({ node: nodeId, boot: count, address, clusterId }, { noNullPrototype: true });
const introduction: fc.Arbitrary<Introduction> = fc.record({ hello, seen: address }, { noNullPrototype: true });
const proof = fc.uint8Array({ minLength: PROOF_BYTES, maxLength: PROOF_BYTES });

test('introductions are read as they were written, and fit a frame of the handshake', (t) => {
  fc.assert(
    fc.property(introduction, proof, (said, shown) => {
      const bytes = encodeIntroduction(said);
      t.deepEqual(decodeIntroduction(bytes), said);
      const payload = encodeHello(shown, bytes);
      t.true(encodeFrame(payload).length <= HANDSHAKE_FRAME_BYTES_MAX);
      t.deepEqual(decodeHandshake(payload), { kind: 'hello', proof: shown, said: bytes });
    }),
    { numRuns },
  );
});

test('an introduction that is cut off, changed or random is read or refused, and nothing else', (t) => {
  const damaged = fc.oneof(
    fc.uint8Array({ maxLength: 100 }),
    fc.tuple(introduction, fc.nat()).map(([said, cut]) => {
      const bytes = encodeIntroduction(said);
      return bytes.slice(0, cut % bytes.length);
    }),
    fc.tuple(introduction, fc.nat(), fc.nat(255)).map(([said, at, value]) => {
      const bytes = encodeIntroduction(said);
      bytes[at % bytes.length] = value;
      return bytes;
    }),
  );
  fc.assert(
    fc.property(damaged, (bytes) => {
      try {
        const { hello: read } = decodeIntroduction(bytes);
        t.regex(read.node, /^[a-z0-9._-]{1,64}$/);
        t.regex(read.clusterId, /^([0-9a-f]{40})?$/);
      } catch (error) {
        t.true(error instanceof DecodeError);
      }
    }),
    { numRuns },
  );
});

test('refusals are read as they were written; what is neither hello nor refusal is nothing', (t) => {
  for (const code of Object.values(RefusalCode)) {
    t.deepEqual(decodeHandshake(encodeRefusal(code)), { kind: 'refusal', code });
  }
  const codes = new Set<number>(Object.values(RefusalCode));
  const kinds = fc.oneof(fc.constantFrom(0, 1, 2, 3), fc.nat(255));
  const payloads = fc
    .tuple(kinds, fc.uint8Array({ maxLength: 60 }))
    .map(([kind, rest]) => Uint8Array.of(kind, ...rest));
  fc.assert(
    fc.property(payloads, (payload) => {
      const isHello = payload[0] === 1 && payload.length > 1 + PROOF_BYTES;
      const isRefusal = payload[0] === 2 && payload.length === 2 && codes.has(payload[1] as number);
      t.is(decodeHandshake(payload)?.kind, isHello ? 'hello' : isRefusal ? 'refusal' : undefined);
    }),
    { numRuns },
  );
});

test('a greeting is one from its first byte on; another beginning is none at the first byte that is wrong', (t) => {
  const nonces = fc.uint8Array({ minLength: NONCE_BYTES, maxLength: NONCE_BYTES });
  fc.assert(
    fc.property(nonces, fc.nat(255), fc.nat(6), fc.integer({ min: 1, max: 255 }), (nonce, version, at, change) => {
      const greeting = encodeGreeting(nonce, version);
      t.is(greeting.length, GREETING_BYTES);
      for (let length = 0; length <= greeting.length; length++) t.true(isGreetingSoFar(greeting, length));
      t.is(greetingVersion(greeting), version);
      t.deepEqual(greetingNonce(greeting), nonce);
      greeting[at] = (greeting[at] as number) ^ change;
      for (let length = 0; length <= greeting.length; length++) t.is(isGreetingSoFar(greeting, length), length <= at);
    }),
    { numRuns },
  );
});
