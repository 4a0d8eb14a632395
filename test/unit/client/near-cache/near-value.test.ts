import test from 'ava';
import { bytesOfValue, copyOfValue } from '../../../../src/client/near-cache/near-value.ts';

test('a copy equals the value and shares nothing with it that can be changed', (t) => {
  const value = {
    text: 'a text that is longer than thirteen units, é \u{1f600}',
    short: 'é',
    list: [1, 2.5, null, true, 2n ** 60n, { deep: [] }],
    bytes: Uint8Array.of(1, 2, 3),
  };
  for (const detached of [true, false]) {
    const copy = copyOfValue(value, detached) as typeof value;
    t.deepEqual(copy, value);
    t.not(copy, value);
    t.not(copy.list, value.list);
    t.not(copy.list[5], value.list[5]);
    t.not(copy.bytes, value.bytes);
  }
});

test('a member named __proto__ stays a member', (t) => {
  const value: unknown = JSON.parse('{"__proto__": {"isAdmin": true}, "a": 1}');
  const copy = copyOfValue(value, true) as Record<string, unknown>;
  t.deepEqual(Object.keys(copy), ['__proto__', 'a']);
  t.is(copy['isAdmin'], undefined);
  t.is(Object.getPrototypeOf(copy), Object.prototype);
});

test('what a value takes grows with all that is in it', (t) => {
  t.true(bytesOfValue('x'.repeat(1000)) >= 1000);
  t.true(bytesOfValue(new Uint8Array(1000)) >= 1000);
  t.true(bytesOfValue({ a: 'x'.repeat(1000), b: ['y'.repeat(1000)] }) >= 2000);
  t.true(bytesOfValue(null) > 0 && bytesOfValue(1) > 0 && bytesOfValue(1n) > 0);
});
