import test from 'ava';
import { RestartBackoff } from '../../../src/shard/restart-backoff.ts';

test('the first restart is at once, later ones double up to the cap', (t) => {
  const backoff = new RestartBackoff(50, 1000, 10_000);
  t.deepEqual(
    Array.from({ length: 9 }, () => backoff.delayMs(5)),
    [0, 50, 100, 200, 400, 800, 1000, 1000, 1000],
  );
});

test('an actor that lived long enough is restarted at once again', (t) => {
  const backoff = new RestartBackoff(50, 1000, 10_000);
  for (let death = 0; death < 5; death++) backoff.delayMs(0);
  t.is(backoff.delayMs(10_000), 0);
  t.is(backoff.delayMs(9_999), 50);
});

test('any number of deaths stays at the cap', (t) => {
  const backoff = new RestartBackoff(50, 1000, 10_000);
  for (let death = 0; death < 5000; death++) backoff.delayMs(0);
  t.is(backoff.delayMs(0), 1000);
});
