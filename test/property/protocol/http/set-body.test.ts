import test from 'ava';
import fc from 'fast-check';
import { ValueType } from '../../../../src/base/view.ts';
import { ArgsBuilder } from '../../../../src/protocol/http/args-builder.ts';
import { BodyFields, Field, setFields } from '../../../../src/protocol/http/body-fields.ts';
import { JsonScanner } from '../../../../src/protocol/http/json-scanner.ts';
import { testScale } from '../../../scale.ts';

/** Node.js 20 types know no String.prototype.isWellFormed. */
const isWellFormed = (text: string): boolean => !/\p{Surrogate}/u.test(text);

/**
 * The scanner of bodies against JSON.parse: what one takes the other takes, and they read the same. JSON.parse is more
 * lenient in three things, which the reference makes up for: fields given twice, unknown fields, and half surrogates.
 */

const limits = { keyBytesMax: 65_535, valueBytesMax: 1 << 20, jsonDepthMax: 128, batchOperationsMax: 10 };
const scanner = new JsonScanner(limits.jsonDepthMax);
const builder = new ArgsBuilder();
const fields = new BodyFields(limits);

interface Read {
  readonly key: string | undefined;
  readonly value: string | undefined;
  readonly type: string | undefined;
  readonly ttlMs: number;
  readonly nx: boolean;
}

function scan(bytes: Uint8Array): Read | null {
  builder.clear(bytes.length);
  scanner.open(bytes, 0, bytes.length);
  if (!fields.readBody(scanner, builder, setFields)) return null;
  const text = (start: number, end: number): string => Buffer.from(builder.bytes.subarray(start, end)).toString('utf8');
  const hasValue = (fields.seen & Field.value) !== 0;
  const names = Object.entries(ValueType).find(([, type]) => type === fields.valueType);
  return {
    key: (fields.seen & Field.key) !== 0 ? text(fields.keyStart, fields.keyEnd) : undefined,
    value: hasValue ? text(fields.valueStart, fields.valueEnd) : undefined,
    type: hasValue ? names?.[0] : undefined,
    ttlMs: fields.ttlMs,
    nx: fields.nx,
  };
}

/** The same by way of JSON.parse, for texts without nested names that are given twice. */
function reference(text: string): Read | null {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) return null;
  const object = parsed as Record<string, unknown>;
  if (Object.keys(object).some((name) => !['key', 'value', 'ttl', 'nx', 'xx', 'ifVersion'].includes(name))) return null;
  const { key, value, ttl, nx, xx, ifVersion } = object;
  if ('key' in object && (typeof key !== 'string' || key === '' || !isWellFormed(key))) return null;
  if (typeof value === 'string' && !isWellFormed(value)) return null;
  if (typeof value === 'number' && !Number.isFinite(value)) return null;
  if ('ttl' in object && ttl !== null && !(typeof ttl === 'number' && ttl > 0 && ttl <= 1e11)) return null;
  for (const flag of ['nx', 'xx']) if (flag in object && typeof object[flag] !== 'boolean') return null;
  const isVersion = Number.isInteger(ifVersion) && (ifVersion as number) >= 1 && (ifVersion as number) < 2 ** 48;
  if ('ifVersion' in object && ifVersion !== null && !isVersion) return null;
  if (Number(nx === true) + Number(xx === true) + Number(isVersion) > 1) return null;
  const hasValue = 'value' in object;
  const type = typeof value === 'string' ? 'string' : typeof value === 'number' ? 'number' : 'json';
  return {
    key: key as string | undefined,
    value: !hasValue ? undefined : typeof value === 'string' ? value : JSON.stringify(value),
    type: hasValue ? type : undefined,
    ttlMs: typeof ttl === 'number' ? Math.max(1, Math.round(ttl * 1000)) : 0,
    nx: nx === true,
  };
}

/** As `scan` reports it, but with values in the one form that JSON.stringify has. */
function comparable(read: Read | null): Read | null {
  if (read?.value === undefined || read.type === 'string') return read;
  return { ...read, value: JSON.stringify(JSON.parse(read.value)) };
}

const bodies = fc
  .record(
    {
      key: fc.oneof(fc.string({ unit: 'binary', minLength: 1 }), fc.string(), fc.integer(), fc.constant('__proto__')),
      value: fc.oneof(fc.jsonValue(), fc.string({ unit: 'binary' }), fc.double({ noNaN: true }), fc.maxSafeInteger()),
      ttl: fc.oneof(fc.double({ noNaN: true }), fc.constant(null), fc.integer({ min: -5, max: 100 }), fc.string()),
      nx: fc.oneof(fc.boolean(), fc.constant(1)),
      xx: fc.boolean(),
      ifVersion: fc.oneof(fc.integer({ min: -1, max: 5 }), fc.double(), fc.constant(null)),
      more: fc.integer(),
    },
    { requiredKeys: ['key', 'value'] },
  )
  .filter((body) => !('more' in body) || body.more % 4 === 0);

/** JSON text with the white space and escapes that JSON.stringify never writes. */
const texts = fc.tuple(bodies, fc.constantFrom('', ' ', '\n\t '), fc.boolean()).map(([body, space, isEscaped]) => {
  const text = JSON.stringify(body, null, space);
  return isEscaped
    ? text.replaceAll(/[^\x20-\x7e\n\t]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
    : text;
});

test('a well-formed body is read as JSON.parse reads it', (t) => {
  fc.assert(
    fc.property(texts, (text) => {
      // What is not well-formed has no UTF-8: Buffer would change it before either reads it.
      fc.pre(isWellFormed(text));
      t.deepEqual(comparable(scan(Buffer.from(text))), reference(text));
    }),
    { numRuns: 2000 * testScale },
  );
});

test('a body with a byte changed, cut or added is taken or refused as by JSON.parse', (t) => {
  const edits = fc.record({
    at: fc.nat(),
    byte: fc.oneof(fc.constantFrom(...'{}[]",:\\ue0-+.tfn \n'), fc.string({ minLength: 1, maxLength: 1 })),
    cut: fc.nat(2),
  });
  fc.assert(
    fc.property(texts, edits, (text, { at, byte, cut }) => {
      const index = at % (text.length + 1);
      const edited = text.slice(0, index) + byte + text.slice(index + cut);
      fc.pre(isWellFormed(edited));
      const expected = reference(edited);
      const read = scan(Buffer.from(edited));
      // JSON.parse takes a name that is given twice, and then the last; the scanner refuses it, or before that the first.
      if (read === null && /"(\w+)"\s*:.*"\1"\s*:/s.test(edited)) return;
      t.deepEqual(comparable(read), expected);
    }),
    { numRuns: 3000 * testScale },
  );
});

test('whatever the bytes, the scanner ends with an answer and a reason', (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      if (scan(bytes) === null) t.truthy(fields.refusal?.detail);
    }),
    { numRuns: 2000 * testScale },
  );
});

test('integers keep all their digits up to 64 bits, and become doubles beyond', (t) => {
  fc.assert(
    fc.property(fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n }), (integer) => {
      const read = scan(Buffer.from(`{"key":"a","value":${integer}}`));
      const fits = integer >= -(2n ** 63n) && integer < 2n ** 63n;
      t.is(read?.value, fits ? integer.toString() : String(Number(integer)));
    }),
    { numRuns: 500 * testScale },
  );
});
