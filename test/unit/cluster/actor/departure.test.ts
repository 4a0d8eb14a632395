import test from 'ava';
import { Departure, lastCopiesOn } from '../../../../src/cluster/actor/departure.ts';
import type { ClusterCommand } from '../../../../src/cluster/controller/cluster-command.ts';
import type { ClusterState } from '../../../../src/cluster/controller/cluster-state.ts';
import type { CoordinatorAnswer } from '../../../../src/cluster/coordinator.ts';
import {
  after,
  alter,
  created,
  fence,
  handOver,
  member,
  place,
  running,
  settings,
  stop,
} from '../controller/configuration.ts';

function departing(state: ClusterState) {
  const run = {
    state,
    leader: 'b' as string | null,
    asked: [] as ClusterCommand[],
    answers: [] as ((answer: CoordinatorAnswer) => void)[],
    told: [] as string[],
    hasLease: true,
  };
  const departure = new Departure(
    { node: 'a', boot: 1 },
    {
      get state() {
        return run.state;
      },
      get leader() {
        return run.leader;
      },
      submit: (command, onAnswer) => {
        run.asked.push(command);
        run.answers.push(onAnswer);
      },
      endLease: () => {
        run.hasLease = false;
      },
    },
  );
  return { run, departure };
}

const refused: CoordinatorAnswer = { type: 'refused', reason: 'for now', isRetryable: true };

test('a hand-over is over when the last primary that others could have has gone, and leadership too', (t) => {
  const { run, departure } = departing(running('a', 'b'));
  departure.handOver(5000, (left) => run.told.push(`left ${left}`), 0);
  t.deepEqual(run.asked, [stop('a', false)]);
  run.state = after(run.state, stop('a', false));
  run.leader = 'a';
  departure.tick(10);
  run.state = after(run.state, (state) => handOver(state, 0, 'b'));
  departure.tick(20);
  t.deepEqual(run.told, [], 'it still leads');
  run.leader = 'b';
  departure.tick(30);
  t.deepEqual(run.told, ['left 0']);
  t.true(run.hasLease);
});

test('nothing is waited for that nobody could take', (t) => {
  const { run, departure } = departing(after(running('a', 'b'), fence('b'), stop('a', false)));
  run.leader = 'a';
  departure.handOver(5000, (left) => run.told.push(`left ${left}`), 0);
  t.deepEqual(run.told, ['left 1']);
});

test('the last copy is waited for while there is a node that could have one, wherever it is placed', (t) => {
  const began = after(created(settings(1, 2), 'a', 'b', 'c'), (state) => place(state, 0, 'a', 'b'), stop('b', true));
  const { run, departure } = departing(after(began, stop('a', false)));
  departure.handOver(5000, (left) => run.told.push(`left ${left}`), 0);
  departure.tick(100);
  t.deepEqual([run.told, lastCopiesOn(run.state, 'a')], [[], 1]);
  run.state = after(run.state, (state) => place(state, 0, 'c', 'a'));
  run.state = after(run.state, (state) => alter(state, 0, member('a'), member('c')));
  t.is(lastCopiesOn(run.state, 'a'), 0);
  run.state = after(run.state, (state) => handOver(state, 0, 'c'));
  departure.tick(200);
  t.deepEqual([run.told, lastCopiesOn(run.state, 'a')], [['left 0'], 0]);
});

test('what was refused for now is asked for again, until the time is over', (t) => {
  const { run, departure } = departing(running('a', 'b'));
  departure.handOver(1000, (left) => run.told.push(`left ${left}`), 0);
  departure.tick(100);
  t.is(run.asked.length, 1, 'it is not answered yet');
  run.answers[0]?.(refused);
  departure.tick(150);
  t.is(run.asked.length, 1);
  departure.tick(200);
  t.is(run.asked.length, 2);
  t.is(departure.wakeAtMs, 1000);
  departure.tick(1000);
  t.deepEqual(run.told, ['left 1']);
  t.is(departure.wakeAtMs, Number.POSITIVE_INFINITY);
});

test('the last word is said without a lease, and waited for a second at most', (t) => {
  const { run, departure } = departing(running('a', 'b'));
  departure.leave(10_000, () => run.told.push('left'), 0);
  t.false(run.hasLease);
  t.deepEqual(run.asked, [stop('a', true)]);
  departure.tick(999);
  t.deepEqual(run.told, []);
  departure.tick(1000);
  t.deepEqual(run.told, ['left']);
});

test('the last word ends when the state shows it; a node that is in no cluster has none', (t) => {
  const { run, departure } = departing(running('a', 'b'));
  departure.leave(10_000, () => run.told.push('left'), 0);
  run.state = after(run.state, stop('a', true));
  departure.tick(5);
  t.deepEqual(run.told, ['left']);
  const other = departing(running('b', 'c'));
  other.departure.leave(10_000, () => other.run.told.push('left'), 0);
  t.deepEqual([other.run.told, other.run.asked], [['left'], []]);
});
