import test from 'ava';
import fc from 'fast-check';
import { FluxError } from '../../../../src/base/errors.ts';
import { ValueType } from '../../../../src/base/view.ts';
import { ReplyReader, ReplyWriter } from '../../../../src/command/reply.ts';
import type { Reply } from '../../../../src/protocol/resp/reply.ts';
import { ReplyDecoder } from '../../../../src/protocol/resp/reply-decoder.ts';
import { encodeReply, type RespVersion } from '../../../../src/protocol/resp/reply-encoder.ts';
import { CollectedOutput } from '../../../resp-encoding.ts';
import { testScale } from '../../../scale.ts';

/** How a part of a reply is written, and what a client of either version reads. */
interface Sample {
  readonly write: (reply: ReplyWriter) => void;
  readonly read: (resp: RespVersion) => Reply;
}

const encode = new TextEncoder();
const constant = (write: Sample['write'], resp2: Reply, resp3: Reply): fc.Arbitrary<Sample> =>
  fc.constant({ write, read: (resp) => (resp === 2 ? resp2 : resp3) });
const leaf: fc.Arbitrary<Sample> = fc.oneof(
  constant((reply) => reply.null(), { kind: 'null', of: 'bulk' }, { kind: 'null', of: 'any' }),
  constant((reply) => reply.nullArray(), { kind: 'null', of: 'array' }, { kind: 'null', of: 'any' }),
  constant((reply) => reply.boolean(true), { kind: 'integer', value: 1 }, { kind: 'boolean', value: true }),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map((value) => ({
    write: (reply: ReplyWriter) => reply.int64(value),
    read: (): Reply => ({ kind: 'integer', value: Number.isSafeInteger(Number(value)) ? Number(value) : value }),
  })),
  fc.uint8Array({ maxLength: 200 }).map((bytes) => ({
    write: (reply: ReplyWriter) => reply.bulk(ValueType.bytes, bytes, 0, bytes.length),
    read: (): Reply => ({ kind: 'bulk', bytes }),
  })),
  fc.string({ unit: 'grapheme', maxLength: 40 }).map((text) => ({
    write: (reply: ReplyWriter) => reply.text(text),
    read: (resp: RespVersion): Reply =>
      resp === 2
        ? { kind: 'bulk', bytes: encode.encode(text) }
        : { kind: 'verbatim', format: 'txt', bytes: encode.encode(text) },
  })),
  fc.string({ unit: 'grapheme', maxLength: 40 }).map((text) => ({
    write: (reply: ReplyWriter) => reply.error('syntax', text),
    read: (): Reply => ({ kind: 'error', text: `ERR ${text.replace(/[\r\n]/g, ' ')}` }),
  })),
);
const { sample } = fc.letrec<{ sample: Sample }>((tie) => ({
  sample: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    leaf,
    fc
      .tuple(fc.constantFrom('array', 'set', 'push'), fc.array(tie('sample'), { maxLength: 5 }))
      .map(([kind, items]) => ({
        write: (reply: ReplyWriter) => {
          reply[kind](items.length);
          for (const item of items) item.write(reply);
        },
        read: (resp: RespVersion): Reply => ({
          kind: resp === 2 ? 'array' : kind,
          items: items.map((item) => item.read(resp)),
        }),
      })),
    fc.array(fc.tuple(leaf, tie('sample')), { maxLength: 4 }).map((pairs) => ({
      write: (reply: ReplyWriter) => {
        reply.map(pairs.length);
        for (const item of pairs.flat()) item.write(reply);
      },
      read: (resp: RespVersion): Reply =>
        resp === 2
          ? { kind: 'array', items: pairs.flat().map((item) => item.read(resp)) }
          : { kind: 'map', pairs: pairs.map(([key, value]) => [key.read(resp), value.read(resp)]) },
    })),
  ),
}));

test('what is encoded in either version is read as it was meant, in any pieces', (t) => {
  fc.assert(
    fc.property(
      fc.array(sample, { minLength: 1 }),
      fc.constantFrom<RespVersion>(2, 3),
      sizes(),
      (samples, resp, pieces) => {
        const output = new CollectedOutput();
        for (const { write } of samples) {
          const reply = new ReplyWriter();
          write(reply);
          const reader = new ReplyReader();
          reader.openWritten(reply);
          encodeReply(reader, output, resp);
        }
        t.deepEqual(
          read(output.written, pieces),
          samples.map((one) => one.read(resp)),
        );
      },
    ),
    { numRuns: Math.ceil(400 * testScale) },
  );
});

test('bytes that are no RESP are refused as such by a client, however they are cut, and never anything else', (t) => {
  const noise = fc.oneof(
    fc.uint8Array({ maxLength: 60 }),
    fc
      .array(
        fc.constantFrom(
          '*2\r\n',
          '%1\r\n',
          '$3\r\nabc\r\n',
          '|1\r\n',
          ':1\r\n',
          '$',
          '\r\n',
          '-',
          '_\r\n',
          ',1\r\n',
          '~9',
        ),
      )
      .map((parts) => encode.encode(parts.join(''))),
  );
  fc.assert(
    fc.property(noise, sizes(), (bytes, pieces) => {
      t.deepEqual(outcome(bytes, pieces), outcome(bytes, [bytes.length + 1]));
    }),
    { numRuns: Math.ceil(2000 * testScale) },
  );
});

function sizes(): fc.Arbitrary<number[]> {
  return fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 5 });
}

/** Reads `bytes` in pieces of `pieces` bytes, over and over; replies are added to `replies` as they come. */
function read(bytes: Uint8Array, pieces: readonly number[], replies: Reply[] = []): Reply[] {
  const decoder = new ReplyDecoder();
  for (let at = 0, turn = 0; at < bytes.length; turn++) {
    const end = at + (pieces[turn % pieces.length] ?? 1);
    decoder.feed(bytes.subarray(at, end));
    at = end;
    for (let reply = decoder.next(); reply !== undefined; reply = decoder.next()) replies.push(reply);
  }
  return replies;
}

function outcome(bytes: Uint8Array, pieces: readonly number[]): { replies: readonly Reply[]; error: string } {
  const replies: Reply[] = [];
  try {
    read(bytes, pieces, replies);
    return { replies, error: '' };
  } catch (error) {
    if (!(error instanceof FluxError) || error.code !== 'protocol') throw error;
    return { replies, error: error.message };
  }
}
