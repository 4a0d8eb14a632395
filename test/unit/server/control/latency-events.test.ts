import test from 'ava';
import { LatencyEvents } from '../../../../src/server/control/latency-events.ts';

function eventsAt(startMs: number) {
  const clock = { timeMs: startMs, nowMs: () => clock.timeMs };
  return { clock, events: new LatencyEvents(clock) };
}

test('nothing is kept without a threshold, nor what is below it', (t) => {
  const { events } = eventsAt(1000);
  events.sample('a', 500);
  events.thresholdMs = 100;
  t.teardown(() => events.stop());
  events.sample('a', 99);
  t.deepEqual([...events.events()], []);
  events.sample('a', 100);
  t.deepEqual([...events.events()], [{ name: 'a', maxMs: 100, samples: [{ atMs: 1000, latencyMs: 100 }] }]);
});

test('of the samples of one second the longest is kept, and of a kind the last 160', (t) => {
  const { clock, events } = eventsAt(0);
  events.thresholdMs = 1;
  t.teardown(() => events.stop());
  events.sample('a', 900);
  for (let second = 0; second < 200; second++) {
    clock.timeMs = second * 1000;
    events.sample('a', 5);
    events.sample('a', 7.4);
    events.sample('a', 6);
  }
  const [event] = [...events.events()];
  t.is(event?.samples.length, 160);
  t.deepEqual(event?.samples.at(-1), { atMs: 199_000, latencyMs: 7 });
  t.is(event?.maxMs, 900, 'the greatest ever is remembered when its sample is gone');
});

test('events are forgotten by name, or all', (t) => {
  const { events } = eventsAt(0);
  events.thresholdMs = 1;
  t.teardown(() => events.stop());
  for (const name of ['a', 'b', 'c']) events.sample(name, 5);
  t.is(events.reset(['a', 'nope']), 1);
  t.is(events.reset(null), 2);
  t.deepEqual([...events.events()], []);
});

test('a blocked event loop is an event', async (t) => {
  const { events } = eventsAt(Date.now());
  events.thresholdMs = 20;
  t.teardown(() => events.stop());
  await new Promise((resolve) => setImmediate(resolve));
  const endMs = performance.now() + 120;
  while (performance.now() < endMs);
  for (const until = performance.now() + 5000; performance.now() < until && [...events.events()].length === 0; ) {
    await new Promise((resolve) => setImmediate(resolve));
  }
  const [event] = [...events.events()];
  t.is(event?.name, 'event-loop');
  t.true((event?.maxMs ?? 0) >= 20);
});
