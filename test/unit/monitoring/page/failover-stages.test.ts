import test from 'ava';
import fc from 'fast-check';
import type { Failover } from '../../../../src/monitoring/dashboard/feed.ts';
import {
  failoverStages,
  keysLostText,
  takenByText,
} from '../../../../src/monitoring/dashboard/page/failover-stages.js';

const whole: Failover = {
  node: 'n2',
  suspectedAtMs: 1000,
  fencedAtMs: 1800,
  promotedAtMs: 1850,
  promotedLastAtMs: 1860,
  firstWriteAtMs: 1900,
  endedAtMs: 2000,
  partitions: 43,
  lostPartitions: 0,
  keysLost: 0,
  takenBy: { n1: 21, n3: 22 },
};

test('the stages of a failover stand on a line by their times', (t) => {
  const { stages, spans, isOver, totalMs } = failoverStages(whole, 99_000);
  t.true(isOver);
  t.is(totalMs, 1000);
  t.deepEqual(
    stages.map(({ name, offsetMs, place }) => [name, offsetMs, place]),
    [
      ['suspected', 0, 0],
      ['fenced', 800, 0.8],
      ['promoted', 850, 0.85],
      ['first-write', 900, 0.9],
      ['ended', 1000, 1],
    ],
  );
  t.deepEqual(
    spans.map(({ name, ms }) => [name, ms]),
    [
      ['fenced', 800],
      ['promoted', 50],
      ['first-write', 50],
      ['ended', 100],
    ],
  );
});

test('a failover that goes on is drawn as far as now, and has no duration', (t) => {
  const { stages, isOver, totalMs } = failoverStages({ ...whole, firstWriteAtMs: null, endedAtMs: null }, 2700);
  t.false(isOver);
  t.is(totalMs, null);
  t.is(stages.find(({ name }) => name === 'promoted')?.place, 0.5);
  t.is(stages.find(({ name }) => name === 'ended')?.offsetMs, null);
});

test('a stage that was not seen leaves a span between those that were', (t) => {
  const { spans } = failoverStages({ ...whole, fencedAtMs: null }, 0);
  t.deepEqual(
    spans.map(({ name, ms }) => [name, ms]),
    [
      ['promoted', 850],
      ['first-write', 50],
      ['ended', 100],
    ],
  );
});

test('whatever the clocks say, stages stand in their order and on the line', (t) => {
  const stamp = fc.option(fc.integer({ min: 0, max: 10_000 }));
  const stamps = {
    suspectedAtMs: stamp,
    fencedAtMs: stamp,
    promotedAtMs: stamp,
    firstWriteAtMs: stamp,
    endedAtMs: stamp,
  };
  fc.assert(
    fc.property(fc.record(stamps), fc.integer({ min: 0, max: 20_000 }), (times, nowMs) => {
      const { stages, spans } = failoverStages({ ...whole, ...times }, nowMs);
      const places = stages.map(({ place }) => place);
      t.deepEqual(
        places,
        [...places].sort((one, other) => one - other),
      );
      t.true(places.every((place) => place >= 0 && place <= 1));
      t.true(spans.every(({ from, to }) => from <= to));
    }),
  );
});

test('keys lost are told as a number only where somebody can know it', (t) => {
  t.is(keysLostText(whole), '0');
  t.is(keysLostText({ ...whole, keysLost: null, lostPartitions: 1 }), 'those of 1 partition without another copy');
});

test('who took most is named first', (t) => {
  t.is(takenByText(whole), 'n3 (22), n1 (21)');
});
