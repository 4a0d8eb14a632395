import test from 'ava';
import fc from 'fast-check';
import type { BenchPlan } from '../../../src/cli/bench-plan.ts';
import { Outcome, wireOf } from '../../../src/cli/bench-wire.ts';

const plan: BenchPlan = {
  target: { host: 'h', port: 1, tls: null, user: undefined, password: undefined, database: 0 },
  protocol: 'resp',
  connections: 1,
  depth: 1,
  requests: 1,
  durationMs: Number.POSITIVE_INFINITY,
  valueBytes: 20,
  keys: 1,
  order: { kind: 'uniform' },
  firstKey: 0,
  readShare: 0.5,
  ttlSeconds: 0,
  rate: 0,
  seed: 1,
};

const body = (json: string, status = '200 OK') => `HTTP/1.1 ${status}\r\nContent-Length: ${json.length}\r\n\r\n${json}`;
const answers = {
  resp: [
    ['+OK\r\n', Outcome.stored],
    ['$-1\r\n', Outcome.miss],
    ['_\r\n', Outcome.miss],
    ['$5\r\na\r\nbc\r\n', Outcome.value],
    ['-ERR $5\r\n', Outcome.error],
    [':1\r\n', Outcome.strange],
  ],
  msgpack: [
    ['\x94\x01\x05\xc0\xa2OK', Outcome.stored],
    ['\x94\x01\xcd\x01\x00\xc0\xc0', Outcome.miss],
    ['\x94\x01\x00\xc0\xd9\x03abc', Outcome.value],
    ['\x94\x01\x01\x81\xa4code\xa1x\xc0', Outcome.error],
    ['\x93\x02\xa1m\x90', Outcome.strange],
  ],
  http: [
    [body('{"ok":true,"version":1}'), Outcome.stored],
    [body('{"error":"no"}', '404 Not Found'), Outcome.miss],
    [body('{"key":"k","value":"abc","ttl":null}'), Outcome.value],
    [body('{}', '503 Service Unavailable'), Outcome.error],
    [body('{"value":[]}'), Outcome.strange],
  ],
} as const;

for (const protocol of ['resp', 'msgpack', 'http'] as const) {
  test(`${protocol}: answers are told apart, and only when they are whole`, (t) => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom(...answers[protocol]), { minLength: 1, maxLength: 6 }),
        fc.nat(),
        (list, cut) => {
          const bytes = Buffer.from(list.map(([text]) => text).join(''), 'latin1');
          const scanner = wireOf({ ...plan, protocol }).scanner();
          let at = 0;
          for (const [text, outcome] of list) {
            const end = at + text.length;
            // Any number of bytes less than all of it is not an answer yet.
            const short = at + (cut % text.length);
            t.is(scanner.next(bytes.subarray(0, short), at, short), -1);
            t.is(scanner.next(bytes, at, bytes.length), end);
            t.is(scanner.outcome, outcome);
            at = end;
          }
        },
      ),
    );
  });
}

test('frames hold the number of the key wherever it stands, and values are as long as was asked for', (t) => {
  for (const protocol of ['resp', 'msgpack', 'http'] as const) {
    for (const valueBytes of [1, 12, 40, 70_000]) {
      const { read, write } = wireOf({ ...plan, protocol, valueBytes });
      t.is(read.digitsAt.length, 1);
      t.is(write.digitsAt.length, valueBytes < 12 ? 1 : 2);
      for (const { bytes, digitsAt } of [read, write]) {
        for (const at of digitsAt) t.is(bytes.toString('latin1', at, at + 12), '000000000000');
      }
      const filler = write.bytes.toString('latin1').match(/x+/g) ?? [];
      t.is(
        Math.max(...filler.map((text) => text.length)),
        valueBytes - (valueBytes < 12 ? 0 : 12) || Math.max(...filler.map((text) => text.length)),
      );
    }
  }
});
