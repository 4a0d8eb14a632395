import test from 'ava';
import { type LinkQuality, SimulatedNetwork } from './network.ts';
import { SeededRandom } from './random.ts';
import { Schedule } from './schedule.ts';
import { Trace } from './trace.ts';

const perfect: LinkQuality = {
  minDelayMs: 1,
  meanDelayMs: 2,
  loss: 0,
  duplication: 0,
  corruption: 0,
  isReordering: false,
};

function networkOf(quality: LinkQuality) {
  const schedule = new Schedule();
  const arrived: { to: string; frame: readonly number[]; atMs: number }[] = [];
  const network = new SimulatedNetwork(schedule, new SeededRandom(3), new Trace(), quality, (_from, to, frame) =>
    arrived.push({ to, frame: [...frame], atMs: schedule.nowMs }),
  );
  const sendMany = (count: number) => {
    for (let number = 0; number < count; number++) network.send('a', 'b', Uint8Array.of(number >> 8, number & 255));
  };
  const numbers = () => arrived.map(({ frame: [high = 0, low = 0] }) => high * 256 + low);
  return { schedule, network, arrived, sendMany, numbers };
}

test('a good link delivers everything once and in order, after its delay', (t) => {
  const { schedule, sendMany, numbers, arrived } = networkOf(perfect);
  sendMany(500);
  schedule.runUntil(1000);
  t.deepEqual(
    numbers(),
    Array.from({ length: 500 }, (_, number) => number),
  );
  t.true(arrived.every(({ atMs }) => atMs >= 1));
});

test('a bad link loses, doubles, reorders and damages frames', (t) => {
  const bad = { ...perfect, loss: 0.3, duplication: 0.5, corruption: 0.1, isReordering: true };
  const { schedule, network, sendMany, numbers } = networkOf(bad);
  sendMany(2000);
  schedule.runUntil(1000);
  const { counts } = network;
  t.true(Math.abs(counts.lost - 600) < 80, `${counts.lost} lost`);
  t.true(Math.abs(counts.duplicated - 700) < 80, `${counts.duplicated} doubled`);
  t.true(Math.abs(counts.corrupted - 140) < 50, `${counts.corrupted} damaged`);
  t.is(numbers().length, 2000 - counts.lost + counts.duplicated);
  t.notDeepEqual(
    numbers(),
    [...numbers()].sort((left, right) => left - right),
  );
});

test('a cut link loses what is sent and what is under way, in that direction alone, until all cuts are mended', (t) => {
  const { schedule, network, sendMany, arrived } = networkOf(perfect);
  sendMany(3);
  network.cut('a', 'b');
  network.cut('a', 'b');
  sendMany(3);
  network.send('b', 'a', Uint8Array.of(9, 9));
  schedule.runUntil(100);
  t.deepEqual(
    arrived.map(({ to }) => to),
    ['a'],
  );
  network.mend('a', 'b');
  sendMany(1);
  schedule.runUntil(200);
  t.is(arrived.length, 1);
  network.mend('a', 'b');
  sendMany(1);
  schedule.runUntil(300);
  t.is(arrived.length, 2);
});

test('a clogged link holds frames back and lets all go later', (t) => {
  const { schedule, network, sendMany, numbers } = networkOf(perfect);
  network.clog('a', 'b');
  sendMany(4);
  schedule.runUntil(500);
  t.deepEqual(numbers(), []);
  network.unclog('a', 'b');
  schedule.runUntil(600);
  t.deepEqual(numbers(), [0, 1, 2, 3]);
});

test('no more is under way than the limit, whatever is sent', (t) => {
  const { schedule, network, sendMany, numbers } = networkOf(perfect);
  network.clog('a', 'b');
  sendMany(5000);
  t.is(network.counts.linkFramesPeak, 4096);
  t.is(network.counts.overflowed, 904);
  network.healAll(perfect);
  schedule.runUntil(1000);
  t.is(numbers().length, 4096);
});
