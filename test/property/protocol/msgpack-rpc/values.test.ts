import test from 'ava';
import fc from 'fast-check';
import { Packr, Unpackr } from 'msgpackr';
import { numberAt, skipValue } from '../../../../src/base/msgpack-wire.ts';
import { ValueWriter } from '../../../../src/base/msgpack-writer.ts';
import { ArgsBuilder } from '../../../../src/protocol/http/args-builder.ts';
import { DocumentText } from '../../../../src/protocol/msgpack-rpc/document-text.ts';
import { DocumentValue } from '../../../../src/protocol/msgpack-rpc/document-value.ts';
import { MessageScanner, Scan } from '../../../../src/protocol/msgpack-rpc/message-scanner.ts';
import { testScale } from '../../../scale.ts';

const packr = new Packr({ useRecords: false, variableMapSize: true });
/** Maps as maps: a name of `__proto__` is kept. */
const unpackr = new Unpackr({ useRecords: false, mapsAsObjects: false });
const numRuns = 500 * testScale;

/** JSON values with names of all kinds, as JavaScript's own functions have them. */
const json = fc.jsonValue({ maxDepth: 6, stringUnit: 'binary' });

function plain(value: unknown): unknown {
  if (value instanceof Map) return Object.fromEntries([...value].map(([name, member]) => [name, plain(member)]));
  if (Array.isArray(value)) return value.map(plain);
  return typeof value === 'bigint' ? Number(value) : value;
}

test('the JSON text of a value of MessagePack is that of the value', (t) => {
  const text = new DocumentText(1 << 20);
  const builder = new ArgsBuilder();
  fc.assert(
    fc.property(json, (value) => {
      const bytes = packr.pack(value);
      builder.clear(0);
      if (text.append(bytes, 0, builder) !== null) return false;
      const written = Buffer.from(builder.bytes.subarray(0, builder.length)).toString();
      t.deepEqual(JSON.parse(written), JSON.parse(JSON.stringify(value)));
      return true;
    }),
    { numRuns },
  );
});

test('the MessagePack value of a JSON text is that of the text, however it is laid out', (t) => {
  const writer = new ValueWriter();
  const document = new DocumentValue();
  fc.assert(
    fc.property(json, fc.constantFrom(0, 1, 4), fc.nat({ max: 5 }), (value, indent, before) => {
      const text = Buffer.from(`${'x'.repeat(before)}${JSON.stringify(value, null, indent)}"]}`);
      writer.clear();
      document.write(text, before, text.length - 3, writer);
      t.deepEqual(plain(unpackr.unpack(writer.copy())), JSON.parse(JSON.stringify(value)));
    }),
    { numRuns },
  );
});

test('integers of 64 bits keep all their digits both ways', (t) => {
  const writer = new ValueWriter();
  const document = new DocumentValue();
  const text = new DocumentText(1 << 20);
  const builder = new ArgsBuilder();
  const integer = fc.oneof(
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n }),
    fc.integer({ min: 0, max: 63 }).chain((bits) => fc.constantFrom(2n ** BigInt(bits), 2n ** BigInt(bits) - 1n)),
    fc.integer({ min: 0, max: 63 }).chain((bits) => fc.constantFrom(-(2n ** BigInt(bits)), 1n - 2n ** BigInt(bits))),
  );
  fc.assert(
    fc.property(integer, (value) => {
      writer.clear();
      writer.int64(value);
      t.is(BigInt(unpackr.unpack(writer.copy()) as number), value);
      t.is(BigInt(numberAt(writer.bytes, 0)), value);
      t.is(skipValue(writer.bytes, 0), writer.length);
      builder.clear(0);
      t.is(text.append(writer.bytes, 0, builder), null);
      t.is(Buffer.from(builder.bytes.subarray(0, builder.length)).toString(), String(value));
      const before = writer.copy();
      writer.clear();
      document.write(builder.bytes, 0, builder.length, writer);
      t.deepEqual(writer.copy(), before);
    }),
    { numRuns },
  );
});

test('doubles are read and written as they are', (t) => {
  const writer = new ValueWriter();
  fc.assert(
    fc.property(fc.double(), (value) => {
      writer.clear();
      writer.double(value);
      t.is(unpackr.unpack(writer.copy()), value);
      t.is(numberAt(writer.bytes, 0), value);
    }),
    { numRuns },
  );
});

test('a message ends where it ends, wherever it is cut', (t) => {
  const scanner = new MessageScanner(1 << 20);
  fc.assert(
    fc.property(json, fc.nat(), fc.nat({ max: 9 }), (value, cut, behind) => {
      const message = packr.pack([0, 1, 'm', [value]]);
      const bytes = Buffer.concat([message, Buffer.alloc(behind, 0xc1)]);
      scanner.begin();
      t.is(scanner.scan(bytes, 0, cut % message.length), Scan.incomplete);
      t.is(scanner.scan(bytes, 0, bytes.length), message.length);
      t.false(scanner.hasExt || scanner.isTooDeep);
    }),
    { numRuns },
  );
});
