import test from 'ava';
import { Unpackr } from 'msgpackr';
import { FluxCacheError } from '../../../src/client/errors.ts';
import { NestedRequest, RequestEncoder } from '../../../src/client/request-encoder.ts';

const options: object = { useRecords: false, int64AsType: 'auto' };
const unpackr = new Unpackr(options);
const encoder = new RequestEncoder();

function roundTrip(...params: unknown[]): unknown {
  const [method, decoded] = unpackr.unpackMultiple(encoder.encode('set', params)) as [string, unknown];
  return method === 'set' ? decoded : undefined;
}

test('integers of all widths, doubles and bigints arrive as they are', (t) => {
  const numbers = [0, 1, 127, 128, 255, 256, 65_535, 65_536, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1, 1.5, 1e300, 5e-324];
  const all = numbers.flatMap((number) => [number, -number]);
  t.deepEqual(roundTrip(...all), all);
  const big = [2n ** 63n - 1n, -(2n ** 63n), 2n ** 64n - 1n, 2n ** 60n];
  t.deepEqual(roundTrip(...big), big);
  t.deepEqual(roundTrip(-32, -33, 2n), [-32, -33, 2]);
});

test('integers take the form the server reads as integers, of at most nine bytes', (t) => {
  const form = (value: unknown) => encoder.encode('', [value])[2];
  t.is(form(127), 127);
  t.is(form(-1), 0xff);
  t.is(form(128), 0xce);
  t.is(form(-129), 0xd2);
  t.is(form(2 ** 40), 0xcf);
  t.is(form(-(2 ** 40)), 0xd3);
  t.is(form(2.5), 0xcb);
});

test('text and bytes of all lengths around the limits of their forms arrive as they are', (t) => {
  for (const length of [0, 1, 9, 10, 11, 31, 32, 33, 255, 256, 65_535, 65_536, 1_200_000]) {
    const texts = ['x'.repeat(length), 'é'.repeat(length), '\u{1f600}'.repeat(length)];
    const bytes = Buffer.alloc(length, 7);
    const [ascii, latin, emoji, arrived] = roundTrip(...texts, bytes) as [string, string, string, Uint8Array];
    t.true(ascii === texts[0] && latin === texts[1] && emoji === texts[2], `text of ${length}`);
    t.true(bytes.equals(arrived), `bytes of ${length}`);
  }
});

test('documents are what JSON.stringify makes of them', (t) => {
  const document = {
    list: [1, 'a', null, true, [], {}, undefined, () => 1],
    gone: undefined,
    also: Symbol('gone'),
    when: new Date(0),
    nested: { deep: { deeper: [{ x: 1.5 }] } },
    many: Object.fromEntries(Array.from({ length: 40 }, (_, index) => [`name${index}`, index])),
    long: Array.from({ length: 70_000 }, (_, index) => index % 100),
  };
  t.deepEqual(roundTrip(document), [JSON.parse(JSON.stringify(document))]);
});

test('operations of a batch are pairs of a method and its parameters, bytes among them', (t) => {
  const nested = new NestedRequest('set', ['k', new Uint8Array([1])]);
  t.deepEqual(roundTrip(nested), [['set', ['k', Buffer.from([1])]]]);
});

test('what JSON would lose or cannot end is refused, and the encoder goes on', (t) => {
  const cycle: Record<string, unknown> = {};
  cycle['self'] = cycle;
  const refusals: [unknown, string][] = [
    [Number.NaN, 'invalid-argument'],
    [[Number.POSITIVE_INFINITY], 'invalid-argument'],
    [undefined, 'invalid-argument'],
    [() => 1, 'invalid-argument'],
    [new Map(), 'invalid-argument'],
    [{ bytes: new Uint8Array(1) }, 'invalid-argument'],
    [new Float64Array(1), 'invalid-argument'],
    [2n ** 64n, 'invalid-argument'],
    [cycle, 'too-deep'],
  ];
  for (const [value, code] of refusals) {
    t.throws(() => encoder.encode('set', ['k', value]), { instanceOf: FluxCacheError, code });
  }
  t.deepEqual(roundTrip('k', 1), ['k', 1]);
});
