import test from 'ava';
import type { ClusterCommand } from '../../../src/cluster/controller/cluster-command.ts';
import type { CoordinatorAnswer } from '../../../src/cluster/coordinator.ts';
import { RequestDesk } from '../../../src/cluster/request-desk.ts';

const COMMAND: ClusterCommand = { type: 'reset', partition: 3, version: 1, givesUp: false };

function start(requestsMax = 10): { desk: RequestDesk; sent: number[]; answers: [number, CoordinatorAnswer][] } {
  const sent: number[] = [];
  const answers: [number, CoordinatorAnswer][] = [];
  const desk = new RequestDesk(
    { requestTimeoutMs: 1000, resendMs: 200, requestsMax },
    (request) => sent.push(request),
    (request, answer) => answers.push([request, answer]),
  );
  return { desk, sent, answers };
}

test('a request is sent at once, and again until it is answered', (t) => {
  const { desk, sent, answers } = start();
  desk.submit(1, COMMAND, 0);
  t.is(desk.wakeAtMs, 200);
  desk.tick(199);
  t.deepEqual(sent, [1]);
  desk.tick(200);
  t.deepEqual(sent, [1, 1]);
  desk.onAnswer(1, { type: 'applied', index: 7 }, 250);
  desk.tick(1000);
  t.deepEqual(sent, [1, 1]);
  t.deepEqual(answers, [[1, { type: 'applied', index: 7 }]]);
  t.is(desk.wakeAtMs, Number.POSITIVE_INFINITY);
});

test('a request that nobody answers ends as unknown', (t) => {
  const { desk, answers } = start();
  desk.submit(1, COMMAND, 0);
  desk.tick(1000);
  t.deepEqual(answers, [[1, { type: 'unknown' }]]);
  t.is(desk.size, 0);
});

test('an answer that comes twice is told once', (t) => {
  const { desk, answers } = start();
  desk.submit(1, COMMAND, 0);
  desk.onAnswer(1, { type: 'refused', reason: 'no', isRetryable: false }, 1);
  desk.onAnswer(1, { type: 'applied', index: 7 }, 2);
  t.deepEqual(answers, [[1, { type: 'refused', reason: 'no', isRetryable: false }]]);
});

test('a new leader gets all that waits at once', (t) => {
  const { desk, sent } = start();
  desk.submit(1, COMMAND, 0);
  desk.submit(2, COMMAND, 50);
  desk.onLeader(100);
  t.deepEqual(sent, [1, 2, 1, 2]);
  t.is(desk.wakeAtMs, 300);
});

test('beyond its limit a request is refused, and nothing grows', (t) => {
  const { desk, sent, answers } = start(1);
  desk.submit(1, COMMAND, 0);
  desk.submit(2, COMMAND, 0);
  t.deepEqual(sent, [1]);
  t.is(desk.size, 1);
  t.is(answers[0]?.[0], 2);
  t.is(answers[0]?.[1].type, 'refused');
});
