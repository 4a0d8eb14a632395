import test from 'ava';
import type { ClusterCommand } from '../../../src/cluster/controller/cluster-command.ts';
import { emptyClusterState } from '../../../src/cluster/controller/cluster-state.ts';
import type { Admission } from '../../../src/cluster/controller/controller.ts';
import type { CoordinatorAnswer } from '../../../src/cluster/coordinator.ts';
import { LeaderDesk } from '../../../src/cluster/leader-desk.ts';
import type { Asker } from '../../../src/cluster/request-desk.ts';

const COMMAND: ClusterCommand = { type: 'drain', node: 'b', boot: 1, isDraining: true, leaves: false };
const ASKER: Asker = { node: 'b', request: 7 };

interface Fixture {
  desk: LeaderDesk;
  proposed: number[];
  answers: [Asker, CoordinatorAnswer][];
  settled: [ClusterCommand, boolean][];
  admission: { now: Admission };
}

function start(requestsMax = 10): Fixture {
  const proposed: number[] = [];
  const answers: [Asker, CoordinatorAnswer][] = [];
  const settled: [ClusterCommand, boolean][] = [];
  const admission: { now: Admission } = { now: { type: 'now' } };
  const desk = new LeaderDesk(
    { requestsMax },
    { admit: () => admission.now },
    (number) => proposed.push(number),
    (asker, answer) => answers.push([asker, answer]),
    (command, isApplied) => settled.push([command, isApplied]),
  );
  return { desk, proposed, answers, settled, admission };
}

test('a request is answered when its entry is applied, with its index', (t) => {
  const { desk, proposed, answers } = start();
  desk.onRequest(ASKER, COMMAND, emptyClusterState, 0);
  t.deepEqual(proposed, [1]);
  desk.onProposed(1, 40, 3);
  desk.onApplied(39, 3, null);
  t.deepEqual(answers, []);
  desk.onApplied(40, 3, null);
  t.deepEqual(answers, [[ASKER, { type: 'applied', index: 40 }]]);
  t.is(desk.size, 0);
});

test('a refusal by the configuration is told with its reason', (t) => {
  const { desk, answers } = start();
  desk.onRequest(ASKER, COMMAND, emptyClusterState, 0);
  desk.onProposed(1, 40, 3);
  desk.onApplied(40, 3, 'there is no node b');
  t.deepEqual(answers, [[ASKER, { type: 'refused', reason: 'there is no node b', isRetryable: false }]]);
});

test('when another entry came to stand at its index, nobody knows what became of a request', (t) => {
  const { desk, answers } = start();
  desk.onRequest(ASKER, COMMAND, emptyClusterState, 0);
  desk.onProposed(1, 40, 3);
  desk.onApplied(40, 5, null);
  t.deepEqual(answers, [[ASKER, { type: 'unknown' }]]);
});

test('a request that comes again while it is under way is proposed once', (t) => {
  const { desk, proposed, answers } = start();
  desk.onRequest(ASKER, COMMAND, emptyClusterState, 0);
  desk.onRequest(ASKER, COMMAND, emptyClusterState, 1);
  t.deepEqual(proposed, [1]);
  desk.onProposed(1, 40, 3);
  desk.onApplied(40, 3, null);
  t.is(answers.length, 1);
  // Its answer was lost: it is asked again, and may be, for it compares and sets.
  desk.onRequest(ASKER, COMMAND, emptyClusterState, 2);
  t.deepEqual(proposed, [1, 2]);
});

test('what may not be done yet waits, and is asked for again when its time has come', (t) => {
  const { desk, proposed, admission } = start();
  admission.now = { type: 'wait', untilMs: 500 };
  desk.onRequest(ASKER, COMMAND, emptyClusterState, 0);
  desk.onRequest(ASKER, COMMAND, emptyClusterState, 10);
  t.is(desk.size, 1);
  t.is(desk.wakeAtMs, 500);
  desk.tick(emptyClusterState, 499);
  admission.now = { type: 'wait', untilMs: 900 };
  desk.tick(emptyClusterState, 500);
  t.deepEqual(proposed, []);
  t.is(desk.wakeAtMs, 900);
  admission.now = { type: 'now' };
  desk.tick(emptyClusterState, 900);
  t.deepEqual(proposed, [1]);
  t.is(desk.wakeAtMs, Number.POSITIVE_INFINITY);
});

test('what may not be asked is refused at once', (t) => {
  const { desk, proposed, answers, admission } = start();
  admission.now = { type: 'refuse', reason: 'for the controller alone', isRetryable: false };
  desk.onRequest(ASKER, COMMAND, emptyClusterState, 0);
  t.deepEqual(proposed, []);
  t.deepEqual(answers, [[ASKER, { type: 'refused', reason: 'for the controller alone', isRetryable: false }]]);
});

test('beyond its limit a request is refused, and nothing grows', (t) => {
  const { desk, answers } = start(1);
  desk.onRequest(ASKER, COMMAND, emptyClusterState, 0);
  desk.onRequest({ node: 'c', request: 1 }, COMMAND, emptyClusterState, 0);
  t.is(desk.size, 1);
  t.is(answers[0]?.[1].type, 'refused');
});

test('a refusal because the leader is busy with itself says that asking again may help', (t) => {
  const { desk, answers } = start();
  desk.onRequest(ASKER, COMMAND, emptyClusterState, 0);
  desk.onRefused(1);
  const answer = answers[0]?.[1];
  t.true(answer?.type === 'refused' && answer.isRetryable);
  t.is(desk.size, 0);
});

test('a leader that resigns forgets what was asked, and answers none of it later', (t) => {
  const { desk, answers } = start();
  desk.onRequest(ASKER, COMMAND, emptyClusterState, 0);
  desk.onProposed(1, 40, 3);
  desk.resign();
  desk.onApplied(40, 3, null);
  t.deepEqual(answers, []);
  t.is(desk.size, 0);
});

test('of its own proposals the controller is told which were applied and which refused, and of nobody else’s', (t) => {
  const { desk, answers, settled } = start();
  const [refused, late, done, replaced] = (['b', 'c', 'd', 'e'] as const).map(
    (node) => ({ type: 'fence', node, boot: 1 }) as const,
  );
  for (const command of [refused, late, done, replaced]) if (command !== undefined) desk.propose(null, command);
  desk.onRefused(1);
  desk.onProposed(2, 40, 3);
  desk.onProposed(3, 41, 3);
  desk.onProposed(4, 42, 3);
  desk.onApplied(40, 3, 'node c is fenced already');
  desk.onApplied(41, 3, null);
  desk.onApplied(42, 5, null);
  t.deepEqual(settled, [
    [refused, false],
    [late, false],
    [done, true],
    [replaced, false],
  ]);
  t.deepEqual(answers, []);
  desk.onRequest(ASKER, COMMAND, emptyClusterState, 0);
  desk.onRefused(5);
  t.is(settled.length, 4);
});
