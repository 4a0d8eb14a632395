import test from 'ava';
import { monotonicMs } from '../../../src/base/monotonic.ts';
import { ShardControl } from '../../../src/shard/shard-control.ts';

function until(ms: number): void {
  while (monotonicMs() < ms) {
    // The event loop is to stand still as an actor's thread does.
  }
}

test('commands are counted by the actor and read by others', (t) => {
  const handle = ShardControl.create();
  const actor = new ShardControl(handle);
  const watcher = new ShardControl(handle);
  t.is(watcher.commands, 0);
  actor.ran(3);
  actor.ran(128);
  t.is(watcher.commands, 131);
});

test('an actor is busy from its creation on, but for what it slept, the present sleep included', (t) => {
  const beganMs = monotonicMs();
  const handle = ShardControl.create();
  const actor = new ShardControl(handle);
  const watcher = new ShardControl(handle);
  until(beganMs + 20);
  const awakeMs = watcher.busyMs;
  t.true(awakeMs >= 19 && awakeMs <= monotonicMs() - beganMs);
  actor.fallAsleep();
  const asleepSinceMs = monotonicMs();
  until(asleepSinceMs + 20);
  const busyMs = watcher.busyMs;
  // All but the moments around the two readings of the clock here.
  t.true(busyMs >= awakeMs && busyMs <= asleepSinceMs - beganMs + 1, `${busyMs}`);
  actor.wake();
  until(monotonicMs() + 20);
  t.true(watcher.busyMs >= busyMs + 20);
  t.true(watcher.busyMs <= monotonicMs() - beganMs - 20 + 1);
});

test('a successor on the same memory goes on with the counts', (t) => {
  const handle = ShardControl.create();
  new ShardControl(handle).ran(5);
  const successor = new ShardControl(handle);
  successor.ran(2);
  t.is(new ShardControl(handle).commands, 7);
});

test('what was told never goes back, though a sleep that ends just then is counted twice', (t) => {
  const handle = ShardControl.create();
  const actor = new ShardControl(handle);
  const watcher = new ShardControl(handle);
  until(monotonicMs() + 10);
  const before = watcher.busyMs;
  actor.fallAsleep();
  // The sleep is added, and not over yet: what a reader sees between the two stores of `wake`.
  const load = new Float64Array(handle.sab);
  const sinceMs = load[3] as number;
  until(monotonicMs() + 10);
  load[2] = monotonicMs() - sinceMs;
  t.true(watcher.busyMs >= before);
  load[3] = 0;
  t.true(watcher.busyMs >= before);
});

test('the load stands beside the other words and changes none of them', (t) => {
  const handle = ShardControl.create();
  const actor = new ShardControl(handle);
  actor.began();
  const { activity } = actor;
  actor.setInterest(6);
  actor.ran(1e9);
  actor.fallAsleep();
  actor.wake();
  t.is(actor.activity, activity);
  t.is(actor.interest, 6);
  t.false(actor.stopRequested);
});
