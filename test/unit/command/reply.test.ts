import test from 'ava';
import fc from 'fast-check';
import { ValueType } from '../../../src/base/view.ts';
import { ReplyKind, ReplyReader, ReplyWriter } from '../../../src/command/reply.ts';
import { ErrorReply, readValue, type Value } from '../../command-runner.ts';

const leaf: fc.Arbitrary<Value> = fc.oneof(
  fc.constant(null),
  fc.boolean(),
  fc.maxSafeInteger(),
  fc.bigInt({ min: 2n ** 53n, max: 2n ** 63n - 1n }),
  fc.string(),
  fc.string({ maxLength: 10 }).map((text) => new ErrorReply(text)),
);
const value = fc.letrec<{ value: Value }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    leaf,
    fc.array(tie('value')),
    fc.array(fc.tuple(fc.string(), tie('value'))).map((pairs) => new Map(pairs)),
  ),
})).value;

function write(reply: ReplyWriter, part: Value): void {
  if (part === null) reply.null();
  else if (typeof part === 'boolean') reply.boolean(part);
  else if (typeof part === 'number') reply.integer(part);
  else if (typeof part === 'bigint') reply.int64(part);
  else if (typeof part === 'string') reply.bulkText(part);
  else if (part instanceof ErrorReply) reply.error('bad-request', part.text);
  else if (part instanceof Map) {
    reply.map(part.size);
    for (const [key, member] of part) {
      write(reply, key);
      write(reply, member);
    }
  } else {
    const parts = part as readonly Value[];
    reply.array(parts.length);
    for (const element of parts) write(reply, element);
  }
}

/** As `readValue` shows it: bulks as latin1, errors with their prefix. */
function shown(part: Value): Value {
  if (typeof part === 'string') return Buffer.from(part).toString('latin1');
  if (part instanceof ErrorReply) return new ErrorReply(`ERR ${Buffer.from(part.text).toString()}`);
  if (part instanceof Map) return new Map([...part].map(([key, member]) => [shown(key), shown(member)]));
  return Array.isArray(part) ? part.map(shown) : part;
}

test('what is written to a reply is read from it, whatever was in the buffer before', (t) => {
  const reply = new ReplyWriter(8192);
  const reader = new ReplyReader();
  fc.assert(
    fc.property(value, fc.option(fc.tuple(fc.maxSafeNat(), fc.boolean())), (whole, attribute) => {
      reply.clear();
      if (attribute !== null) reply.attribute(...attribute);
      write(reply, whole);
      reader.openWritten(reply);
      t.is(reader.version, attribute?.[0] ?? 0);
      t.is(reader.created, attribute?.[1] ?? false);
      t.deepEqual(readValue(reader), shown(whole));
      t.true(reader.done);
    }),
  );
});

test('a part can be stepped over and copied whole into another reply', (t) => {
  fc.assert(
    fc.property(value, value, (first, second) => {
      const reply = new ReplyWriter();
      reply.array(2);
      write(reply, first);
      write(reply, second);
      const reader = new ReplyReader();
      reader.openWritten(reply);
      reader.next();
      reader.skip();
      const copy = new ReplyWriter();
      copy.part(reply.bytes, reader.nextStart, reply.length);
      const copied = new ReplyReader();
      copied.openWritten(copy);
      t.deepEqual(readValue(copied), shown(second));
      reader.next();
      t.deepEqual(readValue(reader), shown(second));
    }),
  );
});

test('a value is read from any place in a buffer', (t) => {
  const reply = new ReplyWriter();
  const at = reply.bulkOf(ValueType.json, 3);
  reply.bytes.set(Buffer.from('[1]'), at);
  const shared = new Uint8Array(new SharedArrayBuffer(100));
  shared.set(reply.bytes.subarray(0, reply.length), 37);
  const reader = new ReplyReader();
  t.is(reader.open(shared, 37, 37 + reply.length), ReplyKind.bulk);
  t.is(reader.type, ValueType.json);
  t.is(reader.text, '[1]');
});

test('a large reply does not keep its memory', (t) => {
  const reply = new ReplyWriter(10_000);
  reply.bulkOf(ValueType.string, 1_000_000);
  reply.clear();
  t.true(reply.bytes.length <= 10_000);
});

test('text is inserted in front of parts that are written', (t) => {
  const reply = new ReplyWriter();
  reply.array(2);
  const at = reply.length;
  reply.bulkText('x'.repeat(4090));
  reply.insertText(at, '123');
  const reader = new ReplyReader();
  reader.openWritten(reply);
  t.deepEqual(readValue(reader), ['123', 'x'.repeat(4090)]);
});

test('a part of one byte is written where the buffer grows for it', (t) => {
  const reply = new ReplyWriter();
  const before = reply.bytes.length;
  for (let count = 0; count < before; count++) reply.boolean(false);
  reply.boolean(true);
  t.true(reply.bytes.length > before);
  t.is(reply.bytes[before], ReplyKind.true);
});

test('a reply takes what its limit has room for, and its buffer is never larger', (t) => {
  const reply = new ReplyWriter();
  reply.limit(100_000);
  reply.array(2);
  reply.bulk(ValueType.bytes, new Uint8Array(60_000), 0, 60_000);
  const before = reply.length;
  t.throws(() => reply.bulkOf(ValueType.bytes, 40_000), { message: /more than 100000 bytes/ });
  t.is(reply.length, before);
  reply.bulkText('x'.repeat(reply.room - 6));
  t.is(reply.length, 100_000);
  t.is(reply.bytes.length, 100_000);
  t.throws(() => reply.null(), { message: /more than 100000 bytes/ });
  reply.clear();
  // An error has room, however much is written elsewhere.
  reply.limit(100_000, 200_000);
  reply.error('request-too-large', 'x'.repeat(300));
});
