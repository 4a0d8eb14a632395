import test from 'ava';
import fc from 'fast-check';
import { encodeFrame, FRAME_HEADER_BYTES, FrameDecoder, FrameError } from '../../../../src/cluster/transport/frame.ts';
import { testScale } from '../../../scale.ts';

const numRuns = 500 * testScale;
const frameBytesMax = 1000;

interface Read {
  payloads: Uint8Array[];
  error: FrameError | null;
}

/** Pushes the stream in pieces that end at `cuts`. */
function read(stream: Uint8Array, cuts: readonly number[]): Read {
  const decoder = new FrameDecoder(frameBytesMax);
  const payloads: Uint8Array[] = [];
  let error: FrameError | null = null;
  let from = 0;
  for (const to of [...cuts.map((cut) => cut % (stream.length + 1)), stream.length].sort((a, b) => a - b)) {
    try {
      decoder.push(stream.subarray(from, to), (payload) => payloads.push(payload));
    } catch (fault) {
      if (!(fault instanceof FrameError)) throw fault;
      error ??= fault;
    }
    from = to;
  }
  return { payloads, error };
}

function joined(frames: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(frames.flatMap((frame) => [...frame]));
}

const payloads = fc.array(fc.uint8Array({ minLength: 1, maxLength: frameBytesMax - FRAME_HEADER_BYTES }), {
  maxLength: 6,
});
const cuts = fc.array(fc.nat(), { maxLength: 8 });

test('any split of a stream gives the same payloads', (t) => {
  fc.assert(
    fc.property(payloads, cuts, (sent, places) => {
      const stream = joined(sent.map(encodeFrame));
      t.deepEqual(read(stream, places), { payloads: sent, error: null });
    }),
    { numRuns },
  );
});

test('byte by byte a stream gives the same payloads', (t) => {
  const sent = [1, 2, 7, 300].map((length) => new Uint8Array(length).fill(length));
  const stream = joined(sent.map(encodeFrame));
  t.deepEqual(read(stream, [...stream.keys()]), { payloads: sent, error: null });
});

test('one flipped bit ends the stream where it is; the frames before it stand, however it is split', (t) => {
  fc.assert(
    fc.property(payloads, cuts, fc.nat(), fc.nat(7), (sent, places, place, bit) => {
      fc.pre(sent.length > 0);
      const stream = joined(sent.map(encodeFrame));
      const at = place % stream.length;
      stream[at] = (stream[at] as number) ^ (1 << bit);
      let whole = 0;
      let end = 0;
      for (const payload of sent) {
        end += payload.length + FRAME_HEADER_BYTES;
        if (end > at) break;
        whole++;
      }
      const { payloads: got } = read(stream, places);
      t.deepEqual(got, sent.slice(0, whole));
      t.deepEqual(read(stream, []).error?.reason, read(stream, places).error?.reason);
    }),
    { numRuns },
  );
});

test('a frame larger than the limit, an empty one, and a wrong sum are told apart', (t) => {
  const header = (length: number) => {
    const bytes = new Uint8Array(FRAME_HEADER_BYTES);
    new DataView(bytes.buffer).setUint32(0, length);
    return bytes;
  };
  t.is(read(header(frameBytesMax - FRAME_HEADER_BYTES + 1), []).error?.reason, 'too-large');
  t.is(read(header(2 ** 32 - 1), []).error?.reason, 'too-large');
  t.is(read(header(0), []).error?.reason, 'empty');
  t.is(read(joined([header(1), Uint8Array.of(1)]), []).error?.reason, 'checksum');
  t.is(read(header(frameBytesMax - FRAME_HEADER_BYTES), []).error, null);
});

test('a refused stream stays refused', (t) => {
  const decoder = new FrameDecoder(frameBytesMax);
  t.throws(() => decoder.push(new Uint8Array(8), () => t.fail()), { instanceOf: FrameError });
  t.throws(() => decoder.push(encodeFrame(Uint8Array.of(1)), () => t.fail()), { instanceOf: FrameError });
});

test('a declared length sets no memory aside before its bytes come', (t) => {
  const header = new Uint8Array(FRAME_HEADER_BYTES + 1);
  new DataView(header.buffer).setUint32(0, 2 ** 31);
  const before = process.memoryUsage().arrayBuffers;
  const decoders = Array.from({ length: 20 }, () => new FrameDecoder(2 ** 32));
  for (const decoder of decoders) decoder.push(header, () => t.fail());
  t.true(process.memoryUsage().arrayBuffers - before < 20 * 2 ** 20);
});

test('a payload is in memory of its own', (t) => {
  const frame = encodeFrame(Uint8Array.of(1, 2, 3));
  const got: Uint8Array[] = [];
  new FrameDecoder(frameBytesMax).push(frame, (payload) => got.push(payload));
  frame.fill(0);
  t.deepEqual(got, [Uint8Array.of(1, 2, 3)]);
});
