import test from 'ava';
import { ConnectionError } from '../../../src/client/errors.ts';
import { ResponseDecoder } from '../../../src/client/response-decoder.ts';
import { packed } from '../../scripted-rpc-server.ts';

const LIMIT = 1000;
const MALFORMED = { instanceOf: ConnectionError, code: 'malformed-response' };

function decoderOf(...bytes: number[]): ResponseDecoder {
  const decoder = new ResponseDecoder(LIMIT);
  decoder.push(Uint8Array.from(bytes));
  return decoder;
}

test('responses and notifications are told apart', (t) => {
  const decoder = new ResponseDecoder(LIMIT);
  decoder.push(
    Buffer.concat([packed([1, 7, null, 'x']), packed([2, 'message', ['c', 'p']]), packed([1, null, 'e', null])]),
  );
  t.deepEqual(decoder.next(), { kind: 'response', id: 7, error: null, result: 'x' });
  t.deepEqual(decoder.next(), { kind: 'notification', method: 'message', params: ['c', 'p'] });
  t.deepEqual(decoder.next(), { kind: 'response', id: null, error: 'e', result: null });
  t.is(decoder.next(), null);
});

test('integers are numbers where these are exact, else bigints; bytes are plain and not shared with what arrived', (t) => {
  const chunk = Buffer.concat([
    Buffer.from([0x94, 1, 1, 0xc0, 0x93]),
    Buffer.from([0xcf, 0, 0, 1, 0, 0, 0, 0, 0]),
    Buffer.from([0xcf, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
    Buffer.from([0xc4, 2, 5, 6]),
  ]);
  const decoder = new ResponseDecoder(LIMIT);
  decoder.push(new Uint8Array(chunk));
  const message = decoder.next();
  const result = message?.kind === 'response' ? message.result : undefined;
  t.deepEqual(result, [2 ** 40, 2n ** 63n - 1n, Uint8Array.from([5, 6])]);
  t.is((result as Uint8Array[])[2]?.buffer.byteLength, 2);
});

test('a member named __proto__ is one like any other', (t) => {
  const decoder = new ResponseDecoder(LIMIT);
  const document = JSON.parse('{"__proto__":{"polluted":1},"list":[{"__proto__":2}]}') as Record<string, unknown>;
  const text = Buffer.from('__proto__');
  const map = Buffer.concat([
    Buffer.from([0x82, 0xd9, 9]),
    text,
    packed({ polluted: 1 }),
    packed('list'),
    Buffer.from([0x91, 0x81, 0xa9]),
    text,
    Buffer.from([2]),
  ]);
  decoder.push(Buffer.concat([Buffer.from([0x94, 1, 1, 0xc0]), map, packed([1, 2, null, { plain: 1 }])]));
  const message = decoder.next();
  const result = message?.kind === 'response' ? (message.result as Record<string, unknown>) : {};
  t.is(JSON.stringify(result), JSON.stringify(document));
  t.is(Object.getPrototypeOf(result), Object.prototype);
  t.is(({} as Record<string, unknown>)['polluted'], undefined);
  t.deepEqual(decoder.next(), { kind: 'response', id: 2, error: null, result: { plain: 1 } });
});

test('extension types, the byte that is none, and messages that are no responses are refused', (t) => {
  const all = [
    [0xc1],
    [0x94, 1, 1, 0xc0, 0xd4, 0x72, 0],
    [0x94, 1, 1, 0xc0, 0xc7, 0, 1],
    [0x94, 0, 1, 0xc0, 0xc0],
    [0x93, 1, 1, 0xc0],
    [0x93, 2, 1, 0x90],
    [0x94, 1, 0xa1, 0x61, 0xc0, 0xc0],
    [0x05],
  ];
  for (const bytes of all) t.throws(() => decoderOf(...bytes).next(), MALFORMED);
});

test('what only declares to be over the limit is refused at once: text, bytes, arrays and maps', (t) => {
  const headers = [
    [0xdb, 0xff, 0xff, 0xff, 0xff],
    [0xc6, 0, 0, 0x04, 0],
    [0xdd, 0xff, 0xff, 0xff, 0xff],
    [0xdf, 0, 0, 0x02, 0],
    [0xda, 0x03, 0xe8],
  ];
  for (const header of headers) t.throws(() => decoderOf(0x94, 1, 1, 0xc0, ...header).next(), MALFORMED);
});

test('a message over the limit in all is refused before it is complete, one at the limit is read', (t) => {
  const decoder = new ResponseDecoder(LIMIT);
  const right = packed([1, 1, null, 'x'.repeat(LIMIT - 7)]);
  t.is(right.length, LIMIT);
  decoder.push(right);
  t.like(decoder.next(), { id: 1 });
  decoder.push(packed([1, 1, null, ['x'.repeat(600), 'y'.repeat(600)]]).subarray(0, 700));
  t.throws(() => decoder.next(), MALFORMED);
});

test('nesting is refused beyond its limit', (t) => {
  const nested = (depth: number) => [0x94, 1, 1, 0xc0, ...new Array(depth).fill(0x91), 0xc0];
  t.notThrows(() => decoderOf(...nested(191)).next());
  t.throws(() => decoderOf(...nested(192)).next(), MALFORMED);
});
