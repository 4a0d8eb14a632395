import test from 'ava';
import { RefillDelays } from '../../../../src/shard/replicated/refill-delays.ts';

/** How long the partition's copy waits from `nowMs` on, in steps of 100 ms. */
function lastsFrom(delays: RefillDelays, nowMs: number): number {
  let ms = 0;
  while (delays.lasts(1, nowMs + ms)) ms += 100;
  return ms;
}

test('a copy waits longer each time it finds no room, up to half a minute, and anew once it went well', (t) => {
  const delays = new RefillDelays();
  t.false(delays.lasts(1, 0));
  let nowMs = 0;
  const waits: number[] = [];
  for (let count = 0; count < 9; count++) {
    delays.begin(1, nowMs);
    const ms = lastsFrom(delays, nowMs);
    waits.push(ms);
    nowMs += ms + 1000;
  }
  t.deepEqual(waits, [500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000]);
  t.false(delays.lasts(2, 0));
  nowMs += 60_000;
  delays.begin(1, nowMs);
  t.is(lastsFrom(delays, nowMs), 500);
});
