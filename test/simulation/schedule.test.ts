import test from 'ava';
import fc from 'fast-check';
import { SimulatedClock } from './clock.ts';
import { SeededRandom } from './random.ts';
import { Schedule } from './schedule.ts';
import { Trace } from './trace.ts';

test('events happen in the order of their time, those of one moment in the order they were asked for', (t) => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 20 }), { maxLength: 60 }), (times) => {
      const schedule = new Schedule();
      const seen: [number, number][] = [];
      for (const [order, atMs] of times.entries()) schedule.at(atMs, () => seen.push([schedule.nowMs, order]));
      schedule.runUntil(100);
      const expected = times.map((atMs, order): [number, number] => [atMs, order]);
      expected.sort((left, right) => left[0] - right[0] || left[1] - right[1]);
      t.deepEqual(seen, expected);
      t.is(schedule.size, 0);
    }),
  );
});

test('an event may ask for others, and one that should have been happens now', (t) => {
  const schedule = new Schedule();
  const seen: string[] = [];
  schedule.at(5, () => {
    schedule.at(1, () => seen.push(`late at ${schedule.nowMs}`));
    schedule.after(2, () => seen.push(`later at ${schedule.nowMs}`));
  });
  schedule.runUntil(6);
  t.deepEqual(seen, ['late at 5']);
  t.is(schedule.nowMs, 6);
  schedule.runUntil(10);
  t.deepEqual(seen, ['late at 5', 'later at 7']);
});

test('the same seed gives the same numbers; another seed or stream gives others', (t) => {
  const draw = (seed: number, stream: number) => {
    const random = new SeededRandom(seed, stream);
    return Array.from({ length: 8 }, () => random.nextUint32());
  };
  t.deepEqual(draw(7, 1), draw(7, 1));
  t.notDeepEqual(draw(7, 1), draw(7, 2));
  t.notDeepEqual(draw(7, 1), draw(8, 1));
  t.notDeepEqual(draw(7, 1), draw(7 + 2 ** 32, 1));
});

test('random numbers are spread as they say', (t) => {
  const random = new SeededRandom(1);
  const count = 20_000;
  const counts = [0, 0, 0, 0, 0];
  let waited = 0;
  for (let draw = 0; draw < count; draw++) {
    const index = random.integer(0, 4);
    counts[index] = (counts[index] ?? 0) + 1;
    waited += random.exponential(3);
  }
  for (const each of counts) t.true(Math.abs(each - count / 5) < 300, `${each} of ${count}`);
  t.true(Math.abs(waited / count - 3) < 0.1, `mean ${waited / count}`);
  t.deepEqual(random.shuffled([1, 2, 3, 4]).sort(), [1, 2, 3, 4]);
});

test('a clock that drifts shows a moment no earlier than the schedule wakes for it', (t) => {
  fc.assert(
    fc.property(
      fc.double({ min: 0, max: 1e6, noNaN: true }),
      fc.double({ min: 0.99, max: 1.01, noNaN: true }),
      fc.double({ min: 0, max: 1e5, noNaN: true }),
      (startMs, rate, afterMs) => {
        const clock = new SimulatedClock(startMs, 5000, rate);
        t.true(Math.abs(clock.read(startMs) - 5000) < 1e-6);
        const wakeMs = 5000 + afterMs;
        const atMs = clock.trueTimeOf(wakeMs);
        t.true(clock.read(atMs) >= wakeMs);
        t.true(clock.read(atMs) < wakeMs + 0.001);
      },
    ),
  );
});

test('a trace tells by its hash whether anything differed, and text does not count', (t) => {
  const lines: string[] = [];
  const trace = new Trace((line) => lines.push(line));
  const silent = new Trace();
  for (const one of [trace, silent]) {
    one.event(1.5, 2, 3, 4);
    one.say(1.5, 'n1', () => 'says something');
  }
  t.is(trace.hash, silent.hash);
  t.deepEqual(lines, ['      1.500 n1   says something']);
  silent.event(1.5, 2, 3, 5);
  trace.event(1.5000001, 2, 3, 5);
  t.not(trace.hash, silent.hash);
});
