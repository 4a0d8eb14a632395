import test from 'ava';
import { Freshness } from '../../../../src/cluster/replication/freshness.ts';

test('an echo counts once what was committed when it was sent is applied', (t) => {
  const freshness = new Freshness(0);
  freshness.echoed(100, 7, 5, 150);
  t.is(freshness.freshAtMs, Number.NEGATIVE_INFINITY);
  freshness.applied(6);
  t.is(freshness.freshAtMs, Number.NEGATIVE_INFINITY);
  freshness.applied(7);
  t.is(freshness.freshAtMs, 100);
});

test('a copy that is always one write behind still grows fresher', (t) => {
  const freshness = new Freshness(0);
  for (let seq = 1; seq <= 20; seq++) {
    freshness.echoed(seq * 10, seq, seq - 1, seq * 10 + 5);
  }
  t.true(freshness.freshAtMs >= 170);
});

test('an echo of a stamp from before the start, or of the future, counts for nothing', (t) => {
  const freshness = new Freshness(1000);
  freshness.echoed(999, 0, 0, 1500);
  freshness.echoed(1501, 0, 0, 1500);
  freshness.echoed(-1, 0, 0, 1500);
  t.is(freshness.freshAtMs, Number.NEGATIVE_INFINITY);
});

test('an echo that comes late makes nothing older', (t) => {
  const freshness = new Freshness(0);
  freshness.echoed(200, 1, 1, 300);
  freshness.echoed(100, 1, 1, 300);
  t.is(freshness.freshAtMs, 200);
});
