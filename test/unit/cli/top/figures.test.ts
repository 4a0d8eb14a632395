import test from 'ava';
import { ago, amount, bar, bytes, duration, rate, share, sparkline } from '../../../../src/cli/top/figures.ts';

test('amounts have about three digits, and never turn into a thousand of their unit', (t) => {
  const cases: readonly (readonly [number, string])[] = [
    [0, '0'],
    [0.256, '0.26'],
    [12.34, '12.3'],
    [999.4, '999'],
    [999.9, '1k'],
    [1234, '1.23k'],
    [45_600_000, '45.6M'],
    [-5, '-5'],
  ];
  for (const [value, text] of cases) t.is(amount(value), text);
  t.is(amount(null), '-');
  t.is(bytes(1536), '1.5K');
  t.is(bytes(2 ** 30), '1G');
  t.is(rate(0.04), '0/s');
});

test('shares near all and near none are told from them', (t) => {
  const cases: readonly (readonly [number, string])[] = [
    [0, '0%'],
    [1, '100%'],
    [0.00001, '<0.01%'],
    [0.99999, '>99.99%'],
    [0.9996, '99.96%'],
    [0.5, '50.0%'],
    [0.051, '5.10%'],
  ];
  for (const [value, text] of cases) t.is(share(value), text);
});

test('times are told in the unit that suits them', (t) => {
  const cases: readonly (readonly [number, string])[] = [
    [0, '0'],
    [0.012, '12 µs'],
    [0.9996, '1 ms'],
    [1.5, '1.5 ms'],
    [999.7, '1 s'],
    [12_340, '12.3 s'],
    [164_000, '2 min 44 s'],
    [12_000_000, '3 h 20 min'],
    [187_200_000, '2 d 4 h'],
  ];
  for (const [ms, text] of cases) t.is(duration(ms), text);
  t.is(ago(1000, 2400), 'now');
  t.is(ago(0, 65_000), '65 s ago');
  t.is(ago(5000, 0), 'now');
});

test('a line of blocks shows the last values, the greatest as a whole block, and a bar its part', (t) => {
  t.is(sparkline([9, 0, 5, 10], 3), '▁▅█');
  t.is(sparkline([0, 0], 5), '▁▁');
  t.is(sparkline([], 5), '');
  t.is(bar(0.5, 4), '##..');
  t.is(bar(7, 4), '####');
});
