import test from 'ava';
import fc from 'fast-check';
import { JSONPathEnvironment } from 'json-p3';
import { JsonDocument } from '../../../src/command/json/document.ts';
import { NodeFinder } from '../../../src/command/json/find.ts';
import { nodeText } from '../../../src/command/json/merge.ts';
import { parseQuery } from '../../../src/command/json/parse-query.ts';
import { testScale } from '../../scale.ts';
import { modelBench } from '../../stores.ts';

const name = fc.constantFrom('a', 'b', 'c', '__proto__', 'é', 'x"y', 'back\\slash', '');
const scalar = fc.constantFrom(null, true, false, 0, 1, 2, -1.5, 1e21, 'a', 'b', 'é😀', '', 'x\ny', '\ud800');
/** A value as a JSON text, so that `__proto__` is a member like any other. */
const jsonText = fc.letrec<{ value: string }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    scalar.map((value) => JSON.stringify(value)),
    fc.array(tie('value'), { maxLength: 4 }).map((values) => `[${values.join(',')}]`),
    fc
      .uniqueArray(fc.tuple(name, tie('value')), { maxLength: 4, selector: ([key]) => key })
      .map((pairs) => `{${pairs.map(([key, value]) => `${JSON.stringify(key)}:${value}`).join(',')}}`),
  ),
})).value;

const index = fc.integer({ min: -3, max: 3 }).map(String);
const bound = fc.oneof(index, fc.constant(''));
const selector = fc.oneof(
  name.map((text) => JSON.stringify(text)),
  name.map((text) => `'${text.replaceAll('\\', '\\\\')}'`),
  index,
  fc.constant('*'),
  fc.tuple(bound, bound, bound).map((parts) => parts.join(':')),
  fc.tuple(bound, bound).map((parts) => parts.join(' : ')),
);
const singular = fc
  .array(
    fc.oneof(
      name.map((text) => `[${JSON.stringify(text)}]`),
      index.map((text) => `[${text}]`),
    ),
    { maxLength: 2 },
  )
  .map((parts) => parts.join(''));
const query = fc
  .array(fc.constantFrom('.a', '.b', '[*]', '..c', '[0]', '..*', '[1:]'), { maxLength: 2 })
  .map((parts) => parts.join(''));
const operand = fc.oneof(
  singular.map((path) => `@${path}`),
  singular.map((path) => `$${path}`),
  fc.constantFrom('1', '0', '-1.5', '1e21', 'true', 'false', 'null', '"a"', "'b'", '"é😀"'),
  singular.map((path) => `length(@${path})`),
  query.map((path) => `count(@${path})`),
  query.map((path) => `value(@${path})`),
);
const condition = fc.letrec<{ test: string }>((tie) => ({
  test: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.tuple(operand, fc.constantFrom('==', '!=', '<', '<=', ' > ', '>='), operand).map((parts) => parts.join('')),
    query.map((path) => `@${path}`),
    query.map((path) => `!@${path}`),
    // Only of what holds nothing: json-p3 takes an array or object for the text JavaScript makes of it.
    singular.map((path) => `(count(@${path}.*) == 0 && match(@${path}, "[ab].?"))`),
    singular.map((path) => `(count(@${path}.*) == 0 && search(@${path}, 'x|é'))`),
    fc.tuple(tie('test'), fc.constantFrom('&&', ' || '), tie('test')).map((parts) => parts.join('')),
    tie('test').map((test) => `!(${test})`),
    tie('test').map((test) => `( ${test} )`),
  ),
})).test;
const segment = fc.oneof(
  fc.constantFrom('.a', '.b', '.é', '.__proto__', '.*', '..a', '..*'),
  fc.array(selector, { minLength: 1, maxLength: 2 }).map((parts) => `[${parts.join(', ')}]`),
  selector.map((part) => `..[${part}]`),
  condition.map((test) => `[?${test}]`),
);
const path = fc.array(segment, { maxLength: 3 }).map((parts) => `$${parts.join('')}`);

test('paths find what another implementation of RFC 9535 finds, in its order', (t) => {
  const environment = new JSONPathEnvironment();
  let found = 0;
  fc.assert(
    fc.property(jsonText, path, (text, queried) => {
      const bytes = Buffer.from(text);
      const document = new JsonDocument();
      t.is(document.parse(bytes, 0, bytes.length), null);
      const nodes = new NodeFinder(document).find(parseQuery(queried));
      const ours = nodes.map((node) => nodeText(document, node));
      const theirs = environment.query(queried, JSON.parse(text)).values();
      found += ours.length;
      if (JSON.stringify(ours.map((value) => JSON.parse(value))) !== JSON.stringify(theirs)) {
        throw new Error(`ours ${ours.join(' ')}, theirs ${theirs.map((value) => JSON.stringify(value)).join(' ')}`);
      }
    }),
    { numRuns: 3000 * testScale },
  );
  t.true(found > 1000);
});

test('what is taken for a path is one for another implementation too, which is laxer', (t) => {
  const environment = new JSONPathEnvironment();
  const pieces = fc.constantFrom(
    ...'$@.[]?*()!&|=<>:,-01ae"\' '.split(''),
    '..',
    '&&',
    '==',
    'length(',
    'count(',
    'null',
  );
  const mutated = fc.oneof(
    fc.array(pieces, { maxLength: 12 }).map((parts) => `$${parts.join('')}`),
    fc
      .tuple(path, fc.nat(), pieces)
      .map(([text, at, piece]) => text.slice(0, at % text.length) + piece + text.slice(at % text.length)),
    fc.tuple(path, fc.nat()).map(([text, at]) => text.slice(0, at % text.length) + text.slice((at % text.length) + 1)),
  );
  fc.assert(
    fc.property(mutated, (text) => {
      // json-p3 takes some that the grammar of RFC 9535 has not: `$.a-b`, `$[?!!@]`, `$[?!@.a==1]`.
      if (accepts(() => parseQuery(text))) environment.compile(text);
    }),
    { numRuns: 5000 * testScale },
  );
  t.pass();
});

function accepts(parse: () => unknown): boolean {
  try {
    parse();
    return true;
  } catch {
    return false;
  }
}

test('bytes are a document exactly when JSON.parse takes them as UTF-8', (t) => {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  const mutation = fc.tuple(
    fc.nat(),
    fc.constantFrom(...'{}[]",:\\ \n0-.eEtfnu/'.split(''), '\u0001', 'é', '\\ud8'),
    fc.boolean(),
  );
  const mutated = fc
    .tuple(fc.oneof(fc.json(), jsonText), fc.array(mutation, { maxLength: 3 }))
    .map(([text, mutations]) =>
      mutations.reduce((all, [at, piece, replaces]) => {
        const place = at % (all.length + 1);
        return all.slice(0, place) + piece + all.slice(place + (replaces ? 1 : 0));
      }, text),
    );
  const bytes = fc.oneof(
    mutated.map((text) => new Uint8Array(Buffer.from(text))),
    fc.uint8Array({ maxLength: 6 }),
  );
  fc.assert(
    fc.property(bytes, (input) => {
      const wanted = accepts(() => JSON.parse(decoder.decode(input)));
      const document = new JsonDocument();
      t.is(document.parse(input, 0, input.length) === null, wanted);
      if (!wanted) return;
      const text = JSON.stringify(JSON.parse(nodeText(document, 0)));
      t.is(text, JSON.stringify(JSON.parse(decoder.decode(input))));
    }),
    { numRuns: 5000 * testScale },
  );
});

type Json = null | boolean | number | string | Json[] | { [name: string]: Json };

/** RFC 7396, section 2, word for word. */
function mergePatch(target: Json | undefined, patch: Json): Json {
  if (patch === null || typeof patch !== 'object' || Array.isArray(patch)) return patch;
  const isObject = target !== null && typeof target === 'object' && !Array.isArray(target);
  const result = new Map<string, Json>(isObject ? Object.entries(target as { [name: string]: Json }) : []);
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) result.delete(key);
    else result.set(key, mergePatch(result.get(key), value));
  }
  return Object.fromEntries(result);
}

test('JSON.MERGE makes what the algorithm of RFC 7396 makes', (t) => {
  const { runner } = modelBench();
  fc.assert(
    fc.property(jsonText, jsonText, (target, patch) => {
      runner.run('flushall');
      runner.run('json.set', 'd', '$', target);
      t.is(runner.run('json.merge', 'd', '$', patch), 'OK');
      const stored = Buffer.from(String(runner.run('json.get', 'd')), 'latin1').toString();
      t.deepEqual(JSON.parse(stored), mergePatch(JSON.parse(target), JSON.parse(patch)));
    }),
    { numRuns: 1000 * testScale },
  );
});

test('setting and removing what a path found changes that and nothing else', (t) => {
  const { runner } = modelBench();
  const read = (line: string[]): Json =>
    JSON.parse(Buffer.from(String(runner.run(line[0] ?? '', ...line.slice(1))), 'latin1').toString());
  fc.assert(
    fc.property(jsonText, path, jsonText, (text, queried, value) => {
      runner.run('flushall');
      runner.run('json.set', 'd', '$', text);
      const matches = read(['json.get', 'd', queried]) as Json[];
      const reply = runner.run('json.set', 'd', queried, value);
      if (matches.length === 0 || reply !== 'OK') return;
      // The first match in the order of the text is outside of all others: it must hold the value now.
      const after = read(['json.get', 'd', '$']);
      t.true(JSON.stringify(after).includes(JSON.stringify(JSON.parse(value)).slice(0, 20)));
      runner.run('json.set', 'd', '$', text);
      const removed = runner.run('json.del', 'd', queried) as number;
      t.true(removed >= 1 && removed <= matches.length);
      const left = runner.run('exists', 'd') === 1 ? JSON.stringify(read(['json.get', 'd'])) : '';
      t.true(left.length < JSON.stringify(JSON.parse(text)).length);
    }),
    { numRuns: 1000 * testScale },
  );
});
