import test from 'ava';
import { Decoded, RequestDecoder } from '../../../../src/protocol/resp/request-decoder.ts';
import { type Decoding, decode, latin1, piecesOf, wideLimits, wordsOf } from '../../../resp-decoding.ts';

/** Decodes a text whole and byte by byte; both must say the same. */
function decodeText(text: string, limits = wideLimits): Decoding {
  const whole = decode([latin1(text)], limits);
  const cut = decode(piecesOf(latin1(text), 1), limits);
  if (JSON.stringify(whole) !== JSON.stringify(cut)) {
    throw new Error(`whole ${JSON.stringify(whole)}, byte by byte ${JSON.stringify(cut)}`);
  }
  return whole;
}

test('an array of bulks is a command, whatever bytes they hold', (t) => {
  t.deepEqual(decodeText('*3\r\n$3\r\nSET\r\n$4\r\n\0\r\n\xff\r\n$0\r\n\r\n*1\r\n$4\r\nPING\r\n'), {
    commands: [['SET', '\0\r\n\xff', ''], ['PING']],
    end: 'open',
  });
});

test('empty lines and arrays without elements are stepped over', (t) => {
  t.deepEqual(decodeText('\r\n\n  \t\r\n*0\r\n*-1\r\n*-9223372036854775808\r\n*1\r\n$4\r\nPING\r\n\r\n'), {
    commands: [['PING']],
    end: 'open',
  });
});

test('what stands where a line or a bulk ends is stepped over, whatever it is', (t) => {
  t.deepEqual(decodeText('*2\rX$4\rXECHOxx$1\r\n-xx*1\r\n$4\r\nPING\r\n').commands, [['ECHO', '-'], ['PING']]);
});

const inlineCommands: readonly [string, readonly string[]][] = [
  ['PING', ['PING']],
  ['  set  a\t b ', ['set', 'a', 'b']],
  ['ECHO "a b"', ['ECHO', 'a b']],
  ['ECHO "\\x41\\xfF\\n\\r\\t\\b\\a\\q\\"\\\\"', ['ECHO', 'A\xff\n\r\t\b\x07q"\\']],
  ['ECHO "\\x4g\\x"', ['ECHO', 'x4gx']],
  ["ECHO 'it\\'s \\n'", ['ECHO', "it's \\n"]],
  ['ECHO ab"c d"', ['ECHO', 'abc d']],
  ['ECHO "" \'\'', ['ECHO', '', '']],
  ['"PING"', ['PING']],
  ['ECHO a\x0bb \x0bc', ['ECHO', 'a\x0bb', 'c']],
  ['ECHO a\rb\r', ['ECHO', 'a', 'b']],
  ['ECHO "a\r"', ['ECHO', 'a\r']],
  ['\x80\xff', ['\x80\xff']],
];
for (const [line, words] of inlineCommands) {
  test(`the line ${JSON.stringify(line)} is the command ${JSON.stringify(words)}`, (t) => {
    t.deepEqual(decodeText(`${line}\r\n${line}\nPING\n`), { commands: [words, words, ['PING']], end: 'open' });
  });
}

const longLine = 'x'.repeat(65_537);
const malformed: readonly [string, string][] = [
  ['*x\r\n', 'invalid multibulk length'],
  ['*\r\n', 'invalid multibulk length'],
  ['*01\r\n', 'invalid multibulk length'],
  ['*-0\r\n', 'invalid multibulk length'],
  ['*+1\r\n', 'invalid multibulk length'],
  ['* 1\r\n', 'invalid multibulk length'],
  ['*1\n$4\nPING\n\r\n', 'invalid multibulk length'],
  ['*2147483648\r\n', 'invalid multibulk length'],
  ['*-99999999999999999999\r\n', 'invalid multibulk length'],
  ['*1\r\nPING\r\n', "expected '$', got 'P'"],
  ['*1\r\n\r\n', "expected '$', got ' '"],
  ['*1\r\n\xff\r\n', "expected '$', got '\xff'"],
  ['*2\r\n$1\r\na\r\n:1\r\n', "expected '$', got ':'"],
  ['*1\r\n$-1\r\n', 'invalid bulk length'],
  ['*1\r\n$\r\n', 'invalid bulk length'],
  ['*1\r\n$00\r\n', 'invalid bulk length'],
  ['*1\r\n$1e3\r\n', 'invalid bulk length'],
  ['*1\r\n$536870913\r\n', 'invalid bulk length'],
  ['*1\r\n$99999999999999999999\r\n', 'invalid bulk length'],
  ['ECHO "a\r\n', 'unbalanced quotes in request'],
  ["ECHO 'a\r\n", 'unbalanced quotes in request'],
  ['ECHO "a"b\r\n', 'unbalanced quotes in request'],
  ['ECHO \'a\'"b"\r\n', 'unbalanced quotes in request'],
  ['"\\\r\n', 'unbalanced quotes in request'],
  [longLine, 'too big inline request'],
  [`*${longLine}`, 'too big mbulk count string'],
  [`*1\r\n$${longLine}`, 'too big bulk count string'],
];
for (const [bytes, error] of malformed) {
  const shown = JSON.stringify(bytes.length > 40 ? `${bytes.slice(0, 8)}… (${bytes.length})` : bytes);
  test(`${shown} is refused with "${error}", and nothing behind it is decoded`, (t) => {
    t.deepEqual(decodeText(`PING\r\n${bytes}PING\r\n*1\r\n$4\r\nPING\r\n`), { commands: [['PING']], end: error });
  });
}

for (const head of ['POST / HTTP/1.1\r\n', 'host: localhost\r\n', '*2\r\n$4\r\npOsT\r\n$1\r\n/\r\n']) {
  test(`${JSON.stringify(head)} is told as another protocol, and nothing behind it is decoded`, (t) => {
    t.deepEqual(decodeText(`PING\r\n${head}FLUSHALL\r\n`), { commands: [['PING']], end: 'HTTP' });
  });
}

test('a value that is all the limit allows is taken, one byte more is refused before any of it has come', (t) => {
  const limits = { ...wideLimits, bulkBytesMax: 100 };
  const value = 'v'.repeat(100);
  t.deepEqual(decodeText(`*1\r\n$100\r\n${value}\r\n`, limits).commands, [[value]]);
  t.deepEqual(decodeText('*1\r\n$101\r\n', limits), { commands: [], end: 'invalid bulk length' });
});

test('as many arguments as the limit allows are taken, one more is refused before any of them has come', (t) => {
  const limits = { ...wideLimits, argsMax: 3 };
  t.deepEqual(decodeText('*3\r\n$1\r\na\r\n$1\r\nb\r\n$1\r\nc\r\n', limits).commands, [['a', 'b', 'c']]);
  t.is(decodeText('*4\r\n', limits).end, 'invalid multibulk length');
});

test('a command of many arguments is refused where it would pass the limit of a whole command', (t) => {
  const limits = { ...wideLimits, commandBytesMax: 30 };
  t.is(decodeText('*2\r\n$8\r\n12345678\r\n$4\r\n1234\r\n', limits).commands.length, 1);
  t.is(decodeText('*2\r\n$8\r\n12345678\r\n$7\r\n', limits).end, 'too big request');
});

test('before login only short commands are taken, as in Redis; afterwards all', (t) => {
  const decoder = new RequestDecoder(wideLimits);
  decoder.isLoginDue = true;
  decoder.feed(latin1('*10\r\n$16384\r\n'));
  t.is(decoder.next(), Decoded.incomplete);
  for (const [bytes, error] of [
    ['*11\r\n', 'unauthenticated multibulk length'],
    ['*2\r\n$16385\r\n', 'unauthenticated bulk length'],
  ] as const) {
    const other = new RequestDecoder(wideLimits);
    other.isLoginDue = true;
    other.feed(latin1(bytes));
    t.is(other.next(), Decoded.protocolError);
    t.is(other.error, error);
    const loggedIn = new RequestDecoder(wideLimits);
    loggedIn.feed(latin1(bytes));
    t.is(loggedIn.next(), Decoded.incomplete);
  }
});

test('a large value in many pieces takes little more memory than itself, and none when its command is done', (t) => {
  const value = Buffer.alloc(8 << 20, 'v');
  const request = Buffer.concat([
    latin1(`*3\r\n$3\r\nSET\r\n$1\r\na\r\n$${value.length}\r\n`),
    value,
    latin1('\r\nPING\r\n'),
  ]);
  const decoder = new RequestDecoder(wideLimits);
  const commands: string[] = [];
  let carryBytesMax = 0;
  for (const piece of piecesOf(request, 1 << 16)) {
    decoder.feed(piece);
    for (; decoder.next() === Decoded.command; carryBytesMax = Math.max(carryBytesMax, decoder.carryBytes)) {
      commands.push(...wordsOf(decoder));
    }
  }
  t.is(commands.length, 4);
  t.true(commands[2] === value.toString());
  t.true(carryBytesMax >= value.length && carryBytesMax < value.length + 4096);
  t.is(decoder.carryBytes, 0);
  t.is(decoder.bufferedBytes, 0);
});

test('whoever announces much and sends little has little memory taken', (t) => {
  const decoder = new RequestDecoder(wideLimits);
  decoder.feed(latin1('*1000000\r\n$60000000\r\nabc'));
  t.is(decoder.next(), Decoded.incomplete);
  t.true(decoder.carryBytes <= 1024);
  t.is(decoder.bufferedBytes, 24);
});

test('a decoder that waits holds on to nothing that it was fed', (t) => {
  for (const bytes of ['*1\r\n$4\r\nPING\r\n', 'PING\r\n', 'ECHO "a"\r\n*2\r\n$3\r\nGET', 'ECHO "\r\n']) {
    const decoder = new RequestDecoder(wideLimits);
    const lent = latin1(bytes);
    decoder.feed(lent);
    while (decoder.next() === Decoded.command);
    t.not(decoder.args.bytes.buffer, lent.buffer, bytes);
    t.is(decoder.args.bytes.length, 0, bytes);
  }
});

test('what is fed before all was taken is taken behind it', (t) => {
  const decoder = new RequestDecoder(wideLimits);
  decoder.feed(latin1('PING\r\nECHO a\r\n*1\r\n$3\r'));
  t.is(decoder.next(), Decoded.command);
  decoder.feed(latin1('\nGET\r\nECHO b\r\n'));
  const commands: string[][] = [];
  while (decoder.next() === Decoded.command) commands.push(wordsOf(decoder));
  t.deepEqual(commands, [['ECHO', 'a'], ['GET'], ['ECHO', 'b']]);
});
