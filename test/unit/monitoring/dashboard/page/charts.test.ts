import test from 'ava';
import fc from 'fast-check';
import type { NodeSample } from '../../../../../src/monitoring/dashboard/feed.ts';
import { powersAround, roundTop, sharesAbove } from '../../../../../src/monitoring/dashboard/page/axis-range.js';
import { busiestCommands, otherCommands } from '../../../../../src/monitoring/dashboard/page/busiest.js';
import { rowsBetween } from '../../../../../src/monitoring/dashboard/page/sample-window.js';
import { sparkPath } from '../../../../../src/monitoring/dashboard/page/sparkline.js';
import { stack } from '../../../../../src/monitoring/dashboard/page/stack.js';
import { idleSample } from './idle-sample.ts';

test('the top of a scale is a round number above the highest value, and not far above', (t) => {
  t.is(roundTop(0), 1);
  t.is(roundTop(Number.NaN), 1);
  t.is(roundTop(5.7), 6);
  t.is(roundTop(5700), 6000);
  t.is(roundTop(1000), 1500);
  t.is(roundTop(900 * 1024, 1024), 1000 * 1024);
  fc.assert(
    fc.property(fc.double({ min: 1e-6, max: 1e15, noNaN: true }), fc.constantFrom(1000, 1024), (max, base) => {
      const top = roundTop(max, base);
      return top >= max * 1.03 && top <= max * 1.65;
    }),
  );
});

test('a logarithmic scale spans whole powers of ten, two at the least', (t) => {
  t.deepEqual(powersAround(0.02, 5), [0.01, 10]);
  t.deepEqual(powersAround(1, 1), [1, 100]);
  t.deepEqual(powersAround(Number.NaN, Number.NaN), [0.01, 1]);
  t.deepEqual(powersAround(0, 0), [0.01, 1]);
});

test('a ratio that stays high is looked at closely', (t) => {
  t.deepEqual(sharesAbove(0.3), [0, 1]);
  t.deepEqual(sharesAbove(0.93), [0.9, 1]);
  t.deepEqual(sharesAbove(0.9999), [0.99, 1]);
});

test('what is hidden adds nothing to a stack, and a gap stays one', (t) => {
  const columns = [
    [1, 2, null],
    [10, 20, null],
    [100, 200, null],
  ];
  t.deepEqual(
    stack(columns, () => true),
    [
      [1, 2, null],
      [11, 22, null],
      [111, 222, null],
    ],
  );
  t.deepEqual(
    stack(columns, (index) => index !== 1),
    [
      [1, 2, null],
      [1, 2, null],
      [101, 202, null],
    ],
  );
});

test('a window has the sample before it, and rows without one where samples are missing', (t) => {
  const samples = [1000, 2000, 3000, 9000, 10_000].map((atMs) => sampleAt(atMs));
  const { times, samples: rows } = rowsBetween(samples, 1500, 9500);
  t.deepEqual(times, [1, 2, 3, 3.001, 9]);
  t.deepEqual(
    rows.map((row) => row?.atMs ?? null),
    [1000, 2000, 3000, null, 9000],
  );
  t.deepEqual(rowsBetween([], 0, 1000).times, []);
  // All of it is past: the last sample alone leads to the edge.
  t.deepEqual(rowsBetween(samples, 20_000, 30_000).times, [10]);
});

test('commands keep their places until another is clearly busier', (t) => {
  const first = [sampleAt(1, { get: 100, set: 50, del: 10, other: 3 })];
  const shown = busiestCommands(first, [], 2);
  t.deepEqual(shown, ['get', 'set']);
  const little = sampleAt(1, { get: 100, set: 50, del: 55 });
  t.deepEqual(busiestCommands([little, null], shown, 2), ['get', 'set']);
  const much = sampleAt(1, { get: 100, set: 50, del: 90 });
  t.deepEqual(busiestCommands([much], shown, 2), ['get', 'del']);
  t.is(otherCommands(much, new Set(['get', 'del'])), 50);
  // One that is no longer there gives its place away.
  t.deepEqual(busiestCommands([sampleAt(1, { set: 1 })], shown, 2), ['set']);
});

test('a small line ends at the right edge, and skips what is not there', (t) => {
  t.deepEqual(sparkPath([], 60), { path: '', first: 0, last: 0 });
  t.is(sparkPath([0, null, 4], 3).path, 'M0 23L100 2');
  t.is(sparkPath([1, 2, 3, 4], 3).path.split('L').length, 3);
});

function sampleAt(atMs: number, byCommand: Readonly<Record<string, number>> = {}): NodeSample {
  return idleSample({ atMs, byCommand });
}
