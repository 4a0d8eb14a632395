import test from 'ava';
import { backoffMs } from '../../../src/client/backoff.ts';

const BACKOFF = { delayMsFirst: 20, delayMsMax: 1000 };

test('the delay doubles with each failure up to its maximum', (t) => {
  const delays = [1, 2, 3, 4, 6, 7, 50, 5000].map((failures) => backoffMs(failures, BACKOFF, 0));
  t.deepEqual(delays, [20, 40, 80, 160, 640, 1000, 1000, 1000]);
});

test('chance takes off up to a half', (t) => {
  t.is(backoffMs(3, BACKOFF, 0.5), 60);
  t.is(Math.round(backoffMs(3, BACKOFF, 1 - Number.EPSILON)), 40);
  t.is(backoffMs(1, { delayMsFirst: 0, delayMsMax: 0 }, 0.7), 0);
});
