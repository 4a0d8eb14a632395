import test from 'ava';
import type { MissRatioCurve } from '../../../../src/monitoring/dashboard/feed.ts';
import { curvePlot, curveVerdict, hitRatioAt } from '../../../../src/monitoring/dashboard/page/curve-plot.js';
import { prefixRows, sortedRows } from '../../../../src/monitoring/dashboard/page/prefix-rows.js';
import { cannedEvents } from '../../../browser/canned-events.ts';

const { access, keyspace } = cannedEvents(1_700_000_000_000);

function curveOf(...ratios: number[]): MissRatioCurve {
  const points = [0.25, 0.5, 0.75, 1, 1.5, 2, 3, 4].map((memory, at) => ({ memory, hitRatio: ratios[at] ?? 0 }));
  return { points, sampledLookups: 1000, samplingRate: 0.01 };
}

test('what is known of a prefix from lookups and from keys stands in one row', (t) => {
  const rows = prefixRows(access, keyspace);
  t.like(
    rows.find(({ prefix }) => prefix === 'user:'),
    { reads: 21_000, hitRatio: 0.953, keys: 610_000, bytes: 5.4e7 },
  );
  t.like(
    rows.find(({ prefix }) => prefix === 'blob:'),
    { reads: null, hitRatio: null, keys: 1200 },
  );
  t.like(
    rows.find(({ prefix }) => prefix === 'idle:'),
    { reads: 0, keys: null, share: null },
  );
  t.is(new Set(rows.map(({ prefix }) => prefix)).size, rows.length);
});

test('shares are of the bytes of all keys', (t) => {
  const sum = prefixRows(null, keyspace).reduce((all, { share }) => all + (share ?? 0), 0);
  t.true(Math.abs(sum - 1) < 1e-9);
  t.deepEqual(prefixRows(undefined, null), []);
});

test('all other keys stay last, whatever rows are sorted by, and unknown figures come before them', (t) => {
  const rows = prefixRows(access, keyspace);
  for (const isDescending of [true, false]) {
    const sorted = sortedRows(rows, ({ bytes }) => bytes, isDescending);
    t.is(sorted.at(-1)?.prefix, null);
    t.is(sorted.at(-2)?.bytes, null);
  }
  t.is(sortedRows(rows, ({ bytes }) => bytes, true)[0]?.prefix, 'session:');
});

test('the curve is drawn between round bounds that hold it', (t) => {
  for (const curve of [
    curveOf(0.62, 0.71, 0.78, 0.84, 0.9, 0.923, 0.947, 0.958),
    curveOf(...Array(8).fill(0.999)),
    curveOf(),
  ]) {
    const { points, lines } = curvePlot(curve);
    t.true(points.every(({ x, y }) => x >= 0 && x <= 1 && y >= 0 && y <= 1));
    t.true(lines.length >= 2 && lines.length <= 8, `${lines.length} lines`);
    t.is(points[0]?.x, 0);
    t.is(points.at(-1)?.x, 1);
  }
});

test('the verdict tells what more memory would spare', (t) => {
  t.is(
    curveVerdict(curveOf(0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.92, 0.93)),
    'Double the memory would spare 50 % of the misses.',
  );
  t.is(curveVerdict(curveOf(0.5, 0.6, 0.7, 0.8, 0.8, 0.801, 0.801, 0.801)), 'More memory would hardly help.');
  t.regex(curveVerdict(curveOf(...Array(8).fill(0.9))), /half of it would do/);
  t.is(hitRatioAt(curveOf(0.1), 7), null);
});
