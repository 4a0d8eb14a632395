import test from 'ava';
import { HEADER_BYTES } from '../../../src/persistence/file-header.ts';
import { FRAME_HEAD_BYTES, FRAME_MAGIC, sealFrame } from '../../../src/persistence/frame.ts';
import { type ByteSource, FrameScanner } from '../../../src/persistence/frame-scanner.ts';

const SEED = 77;

function frameOf(first: number, body: Uint8Array, durable: number, count = 1): Uint8Array {
  const bytes = new Uint8Array(FRAME_HEAD_BYTES + body.length);
  bytes.set(body, FRAME_HEAD_BYTES);
  sealFrame(bytes, bytes.length, { count, first, durable }, SEED);
  return bytes;
}

function sourceOf(...frames: readonly Uint8Array[]): ByteSource & { bytesRead: number } {
  const bytes = Buffer.concat([new Uint8Array(HEADER_BYTES), ...frames]);
  return {
    size: bytes.length,
    bytesRead: 0,
    read(position, target, at, length) {
      this.bytesRead += length;
      target.set(bytes.subarray(position, position + length), at);
    },
  };
}

test('frames of any size are read one by one, and hardly a byte twice', (t) => {
  const bodies = [0, 1, 5000, 2_000_000, 3, 700_000, 700_000, 10, 1_100_000].map((length) =>
    new Uint8Array(length).fill(7),
  );
  const source = sourceOf(...bodies.map((body, index) => frameOf(index + 1, body, 0)));
  const scanner = new FrameScanner(source, SEED, 1);
  for (const body of bodies) {
    t.true(scanner.next());
    const { bodyStart, bodyEnd } = scanner.frame;
    t.is(Buffer.compare(scanner.bytes.subarray(bodyStart, bodyEnd), body), 0);
  }
  t.false(scanner.next());
  t.is(scanner.end?.kind, 'whole');
  t.true(source.bytesRead <= source.size, `${source.bytesRead} of ${source.size}`);
});

test('values that look like frames neither pass for frames nor take long to be told from them', (t) => {
  // A body of heads, each of which says that it is a frame up to nearly the end of the file.
  const body = new Uint8Array(2 ** 20);
  const view = new DataView(body.buffer);
  for (let at = 0; at + FRAME_HEAD_BYTES <= body.length; at += FRAME_HEAD_BYTES) {
    view.setUint32(at, FRAME_MAGIC, true);
    view.setUint32(at + 8, body.length - at - FRAME_HEAD_BYTES, true);
    view.setUint32(at + 12, 1, true);
    view.setUint32(at + 16, 1, true);
  }
  const torn = frameOf(2, body, 0).subarray(0, FRAME_HEAD_BYTES + body.length - 1);
  const scanner = new FrameScanner(sourceOf(frameOf(1, new Uint8Array(10), 0), torn), SEED, 1);
  const beganMs = performance.now();
  t.true(scanner.next());
  t.false(scanner.next());
  t.deepEqual(scanner.end, { kind: 'torn', offset: HEADER_BYTES + FRAME_HEAD_BYTES + 10 });
  t.true(performance.now() - beganMs < 10_000);
});

test('values that look like frames of numbers that cannot have been given are no reason to refuse a torn log', (t) => {
  for (const [first, durable] of [
    [2 ** 40, 2 ** 40],
    [10, 2 ** 40],
  ] as const) {
    const body = new Uint8Array(2 ** 22);
    const view = new DataView(body.buffer);
    for (let at = 0; at + FRAME_HEAD_BYTES <= body.length; at += FRAME_HEAD_BYTES) {
      view.setUint32(at, FRAME_MAGIC, true);
      view.setUint32(at + 8, body.length - at - FRAME_HEAD_BYTES - 1, true);
      view.setBigUint64(at + 16, BigInt(first), true);
      view.setBigUint64(at + 24, BigInt(durable), true);
    }
    const torn = frameOf(2, body, 0).subarray(0, FRAME_HEAD_BYTES + body.length - 1);
    const scanner = new FrameScanner(sourceOf(frameOf(1, new Uint8Array(10), 0), torn), SEED, 1);
    t.true(scanner.next());
    t.false(scanner.next());
    t.deepEqual(scanner.end, { kind: 'torn', offset: HEADER_BYTES + FRAME_HEAD_BYTES + 10 });
  }
});

test('where values look like frames that tell of what is missing, it is taken for damaged after a while', (t) => {
  const body = new Uint8Array(2 ** 21);
  const view = new DataView(body.buffer);
  for (let at = 0; at + FRAME_HEAD_BYTES <= body.length; at += FRAME_HEAD_BYTES) {
    view.setUint32(at, FRAME_MAGIC, true);
    view.setUint32(at + 8, body.length - at - FRAME_HEAD_BYTES - 1, true);
    view.setUint32(at + 16, 10, true);
    view.setUint32(at + 24, 10, true);
  }
  const torn = frameOf(2, body, 0).subarray(0, FRAME_HEAD_BYTES + body.length - 1);
  const scanner = new FrameScanner(sourceOf(frameOf(1, new Uint8Array(10), 0), torn), SEED, 1);
  t.true(scanner.next());
  t.false(scanner.next());
  t.like(scanner.end, { kind: 'damaged', offset: HEADER_BYTES + FRAME_HEAD_BYTES + 10 });
});

test('behind what is damaged a scan can go on with the next frame that is whole', (t) => {
  const frames = [1, 2, 3, 4].map((first) => frameOf(first, new Uint8Array(50).fill(first), first));
  (frames[1] as Uint8Array)[40] = 0;
  const scanner = new FrameScanner(sourceOf(...frames), SEED, 1);
  t.true(scanner.next());
  t.false(scanner.next());
  t.is(scanner.end?.kind, 'damaged');
  t.true(scanner.skip());
  t.is(scanner.frame.first, 3);
  t.true(scanner.next());
  t.is(scanner.frame.first, 4);
  t.false(scanner.next());
  t.false(scanner.skip());
});
