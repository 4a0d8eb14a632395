import test from 'ava';
import fc from 'fast-check';
import { isUtf8 } from '../../../../src/base/utf8.ts';
import { isPlainJsonText, writeInteger, writeJsonText } from '../../../../src/protocol/http/json-text.ts';
import { decodePercent } from '../../../../src/protocol/http/percent.ts';
import { testScale } from '../../../scale.ts';

/** Node.js 20 types know no String.prototype.isWellFormed. */
const isWellFormed = (text: string): boolean => !/\p{Surrogate}/u.test(text);

const runs = { numRuns: 1000 * testScale };
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function isUtf8ByDecoder(bytes: Uint8Array): boolean {
  try {
    decoder.decode(bytes);
    return true;
  } catch {
    return false;
  }
}

/** Bytes that are nearly UTF-8. */
const nearlyUtf8 = fc
  .tuple(fc.string({ unit: 'binary', maxLength: 8 }), fc.nat(), fc.integer({ min: 0, max: 255 }), fc.boolean())
  .map(([text, at, byte, changes]) => {
    const bytes = Uint8Array.from(Buffer.from(text));
    if (changes && bytes.length > 0) bytes[at % bytes.length] = byte;
    return bytes;
  });

test('UTF-8 is told from what is none as TextDecoder tells it', (t) => {
  fc.assert(
    fc.property(fc.oneof(nearlyUtf8, fc.uint8Array({ maxLength: 6 })), (bytes) => {
      t.is(isUtf8(bytes, 0, bytes.length), isUtf8ByDecoder(bytes));
    }),
    { numRuns: 5000 * testScale },
  );
});

test('text written into a JSON string is read back by JSON.parse; other bytes are declined', (t) => {
  fc.assert(
    fc.property(fc.oneof(nearlyUtf8, fc.uint8Array()), (bytes) => {
      const target = new Uint8Array(bytes.length * 6 + 2);
      const end = writeJsonText(bytes, 0, bytes.length, target, 1);
      if (!isUtf8ByDecoder(bytes)) {
        t.is(end, -1);
        return;
      }
      target[0] = 0x22;
      target[end] = 0x22;
      const text = JSON.parse(Buffer.from(target.subarray(0, end + 1)).toString('utf8')) as string;
      t.is(text, Buffer.from(bytes).toString('utf8'));
    }),
    runs,
  );
});

test('integers are written as String writes them', (t) => {
  fc.assert(
    fc.property(
      fc.oneof(fc.maxSafeNat(), fc.nat(), fc.nat(1000), fc.constantFrom(999_999_999, 1e9, 1e15, 2 ** 53 - 1)),
      (n) => {
        const target = new Uint8Array(20);
        const end = writeInteger(n, target, 2);
        t.is(Buffer.from(target.subarray(2, end)).toString('latin1'), String(n));
      },
    ),
    runs,
  );
});

test('any bytes survive percent-encoding', (t) => {
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => {
      const text = Buffer.from(bytes).toString('hex').replaceAll(/../g, '%$&');
      const target = new Uint8Array(text.length * 3);
      t.deepEqual(target.subarray(0, decodePercent(text, 0, text.length, target, 0, true)), bytes);
    }),
    runs,
  );
});

test('percent-encoding by encodeURIComponent and URLSearchParams is understood', (t) => {
  fc.assert(
    fc.property(
      fc.string({ unit: 'binary' }).filter((text) => isWellFormed(text)),
      (key) => {
        for (const text of [encodeURIComponent(key), new URLSearchParams({ key }).toString().slice(4)]) {
          const target = new Uint8Array(text.length * 3);
          const end = decodePercent(text, 0, text.length, target, 0, true);
          t.is(Buffer.from(target.subarray(0, end)).toString('utf8'), key);
        }
      },
    ),
    runs,
  );
});

test('plain text is told from what JSON must escape, at every alignment and length', (t) => {
  const units = fc.oneof(
    { weight: 20, arbitrary: fc.integer({ min: 0x20, max: 0x7e }) },
    fc.integer({ min: 0, max: 255 }),
  );
  fc.assert(
    fc.property(fc.array(units, { maxLength: 40 }), fc.nat(7), (text, start) => {
      const bytes = new Uint8Array(64).fill(0xff);
      bytes.set(text, start);
      const isPlain = text.every((byte) => byte >= 0x20 && byte < 0x80 && byte !== 0x22 && byte !== 0x5c);
      t.is(isPlainJsonText(bytes, new Int32Array(bytes.buffer), start, start + text.length), isPlain);
    }),
    { numRuns: 3000 * testScale },
  );
});
