import test from 'ava';
import { Redial } from '../../../../src/cluster/bus/redial.ts';

const most = { nextUint32: () => 2 ** 32 - 1 };

test('delays double up to the most, and of each a random part is waited', (t) => {
  const redial = new Redial(50, 2000, most);
  t.deepEqual(
    Array.from({ length: 8 }, () => redial.delayMs()),
    [50, 100, 200, 400, 800, 1600, 2000, 2000],
  );
  const random = [0, 2 ** 31, 2 ** 32 - 1];
  const jittered = new Redial(1000, 1000, { nextUint32: () => random.shift() as number });
  t.deepEqual([jittered.delayMs(), jittered.delayMs(), jittered.delayMs()], [1, 501, 1000]);
});

test('a connection that lived starts the count anew; one that fell at once does not', (t) => {
  const redial = new Redial(50, 2000, most);
  for (let failure = 0; failure < 5; failure++) redial.delayMs();
  t.is(redial.delayMs(100), 1600);
  t.is(redial.delayMs(5000), 50);
  t.is(redial.delayMs(), 100);
});

test('after a refusal the longest is waited', (t) => {
  const redial = new Redial(50, 2000, most);
  redial.despair();
  t.is(redial.delayMs(), 2000);
  redial.reset();
  t.is(redial.delayMs(), 50);
});
