import test from 'ava';
import {
  formatCores,
  formatDuration,
  formatLeft,
  formatRate,
  formatShare,
} from '../../../../src/monitoring/dashboard/page/format.js';

test('durations are written in the units that people use for them', (t) => {
  const cases: [number, string][] = [
    [0, '0'],
    [0.25, '250 µs'],
    [575, '575 ms'],
    [90_000, '90 s'],
    [164_000, '2 min 44 s'],
    [300_000, '5 min'],
    [3_599_900, '1 h'],
    [12_000_000, '3 h 20 min'],
    [86_399_000, '1 d'],
    [187_200_000, '2 d 4 h'],
  ];
  for (const [ms, text] of cases) t.is(formatDuration(ms), text);
  t.is(formatLeft(1), '1 s');
});

test('shares are none or all only when they are', (t) => {
  t.deepEqual([0, 0.00001, 0.0123, 0.5, 0.99996, 1].map(formatShare), [
    '0%',
    '<0.01%',
    '1.23%',
    '50.0%',
    '>99.99%',
    '100%',
  ]);
});

test('rates have tenths at most, and processors are parts of one or several', (t) => {
  t.deepEqual([0.99, 0.04, 12.34, 5330].map(formatRate), ['1', '0', '12.3', '5.33k']);
  t.deepEqual([0.03, 1.5].map(formatCores), ['3% of a core', '1.5 cores']);
});
