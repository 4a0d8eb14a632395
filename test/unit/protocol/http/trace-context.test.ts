import test from 'ava';
import fc from 'fast-check';
import { decodeTraceparent } from '../../../../src/protocol/http/trace-context.ts';

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
const spanId = '00f067aa0ba902b7';

test('the example of the specification is read as it says', (t) => {
  t.deepEqual(decodeTraceparent(`00-${traceId}-${spanId}-01`), { traceId, spanId, flags: '01' });
  t.deepEqual(decodeTraceparent(`00-${traceId}-${spanId}-00`), { traceId, spanId, flags: '00' });
});

test('a later version is read as far as it is known, whatever follows', (t) => {
  t.deepEqual(decodeTraceparent(`01-${traceId}-${spanId}-01`), { traceId, spanId, flags: '01' });
  t.deepEqual(decodeTraceparent(`cc-${traceId}-${spanId}-ff-what the future will be like`), {
    traceId,
    spanId,
    flags: '01',
  });
});

for (const [what, text] of [
  ['no header', ''],
  ['another version than a header may have', `ff-${traceId}-${spanId}-01`],
  ['a trace of zeros', `00-${'0'.repeat(32)}-${spanId}-01`],
  ['a span of zeros', `00-${traceId}-${'0'.repeat(16)}-01`],
  ['capital letters', `00-${traceId.toUpperCase()}-${spanId}-01`],
  ['letters that are no digits', `00-${traceId.replace('4', 'g')}-${spanId}-01`],
  ['a short trace', `00-${traceId.slice(1)}-${spanId}-01`],
  ['a long span', `00-${traceId}-${spanId}0-01`],
  ['no flags', `00-${traceId}-${spanId}`],
  ['one digit of flags', `00-${traceId}-${spanId}-1`],
  ['more than version 00 has', `00-${traceId}-${spanId}-01-more`],
  ['more of a later version without a hyphen', `01-${traceId}-${spanId}-01more`],
  ['a space in front', ` 00-${traceId}-${spanId}-01`],
  ['a line behind', `00-${traceId}-${spanId}-01\n`],
  ['two headers in one', `00-${traceId}-${spanId}-01,00-${traceId}-${spanId}-01`],
] as const) {
  test(`${what} is no trace`, (t) => t.is(decodeTraceparent(text), null));
}

test('any trace is read back, and one character more, less or changed for no digit is none', (t) => {
  const hex = (digits: number): fc.Arbitrary<string> =>
    fc.string({ unit: fc.constantFrom(...'0123456789abcdef'), minLength: digits, maxLength: digits });
  const isZero = (text: string): boolean => /^0+$/.test(text);
  fc.assert(
    fc.property(hex(32), hex(16), hex(2), fc.nat(54), (trace, span, flags, at) => {
      fc.pre(!isZero(trace) && !isZero(span));
      const text = `00-${trace}-${span}-${flags}`;
      t.deepEqual(decodeTraceparent(text), { traceId: trace, spanId: span, flags });
      for (const between of ['x0', 'x', '']) {
        t.is(decodeTraceparent(`${text.slice(0, at)}${between}${text.slice(at + 1)}`), null);
      }
    }),
  );
});
