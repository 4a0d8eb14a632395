import test from 'ava';
import fc from 'fast-check';
import { Args } from '../../../src/command/args.ts';
import { commandBytesMax, decodeCommand, encodeCommand } from '../../../src/shard/command-message.ts';

const scale = Number(process.env['FLUXCACHE_TEST_SCALE'] ?? 1);

/** The arguments as ranges of one buffer, in an order and with gaps that have nothing to do with theirs. */
function scattered(values: readonly Uint8Array[]): Args {
  const bytes = new Uint8Array(values.reduce((sum, value) => sum + value.length + 1, 0)).fill(0xee);
  const starts = new Map<number, number>();
  let at = 0;
  for (const [index, value] of [...values.entries()].toReversed()) {
    bytes.set(value, at);
    starts.set(index, at);
    at += value.length + 1;
  }
  const args = new Args();
  args.clear(bytes);
  for (const [index, value] of values.entries()) {
    const start = starts.get(index) as number;
    args.push(start, start + value.length);
  }
  return args;
}

test('a command comes out of its message as it went in', (t) => {
  const lengths = fc.oneof({ weight: 8, arbitrary: fc.nat(200) }, fc.constantFrom(0, 127, 128, 16_383, 16_384, 70_000));
  const value = fc.tuple(lengths, fc.nat(255)).map(([length, fill]) => new Uint8Array(length).fill(fill));
  const decoded = new Args();
  fc.assert(
    fc.property(
      fc.nat(65_535),
      fc.array(value, { maxLength: 300, size: '+1' }),
      fc.nat(20),
      (rowId, values, offset) => {
        const args = scattered(values);
        const bytesMax = commandBytesMax(args);
        const target = new Uint8Array(offset + bytesMax + 8).fill(0xdd);
        const taken = encodeCommand(rowId, args, target, offset);
        t.true(taken <= bytesMax);
        t.true(target.subarray(offset + taken).every((byte) => byte === 0xdd));
        t.is(decodeCommand(target, offset, taken, decoded), rowId);
        t.is(decoded.count, values.length);
        t.true(values.every((value, index) => Buffer.compare(value, decoded.view(index)) === 0));
      },
    ),
    { numRuns: 100 * scale },
  );
});

test('a usual command takes one byte for each number', (t) => {
  const args = scattered([Buffer.from('key'), Buffer.from('value')]);
  t.is(encodeCommand(5, args, new Uint8Array(64), 0), 2 + 2 + 8);
});

test('a message cut short, or with bytes to spare, is a defect', (t) => {
  const args = scattered([Buffer.from('key'), Buffer.from('value')]);
  const target = new Uint8Array(64);
  const taken = encodeCommand(5, args, target, 0);
  t.throws(() => decodeCommand(target, 0, taken - 1, new Args()), { name: 'AssertionError' });
  t.throws(() => decodeCommand(target, 0, taken + 1, new Args()), { name: 'AssertionError' });
});
