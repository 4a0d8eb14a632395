import test from 'ava';
import { Barrier, BarrierState } from '../../../src/shard/barrier.ts';
import { interleave } from '../../atomic-accesses.ts';

const { gathering, locking, running, completed, refused, undone } = BarrierState;

function barriers(count: number): Barrier[] {
  const handle = Barrier.create(4);
  return Array.from({ length: count }, () => new Barrier(handle));
}

test('a slot goes to its next state when the last participant is ready, and not before', (t) => {
  const [one, other] = barriers(2) as [Barrier, Barrier];
  one.clear(7);
  for (const from of [gathering, locking, running]) {
    t.is(one.state(7), from);
    one.ready(7, 0, 2, from);
    t.is(other.state(7), from);
    other.ready(7, 1, 2, from);
    t.is(one.state(7), (from + 1) as BarrierState);
  }
  t.is(one.state(7), completed);
  t.is(one.state(6), gathering, 'slots are apart');
  one.clear(7);
  t.is(one.state(7), gathering);
});

test('of two participants that become ready at any two instants, one takes the step', (t) => {
  for (let n = 1; ; n++) {
    const [one, other] = barriers(2) as [Barrier, Barrier];
    one.clear(0);
    const met = interleave(
      () => one.ready(0, 0, 2, gathering),
      n,
      () => other.ready(0, 1, 2, gathering),
    );
    if (!met) {
      t.true(n > 2);
      break;
    }
    t.is(one.state(0), locking, `instant ${n}`);
  }
});

test('a transaction is given up for all or for none', (t) => {
  for (const [reached, outcome] of [
    [gathering, undone],
    [locking, undone],
    [running, undone],
    [completed, completed],
    [refused, refused],
  ] as const) {
    const [one, other] = barriers(2) as [Barrier, Barrier];
    one.clear(3);
    t.is(one.move(3, gathering, reached), reached);
    t.is(other.giveUp(3), outcome);
    t.is(one.move(3, running, completed), outcome, 'too late');
  }
});

test('what becomes of a dead shard’s group is decided by the transaction it was in', (t) => {
  const [front, actor, successor] = barriers(3) as [Barrier, Barrier, Barrier];
  t.false(successor.settle(2), 'it was in none');
  front.clear(1);
  actor.enter(2, 1);
  t.false(front.settle(2));
  t.is(actor.state(1), undone);
  t.false(successor.settle(2), 'asked again, the answer is the same');
  front.clear(1);
  front.move(1, gathering, completed);
  t.true(successor.settle(2));
  successor.leave(2);
  t.false(successor.settle(2));
});
