import test from 'ava';
import fc from 'fast-check';
import { DecodeError } from '../../../../src/base/msgpack-reader.ts';
import type { KeptItem } from '../../../../src/cluster/replication/kept-item.ts';
import { decodeKeptItem, encodeKeptItem } from '../../../../src/cluster/replication/kept-item-codec.ts';

const count = fc.oneof(fc.nat(300), fc.maxSafeNat());
const bytes = fc.uint8Array({ maxLength: 40 });
const items: fc.Arbitrary<KeptItem> = fc.oneof(
  fc.record({
    type: fc.constant('record' as const),
    record: fc.record({
      seq: count,
      epoch: count,
      keys: fc.array(fc.nat(2 ** 32 - 1), { maxLength: 20 }),
      effect: bytes,
    }),
    committed: count,
  }),
  fc.record({ type: fc.constant('cut' as const), after: count }),
  fc.record({ type: fc.constant('commit' as const), committed: count }),
  fc.record({ type: fc.constant('load' as const), entries: fc.array(bytes, { maxLength: 20 }) }),
  fc.record({ type: fc.constant('whole' as const), at: count }),
  fc.record({
    type: fc.constant('state' as const),
    clears: fc.boolean(),
    since: count,
    generation: count,
    filledInEpoch: fc.option(count),
    at: count,
    atEpoch: count,
    isFilling: fc.boolean(),
  }),
);

/** The item, or null: the bytes are refused as such. Anything else that is thrown is a failure. */
function decoded(input: Uint8Array, start = 0, end = input.length): KeptItem | null {
  try {
    return decodeKeptItem(input, start, end);
  } catch (error) {
    if (error instanceof DecodeError) return null;
    throw error;
  }
}

/** Bytes as a record of arrays and numbers may have them, so that more than the first of them is looked at. */
const hostile = fc.oneof(
  fc.uint8Array({ maxLength: 60 }),
  fc
    .tuple(fc.integer({ min: 1, max: 9 }), fc.nat(6), fc.array(fc.nat(255), { maxLength: 30 }))
    .map(([elements, type, rest]) => Uint8Array.of(0x90 + elements, type, ...rest)),
);

test('an item is read as it was written, wherever it stands', (t) => {
  fc.assert(
    fc.property(items, bytes, bytes, (item, before, after) => {
      const encoded = encodeKeptItem(item);
      t.deepEqual(decodeKeptItem(encoded), item);
      const around = Buffer.concat([before, encoded, after]);
      t.deepEqual(decoded(around, before.length, before.length + encoded.length), item);
    }),
  );
});

test('an item that is cut off anywhere, or has bytes behind it, is refused', (t) => {
  fc.assert(
    fc.property(items, (item) => {
      const encoded = encodeKeptItem(item);
      for (let end = 0; end < encoded.length; end++) if (decoded(encoded, 0, end) !== null) t.fail(`cut at ${end}`);
      t.is(decoded(Buffer.concat([encoded, Buffer.of(0)])), null);
    }),
    { numRuns: 50 },
  );
  t.pass();
});

test('whatever the bytes are, they are an item that can be written again, or refused', (t) => {
  fc.assert(
    fc.property(hostile, (input) => {
      const item = decoded(input);
      if (item !== null) t.deepEqual(decodeKeptItem(encodeKeptItem(item)), item);
    }),
    { numRuns: 3000 },
  );
  fc.assert(
    fc.property(items, fc.nat(), fc.nat(255), (item, place, byte) => {
      const changed = encodeKeptItem(item);
      changed[place % changed.length] = byte;
      const found = decoded(changed);
      if (found !== null) t.deepEqual(decodeKeptItem(encodeKeptItem(found)), found);
    }),
    { numRuns: 1000 },
  );
  t.pass();
});

test('a count that the bytes do not hold, a type that is none, and numbers out of range are refused', (t) => {
  const most = [0xdd, 0xff, 0xff, 0xff, 0xff];
  const huge = [0xcf, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];
  const cases = {
    'keys without end': [0x96, 0, 1, 1, 1, ...most, 1, 1],
    'entries without end': [0x92, 3, ...most, 0xc4, 0],
    'an effect longer than the item': [0x96, 0, 1, 1, 1, 0x90, 0xc6, 0xff, 0xff, 0xff, 0xff, 1],
    'an unknown type': [0x92, 6, 0],
    'fewer elements than the type has': [0x92, 5, 0xc2],
    'more elements than the type has': [0x93, 1, 1, 1],
    'a negative number': [0x92, 1, 0xff],
    'a number beyond what is exact': [0x92, 1, ...huge],
    'a fraction': [0x92, 2, 0xcb, 0x3f, 0xf8, 0, 0, 0, 0, 0, 0],
    'a hash of more than 32 bits': [0x96, 0, 1, 1, 1, 0x91, 0xcf, 0, 0, 0, 1, 0, 0, 0, 0, 0xc4, 0],
    'a number for yes or no': [0x98, 5, 1, 1, 1, 1, 1, 1, 0xc2],
  };
  for (const [title, input] of Object.entries(cases)) t.is(decoded(Uint8Array.from(input)), null, title);
});
