import test from 'ava';
import fc from 'fast-check';
import { formatBytes, formatMs, parseBytes, parseMs } from '../../../src/base/units.ts';

test('sizes are read with and without units, units being powers of 1024', (t) => {
  const read = ['0', '1024', '512b', '64kb', '64KB', '64 mb', '2gb', '1.5gb', '1tb', '3mib'].map(parseBytes);
  t.deepEqual(read, [0, 1024, 512, 65_536, 65_536, 67_108_864, 2 ** 31, 1.5 * 2 ** 30, 2 ** 40, 3 * 2 ** 20]);
});

test('what is no size is not read as one', (t) => {
  for (const text of [
    '',
    'mb',
    '-1',
    '1e3',
    '64m',
    '64ib',
    '64mbs',
    '0.3b',
    '1/2',
    'NaN',
    'Infinity',
    '9999999999tb',
  ]) {
    t.is(parseBytes(text), undefined, text);
  }
});

test('times need a unit, 0 aside', (t) => {
  t.deepEqual(
    ['0', '0s', '500ms', '10s', '1.5s', '2m', '1h', '1d'].map(parseMs),
    [0, 0, 500, 10_000, 1500, 120_000, 3_600_000, 86_400_000],
  );
  for (const text of ['', '500', '10 seconds', '-1s', '0.5ms', '1e3ms', 's', '99999999999999d']) {
    t.is(parseMs(text), undefined, text);
  }
});

test('a printed size or time reads back as itself', (t) => {
  fc.assert(fc.property(fc.maxSafeNat(), (n) => parseBytes(formatBytes(n)) === n && parseMs(formatMs(n)) === n));
  t.deepEqual([0, 1000, 1024, 3 * 2 ** 20, 2 ** 30].map(formatBytes), ['0b', '1000b', '1kb', '3mb', '1gb']);
  t.deepEqual([0, 999, 1000, 90_000, 120_000].map(formatMs), ['0ms', '999ms', '1s', '90s', '2m']);
});
