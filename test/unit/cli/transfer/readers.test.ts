import test from 'ava';
import { BrokenSourceError, type Item } from '../../../../src/cli/transfer/entry.ts';
import { LineReader } from '../../../../src/cli/transfer/line-reader.ts';
import { ValueStreamReader } from '../../../../src/cli/transfer/value-reader.ts';

const told = (items: readonly Item[]) =>
  items.map((item) => {
    if (item.kind === 'entry') return `${item.place} ${Buffer.from(item.entry.key)}`;
    return item.kind === 'fault' ? `${item.place} ${item.what}` : item.reason;
  });

const line = (key: string) => `{"key":"${key}","value":"v"}`;

test('lines count from 1, empty ones included; the last needs no end, and a byte order mark is passed over', (t) => {
  const reader = new LineReader();
  const items = [
    ...reader.feed(Buffer.from(`\ufeff${line('a')}\r\n\n  \n${line('b')}\nnope\n${line('c')}`)),
    ...reader.end(),
  ];
  t.deepEqual(told(items), ['1 a', '4 b', '5 it is no JSON', '6 c']);
  t.deepEqual(reader.end(), []);
});

test('a line that is too long is a fault, takes no memory, and the next one is read', (t) => {
  const reader = new LineReader({ bytesMax: 40 });
  const items: Item[] = [];
  for (const piece of [`${line('a')}\n`, 'x'.repeat(39), 'x'.repeat(1000), `x\n${line('b')}\n`, 'y'.repeat(41)]) {
    items.push(...reader.feed(Buffer.from(piece)));
  }
  items.push(...reader.end());
  t.deepEqual(told(items), ['1 a', '2 it is longer than 40 bytes', '3 b', '4 it is longer than 40 bytes']);
});

test('bytes that are no UTF-8 are told by their line', (t) => {
  const reader = new LineReader();
  t.deepEqual(told(reader.feed(Buffer.from([0x22, 0xff, 0x22, 0x0a]))), ['1 it is not UTF-8']);
});

test('what stands in front of --skip is not looked at, and places stay what they are', (t) => {
  const text = ['nope', line('a'), '', line('b')].join('\n');
  const reader = new LineReader({ skip: 2 });
  t.deepEqual(told([...reader.feed(Buffer.from(text)), ...reader.end()]), ['4 b']);
});

/** `{"key": key, "value": "v"}`. */
const map = (key: number[]) => [0x82, 0xa3, 0x6b, 0x65, 0x79, ...key, 0xa5, 0x76, 0x61, 0x6c, 0x75, 0x65, 0xa1, 0x76];

test('maps are read one behind the other, and what is no entry is a fault of its place', (t) => {
  const reader = new ValueStreamReader();
  const bytes = [...map([0xa1, 0x61]), 0x01, ...map([0x05]), ...map([0xc4, 1, 0x62]), 0x81, 0xa1, 0x78, 0xc0];
  const items = bytes.flatMap((byte) => reader.feed(Uint8Array.of(byte)));
  t.deepEqual(told([...items, ...reader.end()]), [
    '1 a',
    '2 it is no map',
    '3 its key is neither str nor bin',
    '4 b',
    '5 there is no field "x"',
  ]);
});

test('values of every kind are entries of a type, but for what nothing can hold', (t) => {
  const read = (bytes: readonly number[], type: readonly number[] = []) => {
    const head = [
      type.length > 0 ? 0x83 : 0x82,
      0xa3,
      0x6b,
      0x65,
      0x79,
      0xa1,
      0x6b,
      0xa5,
      0x76,
      0x61,
      0x6c,
      0x75,
      0x65,
    ];
    const typed = type.length > 0 ? [0xa4, 0x74, 0x79, 0x70, 0x65, ...type] : [];
    const [item] = new ValueStreamReader().feed(Uint8Array.from([...head, ...bytes, ...typed]));
    if (item?.kind !== 'entry') return item?.kind === 'fault' ? item.what : '';
    return `${item.entry.type} ${Buffer.from(item.entry.value).toString('latin1')}`;
  };
  const json = [0xa4, 0x6a, 0x73, 0x6f, 0x6e];
  t.is(read([0xa1, 0x78]), 'string x');
  t.is(read([0xc4, 1, 0xff]), 'string \xff');
  t.is(read([0x2a]), 'number 42');
  t.is(read([0xcf, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]), 'number 18446744073709551615');
  t.is(read([0x81, 0xa1, 0x61, 0x92, 0xc3, 0xc0]), 'json {"a":[true,null]}');
  t.is(read([0xa1, 0x78], json), 'json "x"');
  t.is(read([0xc4, 2, 0x5b, 0x5d], json), 'json []');
  t.is(read([0xd4, 1, 1]), 'its value is an ext, which nothing here can hold');
  t.regex(read([0x91, 0xc4, 1, 0]), /^its value: /);
});

test('bytes that are no MessagePack, and a length that nothing keeps, are the end', (t) => {
  const reader = new ValueStreamReader({ bytesMax: 1000 });
  t.throws(() => reader.feed(Uint8Array.of(0xc1)), { instanceOf: BrokenSourceError, message: /^Entry 1: / });
  const lying = new ValueStreamReader({ bytesMax: 1000 });
  t.throws(() => lying.feed(Uint8Array.of(0xdf, 0xff, 0xff, 0xff, 0xff)), { message: /longer than 1000 bytes/ });
  const cut = new ValueStreamReader();
  t.deepEqual(told(cut.feed(Uint8Array.from(map([0xa1, 0x61]).slice(0, -1)))), []);
  t.deepEqual(told(cut.end()), ['1 the file ends within it']);
});
