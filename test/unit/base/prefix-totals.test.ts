import test from 'ava';
import { GivenPrefixes, PrefixTotals } from '../../../src/base/prefix-totals.ts';

const totalsOf = (keptMax: number) =>
  new PrefixTotals({ fields: ['keys', 'bytes'], weightOf: ({ bytes }) => bytes, keptMax });

function count(totals: ReturnType<typeof totalsOf>, prefix: string | null, bytes: number): void {
  const row = totals.of(prefix);
  row.keys++;
  row.bytes += bytes;
}

test('what is counted is added up by prefix, the largest first', (t) => {
  const totals = totalsOf(10);
  count(totals, 'a:', 10);
  count(totals, 'b:', 50);
  count(totals, 'a:', 15);
  count(totals, null, 7);
  t.deepEqual(totals.largest(10), {
    rows: [
      ['b:', { keys: 1, bytes: 50 }],
      ['a:', { keys: 2, bytes: 25 }],
    ],
    others: { keys: 1, bytes: 7 },
  });
});

test('prefixes beyond those that are asked for are among the others, and asking changes nothing', (t) => {
  const totals = totalsOf(10);
  for (const [i, prefix] of ['a:', 'b:', 'c:'].entries()) count(totals, prefix, 10 * (i + 1));
  for (let again = 0; again < 2; again++) {
    const { rows, others } = totals.largest(1);
    t.deepEqual(rows, [['c:', { keys: 1, bytes: 30 }]]);
    t.deepEqual(others, { keys: 2, bytes: 30 });
  }
});

test('however many prefixes there are, few are kept, the large ones stay, and nothing is lost', (t) => {
  const totals = totalsOf(10);
  for (let i = 0; i < 5000; i++) {
    count(totals, `rare-${i}:`, 10);
    count(totals, `large-${i % 5}:`, 100);
  }
  const { rows, others } = totals.largest(1000);
  t.true(rows.length <= 20);
  const largest = rows.slice(0, 5);
  t.deepEqual(largest.map(([prefix]) => prefix).sort(), ['large-0:', 'large-1:', 'large-2:', 'large-3:', 'large-4:']);
  for (const [, { keys }] of largest) t.is(keys, 1000);
  t.is(
    rows.reduce((sum, [, { bytes }]) => sum + bytes, others.bytes),
    5000 * 110,
  );
});

test('others of the same kind are added as often as they stand for', (t) => {
  const all = totalsOf(10);
  const part = totalsOf(10);
  count(all, 'a:', 10);
  count(part, 'a:', 10);
  count(part, 'b:', 5);
  count(part, null, 1);
  all.add(part, 4);
  t.deepEqual(all.largest(10), {
    rows: [
      ['a:', { keys: 5, bytes: 50 }],
      ['b:', { keys: 4, bytes: 20 }],
    ],
    others: { keys: 4, bytes: 4 },
  });
});

test('the past fades, and a prefix that is not used any more is forgotten', (t) => {
  const totals = totalsOf(2);
  count(totals, 'a:', 8);
  totals.fade(0.5, 0.2);
  t.deepEqual(totals.largest(2).rows, [['a:', { keys: 0.5, bytes: 4 }]]);
  for (let i = 0; i < 6; i++) totals.fade(0.5, 0.2);
  t.deepEqual(totals.largest(2).rows, []);
});

test('a key counts for every given prefix that it begins with, and what is taken over is taken once', (t) => {
  const given = new GivenPrefixes(['user:', 'user:vip:', 'page:'], ['hits']);
  const more = new GivenPrefixes(['user:', 'user:vip:', 'page:'], ['hits']);
  for (const key of ['user:1', 'user:vip:1', 'other']) {
    const bytes = Buffer.from(`<${key}`);
    more.forEachOf(bytes, 1, bytes.length, (totals) => totals.hits++);
  }
  given.take(more, 3);
  given.take(more, 3);
  t.deepEqual(
    given.rows.map(({ prefix, totals }) => [prefix, totals.hits]),
    [
      ['user:', 6],
      ['user:vip:', 3],
      ['page:', 0],
    ],
  );
});
