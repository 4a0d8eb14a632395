import test from 'ava';
import fc from 'fast-check';
import {
  addressOfKey,
  isSameKey,
  keyBytes,
  keyOfAddress,
  keyOfListed,
  keyPath,
  lineOf,
} from '../../../../src/monitoring/dashboard/page/key-text.js';

test('what would be invisible or turn the direction of a line is spelt out', (t) => {
  t.is(lineOf('a\nb\tc\u0000\u202edcba\u200b'), 'a\\nb\\tc\\u{0}\\u{202e}dcba\\u{200b}');
  t.is(lineOf('Grüße 東京 🙂'), 'Grüße 東京 🙂');
});

test('a long key loses its middle and keeps its ends', (t) => {
  const line = lineOf(`begin${'x'.repeat(1000)}end`, 80);
  t.true(line.startsWith('begin') && line.endsWith('end') && line.length < 85);
});

test('a path names every key that an address can name, and no other', (t) => {
  t.is(keyPath({ key: 'a/b c?#%' }), '/v1/keys/a%2Fb%20c%3F%23%25');
  t.is(keyPath({ key: '\\xff', key64: '/w==' }), '/v1/keys/%FF');
  t.is(keyPath({ key: '..' }), null);
  t.is(keyPath({ key: '.' }), null);
  t.is(keyPath({ key: '' }), null);
  t.is(keyPath({ key: 'beginning', shortened: true }), null);
});

test('paths hold the bytes of their keys, whatever these are', (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 40 }), (bytes) => {
      const name = keyOfListed({ base64: Buffer.from(bytes).toString('base64') });
      const path = new URL(keyPath(name) ?? '', 'http://node').pathname.slice('/v1/keys/'.length);
      const decoded = path.replace(/%([0-9A-F]{2})/g, (_, digits: string) =>
        String.fromCharCode(Number.parseInt(digits, 16)),
      );
      // Dots cannot be kept from being taken for folders, whoever writes them.
      if (!/^\.{1,2}$/.test(Buffer.from(bytes).toString('latin1')))
        t.is(decoded, Buffer.from(bytes).toString('latin1'));
      t.deepEqual(keyBytes(name), bytes);
    }),
  );
});

test('a key is known again by its address', (t) => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', minLength: 1 }), (key) => {
      t.true(isSameKey({ key }, keyOfAddress(addressOfKey({ key }))));
    }),
  );
  const binary = keyOfListed({ base64: 'AP8QYWJj' });
  t.is(binary.key, '\\x00\\xff\\x10abc');
  t.true(isSameKey(binary, keyOfAddress(addressOfKey(binary))));
});

test('a mangled address means no key', (t) => {
  for (const address of ['', 't:', 't:%E0%A4%A', 'b:***', 'x:key']) t.is(keyOfAddress(address), null, address);
});

test('a key of bytes is another one than the text that shows it', (t) => {
  t.false(isSameKey({ key: '\\xff' }, { key: '\\xff', key64: '/w==' }));
});
