import test from 'ava';
import fc from 'fast-check';
import { type Entry, entryTypes } from '../../../src/cli/transfer/entry.ts';
import { encodeEntries, type FileFormat, readerOf } from '../../../src/cli/transfer/file-formats.ts';

const bytes = fc.oneof(
  fc.uint8Array({ maxLength: 40 }),
  fc.string({ unit: 'grapheme', maxLength: 20 }).map((text) => new Uint8Array(Buffer.from(text))),
);
const document = fc.oneof(
  fc.json(),
  fc.json().map((text) => JSON.stringify(JSON.parse(text), null, 1)),
  fc.constantFrom('{"a":1.0,"a":2}', '12345678901234567890', '[1e400]'),
);

const entries = fc.array(
  fc.constantFrom(...entryTypes).chain((type) =>
    fc.record<Entry>({
      key: bytes,
      value:
        type === 'json'
          ? document.map((text) => new Uint8Array(Buffer.from(text)))
          : type === 'number'
            ? fc.oneof(fc.maxSafeInteger(), fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n)).map((n) => Buffer.from(String(n)))
            : bytes,
      type: fc.constant(type),
      expiresAtMs: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 2 ** 48 - 1 })),
      staleMs: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 1e12 })),
      tags: fc.array(bytes, { maxLength: 3 }),
      contentType: fc.string({ maxLength: 10 }),
    }),
  ),
  { maxLength: 6 },
);

/** In a form that compares by what it says; text tags stand in front of the others in a line. */
function plain({ key, value, tags, ...others }: Entry): unknown {
  const hex = (each: Uint8Array) => Buffer.from(each).toString('hex');
  return { key: hex(key), value: hex(value), tags: tags.map(hex).sort(), ...others };
}

for (const format of ['ndjson', 'msgpack'] as const satisfies readonly FileFormat[]) {
  test(`any entries, as ${format} and cut into any pieces, are read back as they were`, (t) => {
    fc.assert(
      fc.property(entries, fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1 }), (wanted, sizes) => {
        const file = encodeEntries(wanted, format);
        const reader = readerOf(format, 0);
        const found: unknown[] = [];
        for (let at = 0, piece = 0; at < file.length; piece++) {
          const size = sizes[piece % sizes.length] as number;
          for (const item of reader.feed(file.subarray(at, at + size))) {
            found.push(item.kind === 'entry' ? plain(item.entry) : item);
          }
          at += size;
        }
        t.deepEqual(reader.end(), []);
        t.deepEqual(found, wanted.map(plain));
      }),
    );
  });

  test(`any bytes at all, as ${format}, are read or told as faults, and nothing else`, (t) => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (file) => {
        const reader = readerOf(format, 0);
        try {
          for (const item of [...reader.feed(file), ...reader.end()])
            t.true(item.kind === 'entry' || item.kind === 'fault');
        } catch (error) {
          t.is((error as Error).name, 'BrokenSourceError');
        }
      }),
    );
  });
}
