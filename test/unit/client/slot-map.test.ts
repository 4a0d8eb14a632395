import test from 'ava';
import { FluxCacheError, ReplyError } from '../../../src/client/errors.ts';
import { movedTo } from '../../../src/client/node-address.ts';
import { SlotMap, slotOfKey } from '../../../src/client/slot-map.ts';

const ONE = ['10.0.0.1', 7379, 'id-1'];
const TWO = ['10.0.0.2', 7379, 'id-2', []];

test('a key has the slot that Redis Cluster gives it, as text or bytes, with a hash tag or without', (t) => {
  t.is(slotOfKey('123456789'), 0x31c3);
  t.is(slotOfKey(Buffer.from('123456789')), 0x31c3);
  t.is(slotOfKey('{user1000}.following'), slotOfKey('{user1000}.followers'));
  const long = 'ä'.repeat(1000);
  t.is(slotOfKey(long), slotOfKey(Buffer.from(long)));
  t.is(slotOfKey('ä'.repeat(256)), slotOfKey(Buffer.from('ä'.repeat(256))));
});

test('a map knows the owners of each slot, each node once, and slots that are nobody’s', (t) => {
  const map = SlotMap.read(
    [
      [0, 99, ONE, TWO],
      [200, 16_383, TWO, ONE],
    ],
    'asked',
  );
  t.deepEqual(map.ownersOf(99), {
    primary: { host: '10.0.0.1', port: 7379 },
    replicas: [{ host: '10.0.0.2', port: 7379 }],
  });
  t.is(map.ownersOf(150), null);
  t.is(map.ownersOf(16_383)?.primary.host, '10.0.0.2');
  t.deepEqual(
    map.nodes.map(({ host }) => host),
    ['10.0.0.1', '10.0.0.2'],
  );
  t.deepEqual([...map.primaries()].sort(), ['10.0.0.1:7379', '10.0.0.2:7379']);
});

test('no host stands for that of the node that was asked; one that nobody knows leaves its slots without owner', (t) => {
  const map = SlotMap.read(
    [
      [0, 5, ['', 7000]],
      [6, 7, [null, 7001]],
      [8, 9, ['?', 7002], ONE],
      [10, 11, ['h', 0]],
    ],
    '::1',
  );
  t.deepEqual(map.ownersOf(0)?.primary, { host: '::1', port: 7000 });
  t.deepEqual(map.ownersOf(6)?.primary, { host: '::1', port: 7001 });
  t.is(map.ownersOf(8), null);
  t.is(map.ownersOf(10), null);
  t.true(map.primaries().has('[::1]:7000'));
});

test('what is no map is refused', (t) => {
  const wrong = [
    null,
    'x',
    [],
    [7],
    [[0, 1]],
    [[0, 16_384, ONE]],
    [[-1, 3, ONE]],
    [[4, 3, ONE]],
    [[0, 0.5, ONE]],
    [[0, 1, [5, 7379]]],
    [[0, 1, ['h', 70_000]]],
    [[0, 1, 'h:1']],
    [
      [0, 5, ONE],
      [5, 6, TWO],
    ],
    [[0, 1, ['?', 1]]],
  ];
  for (const answer of wrong) {
    t.throws(() => SlotMap.read(answer, 'h'), { instanceOf: FluxCacheError, code: 'unexpected-result' });
  }
});

test('maps are equal when all slots are where they were, and one that was corrected is equal to none', (t) => {
  const read = (cut: number, replica = TWO) =>
    SlotMap.read(
      [
        [0, cut, ONE, replica],
        [cut + 1, 16_383, TWO],
      ],
      'h',
    );
  t.true(read(100).equals(read(100)));
  t.false(read(100).equals(read(101)));
  t.false(read(100).equals(read(100, ['10.0.0.3', 7379])));
  const corrected = read(100);
  corrected.correct(50, { host: '10.0.0.9', port: 1 });
  t.is(corrected.ownersOf(50)?.primary.host, '10.0.0.9');
  t.is(corrected.ownersOf(51)?.primary.host, '10.0.0.1');
  t.false(corrected.equals(corrected));
  corrected.correct(20_000, { host: '10.0.0.9', port: 1 });
});

test('a redirect is read with or without its first word, and nothing else is', (t) => {
  const of = (message: string, code = 'moved') => movedTo(new ReplyError(code, message));
  t.deepEqual(of('3999 127.0.0.1:7379'), { slot: 3999, host: '127.0.0.1', port: 7379 });
  t.deepEqual(of('MOVED 1 ::1:6380'), { slot: 1, host: '::1', port: 6380 });
  t.deepEqual(of('1 [::1]:6380'), { slot: 1, host: '::1', port: 6380 });
  t.deepEqual(of('1 :6380'), { slot: 1, host: '', port: 6380 });
  for (const message of ['', '1', '1 host', '1 host:0', '1 host:99999', 'x host:1']) t.is(of(message), null);
  t.is(of('1 host:1', 'try-again'), null);
});
