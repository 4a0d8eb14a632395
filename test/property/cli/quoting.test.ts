import test from 'ava';
import fc from 'fast-check';
import { quoteBytes, splitLine } from '../../../src/cli/quoting.ts';

test('any bytes, quoted, are read back as they were', (t) => {
  fc.assert(
    fc.property(
      fc.array(fc.uint8Array({ maxLength: 20 }), { maxLength: 5 }),
      fc.constantFrom(' ', '\t ', '  '),
      (words, space) => {
        const line = words.map(quoteBytes).join(space);
        t.regex(line, /^[ -~\t]*$/);
        t.deepEqual(
          splitLine(line)?.map((word) => [...word]),
          words.map((word) => [...word]),
        );
      },
    ),
  );
});

test('words without quotes and spaces are taken as they are, and any line at all is read or refused', (t) => {
  fc.assert(
    fc.property(fc.array(fc.stringMatching(/^[^\s"'\0]+$/u), { minLength: 1 }), (words) => {
      t.deepEqual(splitLine(` ${words.join(' ')} `)?.map(String), words);
    }),
  );
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom('"', "'", '\\', 'x', '4', 'a', ' ', '\n') }), (line) => {
      const words = splitLine(line);
      t.true(words === null || words.every((word) => word.length <= line.length));
    }),
  );
});

test('an open quote, and text that touches a closed one, are refused', (t) => {
  for (const line of ['"a', "'a", '"a\\"', '"a"b', '\'a\'"b"', 'a "b']) t.is(splitLine(line), null, line);
  t.deepEqual(splitLine('\'a\\\'b\' "" a"b"')?.map(String), ["a'b", '', 'ab']);
});
