import test from 'ava';
import { nameKey } from '../../../src/base/key-name.ts';
import { PREFIX_BYTES_MAX, prefixEnd } from '../../../src/base/key-prefix.ts';

const prefixOf = (key: string, separator = ':'): string => {
  const bytes = Buffer.from(`::${key}::`);
  return bytes.toString('utf8', 2, prefixEnd(bytes, 2, bytes.length - 2, Buffer.from(separator)));
};

test('the prefix of a key ends with the first separator, and is nothing without one', (t) => {
  t.is(prefixOf('user:42:name'), 'user:');
  t.is(prefixOf('user'), '');
  t.is(prefixOf(':x'), ':');
  t.is(prefixOf(''), '');
  t.is(prefixOf('a->b->c', '->'), 'a->');
  t.is(prefixOf('a-', '->'), '');
  t.is(prefixOf('é/è', '/'), 'é/');
});

test('a prefix that is too long is none', (t) => {
  t.is(prefixOf(`${'p'.repeat(PREFIX_BYTES_MAX - 1)}:x`).length, PREFIX_BYTES_MAX);
  t.is(prefixOf(`${'p'.repeat(PREFIX_BYTES_MAX)}:x`), '');
});

test('a key that is no UTF-8 is named by its bytes, and can be told from one that looks like it', (t) => {
  t.deepEqual(nameKey(Buffer.from('<img src=x>é')), { key: '<img src=x>é' });
  t.deepEqual(nameKey(Buffer.from([0x61, 0xff, 0x5c, 0x0a])), { key: 'a\\xff\\x5c\\x0a', key64: 'Yf9cCg==' });
});
