import test from 'ava';
import fc from 'fast-check';
import { compactJson, jsonFault, jsonParts, prettyJson } from '../../../../src/monitoring/dashboard/page/json-text.js';

test('JSON is laid out by its marks, and empty brackets stay closed', (t) => {
  t.is(prettyJson('{"a":[1,{"b":[]}],"c":{}}'), '{\n  "a": [\n    1,\n    {\n      "b": []\n    }\n  ],\n  "c": {}\n}');
});

test('numbers keep every digit they are written with, and members their doubles', (t) => {
  const text = '{"id":12345678901234567890,"x":2.50,"x":1e3}';
  t.is(prettyJson(text), '{\n  "id": 12345678901234567890,\n  "x": 2.50,\n  "x": 1e3\n}');
});

test('marks and quotes within strings are no marks', (t) => {
  const text = '["{,:]\\\\\\"",1]';
  t.is(prettyJson(text), '[\n  "{,:]\\\\\\"",\n  1\n]');
  t.deepEqual(
    jsonParts('{"a:":"b"}')?.map(({ kind }) => kind),
    ['mark', 'space', 'name', 'mark', 'string', 'space', 'mark'],
  );
});

test('what is no JSON stays as it is, and the fault is told', (t) => {
  for (const text of ['', '{', '{"a":1,}', "{'a':1}", '[1] [2]', 'NaN']) {
    t.is(prettyJson(text), text);
    t.is(compactJson(text), text);
    t.is(jsonParts(text), null);
    t.not(jsonFault(text), null, text);
  }
});

test('layout changes nothing of what a JSON text means, and can be undone', (t) => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const text = JSON.stringify(value);
      t.deepEqual(JSON.parse(prettyJson(text)), JSON.parse(text));
      t.is(compactJson(prettyJson(text)), text);
    }),
  );
});
