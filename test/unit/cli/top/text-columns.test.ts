import test from 'ava';
import { fitted, span } from '../../../../src/cli/top/row.ts';
import { columnsOf, cut, padded, seen } from '../../../../src/cli/top/text-columns.ts';

test('what a terminal obeys or does not show is spelt out; all else stays', (t) => {
  t.is(seen('plain text'), 'plain text');
  t.is(seen('\x1b[31m\x00\x7f\x9b'), '\\x1b[31m\\x00\\x7f\\x9b');
  t.is(seen('a\nb\r\tc'), 'a\\nb\\r\\tc');
  t.is(seen('\u202e\u200b\u2028\ufeff'), '\\u{202e}\\u{200b}\\u{2028}\\u{feff}');
  t.is(seen('\ud800'), '\\u{d800}');
  t.is(seen('世界 é ñ 🚀'), '世界 é ñ 🚀');
});

test('columns are counted as a terminal does: two for wide characters and pictures, none for marks', (t) => {
  const cases: readonly (readonly [string, number])[] = [
    ['', 0],
    ['abc', 3],
    ['世界', 4],
    ['한글', 4],
    ['é', 1],
    ['x\u0301', 1],
    ['🚀', 2],
    ['█▁', 2],
    ['ﾊﾟ', 2],
  ];
  for (const [text, columns] of cases) t.is(columnsOf(text), columns, text);
});

test('a text is cut by columns, and never in the middle of a character', (t) => {
  t.is(cut('abcdef', 6), 'abcdef');
  t.is(cut('abcdef', 4), 'abc…');
  t.is(cut('世界世界', 4), '世…');
  t.is(cut('🚀🚀', 3), '🚀…');
  t.is(cut('abc', 0), '');
  t.is(padded('世', 4), '世  ');
  t.is(padded('7', 3, 'right'), '  7');
});

test('parts are left out from the first on that has no room', (t) => {
  const parts = ['aaaa', 'bb', 'cccccc', 'd'].map((text) => [span(text)]);
  const text = (columns: number) =>
    fitted(parts, columns)
      .map((part) => part.text)
      .join('');
  t.is(text(100), 'aaaa  bb  cccccc  d');
  t.is(text(12), 'aaaa  bb');
  t.is(text(3), 'aa…');
});
