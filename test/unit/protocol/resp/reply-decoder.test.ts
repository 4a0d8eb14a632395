import test from 'ava';
import { FluxError } from '../../../../src/base/errors.ts';
import type { Reply } from '../../../../src/protocol/resp/reply.ts';
import { ReplyDecoder } from '../../../../src/protocol/resp/reply-decoder.ts';
import { latin1, piecesOf } from '../../../resp-decoding.ts';

function decodeAll(bytes: Uint8Array, size: number): Reply[] {
  const decoder = new ReplyDecoder();
  const replies: Reply[] = [];
  for (const piece of piecesOf(bytes, size)) {
    const lent = Uint8Array.from(piece);
    decoder.feed(lent);
    lent.fill(0x23);
    for (let reply = decoder.next(); reply !== undefined; reply = decoder.next()) replies.push(reply);
  }
  return replies;
}

const bulk = (text: string): Reply => ({ kind: 'bulk', bytes: Uint8Array.from(latin1(text)) });

const cases: readonly [string, Reply][] = [
  ['+OK\r\n', { kind: 'status', text: 'OK' }],
  ['-ERR no\r\n', { kind: 'error', text: 'ERR no' }],
  ['!6\r\nERR \r\n\r\n', { kind: 'error', text: 'ERR \r\n' }],
  [':-12\r\n', { kind: 'integer', value: -12 }],
  [':+12\r\n', { kind: 'integer', value: 12 }],
  [':9223372036854775807\r\n', { kind: 'integer', value: 9223372036854775807n }],
  ['(-349285734895\r\n', { kind: 'bigNumber', value: -349285734895n }],
  [',1.5e3\r\n', { kind: 'double', value: 1500, text: '1.5e3' }],
  [',-inf\r\n', { kind: 'double', value: Number.NEGATIVE_INFINITY, text: '-inf' }],
  [',nan\r\n', { kind: 'double', value: Number.NaN, text: 'nan' }],
  ['#t\r\n', { kind: 'boolean', value: true }],
  ['#f\r\n', { kind: 'boolean', value: false }],
  ['$-1\r\n', { kind: 'null', of: 'bulk' }],
  ['*-1\r\n', { kind: 'null', of: 'array' }],
  ['_\r\n', { kind: 'null', of: 'any' }],
  ['$0\r\n\r\n', bulk('')],
  ['$4\r\n\r\n\0\xff\r\n', bulk('\r\n\0\xff')],
  ['=7\r\ntxt:a\r\n\r\n', { kind: 'verbatim', format: 'txt', bytes: Uint8Array.from(latin1('a\r\n')) }],
  ['*0\r\n', { kind: 'array', items: [] }],
  ['%0\r\n', { kind: 'map', pairs: [] }],
  [
    '*2\r\n*1\r\n:1\r\n~1\r\n$1\r\na\r\n',
    {
      kind: 'array',
      items: [
        { kind: 'array', items: [{ kind: 'integer', value: 1 }] },
        { kind: 'set', items: [bulk('a')] },
      ],
    },
  ],
  [
    '%2\r\n+a\r\n*0\r\n+b\r\n_\r\n',
    {
      kind: 'map',
      pairs: [
        [
          { kind: 'status', text: 'a' },
          { kind: 'array', items: [] },
        ],
        [
          { kind: 'status', text: 'b' },
          { kind: 'null', of: 'any' },
        ],
      ],
    },
  ],
  ['>1\r\n+x\r\n', { kind: 'push', items: [{ kind: 'status', text: 'x' }] }],
  [
    '|1\r\n+ttl\r\n:3\r\n*1\r\n|1\r\n+a\r\n*1\r\n:0\r\n:7\r\n',
    { kind: 'array', items: [{ kind: 'integer', value: 7 }] },
  ],
];
for (const [bytes, reply] of cases) {
  test(`${JSON.stringify(bytes)} is read as what it is, in pieces of any size`, (t) => {
    const stream = latin1(`${bytes}+end\r\n${bytes}`);
    for (let size = 1; size <= stream.length; size++) {
      t.deepEqual(decodeAll(stream, size), [reply, { kind: 'status', text: 'end' }, reply], `pieces of ${size} bytes`);
    }
  });
}

const malformed = [
  'HTTP/1.1 400\r\n',
  ':1x\r\n',
  ':\r\n',
  ':9223372036854775808\r\n',
  '#x\r\n',
  '_x\r\n',
  ',1.2.3\r\n',
  ',\r\n',
  '(1.5\r\n',
  '$-2\r\n',
  '$1\r\nab\r\n',
  '$9999999999\r\n',
  '=1\r\na\r\n',
  '=-1\r\n',
  '*-2\r\n',
  '%-1\r\n',
  '+a\rb\r\n',
  '*1\r\n'.repeat(200),
];
for (const bytes of malformed) {
  test(`${JSON.stringify(bytes.slice(0, 24))} is refused as no RESP`, (t) => {
    const error = t.throws(() => decodeAll(latin1(bytes), 3), { instanceOf: FluxError });
    t.is(error?.code, 'protocol');
  });
}

test('a large bulk in many pieces is read once, not over and over', (t) => {
  const value = Buffer.alloc(16 << 20, 'v');
  const beganMs = performance.now();
  const replies = decodeAll(Buffer.concat([latin1(`$${value.length}\r\n`), value, latin1('\r\n')]), 4096);
  const [reply] = replies;
  t.true(reply?.kind === 'bulk' && value.equals(reply.bytes));
  // To search or copy all that came with every piece would take minutes.
  t.true(performance.now() - beganMs < 5_000);
});
