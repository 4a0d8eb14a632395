import test from 'ava';
import { type Format, formatReply } from '../../../src/cli/reply-formats.ts';
import type { Reply } from '../../../src/protocol/resp/reply.ts';

const bulk = (text: string | Uint8Array): Reply => ({ kind: 'bulk', bytes: Buffer.from(text) });
const integer = (value: number | bigint): Reply => ({ kind: 'integer', value });
const array = (...items: Reply[]): Reply => ({ kind: 'array', items });
const none: Reply = { kind: 'null', of: 'bulk' };

function formatted(reply: Reply, format: Format, delimiters = { element: '\n', reply: '\n' }): string {
  return formatReply(reply, format, delimiters).toString('latin1');
}

test('for people, scalars say what they are, and bytes are quoted and escaped', (t) => {
  const people = (reply: Reply) => formatted(reply, 'people');
  t.is(people({ kind: 'status', text: 'OK' }), 'OK\n');
  t.is(people({ kind: 'error', text: 'ERR no' }), '(error) ERR no\n');
  t.is(people(integer(-5)), '(integer) -5\n');
  t.is(people(integer(9223372036854775807n)), '(integer) 9223372036854775807\n');
  t.is(people(none), '(nil)\n');
  t.is(people({ kind: 'boolean', value: true }), '(true)\n');
  t.is(people({ kind: 'double', value: 1.5, text: '1.50' }), '(double) 1.50\n');
  t.is(people(bulk(Buffer.from('a"\\\n\r\t\x07\x08\0\xff', 'latin1'))), '"a\\"\\\\\\n\\r\\t\\a\\b\\x00\\xff"\n');
});

test('for people, elements stand below each other, numbered in columns as wide as the last number', (t) => {
  const eleven = Array.from({ length: 11 }, (_, at) =>
    at === 1 ? array(integer(1), array(bulk('x'), none)) : bulk('y'),
  );
  const lines = formatted(array(...eleven), 'people').split('\n');
  t.deepEqual(lines.slice(0, 5), [' 1) "y"', ' 2) 1) (integer) 1', '    2) 1) "x"', '       2) (nil)', ' 3) "y"']);
  t.is(lines[11 + 1], '11) "y"');
  t.is(formatted(array(), 'people'), '(empty array)\n');
});

test('for people, maps and sets have marks of their own, and lists within maps begin on a line of their own', (t) => {
  const map: Reply = {
    kind: 'map',
    pairs: [
      [bulk('a'), integer(1)],
      [bulk('b'), array(bulk('c'), bulk('d'))],
      [bulk('e'), { kind: 'set', items: [bulk('f')] }],
      [bulk('g'), { kind: 'set', items: [] }],
    ],
  };
  t.is(
    formatted(map, 'people'),
    '1# "a" => (integer) 1\n2# "b" => \n   1) "c"\n   2) "d"\n3# "e" => 1~ "f"\n4# "g" => (empty set)\n',
  );
});

test('text of a server cannot drive the terminal', (t) => {
  t.is(formatted({ kind: 'status', text: 'a\x1b[31m' }, 'people'), 'a\\x1b[31m\n');
  t.is(formatted({ kind: 'error', text: '\x9b31m' }, 'people'), '(error) \\x9b31m\n');
  t.is(formatted({ kind: 'verbatim', format: 'txt', bytes: Buffer.from('1\n\x1b]') }, 'people'), '1\n\\x1b]\n');
});

test('raw replies are the bytes themselves, with the delimiters that were asked for', (t) => {
  const reply = array(bulk(Buffer.from([0, 0xff, 0x0a])), none, integer(3), array(bulk('x'), bulk('y')));
  t.is(formatted(reply, 'raw'), '\0\xff\n\n\n3\nx\ny\n');
  t.is(formatted(reply, 'raw', { element: ',', reply: '' }), '\0\xff\n,,3,x,y');
});

test('JSON keeps kinds, gives names of any kind to maps, and shows bytes that are not UTF-8 as escapes', (t) => {
  const reply: Reply = {
    kind: 'map',
    pairs: [
      [bulk('text'), bulk('ü"\n')],
      [integer(7), bulk(Buffer.from([0xff, 0x41]))],
      [bulk('numbers'), array(integer(9007199254740993n), { kind: 'double', value: Infinity, text: 'inf' }, none)],
    ],
  };
  const text = formatReply(reply, 'json', { element: '', reply: '' }).toString();
  t.is(text, '{"text":"ü\\"\\n","7":"\\\\xffA","numbers":[9007199254740993,"inf",null]}\n');
  t.is(formatted(bulk('ü\\'), 'quoted-json'), '"\\\\xc3\\\\xbc\\\\\\\\"\n');
  t.is(formatted({ kind: 'error', text: 'ERR no' }, 'json'), '{"error":"ERR no"}\n');
});

test('CSV is one line of quoted values', (t) => {
  t.is(formatted(array(bulk('a,"b"'), none, integer(1), array(bulk('c'))), 'csv'), '"a,\\"b\\"",NULL,1,"c"\n');
  t.is(formatted({ kind: 'error', text: 'ERR no' }, 'csv'), 'ERROR,"ERR no"\n');
});
