import test from 'ava';
import fc from 'fast-check';
import { globMatches } from '../../../src/command/glob.ts';

function matches(pattern: string, text: string): boolean {
  const bytes = Buffer.from(`<${text}>`);
  return globMatches(Buffer.from(pattern), bytes, 1, bytes.length - 1);
}

test('patterns match as in Redis', (t) => {
  const cases: [string, string, boolean][] = [
    ['', '', true],
    ['', 'a', false],
    ['*', '', true],
    ['*', 'anything', true],
    ['user:*', 'user:1', true],
    ['user:*', 'user', false],
    ['*:1', 'user:1', true],
    ['*a*b*', 'xxaxxbxx', true],
    ['*a*b*', 'xxbxxaxx', false],
    ['*aab', 'aaaab', true],
    ['**', '', true],
    ['h?llo', 'hello', true],
    ['h?llo', 'hllo', false],
    ['?', '', false],
    ['h[ae]llo', 'hallo', true],
    ['h[ae]llo', 'hillo', false],
    ['h[^e]llo', 'hallo', true],
    ['h[^e]llo', 'hello', false],
    ['[a-c]', 'b', true],
    ['[c-a]', 'b', true],
    ['[a-c]', 'd', false],
    ['[\\]]', ']', true],
    ['[]', 'a', false],
    ['[abc', 'b', true],
    ['[^', 'a', true],
    ['\\*', '*', true],
    ['\\*', 'a', false],
    ['a\\', 'a\\', true],
  ];
  for (const [pattern, text, expected] of cases) t.is(matches(pattern, text), expected, `${pattern} on ${text}`);
});

test('a pattern of stars and letters agrees with the regular expression it means', (t) => {
  const letter = fc.constantFrom('a', 'b', '*', '?');
  const text = fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 12 });
  fc.assert(
    fc.property(fc.string({ unit: letter, maxLength: 8 }), text, (pattern, subject) => {
      const expression = new RegExp(`^${pattern.replaceAll('*', '.*').replaceAll('?', '.')}$`);
      return matches(pattern, subject) === expression.test(subject);
    }),
    { numRuns: 1000 },
  );
  t.pass();
});

test('any bytes as a pattern on any bytes give an answer', (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 20 }), fc.uint8Array({ maxLength: 20 }), (pattern, bytes) => {
      return typeof globMatches(pattern, bytes, 0, bytes.length) === 'boolean';
    }),
  );
  t.pass();
});

test('a pattern made to backtrack takes a time in the order of the lengths', (t) => {
  const started = performance.now();
  t.false(matches(`${'*a'.repeat(500)}b`, 'a'.repeat(2000)));
  t.true(performance.now() - started < 2000);
});
