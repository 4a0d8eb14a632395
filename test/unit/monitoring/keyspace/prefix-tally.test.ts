import test from 'ava';
import { PrefixTally } from '../../../../src/monitoring/keyspace/prefix-tally.ts';

const entry = (memoryBytes: number, expiresAtMs = 0) => ({ memoryBytes, expiresAtMs });

test('keys, bytes and what expires are added up by prefix, the largest first', (t) => {
  const tally = new PrefixTally(10);
  tally.count('a:', entry(10));
  tally.count('b:', entry(50, 1));
  tally.count('a:', entry(15, 1));
  tally.count(null, entry(7));
  t.deepEqual(tally.largest(10), {
    rows: [
      ['b:', { keys: 1, bytes: 50, expiring: 1 }],
      ['a:', { keys: 2, bytes: 25, expiring: 1 }],
    ],
    others: { keys: 1, bytes: 7, expiring: 0 },
  });
});

test('prefixes beyond those that are asked for are among the others, and asking changes nothing', (t) => {
  const tally = new PrefixTally(10);
  for (const [i, prefix] of ['a:', 'b:', 'c:'].entries()) tally.count(prefix, entry(10 * (i + 1)));
  for (let again = 0; again < 2; again++) {
    const { rows, others } = tally.largest(1);
    t.deepEqual(rows, [['c:', { keys: 1, bytes: 30, expiring: 0 }]]);
    t.deepEqual(others, { keys: 2, bytes: 30, expiring: 0 });
  }
});

test('however many prefixes there are, few are kept, the large ones stay, and nothing is lost', (t) => {
  const tally = new PrefixTally(10);
  for (let i = 0; i < 5000; i++) {
    tally.count(`rare-${i}:`, entry(10));
    tally.count(`large-${i % 5}:`, entry(100));
  }
  const { rows, others } = tally.largest(20);
  t.true(rows.length <= 20);
  t.deepEqual(
    rows
      .slice(0, 5)
      .map(([prefix]) => prefix)
      .sort(),
    [0, 1, 2, 3, 4].map((i) => `large-${i}:`),
  );
  for (const [, { keys }] of rows.slice(0, 5)) t.is(keys, 1000);
  const bytes = rows.reduce((sum, [, totals]) => sum + totals.bytes, others.bytes);
  t.is(bytes, 5000 * 110);
});

test('another tally is added as often as it stands for', (t) => {
  const all = new PrefixTally(10);
  const part = new PrefixTally(10);
  all.count('a:', entry(10));
  part.count('a:', entry(10, 1));
  part.count('b:', entry(5));
  part.count(null, entry(1));
  all.add(part, 4);
  t.deepEqual(all.largest(10), {
    rows: [
      ['a:', { keys: 5, bytes: 50, expiring: 4 }],
      ['b:', { keys: 4, bytes: 20, expiring: 0 }],
    ],
    others: { keys: 4, bytes: 4, expiring: 0 },
  });
});
