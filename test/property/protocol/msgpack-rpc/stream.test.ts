import test from 'ava';
import fc from 'fast-check';
import { Packr } from 'msgpackr';
import { InThreadRpc, rpcTestLimits } from '../../../rpc-session.ts';
import { testScale } from '../../../scale.ts';

const packr = new Packr({ useRecords: false, variableMapSize: true });

const key = fc.oneof(fc.constantFrom('a', 'b', 'c', '{t}x', '{t}y'), fc.integer({ min: 0, max: 3 }));
const value = fc.oneof(
  fc.string({ maxLength: 300 }),
  fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
  fc.maxSafeInteger(),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.boolean(),
  fc.constant(null),
  fc.jsonValue({ maxDepth: 4 }),
);
const operation = fc.oneof(
  fc.tuple(fc.constant('get'), fc.tuple(key)),
  fc.tuple(fc.constant('set'), fc.tuple(key, value)),
  fc.tuple(fc.constant('set'), fc.tuple(key, value, fc.constantFrom({ nx: true }, { get: true }, { ttlMs: 1000 }))),
  fc.tuple(fc.constant('mset'), fc.tuple(key, value, key, value)),
  fc.tuple(fc.constantFrom('mget', 'del', 'exists'), fc.array(key, { minLength: 1, maxLength: 5 })),
  fc.tuple(fc.constantFrom('incr', 'strlen', 'type', 'pttl'), fc.tuple(key)),
  fc.tuple(fc.constant('incrby'), fc.tuple(key, fc.integer())),
  fc.tuple(fc.constant('rename'), fc.tuple(key, key)),
  fc.tuple(fc.constantFrom('dbsize', 'ping', 'nosuch', 'get', 'client id'), fc.constant([])),
);
const request = fc.oneof(
  { weight: 9, arbitrary: operation },
  { weight: 1, arbitrary: fc.tuple(fc.constant('batch'), fc.array(operation, { maxLength: 5 })) },
);
const stream = fc
  .array(fc.tuple(request, fc.integer({ min: 0, max: 9 })), { minLength: 1, maxLength: 40 })
  .map((requests) =>
    Buffer.concat(
      requests.map(([[method, params], kind], id) =>
        packr.pack(kind === 0 ? [2, method, params] : [0, id * 31, method, params]),
      ),
    ),
  );

/** The answers by id. */
async function answersTo(bytes: Uint8Array, pieces: readonly number[]): Promise<Map<number, unknown>> {
  const rpc = new InThreadRpc();
  let at = 0;
  for (const piece of pieces) {
    await rpc.receive(bytes.subarray(at, at + piece));
    at += piece;
  }
  await rpc.receive(bytes.subarray(at));
  await rpc.settle();
  if (rpc.faults.length > 0) throw new Error(rpc.faults.join());
  const messages = rpc.messages().map(([, id, ...answer]) => [Number(id), answer] as const);
  const answers = new Map(messages.sort(([a], [b]) => a - b));
  if (answers.size < messages.length) throw new Error('I4: a request was answered twice');
  return answers;
}

test('any split of a stream of requests gives the same answers', async (t) => {
  const sizes = fc.array(fc.oneof(fc.integer({ min: 0, max: 12 }), fc.integer({ min: 0, max: 500 })), {
    maxLength: 60,
  });
  await fc.assert(
    fc.asyncProperty(stream, sizes, async (bytes, pieces) => {
      const whole = await answersTo(bytes, []);
      t.deepEqual(await answersTo(bytes, pieces), whole);
    }),
    { numRuns: 150 * testScale },
  );
});

test('byte by byte a stream gives the same answers', async (t) => {
  await fc.assert(
    fc.asyncProperty(stream, async (bytes) => {
      const whole = await answersTo(bytes, []);
      t.true(whole.size > 0 || bytes.length > 0);
      t.deepEqual(await answersTo(bytes, new Array<number>(bytes.length).fill(1)), whole);
    }),
    { numRuns: 30 * testScale },
  );
});

type Edit = readonly [at: number, kind: 'set' | 'cut' | 'insert', bytes: Uint8Array];
const markers = Uint8Array.of(0x90, 0x94, 0x93, 0xc1, 0xc4, 0xc6, 0xc9, 0xcf, 0xd3, 0xd9, 0xdb, 0xdc, 0xdd, 0xdf, 0xff);
const edit: fc.Arbitrary<Edit> = fc.tuple(
  fc.nat(),
  fc.constantFrom('set', 'cut', 'insert'),
  fc.oneof(
    fc.uint8Array({ minLength: 1, maxLength: 6 }),
    fc.constantFrom(...markers).map((marker) => Uint8Array.of(marker)),
    fc.constantFrom(...markers).map((marker) => Uint8Array.of(marker, 255, 255, 255, 255)),
  ),
);

function damaged(bytes: Uint8Array, edits: readonly Edit[]): Uint8Array {
  let result = Buffer.from(bytes);
  for (const [where, kind, piece] of edits) {
    const at = where % (result.length + 1);
    if (kind === 'set') result.set(piece.subarray(0, result.length - at), at);
    else {
      const behind = result.subarray(kind === 'cut' ? Math.min(result.length, at + piece.length) : at);
      result = Buffer.concat([result.subarray(0, at), kind === 'cut' ? new Uint8Array(0) : piece, behind]);
    }
  }
  return result;
}

/** Every byte that may come is survived: one answer a request, no more kept than a message, nothing thrown. */
async function survives(bytes: Uint8Array, pieceBytes: number): Promise<void> {
  const rpc = new InThreadRpc();
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    await rpc.receive(bytes.subarray(at, at + pieceBytes));
    if (rpc.session.bufferedBytes > rpcTestLimits.messageBytesMax + pieceBytes) throw new Error('keeps too much');
  }
  await rpc.settle();
  if (rpc.faults.length > 0 || rpc.connection.destroyed.length > 0) throw new Error(rpc.faults.join());
  for (const message of rpc.messages()) {
    const isResponse = Array.isArray(message) && message.length === 4 && message[0] === 1;
    if (!isResponse && message[0] !== 2) throw new Error(`sent ${JSON.stringify(message)}`);
  }
  if (!rpc.connection.isEnded && rpc.session.inFlight > 0) throw new Error('a request was not answered');
  if (rpc.connection.isEnded) return;
  // The connection is in step: what it waits for is the rest of a message, or there is none.
  if (rpc.session.bufferedBytes > 0) return;
  await rpc.receive(packr.pack([0, 4_000_000_000, 'ping', []]));
  await rpc.settle();
  if (!rpc.messages().some(([, id, , result]) => id === 4_000_000_000 && result === 'PONG'))
    throw new Error('is out of step');
}

test('damaged streams are survived', async (t) => {
  const edits = fc.array(edit, { minLength: 1, maxLength: 6 });
  await fc.assert(
    fc.asyncProperty(stream, edits, fc.integer({ min: 1, max: 3000 }), async (bytes, changes, pieceBytes) => {
      await survives(damaged(bytes, changes), pieceBytes);
    }),
    { numRuns: 600 * testScale },
  );
  t.pass();
});

test('random bytes are survived', async (t) => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), fc.integer({ min: 1, max: 50 }), async (bytes, pieceBytes) => {
      await survives(Uint8Array.of(0x94, 0, 1, ...bytes), pieceBytes);
      await survives(bytes, pieceBytes);
    }),
    { numRuns: 500 * testScale },
  );
  t.pass();
});
