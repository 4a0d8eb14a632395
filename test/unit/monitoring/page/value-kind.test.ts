import test from 'ava';
import fc from 'fast-check';
import {
  hexRows,
  isNumberText,
  textOf,
  valueKind,
  viewsOf,
} from '../../../../src/monitoring/dashboard/page/value-kind.js';

const encoder = new TextEncoder();

test('the Content-Type and the bytes tell what a value is', (t) => {
  const kind = (contentType: string, text: string): string => valueKind(contentType, encoder.encode(text), true);
  t.is(kind('application/json', '{"a":1}'), 'json');
  t.is(kind('application/json', '42'), 'number');
  t.is(kind('application/vnd.api+json; charset=utf-8', '[]'), 'json');
  t.is(kind('text/plain; charset=utf-8', 'hello'), 'text');
  t.is(kind('text/html', '<b>'), 'text');
  t.is(kind('image/svg+xml', '<svg/>'), 'bytes');
  t.is(kind('application/xml', '<a/>'), 'text');
  t.is(kind('application/octet-stream', 'hello'), 'bytes');
  t.is(valueKind('text/plain', Uint8Array.of(0xff), true), 'bytes');
});

test('a number is what the store would write for it', (t) => {
  for (const text of ['0', '-7', '9223372036854775807', '2.5', '1e+21', '-0.125']) t.true(isNumberText(text), text);
  for (const text of ['', '01', '-0', '+1', '2.50', '1e3', 'NaN', 'Infinity', ' 1', '1_000']) {
    t.false(isNumberText(text), text);
  }
});

test('the beginning of a value may end within a character; a whole value may not', (t) => {
  const bytes = encoder.encode('aé').subarray(0, 2);
  t.is(textOf(bytes, false), 'a');
  t.is(textOf(bytes, true), null);
});

test('a value is shown in the way that fits it best first', (t) => {
  t.deepEqual(viewsOf('json', encoder.encode('{"a":1}'), true), ['json', 'text', 'hex']);
  t.deepEqual(viewsOf('json', encoder.encode('{"a":'), false), ['text', 'hex']);
  t.deepEqual(viewsOf('text', encoder.encode('{"a":1}'), true), ['text', 'json', 'hex']);
  t.deepEqual(viewsOf('text', encoder.encode('hello'), true), ['text', 'hex']);
  t.deepEqual(viewsOf('bytes', Uint8Array.of(0xff, 0), true), ['hex']);
});

test('rows of bytes hold all bytes, and end below each other', (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 70 }), (bytes) => {
      const rows = hexRows(bytes);
      t.is(rows.map(({ hex }) => hex.replaceAll(' ', '')).join(''), Buffer.from(bytes).toString('hex'));
      t.true(rows.every(({ hex }) => hex.length === 48));
    }),
  );
  t.deepEqual(hexRows(encoder.encode('Hi\n')), [{ offset: '00000000', hex: '48 69 0a'.padEnd(48), text: 'Hi.' }]);
});
