import test from 'ava';
import { DelayWindow } from '../../../src/monitoring/delay-window.ts';

test('of no delays at all every figure is 0', (t) => {
  const window = new DelayWindow();
  t.deepEqual(window.delay(), { p50Ms: 0, p99Ms: 0, maxMs: 0 });
  t.deepEqual(window.add(0, []), { p50Ms: 0, p99Ms: 0, maxMs: 0 });
  t.deepEqual(window.delay(), { p50Ms: 0, p99Ms: 0, maxMs: 0 });
});

test('a second is told by itself, and the minute by all its seconds', (t) => {
  const window = new DelayWindow();
  const calm = window.add(100, [
    [0, 0.1],
    [50, 0.1],
    [100, 0.5],
  ]);
  t.deepEqual(calm, { p50Ms: 0.1, p99Ms: 0.5, maxMs: 0.5 });
  const late = window.add(100, [
    [50, 0.1],
    [98.4375, 0.2],
    [100, 80],
  ]);
  t.deepEqual(late, { p50Ms: 0.1, p99Ms: 80, maxMs: 80 });
  t.deepEqual(window.delay(), { p50Ms: 0.1, p99Ms: 0.5, maxMs: 80 });
});

test('asking takes nothing away: two who ask hear the same', (t) => {
  const window = new DelayWindow();
  window.add(10, [[100, 3]]);
  t.deepEqual(window.delay(), window.delay());
  t.is(window.delay().maxMs, 3);
});

test('what is more than a minute old counts no longer', (t) => {
  const window = new DelayWindow();
  window.add(100, [[100, 900]]);
  for (let second = 0; second < 59; second++) window.add(100, [[100, 1]]);
  t.is(window.delay().maxMs, 900);
  window.add(100, [[100, 1]]);
  t.deepEqual(window.delay(), { p50Ms: 1, p99Ms: 1, maxMs: 1 });
});
