import { createSecretKey } from 'node:crypto';
import test from 'ava';
import fc from 'fast-check';
import { Args } from '../../../../src/command/args.ts';
import { ReplyReader, ReplyWriter } from '../../../../src/command/reply.ts';
import { PeerFrameError, PeerFrameReader, PeerFrameWriter } from '../../../../src/server/cluster/peer-frames.ts';
import { PeerHandshake } from '../../../../src/server/cluster/peer-handshake.ts';
import {
  decodeForwarded,
  decodeNames,
  encodeNames,
  isWholeReply,
} from '../../../../src/server/cluster/peer-message.ts';
import { encodeCommand } from '../../../../src/shard/command-message.ts';

const key = createSecretKey(Buffer.alloc(32, 1));
const otherKey = createSecretKey(Buffer.alloc(32, 2));

interface Message {
  readonly kind: number;
  readonly detail: number;
  readonly id: number;
  readonly body: Uint8Array;
}

const message: fc.Arbitrary<Message> = fc.record({
  kind: fc.nat(255),
  detail: fc.nat(255),
  id: fc.nat(2 ** 32 - 1),
  body: fc.oneof(fc.uint8Array({ maxLength: 40 }), fc.uint8Array({ minLength: 1000, maxLength: 40_000 })),
});

/** The pieces that a stream is cut into by numbers at random. */
function cut(bytes: Uint8Array, sizes: readonly number[]): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  for (let at = 0, index = 0; at < bytes.length; index++) {
    const size = sizes.length === 0 ? bytes.length : 1 + (sizes[index % sizes.length] as number);
    pieces.push(bytes.slice(at, at + size));
    at += size;
  }
  return pieces;
}

function framesOf(frames: readonly (readonly Message[])[]): Uint8Array[] {
  const writer = new PeerFrameWriter(key);
  return frames.map((messages) => {
    for (const { kind, detail, id, body } of messages) {
      writer.bytes.set(body, writer.reserve(body.length + 3));
      // Less may be added than was reserved.
      writer.add(kind, detail, id, body.length);
    }
    return writer.take();
  });
}

test('messages come out of a stream as they went in, however it is cut and whenever it is kept', (t) => {
  const property = fc.property(
    fc.array(fc.array(message, { minLength: 1, maxLength: 5 }), { maxLength: 5 }),
    fc.array(fc.nat(5000), { maxLength: 8 }),
    fc.boolean(),
    (frames, sizes, takesAll) => {
      const stream = Buffer.concat(framesOf(frames));
      const reader = new PeerFrameReader(key, 1 << 20);
      const found: Message[] = [];
      const step = (): boolean => {
        if (!reader.next()) return false;
        const { kind, detail, id, bytes, start, end } = reader;
        found.push({ kind, detail, id, body: new Uint8Array(bytes.subarray(start, end)) });
        return true;
      };
      for (const piece of cut(new Uint8Array(stream), sizes)) {
        reader.feed(piece);
        // One that is held back takes a message now and then.
        if (takesAll) while (step());
        else step();
        reader.keep();
        piece.fill(0);
      }
      while (step());
      t.deepEqual(found, frames.flat());
      t.is(reader.bufferedBytes, 0);
    },
  );
  fc.assert(property, { numRuns: 150 });
});

test('a stream with a byte changed hands out nothing of the frame that it is in, nor anything behind', (t) => {
  const property = fc.property(
    fc.array(fc.array(message, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 4 }),
    fc.nat(),
    fc.integer({ min: 1, max: 255 }),
    (frames, place, change) => {
      const pieces = framesOf(frames);
      const stream = new Uint8Array(Buffer.concat(pieces));
      const at = place % stream.length;
      stream[at] = (stream[at] as number) ^ change;
      let whole = 0;
      for (let behind = 0; behind + (pieces[whole] as Uint8Array).length <= at; whole++) {
        behind += (pieces[whole] as Uint8Array).length;
      }
      const reader = new PeerFrameReader(key, 1 << 20);
      reader.feed(stream);
      let found = 0;
      try {
        while (reader.next()) found++;
      } catch (error) {
        if (!(error instanceof PeerFrameError)) throw error;
      }
      t.is(found, frames.slice(0, whole).flat().length);
    },
  );
  fc.assert(property, { numRuns: 200 });
});

test('a frame of another key, or of another number, is none', (t) => {
  const [first, second] = framesOf([
    [{ kind: 1, detail: 0, id: 1, body: new Uint8Array(3) }],
    [{ kind: 1, detail: 0, id: 2, body: new Uint8Array(3) }],
  ]) as [Uint8Array, Uint8Array];
  const foreign = new PeerFrameReader(otherKey, 1000);
  foreign.feed(first);
  t.throws(() => foreign.next(), { instanceOf: PeerFrameError });
  const early = new PeerFrameReader(key, 1000);
  early.feed(second);
  t.throws(() => early.next(), { instanceOf: PeerFrameError });
  const repeated = new PeerFrameReader(key, 1000);
  repeated.feed(new Uint8Array(Buffer.concat([first, first])));
  t.true(repeated.next());
  t.throws(() => repeated.next(), { instanceOf: PeerFrameError });
});

test('a command comes out as it went in; of any other bytes nothing is believed', (t) => {
  const args = new Args();
  const whole = fc.property(
    fc.nat(2 ** 31),
    fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 20 }),
    (id, parts) => {
      const source = new Args();
      source.clear(new Uint8Array(Buffer.concat(parts)));
      let at = 0;
      for (const part of parts) {
        source.push(at, at + part.length);
        at += part.length;
      }
      const bytes = new Uint8Array(at + 5 * parts.length + 20);
      const length = encodeCommand(id, source, bytes, 7);
      t.is(decodeForwarded(bytes, 7, 7 + length, args), id);
      t.deepEqual(
        parts.map((_, index) => args.copy(index)),
        parts,
      );
      t.is(decodeForwarded(bytes, 7, 7 + length + 1, args), -1);
      t.is(decodeForwarded(bytes, 7, 7 + length - 1, args), -1);
    },
  );
  fc.assert(whole, { numRuns: 200 });
  const any = fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
    const id = decodeForwarded(bytes, 0, bytes.length, args);
    t.true(Number.isInteger(id) && id >= -1);
    if (id < 0) return;
    for (let index = 0; index < args.count; index++) t.true(args.end(index) <= bytes.length);
  });
  fc.assert(any, { numRuns: 2000 });
});

test('bytes that are taken for a reply can be read as one, whatever they are', (t) => {
  const tags = fc.uint8Array({ maxLength: 30, max: 20 });
  const reader = new ReplyReader();
  const property = fc.property(fc.oneof(tags, fc.uint8Array({ maxLength: 40 })), (bytes) => {
    if (!isWholeReply(bytes, 0, bytes.length)) return;
    reader.open(bytes, 0, bytes.length);
    reader.skip();
    t.true(reader.done);
  });
  fc.assert(property, { numRuns: 5000 });
  const writer = new ReplyWriter();
  writer.attribute(7, true);
  writer.array(6);
  writer.map(1);
  writer.bulkText('a');
  writer.double(1.5);
  writer.status('OK');
  writer.error('syntax', 'syntax error');
  writer.int64(2n ** 62n);
  writer.numbers('[1,2]');
  writer.nullArray();
  t.true(isWholeReply(writer.bytes, 0, writer.length));
  for (let length = 0; length < writer.length; length++) t.false(isWholeReply(writer.bytes, 0, length), String(length));
  t.false(isWholeReply(writer.bytes, 0, writer.length + 1));
});

test('a list of names comes out as it went in', (t) => {
  const names = ['get', 'set', 'config|get'];
  const bytes = encodeNames(names);
  t.deepEqual(decodeNames(bytes, 0, bytes.length), names);
  t.is(decodeNames(bytes, 0, bytes.length - 1), null);
  t.deepEqual(decodeNames(bytes, 0, 0), []);
});

const introduction = { clusterId: 'c1'.repeat(20), frameBytesMax: 1000 };

function ends(dialerSecret: string, acceptorSecret: string) {
  const end = (role: 'dialer' | 'acceptor', secret: string, node: string, to: string) =>
    new PeerHandshake({
      role,
      secret: createSecretKey(secret, 'utf8'),
      nonce: Buffer.alloc(32, node),
      introduce: () => ({ ...introduction, node, to }),
      judge: (other) => (other.to === node ? null : 'not me'),
    });
  return { dialer: end('dialer', dialerSecret, 'a', 'b'), acceptor: end('acceptor', acceptorSecret, 'b', 'a') };
}

/** Passes on what both say, in such pieces, until both are silent. */
function talk({ dialer, acceptor }: ReturnType<typeof ends>, sizes: readonly number[]): void {
  for (;;) {
    const said = [dialer.output, acceptor.output];
    dialer.output = null;
    acceptor.output = null;
    if (said[0] === null && said[1] === null) return;
    for (const piece of cut(said[0] ?? new Uint8Array(0), sizes)) acceptor.take(piece);
    for (const piece of cut(said[1] ?? new Uint8Array(0), sizes)) dialer.take(piece);
  }
}

test('two ends with one secret know each other and have the same keys, however their words are cut', (t) => {
  const property = fc.property(fc.array(fc.nat(60), { maxLength: 5 }), (sizes) => {
    const pair = ends('s', 's');
    talk(pair, sizes);
    const { dialer, acceptor } = pair;
    t.deepEqual([dialer.fault, acceptor.fault], [null, null]);
    t.true(dialer.isDone && acceptor.isDone);
    t.is(acceptor.other?.node, 'a');
    t.is(dialer.other?.node, 'b');
    for (const role of ['dialer', 'acceptor'] as const) {
      t.deepEqual(dialer.key(role).export(), acceptor.key(role).export());
    }
    t.notDeepEqual(dialer.key('dialer').export(), dialer.key('acceptor').export());
  });
  fc.assert(property, { numRuns: 30 });
});

test('an end that does not know the secret learns no name, and is not believed', (t) => {
  const pair = ends('guess', 's');
  talk(pair, []);
  t.regex(pair.acceptor.fault ?? '', /does not know the secret/);
  t.false(pair.dialer.isDone);
  t.is(pair.dialer.other, null);
});

test('any bytes in place of the other end lead to a fault or to waiting, never further', (t) => {
  const start = Buffer.from([0xf1, 0x46, 0x4c, 0x4b, 1]);
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    fc.uint8Array({ maxLength: 600 }).map((rest) => new Uint8Array(Buffer.concat([start, rest]))),
  );
  const property = fc.property(bytes, fc.constantFrom('dialer' as const, 'acceptor' as const), (input, role) => {
    const end = ends('s', 's')[role];
    const taken = end.take(input);
    t.true(taken <= input.length);
    t.false(end.isDone);
    t.is(end.other, null);
  });
  fc.assert(property, { numRuns: 500 });
});
