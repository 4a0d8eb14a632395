import test from 'ava';
import { Watchdog } from '../../../src/shard/watchdog.ts';

/** Checks every `intervalMs` with an unchanged word until the verdict, and returns how long that took. */
function msUntilHang(watchdog: Watchdog, activity: number, intervalMs: number, fromMs: number): number {
  for (let passed = intervalMs; passed <= 60_000; passed += intervalMs) {
    if (watchdog.check(activity, fromMs + passed)) return passed;
  }
  return Number.POSITIVE_INFINITY;
}

test('an actor whose word stays the same for longer than the limit hangs', (t) => {
  const ms = msUntilHang(new Watchdog(1000, 500, 100, 0), 7, 100, 0);
  t.true(ms > 1000 && ms <= 1300, `${ms} ms`);
});

test('an actor that is not there does not hang', (t) => {
  t.is(msUntilHang(new Watchdog(1000, 500, 100, 0), 0, 100, 0), Number.POSITIVE_INFINITY);
});

test('an actor that sleeps and wakes now and then does not hang', (t) => {
  const watchdog = new Watchdog(1000, 500, 100, 0);
  for (let now = 100; now < 60_000; now += 100) t.false(watchdog.check(-1 - Math.floor(now / 1400), now));
});

test('an actor that does not wake when it should hangs', (t) => {
  const ms = msUntilHang(new Watchdog(1000, 500, 100, 0), -7, 100, 0);
  t.true(ms > 1500 && ms <= 1800, `${ms} ms`);
});

test('an actor that goes on to the next command does not hang', (t) => {
  const watchdog = new Watchdog(1000, 500, 100, 0);
  for (let now = 100; now < 60_000; now += 100) t.false(watchdog.check(1 + Math.floor(now / 900), now));
});

test('a pause of the whole process counts as two intervals, not as a hang', (t) => {
  const watchdog = new Watchdog(1000, 500, 100, 0);
  t.false(watchdog.check(7, 100));
  t.false(watchdog.check(7, 200));
  t.false(watchdog.check(7, 30_200));
  t.false(watchdog.check(7, 60_200));
});

test('a replaced actor starts with a clean slate', (t) => {
  const watchdog = new Watchdog(1000, 500, 100, 0);
  t.true(Number.isFinite(msUntilHang(watchdog, 7, 100, 0)));
  watchdog.reset(5000);
  t.false(watchdog.check(7, 5100));
  t.true(msUntilHang(watchdog, 7, 100, 5100) > 900);
});
