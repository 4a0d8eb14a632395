import test from 'ava';
import { HeartbeatDesk } from '../../../src/cluster/heartbeat-desk.ts';

function start(): { desk: HeartbeatDesk; asked: number[] } {
  const asked: number[] = [];
  return { desk: new HeartbeatDesk((round) => asked.push(round)), asked };
}
const beat = (node: string, sentAtMs: number) => ({ node, boot: 1, sentAtMs });

test('a heartbeat is answered after the round that was begun when it came', (t) => {
  const { desk, asked } = start();
  desk.onHeartbeat(beat('a', 1));
  t.deepEqual(asked, [1]);
  t.deepEqual(desk.confirmed(1), [beat('a', 1)]);
  t.is(desk.size, 0);
});

test('a heartbeat that comes during a round waits for the next one', (t) => {
  const { desk, asked } = start();
  desk.onHeartbeat(beat('a', 1));
  desk.onHeartbeat(beat('b', 2));
  t.deepEqual(desk.confirmed(1), [beat('a', 1)]);
  t.deepEqual(asked, [1, 2]);
  t.deepEqual(desk.confirmed(2), [beat('b', 2)]);
});

test('heartbeats of one node that wait are one', (t) => {
  const { desk } = start();
  desk.onHeartbeat(beat('a', 1));
  desk.onHeartbeat(beat('b', 2));
  desk.onHeartbeat(beat('b', 3));
  desk.confirmed(1);
  t.deepEqual(desk.confirmed(2), [beat('b', 3)]);
});

test('what a leader was asked before it lost its place is never answered', (t) => {
  const { desk } = start();
  desk.onHeartbeat(beat('a', 1));
  desk.resign();
  t.deepEqual(desk.confirmed(1), []);
  desk.onHeartbeat(beat('a', 9));
  t.deepEqual(desk.confirmed(1), []);
  t.deepEqual(desk.confirmed(2), [beat('a', 9)]);
});

test('a round that is refused answers nobody, and the next one begins', (t) => {
  const { desk, asked } = start();
  desk.onHeartbeat(beat('a', 1));
  desk.onHeartbeat(beat('b', 2));
  desk.refused(1);
  t.deepEqual(asked, [1, 2]);
  t.deepEqual(desk.confirmed(2), [beat('b', 2)]);
});
