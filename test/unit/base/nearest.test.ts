import test from 'ava';
import { isLoopback } from '../../../src/base/addresses.ts';
import { nearest } from '../../../src/base/nearest.ts';

const NAMES = ['httpPort', 'maxMemory', 'maxKey', 'shards'];

test('slips of one or two letters and other spellings find their name', (t) => {
  const found = ['httpPrt', 'htpt-port', 'HTTP_PORT', 'max_memmory', 'shard', 'maxkye'].map((name) =>
    nearest(name, NAMES),
  );
  t.deepEqual(found, ['httpPort', 'httpPort', 'httpPort', 'maxMemory', 'shards', 'maxKey']);
});

test('a beginning of three letters or more finds the shortest name that begins so', (t) => {
  t.is(nearest('--trunc', ['--salvage', '--truncate-all', '--truncate', '--help']), '--truncate');
  t.is(nearest('--tr', ['--truncate']), undefined);
});

test('what is far from every name finds none', (t) => {
  for (const name of ['', 'x', 'colour', 'a'.repeat(100_000)]) t.is(nearest(name, NAMES), undefined);
});

test('loopback names and addresses are told from all others', (t) => {
  for (const host of [
    'localhost',
    'LOCALHOST',
    'localhost.',
    'a.localhost',
    '127.0.0.1',
    '127.255.0.9',
    '::1',
    '[::1]',
    '::ffff:127.0.0.1',
  ]) {
    t.true(isLoopback(host), host);
  }
  for (const host of [
    '',
    '0.0.0.0',
    '::',
    '128.0.0.1',
    '127.0.0.256',
    '127.0.0.1.evil.example',
    'localhost.evil.example',
    '10.127.0.0.1',
    '127.1',
  ]) {
    t.false(isLoopback(host), host);
  }
});
