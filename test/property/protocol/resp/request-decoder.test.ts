import test from 'ava';
import fc from 'fast-check';
import { encodeRequest } from '../../../../src/protocol/resp/request-encoder.ts';
import { decode, latin1 } from '../../../resp-decoding.ts';
import { fuzz } from '../../../resp-fuzz.ts';
import { testScale } from '../../../scale.ts';

const word = fc.oneof(
  { weight: 8, arbitrary: fc.uint8Array({ maxLength: 24 }) },
  { weight: 1, arbitrary: fc.uint8Array({ minLength: 200, maxLength: 20_000, size: 'max' }) },
  { weight: 1, arbitrary: fc.constantFrom(latin1('\r\n'), latin1('*1\r\n$1\r\n'), latin1(''), latin1('$5')) },
);
/** A request as an array, with its words. A name may not be that of an HTTP method. */
const array = fc
  .tuple(fc.constantFrom('GET', 'set', 'x', ''), fc.array(word, { maxLength: 12 }))
  .map(([name, rest]) => [latin1(name), ...rest])
  .map((words) => ({ bytes: encodeRequest(words), words: [words.map(textOf)] }));
const plainWord = fc.stringMatching(/^[!#-&(-),-~]{1,20}$/);
const quotedWord = fc.uint8Array({ maxLength: 20 }).map((bytes) => ({
  text: textOf(bytes),
  quoted: `"${[...bytes].map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('')}"`,
}));
const line = fc
  .tuple(
    plainWord,
    fc.array(
      fc.oneof(
        plainWord.map((text) => ({ text, quoted: text })),
        quotedWord,
      ),
    ),
  )
  .filter(([name]) => !/^(post|host:)$/i.test(name))
  .map(([name, rest]) => ({
    bytes: latin1(`${[name, ...rest.map(({ quoted }) => quoted)].join(' ')}\r\n`),
    words: [[name, ...rest.map(({ text }) => text)]],
  }));
const nothing = fc
  .constantFrom('\r\n', '\n', ' \r\n', '*0\r\n', '*-1\r\n')
  .map((text) => ({ bytes: latin1(text), words: [] }));
const requests = fc.array(fc.oneof({ weight: 6, arbitrary: array }, { weight: 2, arbitrary: line }, nothing), {
  maxLength: 12,
});
/** Where a stream is cut, in thousandths of its length. */
const cuts = fc.array(fc.integer({ min: 0, max: 1000 }), { maxLength: 30 });

test('any split of any valid stream gives the same commands', (t) => {
  let commands = 0;
  fc.assert(
    fc.property(requests, cuts, (parts, places) => {
      const stream = Buffer.concat(parts.map(({ bytes }) => bytes));
      const wanted = { commands: parts.flatMap(({ words }) => words), end: 'open' };
      commands += wanted.commands.length;
      // Texts are compared, because large values compared member by member take most of the time.
      t.is(JSON.stringify(decode(cut(stream, places))), JSON.stringify(wanted));
    }),
    { numRuns: Math.ceil(300 * testScale) },
  );
  t.true(commands > 1000);
});

test('random and mutated bytes in any split do not throw, hang, desynchronise, or take memory past the limits', (t) => {
  const report = fuzz(Math.ceil(60_000 * testScale), 1);
  t.log(report);
  t.true(report.commands > 1000 && report.refused > 1000);
});

function cut(bytes: Uint8Array, places: readonly number[]): Uint8Array[] {
  const bounds = places.map((place) => Math.floor((place * bytes.length) / 1000)).sort((a, b) => a - b);
  return [...bounds, bytes.length].map((end, index) => bytes.subarray(index === 0 ? 0 : bounds[index - 1], end));
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1');
}
