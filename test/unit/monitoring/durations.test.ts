import test from 'ava';
import { Counters, FrontEnd } from '../../../src/base/counters.ts';
import { durationHistograms, durations, percentileUs } from '../../../src/monitoring/durations.ts';

function countersOf(calls: readonly (readonly [row: number, frontEnd: FrontEnd, ms: number, count: number])[]) {
  const counters = Counters.create({ commandCount: 3, errorCount: 1 });
  for (const [row, frontEnd, ms, count] of calls) counters.commands(row, frontEnd, count, ms * count);
  return counters;
}

const names = ['get', 'set', 'never'];

test('calls of all front ends are put together, and commands that never ran are left out', (t) => {
  const counters = countersOf([
    [0, FrontEnd.http, 0.003, 2],
    [0, FrontEnd.resp, 0.1, 1],
    [1, FrontEnd.msgpack, 1, 1],
  ]);
  t.deepEqual(
    [...durations(counters, names)].map(({ name, calls }) => [name, calls]),
    [
      ['get', 3],
      ['set', 1],
    ],
  );
  t.deepEqual(
    [...durationHistograms(counters, names)],
    [
      {
        name: 'get',
        calls: 3,
        cumulative: [
          [4, 2],
          [128, 3],
        ],
      },
      { name: 'set', calls: 1, cumulative: [[1024, 1]] },
    ],
  );
});

test('a percentile is the bound that so many calls took no longer than', (t) => {
  const [one] = durations(
    countersOf([
      [0, FrontEnd.resp, 0.001, 98],
      [0, FrontEnd.resp, 0.5, 1],
      [0, FrontEnd.resp, 60_000, 1],
    ]),
    names,
  );
  if (one === undefined) return t.fail();
  t.is(percentileUs(one, 0.5), 1);
  t.is(percentileUs(one, 0.98), 1);
  t.is(percentileUs(one, 0.99), 512);
  t.is(percentileUs(one, 0.999), 2 ** 25, 'beyond the greatest bound, twice that');
});
