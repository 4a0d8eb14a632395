import test from 'ava';
import { argumentText } from '../../../../src/client/fill/argument-text.ts';
import { wrapped } from '../../../../src/client/fill/wrap.ts';
import { setParams } from '../../../../src/client/operations.ts';

test('the same arguments are the same text, whatever the order of fields and what is not given', (t) => {
  t.is(argumentText([12]), '[12]');
  t.is(argumentText([]), '[]');
  t.is(argumentText(['a', null, true, -0.5]), '["a",null,true,-0.5]');
  t.is(argumentText([{ b: [1], a: { d: 'x', c: 2 } }]), '[{"a":{"c":2,"d":"x"},"b":[1]}]');
  t.is(argumentText([1, undefined]), argumentText([1]));
  t.is(argumentText([{ a: 1, b: undefined }]), argumentText([{ a: 1 }]));
  t.is(argumentText([new Date(0)]), '["1970-01-01T00:00:00.000Z"]');
  t.not(argumentText(['1']), argumentText([1]));
});

test('arguments that JSON would make another of are refused, by name', (t) => {
  class Empty {}
  const cycle: unknown[] = [];
  cycle.push(cycle);
  const all: [unknown, RegExp][] = [
    [new Map([[1, 1]]), /a Map,/],
    [new Set([1]), /a Set,/],
    [new Empty(), /a Empty,/],
    [Uint8Array.of(1), /a Uint8Array,/],
    [Number.NaN, /NaN,/],
    [Number.POSITIVE_INFINITY, /Infinity,/],
    [1n, /a bigint,/],
    [Symbol('s'), /a symbol,/],
    [() => 1, /a function,/],
    [new Date(Number.NaN), /a Date,/],
    [cycle, /contains itself/],
    [[undefined, 1], /undefined,/],
  ];
  for (const [value, message] of all) {
    t.throws(() => argumentText([value]), { code: 'invalid-argument', message });
    t.throws(() => argumentText([{ within: [value] }]), { code: 'invalid-argument', message });
  }
  t.throws(() => argumentText([undefined, 1]), { code: 'invalid-argument' });
});

test('a function is not wrapped without a key of its own', (t) => {
  const client = { getOrSet: () => Promise.reject(new Error('not asked')), delete: () => Promise.resolve(0) };
  for (const options of [undefined, null, {}, { ttl: 1 }, { key: '' }, { key: 7 }]) {
    // As JavaScript may have it.
    t.throws(() => Reflect.apply(wrapped, undefined, [client, () => 1, options]), {
      code: 'invalid-argument',
      message: /^wrap needs the option key/,
    });
  }
  t.throws(() => Reflect.apply(wrapped, undefined, [client, 7, { key: 'a' }]), { code: 'invalid-argument' });
});

test('a text in place of a list of tags is refused, rather than cut into letters', (t) => {
  for (const tags of ['users', 7, { 0: 'a' }, ['a', 7], null]) {
    t.throws(() => Reflect.apply(setParams, undefined, ['key', 'value', { tags }]), {
      code: 'invalid-argument',
      message: /^Option tags must be a list of texts or bytes/,
    });
  }
  t.deepEqual(setParams('key', 'value', { tags: ['users'] }).slice(0, 5), ['key', 'value', 'TAGS', 1, 'users']);
});
