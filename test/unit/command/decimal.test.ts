import test from 'ava';
import fc from 'fast-check';
import {
  asciiText,
  decodeFixed,
  decodeInt64,
  decodeSmallInteger,
  encodeInteger,
  fixedText,
} from '../../../src/command/decimal.ts';

function int64(text: string): bigint | null {
  const bytes = Buffer.from(`9${text}9`);
  return decodeInt64(bytes, 1, bytes.length - 1);
}

test('an integer is a decimal of 64 bits without plus, blank or leading zero', (t) => {
  for (const text of ['0', '-1', '9223372036854775807', '-9223372036854775808', '1000000000000000']) {
    t.is(int64(text), BigInt(text));
  }
  const none = ['', '-', '-0', '+1', '00', '01', ' 1', '1 ', '1.0', '1e3', '0x1', '9223372036854775808', 'a'];
  for (const text of [...none, '-9223372036854775809', '99999999999999999999999', '1\0']) t.is(int64(text), null, text);
});

test('any 64-bit integer is read back as it was written, short ones without BigInt', (t) => {
  fc.assert(
    fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (value) => {
      const bytes = Buffer.from(String(value));
      t.is(decodeInt64(bytes, 0, bytes.length), value);
      const small = decodeSmallInteger(bytes, 0, bytes.length);
      t.true(Number.isNaN(small) ? bytes.length > 15 : small === Number(value));
    }),
  );
});

test('a safe integer is written as JavaScript writes it', (t) => {
  const target = new Uint8Array(20);
  const check = (value: number): void => {
    t.is(asciiText(target, 0, encodeInteger(value, target)), String(value));
  };
  for (const value of [0, 1, -1, 9, 10, 99, 100, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER]) check(value);
  fc.assert(fc.property(fc.maxSafeInteger(), check));
});

function sum(...texts: string[]): string {
  let total = 0n;
  for (const text of texts) {
    const bytes = Buffer.from(text);
    const value = decodeFixed(bytes, 0, bytes.length);
    if (typeof value !== 'bigint') return String(value);
    total += value;
  }
  return fixedText(total);
}

test('decimals are added exactly, to 17 digits behind the point', (t) => {
  t.is(sum('0.1', '0.2'), '0.3');
  t.is(sum('10.50', '-0.5'), '10');
  t.is(sum('5.0e3', '200'), '5200');
  t.is(sum('-0.5', '0.5'), '0');
  t.is(sum('1e-17'), '0.00000000000000001');
  t.is(sum('4e-18'), '0');
  t.is(sum('5e-18'), '0.00000000000000001');
  t.is(sum('-1e-999999999'), '0');
  t.is(sum('1e300', '1'), `1${'0'.repeat(299)}1`);
  t.is(sum('.5', '5.', '+1'), '6.5');
});

test('what is no decimal, or beyond a double, is told apart from infinity', (t) => {
  for (const text of ['', '.', 'e5', '1e', '0x10', 'nan', ' 1', '1 ', '1,5', '1e999', '--1'])
    t.is(sum(text), 'null', text);
  for (const text of ['inf', '-INF', '+infinity']) t.is(sum(text), 'infinite', text);
});
