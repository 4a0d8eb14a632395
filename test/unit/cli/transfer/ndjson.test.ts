import { readFile } from 'node:fs/promises';
import test from 'ava';
import type { Entry } from '../../../../src/cli/transfer/entry.ts';
import { decodeLine, encodeLine } from '../../../../src/cli/transfer/ndjson.ts';

const NOW_MS = 1_800_000_000_000;

function entry(fields: Partial<Omit<Entry, 'key' | 'value'>> & { key?: string; value: string | Uint8Array }): Entry {
  const { key = 'k', value, ...others } = fields;
  return {
    type: 'string',
    expiresAtMs: 0,
    staleMs: 0,
    tags: [],
    contentType: '',
    ...others,
    key: Buffer.from(key),
    value: Buffer.from(value),
  };
}

/** A decoded line as text, for comparisons; of a fault what it is. */
function read(line: string): unknown {
  const decoded = decodeLine(line, NOW_MS);
  if (typeof decoded === 'string') return decoded;
  const { key, value, tags, ...others } = decoded;
  const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('latin1');
  return { key: text(key), value: text(value), tags: tags.map(text), ...others };
}

test('a line says what differs from a plain string without expiry, and no more', (t) => {
  t.is(encodeLine(entry({ value: 'v' })), '{"key":"k","value":"v"}\n');
  t.is(
    encodeLine(
      entry({
        value: '{"a": 1.0}',
        type: 'json',
        expiresAtMs: 1_800_000_000_123,
        staleMs: 1500,
        tags: [Buffer.from('x'), Buffer.from([0xff])],
        contentType: 'text/plain',
      }),
    ),
    '{"key":"k","value":{"a": 1.0},"type":"json","expiresAt":1800000000123,"stale":1.5,"tags":["x"],"tagsBase64":["/w=="],"contentType":"text/plain"}\n',
  );
  t.is(encodeLine(entry({ value: Buffer.from([0xff, 0]) })), '{"key":"k","valueBase64":"/wA="}\n');
});

test('a document is taken as it is written: digits, order, repeated names, white space', (t) => {
  for (const text of [
    '{"b":1.10,"a":12345678901234567890,"b":[ 1e400 , "}\\"{" ]}',
    '[ ]',
    'null',
    '"text"',
    'true',
    '-0.0',
  ]) {
    t.like(read(`{"key":"k","value":${text} , "type":"json"}`), { value: text, type: 'json' });
  }
  t.like(read('{"value":{"value":1},"key":"k"}'), { value: '{"value":1}', type: 'json' });
  t.like(read('{"value":1,"key":"k","v\\u0061lue":[2]}'), { value: '[2]', type: 'json' });
  // A line end is white space of a document, and would end the line.
  const broken = entry({ value: '{\n}', type: 'json' });
  t.is(encodeLine(broken), '{"key":"k","valueBase64":"ewp9","type":"json"}\n');
});

test('lines written by hand may leave out types and tell times in seconds', (t) => {
  t.like(read('{"key":"k","value":"5"}'), { value: '5', type: 'string' });
  t.like(read('{"key":"k","value":5}'), { value: '5', type: 'number' });
  t.like(read('{"key":"k","value":"5","type":"number"}'), { value: '5', type: 'number' });
  t.like(read('{"key":"k","value":"x","ttl":1.5,"stale":30}'), { expiresAtMs: NOW_MS + 1500, staleMs: 30_000 });
  t.like(read('{"key":"k","value":"x","tags":["a","é"]}'), { tags: ['a', 'Ã©'] });
  t.like(read('{"key":"k","value":"","expiresAt":0}'), { value: '', expiresAtMs: 1 });
});

test('what is wrong with a line is told', (t) => {
  for (const [line, what] of [
    ['{"key":"k"', 'it is no JSON'],
    ['["k","v"]', 'it is no JSON object'],
    ['null', 'it is no JSON object'],
    ['{"value":"v"}', 'it has no key'],
    ['{"key":"k"}', 'it has no value'],
    ['{"key":1,"value":"v"}', 'its key is no text'],
    ['{"key":"k","keyBase64":"aw==","value":"v"}', 'key and keyBase64 contradict each other'],
    ['{"key":"k","value":[1],"valueBase64":"aw=="}', 'value and valueBase64 contradict each other'],
    ['{"key":"k","valueBase64":"a b"}', 'its valueBase64 is no base64'],
    ['{"key":"k","value":"v","tll":1}', 'there is no field "tll"'],
    ['{"key":"k","value":"v","__proto__":1}', 'there is no field "__proto__"'],
    ['{"key":"k","value":"v","type":"hash"}', 'its type is none of string, bytes, number, json'],
    ['{"key":"k","value":{},"type":"string"}', 'its value is a document, no string'],
    ['{"key":"k","value":1,"type":"bytes"}', 'its value is a number, no bytes'],
    ['{"key":"k","value":"v","ttl":1,"expiresAt":1}', 'expiresAt and ttl contradict each other'],
    ['{"key":"k","value":"v","ttl":"1"}', 'its ttl is no time in seconds'],
    ['{"key":"k","value":"v","ttl":-1}', 'its ttl is no time in seconds'],
    ['{"key":"k","value":"v","expiresAt":1.5}', 'its expiresAt is no time in milliseconds since 1970'],
    ['{"key":"k","value":"v","stale":1e300}', 'its stale is no time in seconds'],
    ['{"key":"k","value":"v","tags":"a"}', 'its tags are no list of texts'],
    ['{"key":"k","value":"v","tagsBase64":["?"]}', 'its tagsBase64 is no list of base64'],
    ['{"key":"k","value":"v","contentType":1}', 'its contentType is no text'],
  ] as const) {
    t.is(read(line), what, line);
  }
});

test('the lines that the README shows are entries, and are written again as they stand', async (t) => {
  const readme = await readFile(new URL('../../../../src/cli/README.md', import.meta.url), 'utf8');
  const lines = /```json\n(\{"key":"greeting"[\s\S]*?)```/.exec(readme)?.[1]?.trimEnd().split('\n') ?? [];
  t.is(lines.length, 3);
  for (const line of lines) {
    const decoded = decodeLine(line, NOW_MS);
    t.is(typeof decoded === 'string' ? decoded : encodeLine(decoded), `${line}\n`);
  }
});
