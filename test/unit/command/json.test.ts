import test from 'ava';
import { JsonDocument } from '../../../src/command/json/document.ts';
import { NodeFinder } from '../../../src/command/json/find.ts';
import { PathError, parseQuery } from '../../../src/command/json/parse-query.ts';
import { matchesRegexp } from '../../../src/command/json/regexp.ts';
import { ErrorReply, type Value } from '../../command-runner.ts';
import { testCommands } from '../../stores.ts';

const noKey = new ErrorReply("ERR could not perform this operation on a key that doesn't exist");
const wrongType = new ErrorReply('WRONGTYPE Operation against a key holding the wrong kind of value');

testCommands('what a path does not touch keeps its bytes: digits, order, escapes, hostile names', (t, { run }) => {
  const text = '{"big":12345678901234567890.10,"one":1.0,"__proto__":{"constructor":"\\u0041"},"x":[1e400]}';
  run('json.set d $', text);
  t.is(run('json.get d'), text);
  run('json.set d $.new 1');
  run('json.del d $.one');
  t.is(run('json.get d'), '{"big":12345678901234567890.10,"__proto__":{"constructor":"\\u0041"},"x":[1e400],"new":1}');
  t.is(run('json.get d $.__proto__.constructor'), '["\\u0041"]');
  t.is(run('json.get d $.toString'), '[]');
});

testCommands(
  'blanks are dropped by JSON.SET; a document set whole keeps its own, its values read without',
  (t, { run }) => {
    run('json.set d $', ' { "a" : [ 1 , "x  y" ] } ');
    t.is(run('json.get d'), '{"a":[1,"x  y"]}');
    run('set d', '{ "a" : [ 1 ] }', 'type', 'json');
    t.is(run('get d'), '{ "a" : [ 1 ] }');
    t.is(run('json.get d $.a'), '[[1]]');
    run('json.arrappend d $.a 2');
    t.is(run('get d'), '{"a":[1,2]}');
  },
);

testCommands('a document that is not UTF-8 is refused, in its names and in its strings', (t, { run, runner }) => {
  const notUtf8 = new ErrorReply('ERR invalid JSON: not UTF-8');
  for (const text of ['["\xff"]', '{"\xc3":1}', '["\xed\xa0\x80"]', '["\xc0\xaf"]']) {
    t.deepEqual(runner.run('json.set', 'd', '$', Buffer.from(text, 'latin1')), notUtf8);
    t.deepEqual(runner.run('set', 'd', Buffer.from(text, 'latin1'), 'type', 'json'), notUtf8);
  }
  t.is(run('json.set d $ ["é😀"]'), 'OK');
});

testCommands('filters compare text by code points', (t, { run }) => {
  run('json.set d $', '[{"s":"😀"},{"s":"\uffee"},{"s":"z"}]');
  t.is(run('json.get d', '$[?@.s>"\uffee"].s'), Buffer.from('["😀"]').toString('latin1'));
  t.is(run('json.get d', '$[?@.s<"z!"].s'), '["z"]');
});

testCommands('JSON.SET creates at the root, replaces what is found, adds a last name to objects', (t, { run }) => {
  t.deepEqual(run('json.set d $.a 1'), new ErrorReply('ERR new objects must be created at the root'));
  t.is(run('json.set d $ {} xx'), null);
  t.is(run('json.set d $ {"a":{"x":1},"b":{"x":2}} nx'), 'OK');
  t.is(run('json.set d $ {} nx'), null);
  t.is(run('json.set d $.*.x 0'), 'OK');
  t.is(run('json.set d $.a.y [1] nx'), 'OK');
  t.is(run('json.set d $.a.y 2 nx'), null);
  t.is(run('json.set d $.a.z 2 xx'), null);
  t.is(run('json.set d $.none.z 2'), null);
  t.deepEqual(run('json.set d $.a.y[1] 2'), new ErrorReply('ERR array index out of range'));
  t.deepEqual(run('json.set d $..none 2'), new ErrorReply('ERR wrong static path'));
  t.deepEqual(run('json.set d $.a {'), new ErrorReply('ERR invalid JSON: it ends too early'));
  t.deepEqual(run('json.set d $.a 1 nope'), new ErrorReply('ERR syntax error'));
  t.is(run('json.get d'), '{"a":{"x":0,"y":[1]},"b":{"x":0}}');
  t.is(run('json.set d $ 7'), 'OK');
  t.is(run('json.get d'), '7');
});

testCommands(
  'JSON.GET answers one path with an array, several with an object, none with the document',
  (t, { run }) => {
    run('json.set d $ {"a":[1,{"b":2}],"c":"x"}');
    t.is(run('json.get d $.a[*]'), '[1,{"b":2}]');
    t.is(run('json.get d $.c $..b'), '{"$.c":["x"],"$..b":[2]}');
    t.is(run('json.get d $.none'), '[]');
    t.is(run('json.get none $'), null);
    t.is(run('json.get d .a[1].b'), '2');
    t.is(run('json.get d .a .c'), '{".a":[1,{"b":2}],".c":"x"}');
    t.deepEqual(run('json.get d .none'), new ErrorReply("ERR Path '.none' does not exist"));
    const pretty = run('json.get d', 'INDENT', '  ', 'NEWLINE', '\n', 'SPACE', ' ');
    t.is(pretty, JSON.stringify({ a: [1, { b: 2 }], c: 'x' }, null, 2));
  },
);

testCommands('JSON.MGET answers null for what is absent, no document, or has not the path', (t, { run }) => {
  run('json.set d $ {"a":1}');
  run('json.set e $ {"b":1}');
  run('set s text');
  t.deepEqual(run('json.mget d e s none $.a'), ['[1]', '[]', null, null]);
  t.deepEqual(run('json.mget d e .a'), ['1', null]);
});

testCommands('each JSON command answers for every match, null where it does not fit', (t, { run }) => {
  run('json.set d $ {"n":1,"f":1.5,"s":"é","t":true,"l":[1],"o":{"k":null},"z":null}');
  const cases: [string, Value][] = [
    ['json.type d $.*', ['integer', 'number', 'string', 'boolean', 'array', 'object', 'null']],
    ['json.type d', 'object'],
    ['json.type d $.none', []],
    ['json.arrlen d $.*', [null, null, null, null, 1, null, null]],
    ['json.objlen d $.*', [null, null, null, null, null, 1, null]],
    ['json.objkeys d $.*', [null, null, null, null, null, ['k'], null]],
    ['json.strlen d $.*', [null, null, 2, null, null, null, null]],
    ['json.numincrby d $.* 2', '[3,3.5,null,null,null,null,null]'],
    ['json.numincrby d .n 0.5', '3.5'],
    ['json.strappend d $.* "ab"', [null, null, 4, null, null, null, null]],
    ['json.toggle d $.*', [null, null, null, 0, null, null, null]],
    ['json.arrappend d $.* 2 [3]', [null, null, null, null, 3, null, null]],
    ['json.clear d $.*', 4],
    ['json.clear d $.*', 0],
    ['json.get d', '{"n":0,"f":0,"s":"\u00c3\u00a9ab","t":false,"l":[],"o":{},"z":null}'],
    ['json.del d $.*', 7],
    ['json.del d $.*', 0],
    ['json.get d', '{}'],
    ['json.forget d', 1],
    ['exists d', 0],
  ];
  for (const [line, wanted] of cases) t.deepEqual(run(line), wanted, line);
});

testCommands(
  'an absent key reads as null and refuses changes; other types are refused, numbers are documents',
  (t, { run }) => {
    for (const line of ['json.get x', 'json.type x $', 'json.arrlen x $', 'json.objkeys x $'])
      t.is(run(line), null, line);
    t.is(run('json.del x $'), 0);
    const changes = [
      'json.numincrby x $ 1',
      'json.strappend x $ "a"',
      'json.arrappend x $ 1',
      'json.clear x',
      'json.toggle x $',
    ];
    for (const line of changes) t.deepEqual(run(line), noKey, line);
    run('set s text');
    for (const line of ['json.get s', 'json.set s $ 1', 'json.del s', 'json.merge s $ 1'])
      t.deepEqual(run(line), wrongType);
    run('set n 5 type number');
    t.is(run('json.numincrby n $ 2'), '[7]');
    t.is(run('incr n'), 8);
  },
);

testCommands('numbers of a document are counted exactly in 64 bits, and never to infinity', (t, { run }) => {
  run('json.set d $ [9007199254740993,1e308]');
  t.is(run('json.numincrby d $[0] 1'), '[9007199254740994]');
  t.deepEqual(run('json.numincrby d $ 1e308x'), new ErrorReply('ERR value is not a valid float'));
  t.deepEqual(run('json.numincrby d $.* 1e308'), new ErrorReply('ERR result is not a number'));
  t.is(run('json.get d'), '[9007199254740994,1e308]');
});

testCommands('JSON.MERGE is the merge patch of RFC 7396', (t, { run }) => {
  const cases = [
    ['{"a":"b"}', '{"a":"c"}', '{"a":"c"}'],
    ['{"a":"b"}', '{"b":"c"}', '{"a":"b","b":"c"}'],
    ['{"a":"b"}', '{"a":null}', '{}'],
    ['{"a":"b","b":"c"}', '{"a":null}', '{"b":"c"}'],
    ['{"a":["b"]}', '{"a":"c"}', '{"a":"c"}'],
    ['{"a":"c"}', '{"a":["b"]}', '{"a":["b"]}'],
    ['{"a":{"b":"c"}}', '{"a":{"b":"d","c":null}}', '{"a":{"b":"d"}}'],
    ['{"a":[{"b":"c"}]}', '{"a":[1]}', '{"a":[1]}'],
    ['["a","b"]', '["c","d"]', '["c","d"]'],
    ['{"a":"b"}', '["c"]', '["c"]'],
    ['{"a":"foo"}', 'null', 'null'],
    ['{"a":"foo"}', '"bar"', '"bar"'],
    ['{"e":null}', '{"a":1}', '{"e":null,"a":1}'],
    ['[1,2]', '{"a":"b","c":null}', '{"a":"b"}'],
    ['{}', '{"a":{"bb":{"ccc":null}}}', '{"a":{"bb":{}}}'],
  ];
  for (const [target = '', patch = '', result = ''] of cases) {
    run(`json.set d $ ${target}`);
    t.is(run(`json.merge d $ ${patch}`), 'OK');
    t.is(run('json.get d'), result, `${target} merged with ${patch}`);
  }
  run('json.set d $ {"a":{"b":1},"c":2}');
  run('json.merge d $.a {"b":null,"x":1}');
  run('json.merge d $.c null');
  run('json.merge d $.new {"y":null,"z":1}');
  t.is(run('json.get d'), '{"a":{"x":1},"new":{"z":1}}');
  t.is(run('json.merge fresh $ {"a":null,"b":1}'), 'OK');
  t.is(run('json.get fresh'), '{"b":1}');
});

testCommands('of members with one name the last counts, and none comes back to light', (t, { run }) => {
  run('json.set d $ {"a":1,"a":2,"b":3}');
  t.is(run('json.get d $.a'), '[2]');
  run('json.set d $.a 5');
  t.is(run('json.get d'), '{"a":5,"b":3}');
  run('json.set d $ {"a":1,"a":2}');
  run('json.del d $.a');
  t.is(run('json.get d'), '{}');
});

testCommands('changes keep the time to live', (t, { run }) => {
  run('set d {"a":[]} type json ex 100');
  run('json.set d $.b 1');
  run('json.arrappend d $.a 1');
  run('json.set d $ {"c":1}');
  t.is(run('ttl d'), 100);
});

testCommands('texts and paths over a limit are refused', (t, { run }) => {
  const deep = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels);
  t.is(run('json.set d $', deep(128)), 'OK');
  const tooDeep = new ErrorReply('ERR JSON nests deeper than 128 levels');
  t.deepEqual(run('json.set d $', deep(129)), tooDeep);
  t.deepEqual(run('json.set d $', '['.repeat(1_000_000)), tooDeep);
  t.deepEqual(run('json.set d $[0] [1]'), 'OK');
  run('json.set d $', deep(128));
  t.deepEqual(run(`json.set d $${'[0]'.repeat(127)}`, '[[]]'), tooDeep);
  t.is(run('json.get d'), deep(128));
  t.deepEqual(run(`json.get d $${'.a'.repeat(600)}`), new ErrorReply('ERR path is longer than 1024 characters'));
});

test('a path that multiplies its matches ends with an error within its budget of steps', (t) => {
  const document = new JsonDocument();
  const text = Buffer.from(`${'[1,'.repeat(120)}1${',2]'.repeat(120)}`);
  t.is(document.parse(text, 0, text.length), null);
  const paths = [
    '$..*..*..*..*..*',
    `$[${Array(500).fill('*').join()}][${Array(300).fill('*').join()}]`,
    '$..[?$..[?$..*]]',
  ];
  for (const path of paths) t.throws(() => new NodeFinder(document).find(parseQuery(path)), undefined, path);
});

test('a path that is none is told so, at the place', (t) => {
  const bad = [
    '',
    'a',
    '$.',
    '$..',
    '$[',
    '$[]',
    '$[1',
    "$['a]",
    '$[01]',
    '$[-0]',
    '$[9007199254740992]',
    '$ ',
    ' $',
    '$.a ',
    '$. a',
  ];
  const filters = [
    '$[?]',
    '$[?1]',
    '$[?@.a==]',
    '$[?@..a==1]',
    '$[?!1]',
    '$[?!@.a==1]',
    '$[?length(@.*)>1]',
    '$[?nope(@)]',
  ];
  const calls = [
    '$[?count(1)>1]',
    '$[?match(@.a)]',
    "$[?match(@.a,'a')==true]",
    '$[?length(@.a)]',
    '$[?count (@.*)>1]',
    '$[?@.a==01]',
  ];
  const texts = [
    '$["\\x"]',
    "$['\\ud800']",
    '$["\\\'"]',
    '$[:1:2:3]',
    '$.1a',
    '$[?@.a=1]',
    '$[?(@.a]',
    '$[?@.a&&]',
    '$[1 2]',
    '$["a\tb"]',
  ];
  for (const path of [...bad, ...filters, ...calls, ...texts])
    t.throws(() => parseQuery(path), { instanceOf: PathError }, path);
  t.throws(() => parseQuery('$.a['), { message: 'invalid path: a selector is missing at character 5' });
});

test('deeply nested filters are parsed in time linear in their length', (t) => {
  for (const [open, close] of [
    ['(', ')'],
    ['!(', ')'],
    ['@[?', ']'],
    ['length(', ')'],
    ['match(', ')'],
  ]) {
    const levels = 120;
    const path = `$[?${open?.repeat(levels)}@.a${close?.repeat(levels)}]`;
    try {
      parseQuery(path);
    } catch (error) {
      t.true(error instanceof PathError, path);
    }
  }
  t.pass();
});

test('regular expressions are those of RFC 9485, and take linear time', (t) => {
  const all = () => true;
  const cases: [string, string, boolean, boolean][] = [
    ['a.c', 'abc', true, true],
    ['a.c', 'a\nc', true, false],
    ['b', 'abc', true, false],
    ['b', 'abc', false, true],
    ['(a|b)*c', 'ababc', true, true],
    ['[a-c]{2,3}', 'abca', true, false],
    ['[^a-c]+', 'xyz', true, true],
    ['\\p{Lu}\\P{Lu}*', 'Über', true, true],
    ['[\\p{Nd}x]+', '1x2', true, true],
    ['a{0}', '', true, true],
    ['a{2,}', 'aaa', true, true],
    ['\\.\\*', '.*', true, true],
    ['.', '😀', true, true],
    ['[😀-😂]', '😁', true, true],
    ['', '', true, true],
    ['', 'abc', false, true],
    ['a|', '', true, true],
  ];
  for (const [pattern, text, whole, wanted] of cases) t.is(matchesRegexp(pattern, text, whole, all), wanted, pattern);
  for (const none of [
    '(',
    'a)',
    '*',
    'a**',
    '[',
    '[]',
    '[b-a]',
    '\\d',
    '\\',
    'a{2,1}',
    'a{9999}',
    '(a{100}){100}',
    '\\p{Xx}',
    'a{',
  ]) {
    t.false(matchesRegexp(none, 'a', false, all), none);
  }
  let steps = 0;
  const count = (more: number): boolean => {
    steps += more;
    return true;
  };
  t.false(matchesRegexp('(a*)*(a|a)*b', 'a'.repeat(5000), true, count));
  t.true(steps < 5000 * 40, `${steps}`);
});

const tooManySteps = new ErrorReply(
  'ERR path visits too many values of the document, or all paths of the command together do',
);

testCommands('all paths of a JSON.GET have one budget of steps', (t, { run, runner }) => {
  run('json.set d $', JSON.stringify({ list: Array<number>(20_000).fill(1), a: 2 }));
  t.is(run('json.get d $.list[0] $.list[1]'), '{"$.list[0]":[1],"$.list[1]":[1]}');
  t.deepEqual(runner.run('json.get', 'd', ...Array<string>(2000).fill('$.list[0]')), tooManySteps);
  t.is(run('json.get d $.a'), '[2]');
});

testCommands('all keys of a JSON.MGET have one budget of steps, beyond which there are no values', (t, { runner }) => {
  runner.run('json.set', 'd', '$', JSON.stringify(Array<number>(20_000).fill(1)));
  // 600,000 steps of the million and 160,000 that there are for a document of so many values.
  const path = `$[${Array<string>(30).fill('*').join()}]`;
  t.is(String(runner.run('json.mget', 'd', path)).length, 1_200_001);
  t.deepEqual(runner.run('json.mget', 'd', 'd', 'd', path), tooManySteps);
});

testCommands('JSON.GET makes no more text than its reply has room for', (t, { runner }) => {
  const { reply } = runner;
  runner.run('json.set', 'd', '$', JSON.stringify({ a: 'x'.repeat(60_000) }));
  reply.limit(1_000_000);
  const paths = (count: number): string[] => Array<string>(count).fill('$.a');
  t.true(String(runner.run('json.get', 'd', ...paths(10))).length > 600_000);
  t.throws(() => runner.run('json.get', 'd', ...paths(2000)), {
    message: 'the reply would have more than 1000000 bytes; ask for less at once',
  });
  t.throws(() => runner.run('json.get', 'd', 'indent', 'i'.repeat(700_000), '$', '$.a'), {
    message: /more than 1000000/,
  });
});

testCommands('JSON.MGET reads documents up to a limit of bytes', (t, { runner }) => {
  runner.run('json.set', 'd', '$', JSON.stringify('x'.repeat(100_000)));
  const keys = (count: number): string[] => Array<string>(count).fill('d');
  t.is((runner.run('json.mget', ...keys(20), '$[0]') as readonly unknown[]).length, 20);
  t.deepEqual(
    runner.run('json.mget', ...keys(700), '$[0]'),
    new ErrorReply('ERR the documents have more than 67108864 bytes together; ask for less at once'),
  );
});

testCommands(
  'a value that a path would put in too many places is refused before the text is made',
  (t, { run, runner }) => {
    run('json.set d $', JSON.stringify(Array<number>(20_000).fill(1)));
    const before = run('json.get d');
    // 20 GB, which no buffer could hold.
    const reply = runner.run('json.set', 'd', '$[*]', JSON.stringify('x'.repeat(1_000_000)));
    t.regex((reply as ErrorReply).text, /string exceeds maximum allowed size/);
    t.is(run('json.get d'), before);
  },
);
