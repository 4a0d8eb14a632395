import test from 'ava';
import { batchBuilder, batchOf } from '../../../src/client/batch.ts';
import { nameOfKey } from '../../../src/client/key-name.ts';
import { keysWritten } from '../../../src/client/keys-written.ts';
import { operations } from '../../../src/client/operations.ts';

test('the keys that an operation may change are told, all of them, or that they are not known', (t) => {
  t.deepEqual(keysWritten(operations.set('k', 'v')), ['k']);
  t.deepEqual(keysWritten(operations.delete(['a', 'b'])), ['a', 'b']);
  t.deepEqual(keysWritten(operations.deleteIfVersion('a', 3)), ['a']);
  t.deepEqual(keysWritten(operations.mset({ a: 'x', b: 'y' })), ['a', 'b']);
  t.deepEqual(keysWritten(operations.call('RENAME', ['a', 'b'])), ['a', 'b']);
  t.deepEqual(keysWritten(operations.publish('channel', 'text')), []);
  t.is(keysWritten(operations.call('flushall', [])), null);
  t.is(keysWritten(operations.call('invalidate', ['tag'])), null);
});

test('of a batch they are those of all its operations', (t) => {
  const { set, mset, delete: remove, get } = batchBuilder;
  t.deepEqual(keysWritten(batchOf([set('a', 1), mset({ b: 1, c: 2 }), remove(['d']), get('e')])), [
    ...['a', 'b', 'c', 'd', 'e'],
  ]);
  for (const [method, ...words] of [
    ['flushdb'],
    ['flushall', 'ASYNC'],
    ['invalidate', 'tag'],
    ['delmatch', 'a*'],
  ] as const)
    t.is(keysWritten(batchOf([set('a', 1), batchBuilder.call(method, words)])), null);
});

test('text and the bytes of it are one key', (t) => {
  for (const text of ['', 'a', 'käse', '🧀', '\u0000\u007f']) t.is(nameOfKey(text), nameOfKey(Buffer.from(text)));
  t.not(nameOfKey('ä'), nameOfKey(Buffer.from('ä', 'latin1')));
});
