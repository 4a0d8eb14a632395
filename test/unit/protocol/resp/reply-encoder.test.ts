import test from 'ava';
import { ValueType } from '../../../../src/base/view.ts';
import { ReplyReader, ReplyWriter } from '../../../../src/command/reply.ts';
import {
  encodeErrorLine,
  encodeFoundValue,
  encodeNull,
  encodeReply,
} from '../../../../src/protocol/resp/reply-encoder.ts';
import { CollectedOutput, encoded } from '../../../resp-encoding.ts';
import { realBench } from '../../../stores.ts';

const cases: readonly [string, (reply: ReplyWriter) => void, string, string][] = [
  ['null', (reply) => reply.null(), '$-1\r\n', '_\r\n'],
  ['no array', (reply) => reply.nullArray(), '*-1\r\n', '_\r\n'],
  ['true', (reply) => reply.boolean(true), ':1\r\n', '#t\r\n'],
  ['false', (reply) => reply.boolean(false), ':0\r\n', '#f\r\n'],
  ['zero', (reply) => reply.integer(0), ':0\r\n', ':0\r\n'],
  ['an integer', (reply) => reply.integer(-1234567890123), ':-1234567890123\r\n', ':-1234567890123\r\n'],
  ['an integer beyond a double', (reply) => reply.int64(-(2n ** 63n)), `:${-(2n ** 63n)}\r\n`, `:${-(2n ** 63n)}\r\n`],
  ['a double', (reply) => reply.double(0.1), '$19\r\n0.10000000000000001\r\n', ',0.10000000000000001\r\n'],
  ['infinity', (reply) => reply.double(-Infinity), '$4\r\n-inf\r\n', ',-inf\r\n'],
  ['OK', (reply) => reply.ok(), '+OK\r\n', '+OK\r\n'],
  ['a status', (reply) => reply.status('PONG'), '+PONG\r\n', '+PONG\r\n'],
  ['an empty bulk', (reply) => reply.bulkText(''), '$0\r\n\r\n', '$0\r\n\r\n'],
  ['a bulk', (reply) => reply.bulkText('é\r\n'), '$4\r\né\r\n\r\n', '$4\r\né\r\n\r\n'],
  ['text for people', (reply) => reply.text('# Server\r\n'), '$10\r\n# Server\r\n\r\n', '=14\r\ntxt:# Server\r\n\r\n'],
  [
    'an error',
    (reply) => reply.error('wrong-type', 'Operation\r\nagainst é'),
    '-WRONGTYPE Operation  against é\r\n',
    '-WRONGTYPE Operation  against é\r\n',
  ],
  ['JSON of no numbers', (reply) => reply.numbers('[]'), '$2\r\n[]\r\n', '*0\r\n'],
  ['JSON of one number', (reply) => reply.numbers('-7'), '$2\r\n-7\r\n', '*1\r\n:-7\r\n'],
  [
    'JSON of numbers',
    (reply) => reply.numbers('[null,9223372036854775807,9223372036854775808,2.5]'),
    '$50\r\n[null,9223372036854775807,9223372036854775808,2.5]\r\n',
    '*4\r\n_\r\n:9223372036854775807\r\n,9.2233720368547758e+18\r\n,2.5\r\n',
  ],
  [
    'what is enclosed, within an array',
    (reply) => {
      reply.array(3);
      for (const count of [0, 1]) {
        const at = reply.length;
        reply.array(count);
        if (count === 1) reply.bulkText('a');
        reply.enclose(at);
      }
      const at = reply.length;
      reply.error('bad-request', 'x');
      reply.enclose(at);
    },
    '*3\r\n*0\r\n*1\r\n$1\r\na\r\n-ERR x\r\n',
    '*3\r\n*1\r\n*0\r\n*1\r\n*1\r\n$1\r\na\r\n-ERR x\r\n',
  ],
  ['an empty array', (reply) => reply.array(0), '*0\r\n', '*0\r\n'],
  ['an empty map', (reply) => reply.map(0), '*0\r\n', '%0\r\n'],
  [
    'what nests',
    (reply) => {
      reply.array(3);
      reply.map(1);
      reply.bulkText('a');
      reply.set(2);
      reply.integer(1);
      reply.null();
      reply.array(0);
      reply.ok();
    },
    '*3\r\n*2\r\n$1\r\na\r\n*2\r\n:1\r\n$-1\r\n*0\r\n+OK\r\n',
    '*3\r\n%1\r\n$1\r\na\r\n~2\r\n:1\r\n_\r\n*0\r\n+OK\r\n',
  ],
  [
    'a reply of several parts',
    (reply) => {
      for (const channel of ['a', 'b']) {
        reply.push(2);
        reply.bulkText('subscribe');
        reply.bulkText(channel);
      }
    },
    '*2\r\n$9\r\nsubscribe\r\n$1\r\na\r\n*2\r\n$9\r\nsubscribe\r\n$1\r\nb\r\n',
    '>2\r\n$9\r\nsubscribe\r\n$1\r\na\r\n>2\r\n$9\r\nsubscribe\r\n$1\r\nb\r\n',
  ],
  [
    'a reply with a version',
    (reply) => {
      reply.attribute(12, true);
      reply.ok();
    },
    '+OK\r\n',
    '+OK\r\n',
  ],
];
for (const [title, write, resp2, resp3] of cases) {
  test(`${title} is ${JSON.stringify(resp2)} in RESP2 and ${JSON.stringify(resp3)} in RESP3`, (t) => {
    t.is(encoded(write, 2), resp2);
    t.is(encoded(write, 3), resp3);
  });
}

test('integers of all lengths keep their digits', (t) => {
  for (let value = 1; value <= Number.MAX_SAFE_INTEGER; value = value * 3 + 1) {
    t.is(
      encoded((reply) => reply.integer(value), 2),
      `:${value}\r\n`,
    );
    t.is(
      encoded((reply) => reply.integer(-value), 3),
      `:-${value}\r\n`,
    );
  }
  for (const value of [9, 10, 99, 100, 999, 1000, 9999, 10_000, 2 ** 31 - 1, 2 ** 31, Number.MAX_SAFE_INTEGER]) {
    t.is(
      encoded((reply) => reply.integer(value), 2),
      `:${value}\r\n`,
    );
  }
});

/** As C's `printf("%.17g")` prints them. */
const doubles: readonly [number, string][] = [
  [0, '0'],
  [-0, '-0'],
  [3, '3'],
  [2.75, '2.75'],
  [0.1, '0.10000000000000001'],
  [-1.5, '-1.5'],
  [100000, '100000'],
  [1e16, '10000000000000000'],
  [1e17, '1e+17'],
  [1.5e300, '1.5000000000000001e+300'],
  [0.0001, '0.0001'],
  [0.00001, '1.0000000000000001e-05'],
  [5e-324, '4.9406564584124654e-324'],
  [123456789.125, '123456789.125'],
  [Number.POSITIVE_INFINITY, 'inf'],
  [Number.NaN, 'nan'],
];
for (const [value, text] of doubles) {
  test(`the double ${value} is written as ${text}`, (t) => {
    t.is(
      encoded((reply) => reply.double(value), 3),
      `,${text}\r\n`,
    );
  });
}

test('the value of an entry comes straight from the store, and tells how much it took', (t) => {
  const { store, runner } = realBench();
  for (const value of ['', 'x', 'v'.repeat(1000)]) {
    runner.run('set', 'k', value);
    t.true(store.lookup(Buffer.from('k'), 0, 1));
    const output = new CollectedOutput();
    const reserved = encodeFoundValue(store, output, 2);
    t.is(output.text, `$${value.length}\r\n${value}\r\n`);
    t.is(reserved, output.text.length);
  }
  const output = new CollectedOutput();
  t.is(encodeFoundValue(null, output, 2), 5);
  t.is(encodeFoundValue(null, output, 3), 3);
  t.is(output.text, '$-1\r\n_\r\n');
});

test('an error of the protocol is one line, one byte a character', (t) => {
  const output = new CollectedOutput();
  encodeErrorLine("ERR Protocol error: expected '$', got '\xff'\r\n", output);
  encodeNull(output, 3);
  t.is(output.latin1, "-ERR Protocol error: expected '$', got '\xff'  \r\n_\r\n");
});

test('a bulk of bytes that are no text is written as it is', (t) => {
  const reply = new ReplyWriter();
  reply.bulk(
    ValueType.bytes,
    Uint8Array.from({ length: 300 }, (_, index) => index),
    1,
    299,
  );
  const reader = new ReplyReader();
  reader.openWritten(reply);
  const output = new CollectedOutput();
  encodeReply(reader, output, 2);
  const wanted = Buffer.from(Array.from({ length: 298 }, (_, index) => index + 1)).toString('latin1');
  t.is(output.latin1, `$298\r\n${wanted}\r\n`);
});
